//! The machine and the tree that figures are of, and what makes figures doubtful.

use std::fs;
use std::process::Command;
use std::thread;
use std::time::Duration;

/// How long the machine is looked at while nothing of ours runs.
const LOOK: Duration = Duration::from_millis(500);

/// Beyond this share of its time a machine is busy with something else.
const BUSY: f64 = 0.10;

/// What stands above the table.
#[derive(Debug)]
pub(super) struct HostFacts {
    /// One for each line: the machine, the toolchain, the tree.
    pub(super) facts: Vec<String>,
    governors: Vec<String>,
}

impl HostFacts {
    pub(super) fn now() -> Self {
        let cores = cores();
        let processor = line_of("/proc/cpuinfo", "model name");
        let processor = processor.unwrap_or_else(|| "unknown processor".to_owned());
        let kernel = said("uname", &["-sr"]);
        let governors = governors();
        let scaling = match &governors[..] {
            [] => "none is visible here".to_owned(),
            some => some.join(", "),
        };
        let changed = said("git", &["status", "--porcelain", "--untracked-files=no"]);
        let commit = said("git", &["rev-parse", "--short", "HEAD"]);
        let tree = if changed.is_empty() { "" } else { ", with uncommitted changes" };
        let facts = vec![
            format!("machine: {processor}, {cores} cores, {kernel}"),
            format!("frequency governor: {scaling}"),
            format!("toolchain: {}", said("rustc", &["--version"])),
            format!("commit: {commit}{tree}"),
            format!("date: {}", said("date", &["-u", "+%Y-%m-%d %H:%M UTC"])),
        ];
        Self { facts, governors }
    }

    /// Why no goal can be judged by what was measured since, if so.
    pub(super) fn changed_since(&self) -> Option<String> {
        let now = governors();
        (now != self.governors)
            .then(|| format!("the frequency governor changed from {:?} to {now:?}", self.governors))
    }

    /// What scaling of the frequency may do to the figures.
    pub(super) fn scaling(&self) -> Option<&'static str> {
        let scales = self.governors.iter().any(|governor| governor != "performance");
        scales.then_some(
            "the frequency of the processor changes with its load: compare within a row only",
        )
    }
}

pub(super) fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// Why figures of now are doubtful: what else keeps the machine busy. Nothing of ours may run meanwhile.
pub(super) fn busy() -> Option<String> {
    let before = processor_times()?;
    thread::sleep(LOOK);
    let after = processor_times()?;
    let all = after.all.saturating_sub(before.all) as f64;
    let share = 1.0 - after.idle.saturating_sub(before.idle) as f64 / all.max(1.0);
    (share > BUSY)
        .then(|| format!("{:.0} % of the machine was busy with something else", share * 100.0))
}

/// Ticks since the machine was started.
struct ProcessorTimes {
    all: u64,
    /// Idle, or waiting for a disk.
    idle: u64,
}

fn processor_times() -> Option<ProcessorTimes> {
    let text = fs::read_to_string("/proc/stat").ok()?;
    let fields = text.lines().next()?.split_whitespace().skip(1);
    // The time of guests is in the user's.
    let ticks: Vec<u64> = fields.take(8).filter_map(|field| field.parse().ok()).collect();
    Some(ProcessorTimes { all: ticks.iter().sum(), idle: ticks.get(3)? + ticks.get(4)? })
}

/// The governors of all cores, each once. Virtual machines have none that are visible.
fn governors() -> Vec<String> {
    let folders = fs::read_dir("/sys/devices/system/cpu").into_iter().flatten().flatten();
    let governor = |folder: fs::DirEntry| {
        let text = fs::read_to_string(folder.path().join("cpufreq/scaling_governor")).ok()?;
        Some(text.trim().to_owned())
    };
    let mut all: Vec<String> = folders.filter_map(governor).collect();
    all.sort_unstable();
    all.dedup();
    all
}

fn line_of(path: &str, key: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.starts_with(key))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// What a program says, on one line; nothing if it cannot be run.
fn said(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    output.map_or_else(
        |_| String::new(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    )
}
