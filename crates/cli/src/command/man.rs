//! `squall man`: the man pages, made from the same declarations as `--help`.

use crate::args::{Args, ManArgs};
use crate::error::{CliError, Exit};
use crate::terminal;
use clap::CommandFactory as _;
use std::fs;
use std::io;
use std::path::Path;

pub(crate) fn man(args: &ManArgs) -> Result<Exit, CliError> {
    match &args.out {
        Some(folder) => write_all(folder)?,
        None => {
            let mut page = Vec::new();
            let rendered = clap_mangen::Man::new(Args::command()).render(&mut page);
            rendered.map_err(|source| failed("cannot make the man page".to_owned(), source))?;
            terminal::product("page", &String::from_utf8_lossy(&page));
        }
    }
    Ok(Exit::Met)
}

/// Writes a page for each command, and says which.
fn write_all(folder: &Path) -> Result<(), CliError> {
    let unwritable = |source| failed(format!("cannot write into `{}`", folder.display()), source);
    fs::create_dir_all(folder).map_err(unwritable)?;
    clap_mangen::generate_to(Args::command(), folder).map_err(unwritable)?;
    let mut written = Vec::new();
    for entry in fs::read_dir(folder).map_err(unwritable)? {
        let path = entry.map_err(unwritable)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        // The folder may be the one of all man pages.
        if name.starts_with("squall") && name.ends_with(".1") {
            written.push(path.display().to_string());
        }
    }
    written.sort();
    for path in &written {
        terminal::data(format_args!("wrote {path}"));
    }
    terminal::field("files", || written.into());
    Ok(())
}

fn failed(what: String, source: io::Error) -> CliError {
    CliError::Io { what, source }
}
