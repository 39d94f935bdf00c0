//! `cargo xtask perf --check`: instruction counts beside the committed ones. Counts, never times, so that a busy machine
//! changes nothing; under other conditions than those of the committed counts nothing is judged.

use super::conditions::CountConditions;
use super::counted::{self, ALL, CountedWork};
use super::page::{self, Block};
use crate::machine;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// The committed counts.
const FILE: &str = "crates/xtask/src/perf/counts.json";

/// How far a count may be from the committed one.
const TOLERANCE: f64 = 0.03;

/// How far two counts of one build may be apart to be committed.
const REPEATS: f64 = 0.001;

/// What came of the comparison.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum CountVerdict {
    /// Every count is within the tolerance.
    Within,
    /// Some are not, or could not be counted, which has been printed.
    Beyond,
    /// Nothing was compared: why.
    NotJudged(String),
}

/// Counts, and compares with the committed counts.
pub(crate) fn check() -> CountVerdict {
    let committed = match CommittedCounts::read() {
        Ok(committed) => committed,
        Err(problem) => {
            eprintln!("error: {problem}");
            return CountVerdict::Beyond;
        }
    };
    match CountConditions::here() {
        Ok(here) if here == committed.conditions => {}
        Ok(here) => {
            let there = committed.conditions.told();
            return CountVerdict::NotJudged(format!(
                "they were committed with {there}, and this is {}",
                here.told()
            ));
        }
        Err(why) => return CountVerdict::NotJudged(why),
    }
    if !machine::has_valgrind() {
        return CountVerdict::NotJudged("valgrind is not installed".to_owned());
    }
    match counts() {
        Some(counts) if committed.holds(&counts) => CountVerdict::Within,
        Some(_) | None => CountVerdict::Beyond,
    }
}

/// Counts twice, and commits the counts if they repeat, to the file and to the page.
pub(super) fn bless() -> bool {
    let here = match CountConditions::here() {
        Ok(here) if machine::has_valgrind() => here,
        Ok(_) => return false,
        Err(why) => {
            eprintln!("error: these counts cannot be committed: {why}");
            return false;
        }
    };
    let (Some(first), Some(second)) = (counts(), counts()) else { return false };
    let mut repeats = true;
    for (work, (first, second)) in ALL.iter().zip(first.iter().zip(&second)) {
        let apart = (first - second).abs() / first;
        println!("{:<26} {first:>12.1} {second:>12.1} {:>8.3} %", work.name, apart * 100.0);
        repeats &= apart < REPEATS;
    }
    if !repeats {
        eprintln!("error: a count that does not repeat within {} % is none", REPEATS * 100.0);
        return false;
    }
    let committed = CommittedCounts::of(here, &first);
    let written = committed.write().and_then(|()| page::write(Block::Counts, &committed.table()));
    if let Err(problem) = &written {
        eprintln!("error: {problem}");
    }
    written.is_ok()
}

/// Builds, and counts all of them, as many at once as there are cores: counts do not mind. `None` once it is said what failed.
fn counts() -> Option<Vec<f64>> {
    if !counted::build("release") {
        return None;
    }
    let next = AtomicUsize::new(0);
    let done = Mutex::new(BTreeMap::new());
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(work) = ALL.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let count = work.count();
                    if let Ok(mut done) = done.lock() {
                        done.insert(work.name, count);
                    }
                }
            });
        }
    });
    let mut done = done.into_inner().ok()?;
    let ordered = ALL.iter().map(|work| match done.remove(work.name)? {
        Ok(count) => Some(count),
        Err(problem) => {
            eprintln!("error: {problem}");
            None
        }
    });
    ordered.collect()
}

/// The counts of the file, by name.
#[derive(Debug)]
struct CommittedCounts {
    conditions: CountConditions,
    counts: BTreeMap<String, f64>,
}

impl CommittedCounts {
    fn of(conditions: CountConditions, counts: &[f64]) -> Self {
        let named = ALL.iter().zip(counts);
        Self {
            conditions,
            counts: named.map(|(work, count)| (work.name.to_owned(), *count)).collect(),
        }
    }

    fn read() -> Result<Self, String> {
        let path = machine::root().ok_or("there is no workspace")?.join(FILE);
        let text = fs::read_to_string(path).map_err(|error| format!("{FILE}: {error}"))?;
        Self::parse(&text).ok_or_else(|| {
            format!(
                "{FILE} is no file of counts: `cargo xtask perf --check --bless` writes it anew"
            )
        })
    }

    fn parse(text: &str) -> Option<Self> {
        let file: Value = serde_json::from_str(text).ok()?;
        let counts = file["instructions"].as_object()?.iter();
        let counts = counts.map(|(name, count)| Some((name.clone(), count.as_f64()?)));
        Some(Self {
            conditions: CountConditions::read(&file)?,
            counts: counts.collect::<Option<_>>()?,
        })
    }

    fn write(&self) -> Result<(), String> {
        let mut file = self.conditions.to_json();
        file["instructions"] = self
            .counts
            .iter()
            .map(|(name, count)| (name.clone(), Value::from(round(*count))))
            .collect();
        let text = serde_json::to_string_pretty(&file).map_err(|error| error.to_string())?;
        let path = machine::root().ok_or("there is no workspace")?.join(FILE);
        fs::write(path, format!("{text}\n")).map_err(|error| format!("{FILE}: {error}"))
    }

    /// Whether all counts are as committed; prints each.
    fn holds(&self, counts: &[f64]) -> bool {
        println!("{:<26} {:>12} {:>12} {:>9}", "instructions", "committed", "here", "change");
        let judged: Vec<_> =
            ALL.iter().zip(counts).map(|(work, count)| self.judge(work, *count)).collect();
        let all_hold = judged.into_iter().all(|holds| holds);
        if !all_hold {
            println!(
                "more than {} % from the committed counts: if that is meant, `cargo xtask perf --check --bless` writes \
                 {FILE} and the page anew",
                TOLERANCE * 100.0
            );
        }
        all_hold
    }

    fn judge(&self, work: &CountedWork, count: f64) -> bool {
        let Some(committed) = self.counts.get(work.name) else {
            println!("{:<26} {:>12} {count:>12.0}   is not committed", work.name, "-");
            return false;
        };
        let change = count / committed - 1.0;
        let word = match change {
            change if change > TOLERANCE => "  SLOWER",
            change if change < -TOLERANCE => "  faster: commit it, so that it stays",
            _ => "",
        };
        let percent = change * 100.0;
        println!("{:<26} {committed:>12.0} {count:>12.0} {percent:>+7.1} %{word}", work.name);
        word.is_empty()
    }

    /// For the page.
    fn table(&self) -> String {
        let mut out = format!(
            "Counted with {}.\n\n| work | instructions | for each |\n| --- | ---: | --- |\n",
            self.conditions.told()
        );
        for work in &ALL {
            let count = self
                .counts
                .get(work.name)
                .map_or_else(|| "-".to_owned(), |count| page::thousands(*count));
            // Writing to a string cannot fail.
            let _ = writeln!(out, "| {} (`{}`) | {count} | {} |", work.what, work.name, work.unit);
        }
        out
    }
}

/// To what repeats.
fn round(count: f64) -> f64 {
    (count * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn committed() -> CommittedCounts {
        CommittedCounts::read().expect("the file is committed")
    }

    fn counts(change: f64) -> Vec<f64> {
        let committed = committed();
        ALL.iter().map(|work| committed.counts[work.name] * change).collect()
    }

    #[test]
    fn counts_within_three_percent_hold_and_others_do_not_in_either_direction() {
        assert!(committed().holds(&counts(1.0)));
        assert!(committed().holds(&counts(1.029)));
        assert!(committed().holds(&counts(0.971)));
        assert!(!committed().holds(&counts(1.031)));
        assert!(!committed().holds(&counts(0.969)));
        let mut one = counts(1.0);
        one[3] *= 1.1;
        assert!(!committed().holds(&one), "one of them is enough");
    }

    #[test]
    fn what_is_counted_is_what_is_committed() {
        let named: Vec<_> = committed().counts.into_keys().collect();
        let mut counted: Vec<_> = ALL.iter().map(|work| work.name.to_owned()).collect();
        counted.sort_unstable();
        assert_eq!(named, counted);
    }

    #[test]
    fn the_page_has_the_committed_counts() {
        let page = page::read(Block::Counts).expect("the page has its marks");
        assert_eq!(page.trim(), committed().table().trim());
    }

    #[test]
    fn a_file_without_its_conditions_is_no_file_of_counts() {
        assert!(CommittedCounts::parse(r#"{ "instructions": { "sim-hour": 1 } }"#).is_none());
        assert!(CommittedCounts::parse("{").is_none());
    }
}
