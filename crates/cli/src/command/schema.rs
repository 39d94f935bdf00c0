//! `squall schema`.

use crate::args::SchemaArgs;
use crate::error::{CliError, Exit};
use crate::terminal;

pub(crate) fn schema(args: &SchemaArgs) -> Result<Exit, CliError> {
    let schema = squall_scenario::json_schema(args.of.into());
    terminal::document("schema", &schema);
    Ok(Exit::Met)
}
