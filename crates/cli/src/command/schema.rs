//! `squall schema`.

use crate::error::{CliError, Exit};
use crate::terminal;

pub(crate) fn schema() -> Result<Exit, CliError> {
    terminal::data(format_args!("{:#}", squall_scenario::json_schema()));
    Ok(Exit::Met)
}
