//! `squall rehearse`: a rollout, item by item, to its sign-off.

use crate::args::RehearseArgs;
use crate::command::{self, github};
use crate::error::{CliError, Exit};
use crate::{progress, terminal};
use serde_json::{Value, json};
use squall_campaign::{
    PreparedItem, PreparedStage, Rehearsal, ScenarioSource, manual, not_reached, workers,
};
use squall_determinism::Digest;
use squall_judge::{ItemOutcome, SignOff, SignOffItem, sign_off_lines};
use squall_record::OutFolder;
use squall_scenario::{Checklist, Override};
use std::io::{BufRead, IsTerminal};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

pub(crate) fn rehearse(args: &RehearseArgs) -> Result<Exit, CliError> {
    let text = command::text(&args.checklist)?;
    let checklist = Checklist::read(&args.checklist.display().to_string(), &text)?;
    let world = world_path(args, &checklist);
    let world_text = command::set(&world, command::text(&world)?, &args.runs.settings)?;
    let rehearsal = prepare(args, &checklist, &world, &world_text)?;
    let out = args.out.clone();
    let out = out.unwrap_or_else(|| Path::new("reports").join(&checklist.name).join("rehearsal"));
    let folder = OutFolder::for_report(&out)?;
    announce(args, &checklist, &rehearsal);
    let items = go_through(args, rehearsal.items)?;
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
        how: match args.live {
            true => "live, over real sockets on loopback".to_owned(),
            false => format!("simulated, {} seeds of every stage", args.runs.seeds),
        },
        made: format!("{} with squall {}", today(), env!("CARGO_PKG_VERSION")),
        configuration: digest.to_string(),
        items,
    };
    conclude(folder.path(), &sign_off)
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
    let load = |other: &str| crate::files::named(&folder.join(other));
    let read = |text: &str| squall_scenario::Scenario::read_with(&name, text, &load);
    // A mistake in the scenario itself is shown where it stands.
    read(text)?;
    let settings = args.runs.settings.iter().map(Override::to_string).collect();
    let world = ScenarioSource { path: &name, text, settings, read: &read };
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

/// Goes through the items until one fails or is interrupted.
fn go_through(args: &RehearseArgs, items: Vec<PreparedItem>) -> Result<Vec<SignOffItem>, CliError> {
    let mut done: Vec<SignOffItem> = Vec::with_capacity(items.len());
    let mut ended = false;
    for item in items {
        let item = match item {
            item if ended => not_reached(&item),
            PreparedItem::Manual { line, text } => manual(line, &text, ask(&text)?),
            PreparedItem::Static(item) => item,
            PreparedItem::Stage(stage) => {
                let (item, interrupted) = run(args, &stage)?;
                ended = interrupted;
                item
            }
        };
        ended |= item.outcome == ItemOutcome::Failed;
        sign_off_lines(&item).into_iter().for_each(terminal::data);
        done.push(item);
    }
    Ok(done)
}

/// Runs a stage. True if somebody interrupted it, who does not want the next one either.
fn run(args: &RehearseArgs, stage: &PreparedStage) -> Result<(SignOffItem, bool), CliError> {
    if args.live {
        terminal::status(format_args!("{}: {}", stage.title, stage.does));
        let recording = progress::run_live(&stage.scenario, None)?;
        let interrupted = recording.header.ended.cut_at().is_some();
        return Ok((stage.judge(&recording), interrupted));
    }
    let bar = progress::Runs::new();
    let workers = args.runs.jobs.unwrap_or_else(workers);
    let item = stage.simulate(args.runs.seeds as usize, workers, |progress| bar.show(progress));
    bar.clear();
    Ok((item?, false))
}

/// Asks whoever is at the terminal; `None` where nobody is.
fn ask(what: &str) -> Result<Option<bool>, CliError> {
    let input = std::io::stdin();
    if !input.is_terminal() || !std::io::stderr().is_terminal() {
        return Ok(None);
    }
    loop {
        terminal::status(format_args!("{what}\n  is it done? [y]es, [n]o, [s]kip"));
        let mut answer = String::new();
        let read = input.lock().read_line(&mut answer);
        let read = read.map_err(|source| CliError::Io {
            what: "cannot read the terminal".to_owned(),
            source,
        })?;
        match answer.trim() {
            "y" | "yes" => return Ok(Some(true)),
            "n" | "no" => return Ok(Some(false)),
            "s" | "skip" => return Ok(None),
            _ if read == 0 => return Ok(None),
            _ => {}
        }
    }
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
        ItemOutcome::CannotDetect | ItemOutcome::Inconclusive => Exit::Inconclusive,
        ItemOutcome::Passed | ItemOutcome::Skipped | ItemOutcome::NotReached => Exit::Met,
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
