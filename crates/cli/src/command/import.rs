//! `squall import`: other routers' configurations as ours, with a report of what is kept.

use crate::args::{ImportArgs, ImportFrom, LitellmArgs};
use crate::command::litellm::{self, finding_json, table};
use crate::error::{CliError, Exit};
use crate::terminal;

pub(crate) fn import(args: &ImportArgs) -> Result<Exit, CliError> {
    match &args.from {
        ImportFrom::Litellm(args) => of_litellm(args),
    }
}

fn of_litellm(args: &LitellmArgs) -> Result<Exit, CliError> {
    let file = litellm::read(&args.file)?;
    let findings = file.findings(args.profile.into());
    terminal::status(table(&findings));
    terminal::field("findings", || findings.iter().map(finding_json).collect());
    if file.spoken().is_none() {
        return Err(CliError::NothingSpoken { path: args.file.clone() });
    }
    terminal::product("gateway_file", &squall_scenario::gateway_yaml(&file, args.profile.into()));
    Ok(Exit::Met)
}
