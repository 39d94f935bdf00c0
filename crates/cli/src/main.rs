//! The `squall` binary: arguments, terminal output, exit codes. No logic of its own.

mod args;
mod command;
mod descriptors;
mod error;
mod files;
mod logging;
mod progress;
mod signals;
mod terminal;

use args::{Args, Command};
use clap::Parser;
use error::Exit;
use std::process::ExitCode;

fn main() -> ExitCode {
    signals::guard_init();
    let outcome = match Args::parse().command {
        Command::Run(args) => command::run::run(&args),
        Command::Check(args) => command::check::check(&args),
        Command::Plan(args) => command::plan::plan(&args),
        Command::Rehearse(args) => command::rehearse::rehearse(&args),
        Command::Replay(args) => command::replay::replay(&args),
        Command::Gateway(args) => command::serve::gateway(&args),
        Command::Mock(args) => command::mock::mock(&args),
        Command::Import(args) => command::import::import(&args),
        Command::Init(args) => command::init::init(&args),
        Command::Schema => command::schema::schema(),
    };
    match outcome {
        Ok(_) if terminal::data_lost() => Exit::Failed.into(),
        Ok(exit) => exit.into(),
        Err(error) => {
            terminal::error(&error);
            error.exit().into()
        }
    }
}
