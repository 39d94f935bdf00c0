//! `squall completions`: the completions of a shell.

use crate::args::{Args, CompletionsArgs};
use crate::error::{CliError, Exit};
use crate::terminal;
use clap::CommandFactory as _;

pub(crate) fn completions(args: &CompletionsArgs) -> Result<Exit, CliError> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Args::command(), "squall", &mut script);
    terminal::product("script", &String::from_utf8_lossy(&script));
    Ok(Exit::Met)
}
