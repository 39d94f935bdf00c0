//! `squall target`: the ready-made targets, their installation, and one of them as a file.

use crate::args::{TargetArgs, TargetCommand, TargetInstallArgs, TargetShowArgs};
use crate::command::export::{notes_text, tuning};
use crate::error::{CliError, Exit};
use crate::{command, terminal};
use serde_json::{Value, json};
use squall_target::{InstallRecipe, ReadyMade, all_ready_made, install, installed, ready_made};

pub(crate) fn target(args: &TargetArgs) -> Result<Exit, CliError> {
    match &args.command {
        TargetCommand::List => list(),
        TargetCommand::Install(args) => install_all(args),
        TargetCommand::Show(args) => show(args),
    }
}

fn list() -> Result<Exit, CliError> {
    terminal::data(format_args!("{:<12}{:<12}{:<22}installed", "name", "version", "from"));
    let mut rows = Vec::new();
    for target in all_ready_made() {
        let folder = installed(target)?;
        let place = folder.as_ref().map(|folder| folder.display().to_string());
        terminal::data(format_args!(
            "{:<12}{:<12}{:<22}{}",
            target.name(),
            target.version(),
            source(target),
            place.as_deref().unwrap_or("no")
        ));
        rows.push(json!({
            "name": target.name(),
            "version": target.version(),
            "from": source(target),
            "installed": place,
        }));
    }
    terminal::field("targets", || Value::from(rows));
    Ok(Exit::Met)
}

/// Where it is installed from.
fn source(target: &dyn ReadyMade) -> String {
    match target.install() {
        InstallRecipe::ThisProgram => "this program".to_owned(),
        InstallRecipe::Debian { package } => format!("Debian: {package}"),
        InstallRecipe::Python { .. } => "PyPI".to_owned(),
        InstallRecipe::Node { .. } => "npm".to_owned(),
        InstallRecipe::Elsewhere { .. } => "its vendor".to_owned(),
    }
}

fn install_all(args: &TargetInstallArgs) -> Result<Exit, CliError> {
    let mut rows = Vec::new();
    for target in args.names.iter().filter_map(|name| ready_made(name)) {
        if installed(target)?.is_none() {
            let (name, version) = (target.name(), target.version());
            terminal::status(format_args!("installing {name} {version} from {}", source(target)));
        }
        let folder = install(target)?.display().to_string();
        terminal::data(format_args!("{} {} is in {folder}", target.name(), target.version()));
        rows.push(json!({
            "name": target.name(),
            "version": target.version(),
            "installed": folder,
        }));
    }
    terminal::field("targets", || Value::from(rows));
    Ok(Exit::Met)
}

fn show(args: &TargetShowArgs) -> Result<Exit, CliError> {
    let scenario = command::scenario(&args.file, &args.variables.set, &[])?;
    let Some(target) = ready_made(&args.name) else { return Ok(Exit::Usage) };
    let exported = target.export(&scenario, tuning(args.defaults));
    let (name, version) = (target.name(), target.version());
    let head = format!(
        "# {name} {version}, as a file for --target or as the section `target` of a scenario.\n"
    );
    terminal::product("target", &(head + &exported.target.to_yaml()));
    terminal::status(notes_text(&exported.notes));
    Ok(Exit::Met)
}
