//! The token of a gateway's admin API, where its server and its client look for it.

use crate::command;
use crate::error::CliError;
use std::path::Path;

/// The environment variable for it.
const VARIABLE: &str = "SQUALL_ADMIN_TOKEN";

/// A token with the place that it was found in.
pub(crate) struct AdminToken {
    /// A path, or `$SQUALL_ADMIN_TOKEN`.
    pub(crate) place: String,
    /// Its text, as it stands there.
    pub(crate) text: String,
}

/// From its file if one is given, else from the environment; `None` where neither has one.
///
/// # Errors
/// When the file cannot be read.
#[expect(clippy::disallowed_methods, reason = "a token should not have to stand in a command line")]
pub(crate) fn read(file: Option<&Path>) -> Result<Option<AdminToken>, CliError> {
    match file {
        Some(path) => {
            let text = command::text(path)?;
            Ok(Some(AdminToken { place: path.display().to_string(), text }))
        }
        None => {
            let text = std::env::var(VARIABLE).ok().filter(|text| !text.is_empty());
            Ok(text.map(|text| AdminToken { place: format!("${VARIABLE}"), text }))
        }
    }
}
