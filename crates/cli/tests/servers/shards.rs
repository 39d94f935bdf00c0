//! Shards of a live run: processes in the environments of schedulers that begin together and send to one system.

use crate::serve::{Server, start_and_listen};
use crate::squall::{BINARY, Ended, Folder};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use squall_record::{Logs, Recording, RowRetention};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::SystemTime;

const SCENARIO: &str = "
name: staging
seed: 3
duration: 4s
traffic: { group: chat, rate: 50, prompt_tokens: { lognormal: { median: 20, p95: 60 } }, \
           output_tokens: { lognormal: { median: 5, p95: 9 } }, stream: 50% }
providers: { one: { ttft: 10ms, itl: 1ms } }
router: { groups: { chat: { deployments: [ { name: one, provider: one } ] } } }
expect: [ success_rate >= 99% ]
";

/// How many shards there are.
const OF: usize = 4;

/// A system with an OpenAI API that answers whatever comes.
fn system(test: &str) -> (Folder, Server, String) {
    let folder = Folder::new(test);
    folder.write("scenario.yaml", SCENARIO);
    folder
        .write("mock.yaml", "providers: { one: { listen: 127.0.0.1:0, ttft: 10ms, itl: 1ms } }\n");
    let arguments = ["mock", "--config", "mock.yaml", "--log", "off"];
    let (server, addr, _) = start_and_listen(&folder, &arguments);
    (folder, server, format!("http://{addr}/v1"))
}

/// The environment of a task, from 0.
fn environment(is_slurm: bool, task: usize) -> Vec<(&'static str, String)> {
    if is_slurm {
        return vec![
            ("SLURM_ARRAY_TASK_ID", task.to_string()),
            ("SLURM_ARRAY_TASK_MIN", "0".to_owned()),
            ("SLURM_ARRAY_TASK_COUNT", OF.to_string()),
        ];
    }
    vec![("JOB_COMPLETION_INDEX", task.to_string()), ("SQUALL_SHARDS", OF.to_string())]
}

/// A batch script, as Slurm runs it: by bash, in the folder and the environment of `sbatch`.
fn script(script: &str, folder: &Folder, name: &str, url: &str) -> Command {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/slurm").join(script);
    let mut command = Command::new("bash");
    command.arg(path).current_dir(folder.path("")).env("NO_COLOR", "1").env("SQUALL", BINARY);
    command.env("SQUALL_SCENARIO", "scenario.yaml").env("SQUALL_TARGET", url);
    command.env("SQUALL_MAX_RATE", "500").env("SQUALL_RECORDINGS", name);
    command.env("SQUALL_MERGED", format!("{name}-merged"));
    command
}

/// Starts a shard, and waits until it waits for the others.
fn waiting(folder: &Folder, url: &str, name: &str, (is_slurm, task): (bool, usize)) -> Child {
    let out = format!("{name}/shard-{task}");
    let mut command = match is_slurm {
        true => script("shards.sbatch", folder, name, url),
        false => folder.command(&["load", "scenario.yaml", "--target", url, "--out", &out]),
    };
    command.envs(environment(is_slurm, task)).env("SQUALL_START_FILE", format!("{name}.start"));
    let mut child =
        command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it starts");
    let mut said = BufReader::new(child.stderr.take().expect("it is piped"));
    let mut line = String::new();
    while !line.contains("waiting for a time") {
        line.clear();
        assert!(said.read_line(&mut line).expect("it is text") > 0, "it ended before");
    }
    // It says little more, which a pipe takes until it is read.
    child.stderr = Some(said.into_inner());
    child
}

/// When it is so many seconds from now.
fn in_seconds(seconds: i64) -> String {
    let now = DateTime::<Utc>::from(UnixNow::now());
    (now + TimeDelta::seconds(seconds)).to_rfc3339_opts(SecondsFormat::Millis, true)
}

struct UnixNow;

impl UnixNow {
    #[expect(clippy::disallowed_methods, reason = "shards agree on a time of day")]
    fn now() -> SystemTime {
        SystemTime::now()
    }
}

/// Runs all shards to their ends. On a machine that is too busy for all to be ready in time, once more with more of it.
fn run_shards(folder: &Folder, url: &str, is_slurm: bool) -> String {
    for seconds in [3, 20, 120] {
        let name = format!("{}-{seconds}", if is_slurm { "slurm" } else { "kubernetes" });
        let shards: Vec<_> =
            (0..OF).map(|task| waiting(folder, url, &name, (is_slurm, task))).collect();
        folder.write(&format!("{name}.start"), &in_seconds(seconds));
        let ended = shards.into_iter().map(|mut shard| {
            let mut err = String::new();
            let piped = shard.stderr.as_mut().expect("it is piped");
            piped.read_to_string(&mut err).expect("it is text");
            (shard.wait().expect("it ends").code(), err)
        });
        let ended: Vec<_> = ended.collect();
        if ended.iter().any(|(_, err)| err.contains("the agreed start")) {
            continue;
        }
        for (code, err) in &ended {
            assert_eq!(*code, Some(0), "{err}");
        }
        return name;
    }
    panic!("no shard was ready two minutes after it was told the time");
}

/// What was to be sent, row by row: number, group, kind, stream, intended time, sizes.
fn plan(recording: &Recording) -> Vec<(u64, u16, u16, bool, u64, u32, u32)> {
    let rows = recording.requests.iter();
    rows.map(|row| {
        let intended = row.intended.as_nanos();
        (
            row.request,
            row.group,
            row.kind,
            row.stream,
            intended,
            row.input_tokens,
            row.output_tokens,
        )
    })
    .collect()
}

fn read(folder: &Folder, name: &str) -> Recording {
    Recording::read(&folder.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[test]
fn four_shards_as_processes_of_a_scheduler_are_one_run() {
    let (folder, _server, url) = system("shards-live");
    let one: Ended = folder.squall(&["load", "scenario.yaml", "--target", &url, "--out", "one"]);
    assert!([0, 3].contains(&one.code), "{}{}", one.out, one.err);
    let one = read(&folder, "one");
    assert!(one.requests.len() > 120, "{}", one.requests.len());
    for is_slurm in [false, true] {
        let name = run_shards(&folder, &url, is_slurm);
        let merged_into = format!("{name}-merged");
        let told: Ended = match is_slurm {
            true => {
                script("merge.sbatch", &folder, &name, &url).output().expect("bash runs").into()
            }
            false => folder.squall(&["merge", &name, "--out", &merged_into]),
        };
        let merged = read(&folder, &merged_into);
        assert_eq!(plan(&merged), plan(&one), "equal plans");
        for task in 0..OF {
            let part = read(&folder, &format!("{name}/shard-{task}"));
            assert!(part.requests.iter().all(|row| row.request % OF as u64 == task as u64));
        }
        // The counts and distributions that were added are those of all rows together.
        let logs = Logs { requests: merged.requests.clone(), ..Logs::default() };
        let again = Recording::of_logs(merged.header.clone(), RowRetention::Rows, logs);
        assert_eq!(merged.cells, again.cells);
        assert_eq!(merged.header.lag, again.header.lag);
        let all = || squall_determinism::Timestamp::ZERO..squall_determinism::Timestamp::MAX;
        let sums = [&merged, &one].map(|each| each.cells.groups[0].sum(all()));
        let counts = sums.map(|sum| (sum.arrived, sum.succeeded, sum.received_tokens));
        assert_eq!(counts[0], counts[1], "equal metrics");
        let shards = merged.header.shards.as_ref().expect("it is of shards");
        assert!(shards.is_whole());
        // They agreed on one moment, by one clock.
        let spread = shards.spread().expect("a live run begins at a time of day");
        assert!(told.out.contains("joined; the last began"), "{}", told.out);
        assert!(!told.out.contains("did not begin together") || spread.as_secs() >= 1);
        assert!([0, 3].contains(&told.code), "{}{}", told.out, told.err);
    }
}

#[test]
fn a_whole_rate_is_bounded_and_not_that_of_a_shard() {
    let (folder, _server, url) = system("shards-rate");
    let arguments = ["load", "scenario.yaml", "--target", &url, "--shard", "1/4", "--out", "out"];
    let refused = folder.squall(&[&arguments[..], &["--max-rate", "25"]].concat());
    assert_eq!(refused.code, 2, "{}{}", refused.out, refused.err);
    assert!(refused.err.contains("the busiest second of this traffic has"), "{}", refused.err);
    let sent = folder.squall(&arguments);
    assert_eq!(sent.code, 0, "{}{}", sent.out, sent.err);
    assert!(sent.err.contains("no start is agreed with the other shards"), "{}", sent.err);
    let part = read(&folder, "out");
    assert!(
        part.requests.iter().all(|row| row.request.is_multiple_of(4)) && part.requests.len() > 30
    );
}
