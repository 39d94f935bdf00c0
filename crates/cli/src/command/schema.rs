//! `squall schema`.

use crate::error::{Error, Exit};
use crate::terminal;

pub(crate) fn schema() -> Result<Exit, Error> {
    terminal::data(format_args!("{:#}", squall_scenario::json_schema()));
    Ok(Exit::Met)
}
