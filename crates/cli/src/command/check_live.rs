//! `squall check --target`: every scenario once over real sockets, against another gateway.

use crate::args::CheckArgs;
use crate::command::checked::{self, Checked};
use crate::command::{compare, github};
use crate::error::{CliError, Exit};
use crate::live_shells::LiveShells;
use crate::{progress, target_choice, terminal};
use serde_json::Value;
use squall_judge::{
    RunSet, Verdict, judge, markdown, put, put_json, summary, terminal_table, write_junit,
};
use squall_live::{Backends, TargetOptions};
use squall_record::{OutFolder, Recording, RowRetention};
use squall_target::Tuning;

/// What a target that does not come up is one scenario's failure, and all others' too: the first ends the check.
pub(crate) fn check(args: &CheckArgs, target: &str) -> Result<Exit, CliError> {
    let checked = checked::read_all(args)?;
    let reference = args.against.as_deref().map(compare::reference_of).transpose()?;
    // A target that is not there is told before the first run.
    let targets =
        checked.iter().map(|each| target_choice::target(target, &each.scenario, Tuning::Tuned));
    let targets = targets.collect::<Result<Vec<_>, _>>()?;
    let folder = OutFolder::for_report(&args.out)?;
    let (mut runs, mut is_whole) = (Vec::new(), true);
    for (each, target) in checked.iter().zip(targets) {
        let (run, is_cut) = run(args, each, target)?;
        is_whole &= !is_cut && !run.verdict.rows.is_empty();
        runs.push(run);
        if is_cut {
            break;
        }
    }
    let exit = conclude(&folder, &checked, &runs)?;
    let sets: Vec<_> = runs.into_iter().map(|run| run.set).collect();
    squall_judge::write_stored_runs(folder.path(), &sets)?;
    let exit = match &reference {
        Some(reference) => checked::worse(exit, compare::against(reference, &sets, args, &folder)?),
        None => exit,
    };
    Ok(args.inconclusive.exit(exit, is_whole))
}

/// A scenario that was run.
struct JudgedScenario {
    verdict: Verdict,
    summary: Value,
    /// What is kept of it for comparisons.
    set: RunSet,
}

/// Runs a scenario and says how it went; and whether it was interrupted.
fn run(
    args: &CheckArgs,
    checked: &Checked,
    target: TargetOptions,
) -> Result<(JudgedScenario, bool), CliError> {
    let (scenario, path) = (&checked.scenario, checked.path.display());
    terminal::status(format_args!(
        "{path}: {} s, against {}",
        scenario.duration.as_secs_f64(),
        target.name
    ));
    let recording: Recording = progress::run_live(
        scenario,
        RowRetention::Rows,
        None,
        Some(target),
        Backends::MockProviders,
        &LiveShells::default(),
    )?;
    let verdict = judge(scenario, &recording);
    terminal::data(format_args!("{path}"));
    terminal::data(terminal_table(&verdict));
    terminal::data("");
    let summary = serde_json::to_value(summary(scenario, &recording, &verdict));
    let origin = checked.origin();
    let set = RunSet::recorded(args.out.display().to_string(), scenario, &recording, origin);
    let died = recording.header.target.is_some_and(|target| target.died.is_some());
    let is_cut = recording.header.ended.cut_at().is_some() && !died;
    Ok((JudgedScenario { verdict, summary: summary.unwrap_or_default(), set }, is_cut))
}

fn conclude(
    folder: &OutFolder,
    checked: &[Checked],
    runs: &[JudgedScenario],
) -> Result<Exit, CliError> {
    let verdicts: Vec<_> = runs.iter().map(|run| run.verdict.clone()).collect();
    let told: String = verdicts.iter().map(markdown).collect::<Vec<_>>().join("\n");
    let path = |name: &str| folder.path().join(name);
    let summaries: Vec<_> = runs.iter().map(|run| &run.summary).collect();
    let summaries = serde_json::json!({ "schema_version": 1, "runs": summaries });
    write_junit(&path("junit.xml"), &verdicts)?;
    put(&path("summary.md"), told.as_bytes())?;
    put_json(&path("summary.json"), &summaries)?;
    github::summary(&told)?;
    terminal::data(format_args!("junit: {}", path("junit.xml").display()));
    terminal::field("junit", || path("junit.xml").display().to_string().into());
    terminal::field("summary", || summaries);
    let met = verdicts.iter().filter(|verdict| verdict.exit_code() == 0).count();
    terminal::data(format_args!("{met} of {} scenarios met their expectations", checked.len()));
    let exits = verdicts.iter().map(|verdict| checked::exit(verdict.overall));
    let exit = exits.fold(Exit::Met, checked::worse);
    // What was not run is not met.
    Ok(if runs.len() < checked.len() { checked::worse(exit, Exit::Inconclusive) } else { exit })
}
