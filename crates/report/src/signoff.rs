//! The files of a sign-off.

mod page;

use crate::ReportError;
use squall_judge::{SignOff, put, sign_off_markdown, write_sign_off_junit};
use std::path::{Path, PathBuf};

/// Where the files of a sign-off are.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SignOffPaths {
    /// `sign-off.html`.
    pub html: PathBuf,
    /// `sign-off.md`.
    pub markdown: PathBuf,
    /// `junit.xml`.
    pub junit: PathBuf,
}

/// Writes `sign-off.html`, `sign-off.md` and `junit.xml` into a folder, which is made if it is not there.
///
/// # Errors
/// When a file cannot be written.
pub fn write_sign_off(dir: &Path, sign_off: &SignOff) -> Result<SignOffPaths, ReportError> {
    let paths = SignOffPaths {
        html: dir.join("sign-off.html"),
        markdown: dir.join("sign-off.md"),
        junit: dir.join("junit.xml"),
    };
    put(&paths.html, page::page(sign_off)?.as_bytes())?;
    put(&paths.markdown, sign_off_markdown(sign_off).as_bytes())?;
    write_sign_off_junit(&paths.junit, sign_off)?;
    Ok(paths)
}
