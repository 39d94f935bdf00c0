//! `squall rehearse`: a rollout, item by item, to its sign-off.

use crate::args::RehearseArgs;
use crate::command::{self, github};
use crate::error::{CliError, Exit};
use crate::live_shells::LiveShells;
use crate::run_room::{self, SizedRuns};
use crate::signals::{self, Hangup, Signals};
use crate::{progress, terminal};
use serde_json::{Value, json};
use squall_campaign::{
    PreparedItem, PreparedStage, Rehearsal, ScenarioSource, manual, not_reached, workers,
};
use squall_determinism::Digest;
use squall_judge::{ItemOutcome, SignOff, SignOffItem, sign_off_lines};
use squall_live::Backends;
use squall_record::OutFolder;
use squall_scenario::{Checklist, Override, VariableSetting};
use squall_sim::RowRetention;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, SystemTime};

/// How often a question looks for a signal.
const LOOK_EVERY: Duration = Duration::from_millis(50);

pub(crate) fn rehearse(args: &RehearseArgs) -> Result<Exit, CliError> {
    let text = command::text(&args.checklist)?;
    let checklist = Checklist::read(&args.checklist.display().to_string(), &text)?;
    let world = world_path(args, &checklist);
    let variables = &args.runs.variables.set;
    let world_text = command::scenario_text(&world, variables, &args.runs.settings)?;
    let rehearsal = prepare(args, &checklist, &world, &world_text)?;
    let out = args.out.clone();
    let out = out.unwrap_or_else(|| Path::new("reports").join(&checklist.name).join("rehearsal"));
    ensure_room(args, &world, &rehearsal, &out)?;
    let folder = OutFolder::for_report(&out)?;
    let signals = signals::take_over(1, Hangup::Stop);
    announce(args, &checklist, &rehearsal);
    let (items, interrupted) = go_through(args, rehearsal.items, &signals)?;
    let mut digest = Digest::new();
    digest.bytes(text.as_bytes());
    digest.bytes(world_text.as_bytes());
    let sign_off = SignOff {
        rollout: format!(
            "from {} to {}, {} requests per second",
            checklist.from, checklist.to, rehearsal.rate
        ),
        checklist: checklist.name,
        description: checklist.description,
        path: args.checklist.display().to_string(),
        how: how(args, interrupted),
        made: format!("{} with squall {}", today(), env!("CARGO_PKG_VERSION")),
        configuration: digest.to_string(),
        items,
    };
    let exit = conclude(folder.path(), &sign_off)?;
    Ok(args.inconclusive.exit(exit, !interrupted))
}

/// Whether the machine can hold the simulated stages.
fn ensure_room(
    args: &RehearseArgs,
    world: &Path,
    rehearsal: &Rehearsal,
    out: &Path,
) -> Result<(), CliError> {
    let jobs = args.runs.jobs.unwrap_or_else(workers);
    let stages = rehearsal.items.iter().filter_map(|item| match item {
        PreparedItem::Stage(stage) if !args.live => Some(&stage.scenario),
        PreparedItem::Stage(_) | PreparedItem::Manual { .. } | PreparedItem::Static(_) => None,
    });
    let sized = stages.map(|scenario| SizedRuns {
        path: world,
        scenario,
        keep: RowRetention::Cells,
        runs: args.runs.seeds as usize,
        at_once: jobs.get(),
        are_written: false,
    });
    run_room::ensure(&sized.collect::<Vec<_>>(), out, args.runs.allow_large)
}

/// How it was rehearsed.
fn how(args: &RehearseArgs, interrupted: bool) -> String {
    let how = match args.live {
        true => "live, over real sockets on loopback".to_owned(),
        false => format!("simulated, {} seeds of every stage", args.runs.seeds),
    };
    if interrupted { how + "; interrupted" } else { how }
}

/// The file of the scenario, which is named from where the checklist stands.
fn world_path(args: &RehearseArgs, checklist: &Checklist) -> PathBuf {
    let folder = args.checklist.parent().unwrap_or_else(|| Path::new(""));
    // `scenarios/checklists/../rollout.yaml` is `scenarios/rollout.yaml` to a person.
    let mut path = PathBuf::new();
    for part in folder.join(&checklist.scenario).components() {
        let up = part == std::path::Component::ParentDir;
        if !(up && path.file_name().is_some() && path.pop()) {
            path.push(part);
        }
    }
    path
}

fn prepare(
    args: &RehearseArgs,
    checklist: &Checklist,
    path: &Path,
    text: &str,
) -> Result<Rehearsal, CliError> {
    let name = path.display().to_string();
    let folder = path.parent().unwrap_or_else(|| Path::new(""));
    let load = |other: &str| crate::files::referred(folder, other);
    let read = |text: &str| squall_scenario::Scenario::read_with(&name, text, &load);
    // A mistake in the scenario itself is shown where it stands.
    read(text)?;
    let settings = args.runs.settings.iter().map(Override::to_string).collect();
    let variables = args.runs.variables.set.iter().map(VariableSetting::to_string).collect();
    let world = ScenarioSource { path: &name, text, variables, settings, read: &read };
    squall_campaign::prepare(checklist, &world).map_err(|source| CliError::Rehearse {
        path: args.checklist.clone(),
        source: Box::new(source),
    })
}

fn announce(args: &RehearseArgs, checklist: &Checklist, rehearsal: &Rehearsal) {
    let stages = rehearsal.items.iter().filter_map(|item| match item {
        PreparedItem::Stage(stage) => Some(stage.scenario.duration),
        PreparedItem::Manual { .. } | PreparedItem::Static(_) => None,
    });
    let seconds = stages.map(|duration| duration.as_secs_f64()).sum::<f64>();
    let (name, items) = (&checklist.name, rehearsal.items.len());
    let how = if args.live {
        format!("live, {seconds} s")
    } else {
        format!("in virtual time, {} seeds of {:.1} h", args.runs.seeds, seconds / 3_600.0)
    };
    terminal::status(format_args!("{name}: {items} items, {how}"));
}

/// Goes through the items until one fails or a signal comes. True if a signal left something undone.
fn go_through(
    args: &RehearseArgs,
    items: Vec<PreparedItem>,
    signals: &Signals,
) -> Result<(Vec<SignOffItem>, bool), CliError> {
    let mut done: Vec<SignOffItem> = Vec::with_capacity(items.len());
    let (mut failed, mut interrupted) = (false, false);
    for item in items {
        interrupted |= !failed && signals.is_stopped();
        let item = match item {
            item if failed || interrupted => not_reached(&item),
            PreparedItem::Manual { line, text } => match ask(&text, signals)? {
                PromptAnswer::Given(is_done) => manual(line, &text, is_done),
                PromptAnswer::Interrupted => {
                    interrupted = true;
                    not_reached(&PreparedItem::Manual { line, text })
                }
            },
            PreparedItem::Static(item) => item,
            PreparedItem::Stage(stage) => {
                let (item, was_interrupted) = run(args, &stage, signals)?;
                interrupted = was_interrupted;
                item
            }
        };
        failed |= item.outcome == ItemOutcome::Failed;
        sign_off_lines(&item).into_iter().for_each(terminal::data);
        done.push(item);
    }
    Ok((done, interrupted))
}

/// Runs a stage. True if somebody interrupted it, who does not want the next one either.
fn run(
    args: &RehearseArgs,
    stage: &PreparedStage,
    signals: &Signals,
) -> Result<(SignOffItem, bool), CliError> {
    if args.live {
        terminal::status(format_args!("{}: {}", stage.title, stage.does));
        let recording = progress::run_live(
            &stage.scenario,
            RowRetention::Rows,
            None,
            None,
            Backends::MockProviders,
            &LiveShells::default(),
        )?;
        let interrupted = recording.header.ended.cut_at().is_some();
        return Ok((stage.judge(&recording), interrupted));
    }
    let bar = progress::Runs::new();
    let workers = args.runs.jobs.unwrap_or_else(workers);
    let seeds = args.runs.seeds as usize;
    let is_interrupted = || signals.is_stopped();
    let ran = stage.simulate(seeds, workers, &is_interrupted, |progress| bar.show(progress));
    bar.clear();
    Ok(ran?)
}

/// What came of a question.
enum PromptAnswer {
    /// Whether it is done; `None` where nobody is there to say so, or would not.
    Given(Option<bool>),
    /// A signal came first.
    Interrupted,
}

/// Asks whoever is at the terminal.
fn ask(what: &str, signals: &Signals) -> Result<PromptAnswer, CliError> {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Ok(PromptAnswer::Given(None));
    }
    loop {
        terminal::status(format_args!("{what}\n  is it done? [y]es, [n]o, [s]kip"));
        let Some(line) = read_line(signals) else { return Ok(PromptAnswer::Interrupted) };
        let line = line.map_err(|source| CliError::Io {
            what: "cannot read the terminal".to_owned(),
            source,
        })?;
        match line.trim() {
            "y" | "yes" => return Ok(PromptAnswer::Given(Some(true))),
            "n" | "no" => return Ok(PromptAnswer::Given(Some(false))),
            "s" | "skip" => return Ok(PromptAnswer::Given(None)),
            _ if line.is_empty() => return Ok(PromptAnswer::Given(None)),
            _ => {}
        }
    }
}

/// A line of standard input with its end, nothing at the end of it; `None` if a signal came first.
///
/// It is read on a thread of its own, which an interruption leaves waiting: reading cannot be ended from
/// outside, and the process is about to end.
fn read_line(signals: &Signals) -> Option<io::Result<String>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut line = String::new();
        let read = io::stdin().read_line(&mut line);
        // Nobody receives it any more after a signal.
        let _ = sender.send(read.map(|_| line));
    });
    while !signals.is_stopped() {
        match receiver.recv_timeout(LOOK_EVERY) {
            Ok(line) => return Some(line),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Some(Ok(String::new())),
        }
    }
    None
}

fn conclude(out: &Path, sign_off: &SignOff) -> Result<Exit, CliError> {
    let paths = squall_report::write_sign_off(out, sign_off)?;
    terminal::data("");
    terminal::data(sign_off.conclusion());
    terminal::data(format_args!("sign-off: {}", paths.html.display()));
    terminal::field("report", || paths.html.display().to_string().into());
    terminal::field("outcome", || sign_off.outcome().as_str().into());
    terminal::field("items", || sign_off.items.iter().map(item_json).collect());
    github::summary(&squall_judge::sign_off_markdown(sign_off))?;
    Ok(match sign_off.outcome() {
        ItemOutcome::Failed => Exit::Missed,
        ItemOutcome::CannotDetect | ItemOutcome::Inconclusive | ItemOutcome::NotReached => {
            Exit::Inconclusive
        }
        ItemOutcome::Passed | ItemOutcome::Skipped => Exit::Met,
    })
}

/// An item for programs.
fn item_json(item: &SignOffItem) -> Value {
    let evidence = item.evidence.iter().map(|each| {
        json!({ "text": each.text, "verdict": each.judgement.as_str(), "reason": each.reason })
    });
    json!({
        "line": item.line,
        "title": item.title,
        "outcome": item.outcome.as_str(),
        "notes": item.notes,
        "evidence": evidence.collect::<Vec<_>>(),
        "command": item.command,
    })
}

/// The day, as people sign for it.
#[expect(clippy::disallowed_methods, reason = "a sign-off bears its date, which decides nothing")]
fn today() -> String {
    // `Mon, 23 Nov 2026 18:00:00 GMT` without the time.
    let now = httpdate::fmt_http_date(SystemTime::now());
    now.get(..16).unwrap_or(&now).to_owned()
}
