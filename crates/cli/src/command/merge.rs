//! `squall merge`: what shards have recorded becomes the recording of their run.

use super::check_shards;
use super::replay::scenario_of;
use super::run::conclude;
use crate::args::{KeepArgs, MergeArgs};
use crate::error::{CliError, Exit};
use crate::{run_origin, terminal};
use squall_record::{OutFolder, Recording, ShardMerge};
use squall_report::RunOrigin;
use std::fs;
use std::path::{Path, PathBuf};

/// What a folder of a recording holds.
const RUN: &str = "run.json";

pub(crate) fn merge(args: &MergeArgs) -> Result<Exit, CliError> {
    let folders = folders(args)?;
    require_new(&args.out)?;
    if check_shards::is_in(&folders[0]) {
        return check_shards::merge(args, &folders);
    }
    let mut merge = ShardMerge::default();
    for folder in &folders {
        merge.add(&folder.display().to_string(), Recording::read(folder)?)?;
    }
    let merged = merge.finish(args.partial)?;
    if let Some(first) = merged.without_rows.first() {
        terminal::status(format_args!(
            "no rows are kept, since {} of the recordings have none: `{first}`",
            merged.without_rows.len()
        ));
    }
    let recording = merged.recording;
    let scenario = scenario_of(&recording, &folders[0])?;
    // A system with providers of its own is judged as `load` judges it.
    let has_own = recording.header.target.as_ref().is_some_and(|target| target.has_own_providers);
    let scenario = if has_own { scenario.without_providers() } else { scenario };
    let folder: OutFolder = run_origin::prepare(&args.out, KeepArgs { most: 0 })?;
    let kept = recording.write(folder.path());
    let origin = origin(&folders);
    let exit = conclude(&scenario, &recording, &args.out, (kept, Some(&origin)))?;
    terminal::field("merged", || {
        folders.iter().map(|folder| folder.display().to_string()).collect::<Vec<_>>().into()
    });
    Ok(exit)
}

/// Whether a folder holds a recording, or what a shard of a check has left.
fn is_of_a_shard(folder: &Path) -> bool {
    folder.join(RUN).is_file() || check_shards::is_in(folder)
}

/// The folders of recordings: those that were named, and those in folders that were.
fn folders(args: &MergeArgs) -> Result<Vec<PathBuf>, CliError> {
    let mut folders = Vec::new();
    for named in &args.recordings {
        if is_of_a_shard(named) {
            folders.push(named.clone());
            continue;
        }
        let entries = fs::read_dir(named);
        let entries = entries.map_err(|source| CliError::Read { path: named.clone(), source })?;
        let below = entries.flatten().map(|entry| entry.path());
        let mut below: Vec<_> = below.filter(|path| is_of_a_shard(path)).collect();
        if below.is_empty() {
            let what = "holds no recording: name the folder that a run with `--shard` has written";
            return Err(CliError::Shard(format!("`{}` {what}", named.display())));
        }
        below.sort();
        folders.extend(below);
    }
    Ok(folders)
}

/// What a merge writes replaces nothing.
fn require_new(out: &Path) -> Result<(), CliError> {
    let is_empty = fs::read_dir(out).map_or(true, |mut entries| entries.next().is_none());
    if is_empty {
        return Ok(());
    }
    Err(CliError::Shard(format!(
        "--out: `{}` exists already: name a folder that does not, or remove it",
        out.display()
    )))
}

/// The origin of the run: it began when the first of its shards did.
fn origin(folders: &[PathBuf]) -> RunOrigin {
    let origin = run_origin::of_this_command();
    let read = folders.iter().filter_map(|folder| RunOrigin::read(folder));
    let started = read.map(|origin| origin.started).filter(|started| !started.is_empty()).min();
    let started = started.unwrap_or_else(|| origin.started.clone());
    run_origin::written_now(RunOrigin { started, ..origin })
}
