//! Runs that are long or many, in virtual time: how much memory, disk and page they take, and for how long.
//! `cargo xtask long-runs`. Memory and sizes must stay within their limits; times are told, and never held.
//!
//! `--figures` prints what ten million requests take as lines for `cargo xtask perf`, and holds nothing.
//!
//! The scenarios lie beside this file. `squall run` is a process of its own, so that its peak is the run's.

#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark reads the clock and prints"
)]

use std::fs;
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// A run, and what it may take.
struct LongRun {
    name: &'static str,
    scenario: &'static str,
    rows: &'static str,
    most: Megabytes,
}

/// Megabytes, of a million bytes each: of memory while it runs, of all files, of the page, and of memory while the report
/// is made again.
#[derive(Clone, Copy)]
struct Megabytes {
    run: f64,
    files: f64,
    page: f64,
    report: f64,
}

const RUNS: [LongRun; 4] = [
    LongRun {
        name: "ten million requests",
        scenario: include_str!("ten-million.yaml"),
        rows: "auto",
        most: Megabytes { run: 300.0, files: 100.0, page: 3.0, report: 300.0 },
    },
    LongRun {
        name: "a day, 2 to 40 rps",
        scenario: include_str!("day.yaml"),
        rows: "auto",
        most: Megabytes { run: 300.0, files: 100.0, page: 3.0, report: 300.0 },
    },
    LongRun {
        name: "30 days, 0.01 rps",
        scenario: include_str!("month.yaml"),
        rows: "all",
        most: Megabytes { run: 100.0, files: 100.0, page: 3.0, report: 300.0 },
    },
    LongRun {
        name: "a year, 0.001 rps",
        scenario: include_str!("year.yaml"),
        rows: "all",
        most: Megabytes { run: 100.0, files: 100.0, page: 3.0, report: 300.0 },
    },
];

fn main() -> ExitCode {
    if std::env::args().any(|argument| argument == "--figures") {
        let taken = take(&RUNS[0]);
        for (row, value) in [
            ("ten-million-seconds", taken.seconds),
            ("ten-million-memory", taken.megabytes.run),
            ("ten-million-files", taken.megabytes.files),
        ] {
            println!("figure\t{row}\tsquall\t{value}");
        }
        return ExitCode::SUCCESS;
    }
    println!(
        "{:<22} {:>9} {:>10} {:>9} {:>8} {:>10} {:>11}",
        "run", "seconds", "memory MB", "files MB", "page MB", "report s", "its MB"
    );
    let within: Vec<_> = RUNS.iter().map(measure).collect();
    if within.into_iter().all(|within| within) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What a run took.
struct Taken {
    seconds: f64,
    report_seconds: f64,
    megabytes: Megabytes,
}

/// Runs it, and draws its report again.
fn take(run: &LongRun) -> Taken {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("long-runs").join(run.name);
    let (file, out) = (folder.join("scenario.yaml"), folder.join("out"));
    // What an earlier measurement left.
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("the target directory takes files");
    fs::write(&file, run.scenario).expect("the target directory takes files");
    let (seconds, memory) = squall(
        Command::new(env!("CARGO_BIN_EXE_squall"))
            .args(["run", "--sim", "--allow-large", "--rows", run.rows, "--out"])
            .arg(&out)
            .arg(&file),
    );
    let files = size(&out);
    let page = fs::metadata(out.join("report.html")).map_or(0.0, |page| page.len() as f64 / 1e6);
    let (report_seconds, report) =
        squall(Command::new(env!("CARGO_BIN_EXE_squall")).arg("report").arg(&out));
    let _ = fs::remove_dir_all(&folder);
    Taken { seconds, report_seconds, megabytes: Megabytes { run: memory, files, page, report } }
}

/// Takes it, and tells what it took; false if that is more than it may.
fn measure(run: &LongRun) -> bool {
    let Taken { seconds, report_seconds: again, megabytes } = take(run);
    let Megabytes { run: memory, files, page, report } = megabytes;
    println!(
        "{:<22} {seconds:>9.1} {memory:>10.0} {files:>9.1} {page:>8.2} {again:>10.2} {report:>11.0}",
        run.name
    );
    is_within(run.name, megabytes, run.most)
}

fn is_within(name: &str, taken: Megabytes, most: Megabytes) -> bool {
    let pairs = [
        ("memory of the run", taken.run, most.run),
        ("files", taken.files, most.files),
        ("page", taken.page, most.page),
        ("memory of the report", taken.report, most.report),
    ];
    let beyond = pairs.into_iter().filter(|(_, taken, most)| taken > most);
    let told =
        beyond.map(|(what, taken, most)| println!("{name}: {what} {taken:.1} MB, limit {most} MB"));
    told.count() == 0
}

/// Runs `squall` to its end: seconds, and the most memory it held, in megabytes. Whatever its verdict.
fn squall(command: &mut Command) -> (f64, f64) {
    let started = Instant::now();
    let quiet = command.arg("--quiet").stdin(Stdio::null()).stdout(Stdio::null());
    let mut child = quiet.spawn().expect("it was built beside this benchmark");
    let mut peak = 0.0_f64;
    let status = loop {
        peak = peak.max(peak_megabytes(&child));
        if let Some(status) = child.try_wait().expect("it is a child of ours") {
            break status;
        }
        sleep(Duration::from_millis(5));
    };
    // 1 and 3 are verdicts.
    assert!(matches!(status.code(), Some(0 | 1 | 3)), "squall: {status}");
    (started.elapsed().as_secs_f64(), peak)
}

/// The most memory that a process has held until now, as Linux tells it.
fn peak_megabytes(child: &Child) -> f64 {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok());
    kilobytes.unwrap_or_default() * 1_024.0 / 1e6
}

/// All files of a folder, in megabytes.
fn size(folder: &Path) -> f64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let bytes = entries.filter_map(|entry| entry.metadata().ok()).map(|file| file.len());
    bytes.sum::<u64>() as f64 / 1e6
}
