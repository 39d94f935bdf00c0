//! Verdicts that were wrong once, each with its input and the right answer.

mod comparisons;
mod faults;
mod outcomes;
mod phases;
mod plans;
mod rises;

use squall_judge::{Judgement, Verdict, judge};
use squall_scenario::Scenario;
use squall_sim::{SimOptions, simulate};

/// A scenario that stands beside this file.
fn scenario(name: &str, text: &str) -> Scenario {
    Scenario::read(name, text).unwrap_or_else(|problems| panic!("{problems}"))
}

/// One run of it, judged.
fn judged(scenario: &Scenario) -> Verdict {
    judge(scenario, &simulate(scenario, SimOptions::default()).expect("it runs"))
}

/// What became of each expectation.
fn judgements(verdict: &Verdict) -> Vec<Judgement> {
    verdict.rows.iter().map(|row| row.judgement).collect()
}
