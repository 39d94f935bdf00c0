//! Rises of errors that a rehearsal has to notice.

use squall_campaign::{PreparedItem, ScenarioSource, prepare};
use squall_judge::{ItemOutcome, Judgement, SignOffItem};
use squall_scenario::{Checklist, Scenario};
use std::num::NonZero;

/// The one step of the checklist, with a fault of this share.
fn step(share: &str) -> SignOffItem {
    let text = include_str!("list2.yaml").replace("share: 20%", &format!("share: {share}"));
    let checklist = Checklist::read("list2.yaml", &text).expect("it reads");
    let read = |text: &str| Scenario::read("world.yaml", text);
    let world = include_str!("world.yaml");
    let source = ScenarioSource {
        path: "world.yaml",
        text: world,
        variables: Vec::new(),
        settings: Vec::new(),
        read: &read,
    };
    let rehearsal = prepare(&checklist, &source).expect("it can be gone through");
    let [PreparedItem::Stage(stage)] = &rehearsal.items[..] else { panic!("one step") };
    let two = NonZero::new(2).expect("it is not 0");
    stage.simulate(59, two, &|| false, |_| ()).expect("it runs").0
}

#[test]
fn errors_of_3_of_100_fail_a_step_that_was_to_notice_2() {
    let item = step("20%");
    assert_eq!(item.outcome, ItemOutcome::Failed);
    assert_eq!(item.evidence[0].judgement, Judgement::Met, "the gate of 95 % holds");
    let told = &item.evidence[1];
    assert_eq!(told.text, "errors have not risen from 1% to 2%");
    assert!(told.reason.starts_with("59 of 59 seeds raise an alarm; "), "{}", told.reason);
}

#[test]
fn errors_that_are_normal_pass_it() {
    // A third of the time, half of the path, 6 %: 1 % of all.
    let item = step("6%");
    assert_eq!(item.outcome, ItemOutcome::Passed, "{item:?}");
}
