//! `squall export`: a scenario's groups in the words of another gateway's configuration, with a note for each setting
//! that is lost or expressed otherwise.

use crate::args::ExportArgs;
use crate::error::{CliError, Exit};
use crate::{command, terminal};
use serde_json::{Value, json};
use squall_target::{ExportNote, Exported, ReadyMade, Tuning, ready_made};
use std::fs;
use std::path::Path;

pub(crate) fn export(args: &ExportArgs) -> Result<Exit, CliError> {
    let scenario = command::scenario(&args.file, &args.variables.set, &[])?;
    let Some(gateway) = ready_made(&args.to) else { return Ok(Exit::Usage) };
    let exported = gateway.export(&scenario, tuning(args.defaults));
    let files = files(gateway, &exported);
    match &args.out {
        Some(folder) => write(folder, &files)?,
        None => terminal::product("configuration", &joined(gateway, &files)),
    }
    terminal::field("command", || texts(&exported));
    terminal::field("files", || {
        files.iter().cloned().map(|(name, text)| (name, Value::from(text))).collect()
    });
    terminal::field("notes", || exported.notes.iter().map(note_json).collect());
    terminal::status(notes_text(&exported.notes));
    Ok(Exit::Met)
}

/// How much is expressed.
pub(crate) fn tuning(defaults: bool) -> Tuning {
    if defaults { Tuning::Defaults } else { Tuning::Tuned }
}

/// The notes, a line each.
pub(crate) fn notes_text(notes: &[ExportNote]) -> String {
    let mut out: String = notes.iter().map(|note| format!("{note}\n")).collect();
    out.push_str(&match notes.len() {
        0 => "every setting is expressed".to_owned(),
        1 => "1 note".to_owned(),
        count => format!("{count} notes"),
    });
    out
}

/// The configuration as files: those that the gateway reads, and what else it is told by.
fn files(gateway: &dyn ReadyMade, exported: &Exported) -> Vec<(String, String)> {
    let mut files: Vec<(String, String)> = Vec::new();
    if let Some(start) = &exported.target.start {
        files.extend(start.files.iter().map(|(name, text)| (name.clone(), text.to_string())));
    }
    // A gateway that is told its policy by each request has no file for it.
    for (name, value) in &exported.target.headers {
        files.push((format!("{}.header.{name}", gateway.name()), format!("{value}\n")));
    }
    files
}

fn write(folder: &Path, files: &[(String, String)]) -> Result<(), CliError> {
    for (name, text) in files {
        let path = folder.join(name);
        let failed =
            |source| CliError::Io { what: format!("cannot write `{}`", path.display()), source };
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        fs::write(&path, text).map_err(failed)?;
        terminal::data(format_args!("wrote {}", path.display()));
    }
    Ok(())
}

/// The files one after the other.
fn joined(gateway: &dyn ReadyMade, files: &[(String, String)]) -> String {
    let mut out = format!(
        "# For {} {}. ${{…}} stands for what only a run knows: ports, and the addresses and keys of providers.\n",
        gateway.name(),
        gateway.version()
    );
    for (name, text) in files {
        out.push_str(&format!("# --- {name}\n{text}"));
    }
    out
}

fn texts(exported: &Exported) -> Value {
    let command = exported.target.start.iter().flat_map(|start| &start.command);
    command.map(|part| Value::from(part.to_string())).collect()
}

fn note_json(note: &ExportNote) -> Value {
    json!({ "setting": note.setting, "what": note.what })
}
