//! One file per command.

pub(crate) mod check;
pub(crate) mod import;
pub(crate) mod init;
pub(crate) mod mock;
pub(crate) mod replay;
pub(crate) mod run;
pub(crate) mod schema;
pub(crate) mod serve;
mod watch;

use crate::error::Error;
use squall_scenario::Scenario;
use std::fs;
use std::path::Path;

/// Reads a scenario; another file that it names is looked for from where it stands.
fn scenario(path: &Path) -> Result<Scenario, Error> {
    let folder = path.parent().unwrap_or_else(|| Path::new(""));
    let load = |other: &str| fs::read_to_string(folder.join(other));
    Ok(Scenario::read_with(&path.display().to_string(), &text(path)?, &load)?)
}

/// Reads a file.
fn text(path: &Path) -> Result<String, Error> {
    fs::read_to_string(path).map_err(|source| Error::Read { path: path.to_owned(), source })
}
