//! One file per command.

pub(crate) mod admin;
pub(crate) mod check;
mod check_live;
mod check_runs;
mod check_shards;
pub(crate) mod checked;
mod client_tls;
pub(crate) mod compare;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod crash;
pub(crate) mod explain;
pub(crate) mod export;
mod gateway_check;
mod gateway_key;
mod github;
pub(crate) mod import;
pub(crate) mod init;
mod litellm;
pub(crate) mod load;
pub(crate) mod man;
pub(crate) mod merge;
pub(crate) mod mock;
pub(crate) mod plan;
pub(crate) mod rehearse;
pub(crate) mod replay;
pub(crate) mod report;
pub(crate) mod run;
pub(crate) mod schema;
pub(crate) mod scorecard;
pub(crate) mod serve;
pub(crate) mod target;
pub(crate) mod trace;
mod watch;

use crate::args::{Command, GatewayCommand, ScenarioArgs};
use crate::error::{CliError, Exit};
use crate::files;
use squall_determinism::Seed;
use squall_scenario::{
    CaseScenario, CaseVariable, Override, PathError, Scenario, Surroundings, VariableSetting,
    is_composed_text,
};
use std::path::Path;

/// Carries out what was typed.
pub(crate) fn run(command: &Command) -> Result<Exit, CliError> {
    match command {
        Command::Run(args) => run::run(args),
        Command::Load(args) => load::load(args),
        Command::Check(args) => check::check(args),
        Command::Compare(args) => compare::compare(args),
        Command::Crash(args) => crash::crash(args),
        Command::Scorecard(args) => scorecard::scorecard(args),
        Command::Plan(args) => plan::plan(args),
        Command::Rehearse(args) => rehearse::rehearse(args),
        Command::Replay(args) => replay::replay(args),
        Command::Merge(args) => merge::merge(args),
        Command::Report(args) => report::report(args),
        Command::Explain(args) => explain::explain(args),
        Command::Gateway(args) => match &args.command {
            Some(GatewayCommand::Check(args)) => gateway_check::check(args),
            Some(GatewayCommand::Key(args)) => gateway_key::key(args),
            None => serve::gateway(&args.serve),
        },
        Command::Admin(args) => admin::admin(args),
        Command::Mock(args) => mock::mock(args),
        Command::Import(args) => import::import(args),
        Command::Export(args) => export::export(args),
        Command::Target(args) => target::target(args),
        Command::Trace(args) => trace::trace(args),
        Command::Init(args) => init::init(args),
        Command::Config(args) => config::config(args),
        Command::Schema(args) => schema::schema(args),
        Command::Completions(args) => completions::completions(args),
        Command::Man(args) => man::man(args),
    }
}

/// The scenario of a single run, with the seed and the values that were asked for.
fn scenario_to_run(args: &ScenarioArgs) -> Result<Scenario, CliError> {
    let mut scenario = scenario(&args.path, &args.variables.set, &args.settings)?;
    if let Some(seed) = args.seed {
        scenario.set_seed(Seed::new(seed));
    }
    Ok(scenario)
}

/// Reads a scenario of one case with other values than the file's; another file that it names is looked for from
/// where it stands.
fn scenario(
    path: &Path,
    variables: &[VariableSetting],
    settings: &[Override],
) -> Result<Scenario, CliError> {
    scenario_of(path, &scenario_text(path, variables, settings)?)
}

/// The text of a scenario of one case, composed, with other values than the file's.
fn scenario_text(
    path: &Path,
    variables: &[VariableSetting],
    settings: &[Override],
) -> Result<String, CliError> {
    let mut text = text(path)?;
    if is_composed_text(&text) || !variables.is_empty() {
        let read = |around: &Surroundings<'_>| {
            Scenario::read_one(&path.display().to_string(), &text, around)
        };
        text = with_surroundings(path, variables, read)?.scenario.text;
    }
    set(path, text, settings)
}

/// A file as `squall config` looks at it.
struct ConfigText {
    /// What it is called: lines of a composed scenario are not those of its file.
    name: String,
    text: String,
    variables: Vec<CaseVariable>,
}

/// The text of any kind of file; of a scenario, composed.
fn config_text(path: &Path, variables: &[VariableSetting]) -> Result<ConfigText, CliError> {
    let (name, text) = (path.display().to_string(), text(path)?);
    if !is_composed_text(&text) && variables.is_empty() {
        return Ok(ConfigText { name, text, variables: Vec::new() });
    }
    let read = |around: &Surroundings<'_>| Scenario::read_one(&name, &text, around);
    let case = with_surroundings(path, variables, read)?;
    let name = format!("{name}, composed");
    Ok(ConfigText { name, text: case.scenario.text, variables: case.variables })
}

/// Reads all cases of a scenario file with other values than the file's. Answers also with the variables among
/// these that it does not know.
fn cases(
    path: &Path,
    variables: &[VariableSetting],
    settings: &[Override],
) -> Result<(Vec<CaseScenario>, Vec<String>), CliError> {
    let mut text = text(path)?;
    let is_composed = is_composed_text(&text);
    if !is_composed {
        text = set(path, text, settings)?;
    }
    let read =
        |around: &Surroundings<'_>| Scenario::cases(&path.display().to_string(), &text, around);
    let (mut cases, unknown) = with_surroundings(path, variables, read)?;
    if is_composed && !settings.is_empty() {
        for case in &mut cases {
            let text = set(path, core::mem::take(&mut case.scenario.text), settings)?;
            case.scenario = scenario_of(path, &text)?;
        }
    }
    Ok((cases, unknown))
}

/// Reads a file with the files beside it, the variables that were given, and the environment.
#[expect(clippy::disallowed_methods, reason = "a file may take variables from the environment")]
fn with_surroundings<T>(
    path: &Path,
    variables: &[VariableSetting],
    read: impl FnOnce(&Surroundings<'_>) -> T,
) -> T {
    let folder = path.parent().unwrap_or_else(|| Path::new(""));
    let load = |other: &str| files::referred(folder, other);
    let environment = |name: &str| std::env::var(name).ok();
    read(&Surroundings { load: &load, variables, environment: &environment, folder: Some(folder) })
}

/// Reads a scenario from a text that stands, or might stand, in a file.
fn scenario_of(path: &Path, text: &str) -> Result<Scenario, CliError> {
    let folder = path.parent().unwrap_or_else(|| Path::new(""));
    let load = |other: &str| files::referred(folder, other);
    Ok(Scenario::read_with(&path.display().to_string(), text, &load)?)
}

/// The text of a file with other values.
fn set(path: &Path, text: String, settings: &[Override]) -> Result<String, CliError> {
    settings.iter().try_fold(text, |text, setting| {
        let refused = |source| CliError::Setting { path: path.to_owned(), source };
        setting.apply(&text).or_else(|source| match source {
            // Reading it as it is says why.
            PathError::Unreadable => Ok(text.clone()),
            source => Err(refused(source)),
        })
    })
}

/// Reads a file, and says what is out of date in it.
pub(crate) fn text(path: &Path) -> Result<String, CliError> {
    let text = files::typed(path);
    let text = text.map_err(|source| CliError::Read { path: path.to_owned(), source })?;
    if let Some(warnings) = squall_scenario::warnings(&path.display().to_string(), &text) {
        crate::terminal::warnings(&warnings);
    }
    Ok(text)
}
