//! `squall load`: the traffic of a scenario, sent to a system with providers of its own.

use super::run::{below_reports, conclude, conclude_part, part};
use crate::args::LoadArgs;
use crate::command;
use crate::error::{CliError, Exit};
use crate::live_shells::LiveShells;
use crate::{progress, run_origin, run_room, shard_choice, start_time, target_choice, terminal};
use squall_determinism::{Shard, Share};
use squall_live::{Backends, RunOptions, TargetOptions};
use squall_scenario::Scenario;
use squall_workload::{AbortRule, PlannedTraffic};
use std::io::{self, IsTerminal as _};
use std::time::Duration;

/// What ends load on another machine where the scenario says nothing.
const REMOTE_ABORT: AbortRule =
    AbortRule { over: Share::percent(20), lasting: Duration::from_secs(10) };

pub(crate) fn load(args: &LoadArgs) -> Result<Exit, CliError> {
    let shard = shard_choice::chosen(&args.shards)?;
    let mut scenario = command::scenario_to_run(&args.scenario)?.without_providers();
    let target = args.target.as_deref().map(target_choice::system).transpose()?;
    let url = url(&scenario, target.as_ref())?;
    let planned = within_rate(&scenario, args)?.and_then(|_| planned_of(&scenario, shard));
    let is_remote = !args.allow_remote.is_empty();
    if is_remote {
        scenario.workload.abort.get_or_insert(REMOTE_ABORT);
    }
    terminal::status(announcement(&scenario, &url, planned));
    if is_remote && !args.yes && !is_confirmed()? {
        return Err(CliError::Target("not confirmed: nothing was sent".to_owned()));
    }
    let out = args.out.clone();
    let out = out.unwrap_or_else(|| below_reports(&scenario, "load", shard));
    let start = start_time::agreed(&args.start, part(shard))?;
    let folder = run_origin::prepare(&out, args.keep)?;
    let backends = Backends::Own { allowed_hosts: args.allow_remote.clone() };
    let keep = run_room::retention(args.rows.which, &scenario);
    run_room::tell_retention(args.rows.which, &scenario, keep);
    let origin = run_origin::of_run_that_begins(scenario.seed.value());
    let written = Some(folder.path().to_owned());
    let options = RunOptions {
        keep,
        folder: written,
        target,
        backends,
        shard,
        start,
        ..RunOptions::default()
    };
    let recording = progress::run_live_with(&scenario, options, &LiveShells::default())?;
    let kept = recording.write(folder.path());
    let origin = run_origin::written_now(origin);
    let exit = conclude(&scenario, &recording, &out, (kept, Some(&origin)))?;
    Ok(part(shard).map_or(exit, |shard| conclude_part(shard, &recording)))
}

/// What this process sends of the traffic.
fn planned_of(scenario: &Scenario, shard: Option<Shard>) -> Option<PlannedTraffic> {
    PlannedTraffic::of_shard(&scenario.workload, scenario.seed, shard.unwrap_or_default())
}

/// Where the load goes.
fn url(scenario: &Scenario, target: Option<&TargetOptions>) -> Result<String, CliError> {
    let config = target.map(|target| &target.config).or(scenario.gateway_target.as_ref());
    let config = config.ok_or_else(|| {
        let told = "a load test needs a target: name it with `--target URL`, or in the scenario's `target`";
        CliError::Target(told.to_owned())
    })?;
    Ok(config.url.to_string())
}

/// What will be sent by all shards together, if no second of it has more requests than allowed.
fn within_rate(scenario: &Scenario, args: &LoadArgs) -> Result<Option<PlannedTraffic>, CliError> {
    let planned = PlannedTraffic::of(&scenario.workload, scenario.seed);
    let Some(most) = args.max_rate else { return Ok(planned) };
    let told = match planned {
        None => {
            "--max-rate: a closed loop has no rate that is known beforehand: use open traffic, or leave --max-rate out"
                .to_owned()
        }
        Some(planned) if planned.busiest_second > most => format!(
            "--max-rate: the busiest second of this traffic has {} requests, and {most} are allowed: lower the rate \
             of the scenario, for instance with `--set`",
            planned.busiest_second
        ),
        Some(_) => return Ok(planned),
    };
    Err(CliError::Target(told))
}

/// What is about to be sent, and where to.
fn announcement(scenario: &Scenario, url: &str, planned: Option<PlannedTraffic>) -> String {
    let (name, seed) = (&scenario.name, scenario.seed.value());
    let duration = scenario.duration.as_secs_f64();
    let planned = planned.map_or_else(String::new, |planned| {
        format!(
            "; {} requests, at most {} in a second, with {} tokens of prompts and up to {} of answers",
            planned.requests, planned.busiest_second, planned.input_tokens, planned.output_tokens
        )
    });
    let abort = scenario.workload.abort.map_or_else(String::new, |rule| {
        let percent = f64::from(rule.over.ppm()) / 10_000.0;
        format!("; ends early if more than {percent}% fail for {} s", rule.lasting.as_secs())
    });
    format!("{name}: seed {seed}, {duration} s, load to {url}{planned}{abort}; Ctrl-C stops it")
}

/// Asks once whether load may go to another machine.
///
/// # Errors
/// Where nobody can be asked.
fn is_confirmed() -> Result<bool, CliError> {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        let told =
            "load to another machine is confirmed at a terminal: add --yes to send it without";
        return Err(CliError::Target(told.to_owned()));
    }
    terminal::status("every request is real, and may cost money. Send them? [y/N]");
    let mut answer = String::new();
    let read = io::stdin().read_line(&mut answer);
    read.map_err(|source| CliError::Io { what: "cannot read the terminal".to_owned(), source })?;
    Ok(matches!(answer.trim(), "y" | "yes"))
}
