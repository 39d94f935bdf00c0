//! The numbers in a page of a run, against what the CSVs beside it say: each computed here from the rows alone.

use crate::squall::Folder;
use serde_json::Value;
use std::collections::BTreeMap;

const SCENARIO: &str = "
name: numbers
seed: 11
phases: { calm: 0s..20s, outage: 20s..40s, after: 40s..90s }
traffic:
  group: chat
  rate: [ { at: 0s, rps: 6 }, { at: 30s, rps: 18 }, { at: 60s, rps: 6 } ]
  prompt_tokens: 100
  output_tokens: 40
  stream: 50%
  client: { timeout: 20s }
providers:
  north:
    ttft: { lognormal: { median: 300ms, p95: 900ms } }
    itl: 5ms
    limits: { rpm: 120, tpm: 30000 }
    faults: [ { at: 20s, for: 15s, error: 503 }, { at: 50s, for: 10s, share: 20%, delay: 6s } ]
  south: { ttft: 300ms, itl: 5ms, limits: { rpm: 400 } }
  east: { ttft: 300ms, itl: 5ms }
router:
  groups:
    chat:
      hedge: { after: 2s }
      slow_start: { window: 10s }
      deployments:
        - { name: a, provider: north, weight: 3, price: { input: $2.50, output: $10 } }
        - { name: b, provider: south, weight: 1, price: { input: $0.15, output: $0.60 } }
      fallback: [spare]
    spare: { deployments: [ { name: d, provider: east } ] }
expect:
  - success_rate >= 1%
";

/// A row of a CSV, by the names of its columns.
type Row = BTreeMap<String, String>;

struct NumberedRun {
    folder: Folder,
    data: Value,
}

impl NumberedRun {
    fn new(name: &str, more: &[&str]) -> Self {
        let folder = Folder::new(name);
        folder.write("numbers.yaml", SCENARIO);
        let run = ["run", "numbers.yaml", "--sim", "--out", "out"];
        let ended = folder.squall(&[&run, more].concat());
        assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
        let page = folder.read("out/report.html");
        let data = page.split_once("id=\"data\">").expect("the page has data").1;
        let data = data.split_once("</script>").expect("which end").0;
        Self { folder, data: serde_json::from_str(data).expect("it is JSON") }
    }

    fn rows(&self, file: &str) -> Vec<Row> {
        let text = self.folder.read(&format!("out/{file}"));
        let mut lines = text.lines();
        let head: Vec<_> = lines.next().expect("a head").split(',').map(str::to_owned).collect();
        let row =
            |line: &str| head.iter().cloned().zip(line.split(',').map(str::to_owned)).collect();
        lines.map(row).collect()
    }

    fn seconds(&self) -> usize {
        self.data["seconds"].as_u64().expect("a number") as usize
    }

    /// The series of a chart, each with its name and its value in each second; nothing is 0.
    fn series(&self, chart: &str) -> Vec<(String, Vec<u64>)> {
        let places = self.data["charts"][chart].as_array();
        let places = places.unwrap_or_else(|| panic!("{chart} has no numbers"));
        let series = places.iter().map(|place| {
            let series = &self.data["series"][place.as_u64().expect("a place") as usize];
            assert_eq!(series["step"], 1, "a run of a minute and a half is told by seconds");
            let values = series["values"].as_array().expect("values").iter().flat_map(|value| {
                match value.as_i64().expect("a number") {
                    value @ 0.. => vec![value as u64],
                    nothing => vec![0; nothing.unsigned_abs() as usize],
                }
            });
            (series["name"].as_str().expect("a name").to_owned(), values.collect())
        });
        series.collect()
    }
}

fn number(row: &Row, column: &str) -> u64 {
    row[column].parse().unwrap_or_else(|_| panic!("{column} of {row:?}"))
}

fn second(row: &Row, column: &str) -> usize {
    (number(row, column) / 1_000_000_000) as usize
}

/// How many rows are in each second.
fn by_second<'r>(
    seconds: usize,
    rows: impl Iterator<Item = &'r Row>,
    column: &str,
    amount: impl Fn(&Row) -> u64,
) -> Vec<u64> {
    let mut sums = vec![0; seconds];
    rows.for_each(|row| sums[second(row, column)] += amount(row));
    sums
}

#[test]
fn failures_stand_at_the_time_at_which_their_requests_were_to_be_sent() {
    // Of the answers that come six seconds late, clients wait for three.
    let late = ["--set", "traffic.client.timeout=3s", "--set", "router.groups.chat.hedge=never"];
    let run = NumberedRun::new("numbers-failed", &late);
    let requests = run.rows("requests.csv");
    let failed = requests.iter().filter(|row| row["outcome"] != "succeeded");
    let failed = by_second(run.seconds(), failed, "intended_ns", |_| 1);
    assert!(failed.iter().sum::<u64>() > 0);
    let series = run.series("traffic");
    let told = series.iter().find(|(name, _)| name == "failed or abandoned").expect("it is told");
    assert_eq!(told.1, failed);
}

#[test]
fn the_map_of_latencies_counts_every_answer_in_its_cell() {
    let run = NumberedRun::new("numbers-map", &[]);
    let mut cells: BTreeMap<i64, Vec<u64>> = BTreeMap::new();
    for row in run.rows("requests.csv").iter().filter(|row| row["outcome"] == "succeeded") {
        let micros = (number(row, "ended_ns") - number(row, "intended_ns")) / 1_000;
        // Between which of 1, 1.5, 2, 3, 4, 6, 8 … microseconds.
        let edges = (0..40).flat_map(|power| [1_u64 << power, 3 << power >> 1]);
        let band = edges.filter(|&edge| edge <= micros).count() as i64;
        let column = cells.entry(-band).or_insert_with(|| vec![0; run.seconds()]);
        column[second(row, "intended_ns")] += 1;
    }
    // The page has the slowest first, and no rows that are empty.
    let told: Vec<_> = run.series("latency-map").into_iter().map(|(_, counts)| counts).collect();
    let expected: Vec<_> = cells.values().cloned().collect();
    assert!(expected.len() > 3, "{cells:?}");
    assert_eq!(told, expected);
}

#[test]
fn what_is_used_of_a_limit_is_what_passed_in_the_minute_before() {
    let run = NumberedRun::new("numbers-limits", &[]);
    let attempts = run.rows("attempts.csv");
    let used = |deployment: &str, amount: &dyn Fn(&Row) -> u64, limit: f64| {
        let own = attempts.iter().filter(|row| row["deployment"] == deployment);
        let sums = by_second(run.seconds(), own, "started_ns", amount);
        let minute = |end: usize| sums[(end + 1).saturating_sub(60)..=end].iter().sum::<u64>();
        let permille = |end: usize| (minute(end) as f64 / limit * 1_000.0).round() as u64;
        (0..run.seconds()).map(permille).collect::<Vec<_>>()
    };
    let passed = |row: &Row| u64::from(row["class"] != "throttled");
    let tokens = |row: &Row| match number(row, "output_tokens") {
        0 => 0,
        output => output + number(row, "input_tokens"),
    };
    let expected = [
        ("north: rpm of 120".to_owned(), used("a", &passed, 120.0)),
        ("south: rpm of 400".to_owned(), used("b", &passed, 400.0)),
        ("north: tpm of 30,000".to_owned(), used("a", &tokens, 30_000.0)),
    ];
    assert!(attempts.iter().any(|row| row["class"] == "throttled"), "a limit was reached");
    assert_eq!(run.series("limits"), expected);
}

#[test]
fn every_attempt_after_the_first_of_its_request_has_its_cause() {
    let run = NumberedRun::new("numbers-causes", &[]);
    let mut attempts = run.rows("attempts.csv");
    attempts.sort_by_key(|row| (number(row, "request"), number(row, "ordinal")));
    let mut causes: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for of_request in attempts.chunk_by(|one, other| one["request"] == other["request"]) {
        for (place, row) in of_request.iter().enumerate().skip(1) {
            let (before, started) = (&of_request[..place], number(row, "started_ns"));
            let group = |row: &Row| row["deployment"] == "d";
            let cause = if before.iter().any(|row| number(row, "ended_ns") > started) {
                "hedges"
            } else if group(row) == group(&before[place - 1]) {
                "retries"
            } else {
                "fallbacks"
            };
            causes.entry(cause).or_insert_with(|| vec![0; run.seconds()])
                [second(row, "started_ns")] += 1;
        }
    }
    assert!(causes.len() >= 2, "{:?}", causes.keys());
    let mut told: BTreeMap<_, _> = run.series("amplification").into_iter().collect();
    assert!(told.remove("requests").is_some());
    let told: BTreeMap<_, _> =
        told.iter().map(|(name, counts)| (name.as_str(), counts.clone())).collect();
    assert_eq!(told, causes);
}

#[test]
fn the_cost_of_a_second_is_that_of_the_tokens_of_its_attempts() {
    let run = NumberedRun::new("numbers-cost", &[]);
    let attempts = run.rows("attempts.csv");
    // Dollars for a million tokens are millionths of a dollar for one.
    let cost = |deployment: &str, (input, output): (f64, f64)| {
        let mut sums = vec![0.0; run.seconds()];
        for row in attempts.iter().filter(|row| row["deployment"] == deployment) {
            let (prompt, answer) = (number(row, "input_tokens"), number(row, "output_tokens"));
            if answer > 0 {
                sums[second(row, "started_ns")] += prompt as f64 * input + answer as f64 * output;
            }
        }
        sums
    };
    let told: BTreeMap<_, _> = run.series("cost").into_iter().collect();
    for (name, expected) in [("a", cost("a", (2.5, 10.0))), ("b", cost("b", (0.15, 0.6)))] {
        let near = |(told, expected): (&u64, &f64)| (*told as f64 - expected).abs() <= 1.0;
        assert!(expected.iter().sum::<f64>() > 0.0);
        assert!(
            told[name].iter().zip(&expected).all(near),
            "{name}: {:?} {expected:?}",
            told[name]
        );
    }
    let answers = run.rows("requests.csv");
    let received = by_second(run.seconds(), answers.iter(), "intended_ns", |row| {
        if row["outcome"] == "succeeded" { number(row, "received_tokens") } else { 0 }
    });
    assert_eq!(told["output tokens in answers"], received);
}

#[test]
fn the_state_of_a_second_is_the_most_severe_that_the_notes_tell() {
    let run = NumberedRun::new("numbers-states", &[]);
    let words = run.data["states"].as_array().expect("words").clone();
    let state = |word: &str| words.iter().position(|known| known == word).expect("a state") as u64;
    // Each stretch from its note to the one that ends it, in nanoseconds.
    let (mut worst, mut open) = (vec![0_u64; run.seconds()], None);
    let end = run.seconds() as u64 * 1_000_000_000;
    let mut hold = |from: u64, to: u64, state: u64| {
        let to = to.min(end);
        if from < to {
            let seconds = (from / 1_000_000_000) as usize..to.div_ceil(1_000_000_000) as usize;
            worst[seconds].iter_mut().for_each(|worst| *worst = (*worst).max(state));
        }
    };
    let mut kinds = BTreeMap::new();
    for row in run.rows("notes.csv").iter().filter(|row| row["deployment"] == "a") {
        let at = number(row, "at_ns");
        let next = match row["event"].as_str() {
            "cooldown_started" if row["why"] == "throttled" => Some(state("throttled")),
            "cooldown_started" => Some(state("ejected")),
            "cooldown_ended" => match open {
                Some((_, was)) if was != state("throttled") => Some(state("waiting for a probe")),
                _ => None,
            },
            "recovered" => {
                hold(at, at + 10_000_000_000, state("slow start"));
                None
            }
            _ => continue,
        };
        *kinds.entry(row["event"].clone()).or_insert(0) += 1;
        if let Some((from, was)) = open.take() {
            hold(from, at, was);
        }
        open = next.map(|next| (at, next));
    }
    if let Some((from, was)) = open {
        hold(from, end, was);
    }
    assert!(kinds.len() == 3, "{kinds:?}");
    let told = run.series("states");
    let (_, told) = told.iter().find(|(name, _)| name == "a").expect("it is told");
    assert_eq!(*told, worst);
}

#[test]
fn a_chart_that_has_nothing_to_say_is_left_out() {
    let folder = Folder::new("numbers-quiet");
    let quiet = SCENARIO
        .replace("[ { at: 0s, rps: 6 }, { at: 30s, rps: 18 }, { at: 60s, rps: 6 } ]", "6")
        .replace("limits: { rpm: 120, tpm: 30000 }\n", "\n")
        .replace(", limits: { rpm: 400 }", "")
        .replace("hedge: { after: 2s }", "hedge: never")
        .replace("faults: [ { at: 20s, for: 15s, error: 503 }, { at: 50s, for: 10s, share: 20%, delay: 6s } ]\n", "\n")
        .replace(", price: { input: $2.50, output: $10 }", "")
        .replace(", price: { input: $0.15, output: $0.60 }", "");
    folder.write("quiet.yaml", &quiet);
    let ended = folder.squall(&["run", "quiet.yaml", "--sim", "--out", "out"]);
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
    let page = folder.read("out/report.html");
    for chart in ["load", "states", "amplification", "limits", "cost"] {
        assert!(!page.contains(&format!("<figure id=\"{chart}\"")), "{chart}");
        assert!(!folder.path(&format!("out/{chart}.svg")).exists(), "{chart}");
    }
    assert!(page.contains("<figure id=\"latency-map\""));
}
