//! `cargo xtask fuzz`: each fuzzer for a while, over the corpus in the tree. What they find beyond it is kept out of
//! the tree, in `fuzz/grown`; an input that breaks something is committed to `fuzz/corpus` with its repair.

use crate::step::{self, Steps};
use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// How long each runs, if nobody says.
const SECONDS: u32 = 60;

/// An input that takes longer hangs.
const HANGS: &str = "-timeout=20";
/// One that takes more memory has no bound; in MiB, of a process that keeps its corpus in memory.
const GREEDY: &str = "-rss_limit_mb=2048";
/// What is longer finds nothing that a shorter one does not.
const LENGTH: &str = "-max_len=65536";

/// The version that the targets are written for.
const CARGO_FUZZ: [&str; 5] = ["install", "cargo-fuzz", "--locked", "--version", "0.13.2"];

/// False if any fuzzer found an input that breaks its entry, or if there is no such target.
pub(crate) fn run(arguments: &[String]) -> bool {
    let Some(seconds) = step::number(arguments, "--seconds", SECONDS) else { return false };
    let Some(all) = targets() else { return false };
    let asked = step::values(arguments, "--target");
    if let Some(unknown) = asked.iter().find(|name| !all.contains(name)) {
        eprintln!("error: there is no target `{unknown}`; there are {}", all.join(", "));
        return false;
    }
    let mut steps = Steps::default();
    if !is_installed() && !steps.cargo(&CARGO_FUZZ, &[]) {
        return false;
    }
    let chosen: Vec<_> =
        all.into_iter().filter(|name| asked.is_empty() || asked.contains(name)).collect();
    // No code of ours is unsafe: what a sanitizer would look for is not there, and the stable toolchain has none.
    let build = ["fuzz", "build", "--sanitizer", "none"];
    if !steps.cargo(&build, &[]) {
        steps.tell();
        return false;
    }
    let mut broken = Vec::new();
    for name in &chosen {
        let before = artifacts(name);
        if !steps.step(&format!("{name}, {seconds} s"), || fuzz(name, seconds)) {
            let found = artifacts(name).difference(&before).cloned().collect::<Vec<_>>();
            broken.push((name, found));
        }
    }
    steps.tell();
    println!("{} fuzzers ran, {} found something", chosen.len(), broken.len());
    for (name, found) in &broken {
        let found = if found.is_empty() { "it left no input".to_owned() } else { found.join(", ") };
        println!("  {name}: {found}");
    }
    broken.is_empty()
}

/// The inputs that have broken a target, now or in an earlier run: the paths of their files.
fn artifacts(name: &str) -> BTreeSet<String> {
    let folder = format!("fuzz/artifacts/{name}");
    let entries = fs::read_dir(&folder).into_iter().flatten().flatten();
    entries.map(|entry| format!("{folder}/{}", entry.file_name().to_string_lossy())).collect()
}

fn is_installed() -> bool {
    let mut command = Command::new(env!("CARGO"));
    command.args(["fuzz", "--version"]).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// The names of the targets.
fn targets() -> Option<Vec<String>> {
    let Ok(entries) = fs::read_dir("fuzz/fuzz_targets") else {
        eprintln!("error: fuzz/fuzz_targets is not here: run this in the root of the project");
        return None;
    };
    let names = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut names: Vec<_> =
        names.filter_map(|name| name.strip_suffix(".rs").map(str::to_owned)).collect();
    names.sort();
    Some(names)
}

fn fuzz(name: &str, seconds: u32) -> bool {
    let (grown, corpus) = (format!("fuzz/grown/{name}"), format!("fuzz/corpus/{name}"));
    // What an entry writes while it runs, such as a recording, is not left behind.
    let scratch = env::current_dir().unwrap_or_default().join("fuzz/grown/scratch");
    for folder in [Path::new(&grown), &scratch] {
        if let Err(error) = fs::create_dir_all(folder) {
            eprintln!("error: {}: {error}", folder.display());
            return false;
        }
    }
    let time = format!("-max_total_time={seconds}");
    // What changed is written into the first folder.
    let arguments = ["fuzz", "run", "--sanitizer", "none", name, &grown, &corpus, "--"];
    // Addresses of functions that were reached say nothing to anybody.
    let quiet = ["-print_final_stats=1", "-verbosity=0", "-print_funcs=0"];
    let limits = [&[&*time, HANGS, GREEDY, LENGTH][..], &quiet].concat();
    let variables = [("TMPDIR", &*scratch.to_string_lossy())];
    let passed = step::cargo(&[&arguments[..], &limits].concat(), &variables);
    // Only space is lost if it cannot be removed.
    let _ = fs::remove_dir_all(&scratch);
    passed
}
