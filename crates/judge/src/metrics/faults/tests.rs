//! Which faults make a deployment fail, as `docs/METRICS.md` lists them.

use super::fails;
use squall_determinism::Timestamp;
use squall_failure::FailureClass;
use squall_provider::{ErrorAnswer, FaultConfig, FaultKind};
use squall_scenario::{fault_samples, read_fault};
use std::collections::BTreeSet;
use std::time::Duration;

const DOCUMENTATION: &str = include_str!("../../../../../docs/METRICS.md");

fn is_failing(fault: &str) -> bool {
    let text = format!("for: 10s, {fault}");
    let fault = read_fault(&text, Timestamp::ZERO);
    fails(&fault.unwrap_or_else(|problems| panic!("{problems}")))
}

/// The words in code type of the item of the list that begins so.
fn listed(begins: &str) -> BTreeSet<&'static str> {
    let begins = format!("\n- {begins}");
    let (_, item) = DOCUMENTATION.split_once(&begins).unwrap_or_else(|| panic!("no {begins}"));
    // Up to the next item, or the end of the list; before the sentence that explains it.
    let item = item.split("\n- ").next().and_then(|item| item.split("\n\n").next()).unwrap_or("");
    let item = item.split(". ").next().unwrap_or(item);
    item.split('`').skip(1).step_by(2).collect()
}

#[test]
fn the_kinds_of_faults_that_make_a_deployment_fail_are_those_that_are_listed() {
    let (mut failing, mut others, mut by_class) =
        (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    // A kind is by its class if it has one, whatever its samples are.
    for sample in fault_samples() {
        let place = match sample.kind {
            "error" | "errors" | "stream_error" => &mut by_class,
            kind if is_failing(&format!("{kind}: {}", sample.value)) => &mut failing,
            _ => &mut others,
        };
        place.insert(sample.kind);
    }
    assert_eq!(failing.intersection(&others).count(), 0, "a kind is failing or not");
    assert_eq!(listed("Failing: "), failing);
    assert_eq!(listed("Not failing, since the deployment "), others);
    assert_eq!(listed("Failing by their class: "), by_class);
}

#[test]
fn the_classes_of_errors_that_make_a_deployment_fail_are_those_that_are_listed() {
    let classes = FailureClass::ALL.into_iter().map(FailureClass::as_str);
    let of = |class: &&str| {
        let class = FailureClass::from_word(class).expect("it is one");
        let kind = FaultKind::Error(ErrorAnswer::of(class));
        let is = fails(&FaultConfig::new(Timestamp::ZERO, Duration::from_secs(9), kind));
        let ended = FaultKind::StreamError { after_tokens: 1, class };
        let ended = fails(&FaultConfig::new(Timestamp::ZERO, Duration::from_secs(9), ended));
        assert_eq!(is, ended, "{class:?}: an error is one wherever it is told");
        is
    };
    let (failing, others): (BTreeSet<_>, BTreeSet<_>) = classes.partition(of);
    assert_eq!(listed("Failing classes: "), failing);
    assert_eq!(listed("Not failing, since they tell "), others);
    assert!(!is_failing("error: 400") && is_failing("error: { status: 400, class: server }"));
    assert!(!is_failing("error: 429") && is_failing("error: 401"));
}

#[test]
fn half_of_what_arrives_has_to_fail() {
    assert!(is_failing("error: 500, share: 50%") && !is_failing("error: 500, share: 49%"));
    assert!(is_failing("errors: [ { status: 500, share: 50% }, { status: 400, share: 50% } ]"));
    assert!(!is_failing("errors: [ { status: 500, share: 49% }, { status: 400, share: 51% } ]"));
}
