//! The only module that prints, and the one place that knows `--json`, `--quiet` and `--color`.
//!
//! A command says what it does in four ways, and this module decides what becomes of each:
//!
//! - [`data`]: lines of a report for people, to standard output; left out under `--json` and `--quiet`.
//! - [`product`]: what the command is there to write, such as a schema, to standard output; under `--json` a field.
//! - [`field`]: a part of the result for programs; printed under `--json` alone, all fields as one document.
//! - [`status`]: what is going on, to standard error; left out under `--quiet`.
//!
//! A terminal may be closed, and a pipe's reader may leave, while a command still has something to do:
//! what cannot be said then is dropped. Data that is lost for another reason, such as a full disk, is
//! remembered for the exit code.

use crate::args::{ColorWhen, OutputArgs};
use crate::error::{CliError, Exit};
use serde_json::{Map, Value, json};
use squall_scenario::Diagnostics;
use std::io::{ErrorKind, IsTerminal as _, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

/// The form of the document of `--json`. Fields may be added to a version, never taken or changed.
const SCHEMA_VERSION: u32 = 1;

/// What was asked of the output.
#[derive(Clone, Copy, Debug, Default)]
struct Output {
    json: bool,
    quiet: bool,
}

static OUTPUT: OnceLock<Output> = OnceLock::new();

/// The fields of the result, until they are printed.
static RESULT: Mutex<Vec<(String, Value)>> = Mutex::new(Vec::new());

/// Whether data could not be written.
static DATA_LOST: AtomicBool = AtomicBool::new(false);

/// Whether lines about what is going on are to be in the log's format.
static STATUS_IS_LOGGED: AtomicBool = AtomicBool::new(false);

/// Takes what was asked of the output. Colours follow `--color`, else `NO_COLOR`, `CLICOLOR` and `CLICOLOR_FORCE`.
pub(crate) fn set_up(args: &OutputArgs) {
    // There is one command in a process: nobody has set this before.
    let _ = OUTPUT.set(Output { json: args.json, quiet: args.quiet });
    let choice = match args.color {
        ColorWhen::Auto => anstream::ColorChoice::Auto,
        ColorWhen::Always => anstream::ColorChoice::Always,
        ColorWhen::Never => anstream::ColorChoice::Never,
    };
    choice.write_global();
}

fn output() -> Output {
    OUTPUT.get().copied().unwrap_or_default()
}

/// Prints a line of a report.
pub(crate) fn data(text: impl std::fmt::Display) {
    let Output { json, quiet } = output();
    if !json && !quiet {
        write_data(text);
    }
}

/// Prints what the command is there to write, however quiet it is; under `--json` it is this field of the result.
pub(crate) fn product(name: &str, text: &str) {
    if output().json {
        field(name, || text.into());
    } else {
        write_data(text.trim_end_matches('\n'));
    }
}

/// Prints a JSON document that the command is there to write; under `--json` it is this field of the result.
pub(crate) fn document(name: &str, value: &Value) {
    if output().json {
        field(name, || value.clone());
    } else {
        write_data(format_args!("{value:#}"));
    }
}

/// Gives a field of the result, which is only made where somebody wants it.
pub(crate) fn field(name: &str, value: impl FnOnce() -> Value) {
    if output().json {
        let mut result = RESULT.lock().unwrap_or_else(PoisonError::into_inner);
        result.push((name.to_owned(), value()));
    }
}

/// Gives a field of the result that stands in a JSON file, which this command has written.
pub(crate) fn field_of_file(name: &str, path: &Path) -> Result<(), CliError> {
    if !output().json {
        return Ok(());
    }
    let unreadable = |source| CliError::Read { path: path.to_owned(), source };
    let text = std::fs::read(path).map_err(unreadable)?;
    let value = serde_json::from_slice(&text).map_err(|error| unreadable(error.into()))?;
    field(name, || value);
    Ok(())
}

/// Prints the result of a command that has ended, where it is wanted.
pub(crate) fn conclude(command: &str, exit: Exit, error: Option<&CliError>) {
    if output().json {
        print_document(command, Some(exit), error.map(CliError::to_json));
    }
}

/// Prints the result of a command that goes on, such as the address of a server that listens now.
pub(crate) fn announce(command: &str) {
    if output().json {
        print_document(command, None, None);
    }
}

fn print_document(command: &str, exit: Option<Exit>, error: Option<Value>) {
    static PRINTED: AtomicBool = AtomicBool::new(false);
    let result = std::mem::take(&mut *RESULT.lock().unwrap_or_else(PoisonError::into_inner));
    // One document is promised: a server that has announced itself prints another at its end only where it was asked
    // for a result of its own.
    if PRINTED.swap(true, Ordering::Relaxed) && result.is_empty() {
        return;
    }
    let result: Map<_, _> = result.into_iter().collect();
    let mut document = json!({
        "schema_version": SCHEMA_VERSION,
        "squall": env!("CARGO_PKG_VERSION"),
        "command": command,
        "exit_code": exit.map(|exit| exit as u8),
        "result": result,
    });
    if let Some(error) = error {
        document["error"] = error;
    }
    write_data(format_args!("{document:#}"));
}

fn write_data(text: impl std::fmt::Display) {
    if let Err(error) = writeln!(anstream::stdout(), "{text}")
        && error.kind() != ErrorKind::BrokenPipe
        && !DATA_LOST.swap(true, Ordering::Relaxed)
    {
        print(format_args!("error: cannot write to standard output: {error}"));
    }
}

/// Whether data could not be written to where the caller wanted it.
pub(crate) fn data_lost() -> bool {
    DATA_LOST.load(Ordering::Relaxed)
}

/// From now on lines about what is going on are lines of the log: all of standard error is in its format.
pub(crate) fn status_is_logged() {
    STATUS_IS_LOGGED.store(true, Ordering::Relaxed);
}

/// Lines about what is going on that wait until the terminal is free; `None` while it is.
static HELD: Mutex<Option<Vec<String>>> = Mutex::new(None);

/// How a terminal that shows something else is given back; `None` while it is free.
static GIVE_BACK: Mutex<Option<fn()>> = Mutex::new(None);

/// From now on the terminal shows something else, until it is given back: lines about what is going on wait.
pub(crate) fn take(give_back: fn()) {
    GIVE_BACK.lock().unwrap_or_else(PoisonError::into_inner).replace(give_back);
    HELD.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default();
}

/// Whether it does.
pub(crate) fn is_taken() -> bool {
    GIVE_BACK.lock().unwrap_or_else(PoisonError::into_inner).is_some()
}

/// Gives the terminal back, if it was taken, and prints the lines that have waited.
pub(crate) fn give_back() {
    let give_back = GIVE_BACK.lock().unwrap_or_else(PoisonError::into_inner).take();
    let Some(give_back) = give_back else { return };
    give_back();
    let held = HELD.lock().unwrap_or_else(PoisonError::into_inner).take();
    held.into_iter().flatten().for_each(print);
}

/// Prints a line about what is going on.
pub(crate) fn status(text: impl std::fmt::Display) {
    if STATUS_IS_LOGGED.load(Ordering::Relaxed) {
        tracing::info!(target: "squall", "{text}");
    } else if !output().quiet {
        match &mut *HELD.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(held) => held.push(text.to_string()),
            None => print(text),
        }
    }
}

/// Prints a line for the machinery of a CI, which reads both streams: on standard error where the other holds a document,
/// or nothing.
pub(crate) fn annotation(text: impl std::fmt::Display) {
    let Output { json, quiet } = output();
    if json || quiet { print(text) } else { write_data(text) }
}

/// Whether a person watches progress on standard error.
pub(crate) fn is_watched() -> bool {
    !output().quiet && std::io::stderr().is_terminal()
}

/// Whether standard error is to be coloured.
pub(crate) fn colours_errors() -> bool {
    anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never
}

fn print(text: impl std::fmt::Display) {
    let _ = writeln!(anstream::stderr(), "{text}");
}

/// Prints what a file should say otherwise though it is read: its excerpts, or a line of the log each.
pub(crate) fn warnings(warnings: &Diagnostics) {
    if STATUS_IS_LOGGED.load(Ordering::Relaxed) {
        for warning in warnings.problems() {
            let (line, column) = warnings.position(warning);
            let path = warnings.path();
            tracing::warn!(target: "squall", "{path}:{line}:{column}: {}", warning.message);
        }
    } else if !output().quiet {
        print(warnings.styled());
    }
}

/// Prints why a command did not come to its end. Diagnostics come as they are, with their excerpts.
pub(crate) fn error(error: &CliError) {
    match error {
        CliError::File(diagnostics) => print(diagnostics.styled()),
        _ => print(format_args!("error: {error}")),
    }
}
