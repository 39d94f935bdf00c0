//! The only module that prints: data to standard output, everything else to standard error. Colour is
//! left out where `NO_COLOR` is set or nobody looks.
//!
//! A terminal may be closed, and a pipe's reader may leave, while a command still has something to do:
//! what cannot be said then is dropped. Data that is lost for another reason, such as a full disk, is
//! remembered for the exit code.

use crate::error::CliError;
use std::io::{ErrorKind, Write};
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether data could not be written.
static DATA_LOST: AtomicBool = AtomicBool::new(false);

/// Prints a line of data.
pub(crate) fn data(text: impl std::fmt::Display) {
    if let Err(error) = writeln!(anstream::stdout(), "{text}")
        && error.kind() != ErrorKind::BrokenPipe
        && !DATA_LOST.swap(true, Ordering::Relaxed)
    {
        status(format_args!("error: cannot write to standard output: {error}"));
    }
}

/// Whether data could not be written to where the caller wanted it.
pub(crate) fn data_lost() -> bool {
    DATA_LOST.load(Ordering::Relaxed)
}

/// Whether lines about what is going on are to be in the log's format.
static STATUS_IS_LOGGED: AtomicBool = AtomicBool::new(false);

/// From now on lines about what is going on are lines of the log: all of standard error is in its format.
pub(crate) fn status_is_logged() {
    STATUS_IS_LOGGED.store(true, Ordering::Relaxed);
}

/// Prints a line about what is going on.
pub(crate) fn status(text: impl std::fmt::Display) {
    if STATUS_IS_LOGGED.load(Ordering::Relaxed) {
        tracing::info!(target: "squall", "{text}");
        return;
    }
    print(text);
}

fn print(text: impl std::fmt::Display) {
    let _ = writeln!(anstream::stderr(), "{text}");
}

/// Prints why a command did not come to its end. Diagnostics come as they are, with their excerpts.
pub(crate) fn error(error: &CliError) {
    match error {
        CliError::File(diagnostics) => print(diagnostics.styled()),
        _ => print(format_args!("error: {error}")),
    }
}
