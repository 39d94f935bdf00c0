//! The `squall` binary: arguments, terminal output, exit codes. No logic of its own.

mod admin_token;
mod args;
mod command;
mod config_folder;
mod decision_log;
mod descriptors;
mod error;
mod files;
mod http_client;
mod keys_file;
mod live_shells;
mod logging;
mod machine;
mod otlp;
mod progress;
mod run_origin;
mod run_room;
mod shard_choice;
mod signals;
mod spend_state;
mod start_time;
mod target_choice;
mod terminal;

use args::Args;
use clap::Parser;
use error::Exit;
use std::process::ExitCode;

fn main() -> ExitCode {
    signals::guard_init();
    let args = Args::parse();
    terminal::set_up(&args.output);
    let outcome = command::run(&args.command);
    let (exit, error) = match outcome {
        Ok(exit) => (exit, None),
        Err(error) => (error.exit(), Some(error)),
    };
    if let Some(error) = &error {
        terminal::error(error);
    }
    terminal::conclude(args.command.name(), exit, error.as_ref());
    let exit = if error.is_none() && terminal::data_lost() { Exit::Failed } else { exit };
    exit.into()
}
