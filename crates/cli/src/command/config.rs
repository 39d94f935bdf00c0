//! `squall config`: what a configuration comes to, what differs between two, and what is wrong with one.

mod check;

use crate::args::{ConfigArgs, ConfigCommand, ConfigDiffArgs, ConfigShowArgs};
use crate::command::{ConfigText, config_text};
use crate::error::{CliError, Exit};
use crate::{files, terminal};
use serde_json::json;
use squall_router::Profile;
use squall_scenario::{
    CaseVariable, Effective, EffectiveError, EffectiveOptions, Override, SettingDifference,
};
use std::path::Path;

pub(crate) fn config(args: &ConfigArgs) -> Result<Exit, CliError> {
    match &args.command {
        ConfigCommand::Show(args) => show(args),
        ConfigCommand::Diff(args) => diff(args),
        ConfigCommand::Check(args) => check::check(args),
    }
}

fn show(args: &ConfigShowArgs) -> Result<Exit, CliError> {
    let file = config_text(&args.file, &args.variables.set)?;
    let effective = effective(&args.file, &file, &args.settings, args.profile.into())?;
    let variables = file.variables.iter();
    let variables: String = variables
        .map(|each| format!("# {}: {}  ({})\n", each.name, each.value, each.origin))
        .collect();
    terminal::product("yaml", &(variables + &effective.to_yaml(args.changed)));
    terminal::field("variables", || {
        let told = |each: &CaseVariable| json!({ "name": each.name, "value": each.value, "from": each.origin.to_string() });
        file.variables.iter().map(told).collect()
    });
    terminal::field("settings", || {
        let settings = effective.settings().into_iter();
        let settings = settings.filter(|setting| !args.changed || setting.origin != "default");
        settings
            .map(|each| json!({ "path": each.path, "value": each.value, "from": each.origin }))
            .collect()
    });
    Ok(Exit::Met)
}

fn diff(args: &ConfigDiffArgs) -> Result<Exit, CliError> {
    let read =
        |path| effective(path, &config_text(path, &args.variables.set)?, &[], args.profile.into());
    let differences = read(&args.before)?.differences(&read(&args.after)?);
    if !differences.is_empty() {
        terminal::data(table(&differences).trim_end());
    }
    terminal::field("differences", || {
        let told = |each: &SettingDifference| json!({ "path": each.path, "before": each.before, "after": each.after });
        differences.iter().map(told).collect()
    });
    Ok(if differences.is_empty() { Exit::Met } else { Exit::Missed })
}

/// The differences in columns: path, first, second.
fn table(differences: &[SettingDifference]) -> String {
    const WIDTH: usize = 60;
    let value = |value: &Option<String>| value.clone().unwrap_or_else(|| "(not set)".to_owned());
    let width = |of: &dyn Fn(&SettingDifference) -> String| {
        differences.iter().map(|each| of(each).chars().count()).max().unwrap_or(0).min(WIDTH)
    };
    let path = width(&|each| each.path.clone());
    let before = width(&|each| value(&each.before));
    let rows = differences.iter().map(|each| {
        let (first, second) = (value(&each.before), value(&each.after));
        format!("{:<path$}  {first:<before$}  {second}\n", each.path)
    });
    rows.collect()
}

/// What a file comes to; another file that it names is looked for from where it stands.
fn effective(
    path: &Path,
    file: &ConfigText,
    overrides: &[Override],
    profile: Profile,
) -> Result<Effective, CliError> {
    let folder = path.parent().unwrap_or_else(|| Path::new(""));
    let load = |other: &str| files::referred(folder, other);
    let options = EffectiveOptions { overrides, profile, load: &load };
    Effective::read(&file.name, &file.text, &options).map_err(|error| match error {
        EffectiveError::File(diagnostics) => CliError::File(diagnostics),
        EffectiveError::Override(source) => CliError::Setting { path: path.to_owned(), source },
    })
}
