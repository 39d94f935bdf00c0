//! `squall schema`.

use crate::args::{SchemaArgs, SchemaOf};
use crate::error::{CliError, Exit};
use crate::terminal;
use squall_judge::{WrittenFile, written_schema};
use squall_scenario::{FileKind, json_schema};

pub(crate) fn schema(args: &SchemaArgs) -> Result<Exit, CliError> {
    let schema = match args.of {
        SchemaOf::Scenario => json_schema(FileKind::Scenario),
        SchemaOf::Gateway => json_schema(FileKind::Gateway),
        SchemaOf::Mock => json_schema(FileKind::Mock),
        SchemaOf::Checklist => json_schema(FileKind::Checklist),
        SchemaOf::Summary => written_schema(WrittenFile::Summary),
        SchemaOf::CheckSummary => written_schema(WrittenFile::CheckSummary),
        SchemaOf::Comparison => written_schema(WrittenFile::Comparison),
    };
    terminal::document("schema", &schema);
    Ok(Exit::Met)
}
