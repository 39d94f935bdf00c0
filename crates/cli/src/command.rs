//! One file per command.

pub(crate) mod check;
pub(crate) mod replay;
pub(crate) mod run;
pub(crate) mod schema;
pub(crate) mod serve;

use crate::error::Error;
use squall_scenario::Scenario;
use std::fs;
use std::path::Path;

/// Reads a scenario, with its seed replaced if one is given.
fn scenario(path: &Path) -> Result<Scenario, Error> {
    Ok(Scenario::read(&path.display().to_string(), &text(path)?)?)
}

/// Reads a file.
fn text(path: &Path) -> Result<String, Error> {
    fs::read_to_string(path).map_err(|source| Error::Read { path: path.to_owned(), source })
}
