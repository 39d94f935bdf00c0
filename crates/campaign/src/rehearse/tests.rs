//! Checklists, gone through in virtual time.

use super::*;
use squall_judge::ItemOutcome;
use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};

const WORLD: &str = "\
name: world
duration: 60s
traffic: { group: direct, rate: 20, prompt_tokens: 10, output_tokens: 5, client: { timeout: 20s } }
providers:
  one: { ttft: 100ms, itl: 10ms, limits: { rpm: 3000 } }
  two: { ttft: 100ms, itl: 10ms, limits: { rpm: 3000 } }
router:
  groups:
    direct:
      retries: 0
      cooldown: never
      deployments: [ { name: old, provider: one } ]
    chat:
      timeouts: { first_token: 5s }
      deployments:
        - { name: new-one, provider: one, weight: 3 }
        - { name: new-two, provider: two, weight: 1 }
";

fn prepared(items: &str, world: &str) -> Result<Rehearsal, RehearseError> {
    let text = format!(
        "name: rollout\nscenario: world.yaml\nfrom: direct\nto: chat\ndetect: {{ from: 1%, to: 10% }}\nitems:\n{items}"
    );
    let checklist = Checklist::read("rollout.yaml", &text).expect("it reads");
    let read = |text: &str| Scenario::read("world.yaml", text);
    prepare(
        &checklist,
        &ScenarioSource {
            path: "world.yaml",
            text: world,
            variables: Vec::new(),
            settings: Vec::new(),
            read: &read,
        },
    )
}

fn gone_through(items: &str, world: &str) -> Vec<SignOffItem> {
    let rehearsal = prepared(items, world).expect("it can be gone through");
    let two = NonZero::new(2).unwrap();
    let go = |item| match item {
        PreparedItem::Manual { line, text } => manual(line, &text, None),
        PreparedItem::Static(item) => item,
        PreparedItem::Stage(stage) => {
            stage.simulate(59, two, &|| false, |_| ()).expect("it runs").0
        }
    };
    rehearsal.items.into_iter().map(go).collect()
}

fn outcomes(items: &str, world: &str) -> Vec<ItemOutcome> {
    gone_through(items, world).iter().map(|item| item.outcome).collect()
}

const STEP: &str = "
  - static: {}
  - baseline: { dwell: 30s }
  - step: { share: 50%, fault: { provider: one, for: 5s, error: 503 } }
";

#[test]
fn a_router_that_goes_elsewhere_passes_a_step_with_an_outage_in_it() {
    assert_eq!(outcomes(STEP, WORLD), [ItemOutcome::Passed; 3]);
}

#[test]
fn one_that_does_not_fails_the_static_checks_and_the_step() {
    let world = WORLD
        .replace("chat:\n", "chat:\n      retries: 0\n      cooldown: never\n      fallback: []\n");
    let world = world.replace("        - { name: new-two, provider: two, weight: 1 }\n", "");
    let items = gone_through(STEP, &world.replace("      fallback: []\n", ""));
    assert_eq!(items[0].outcome, ItemOutcome::Failed);
    let missed = items[0].evidence.iter().filter(|each| each.judgement == Judgement::Missed);
    let missed: Vec<_> = missed.map(|each| each.text.as_str()).collect();
    assert_eq!(missed, ["other_provider", "cooldown", "n_minus_one"]);
    assert_eq!(items[1].outcome, ItemOutcome::Passed);
    assert_eq!(items[2].outcome, ItemOutcome::Failed);
    let reason = &items[2].evidence[0].reason;
    assert!(reason.starts_with("59 of 59 seeds missed it: "), "{reason}");
    assert!(items[2].command.as_ref().is_some_and(|line| line.contains("--set 'traffic.mix={")));
}

#[test]
fn a_dwell_that_is_too_short_cannot_detect_what_it_should() {
    let items = gone_through("  - step: { share: 1%, dwell: 60s }\n", WORLD);
    assert_eq!(
        items[0].outcome,
        ItemOutcome::Inconclusive,
        "12 requests are too few for a rate at all"
    );
    let items = gone_through(
        "  - step: { share: 50%, dwell: 12s, gate: [ success_rate(new) >= 95% ] }\n",
        WORLD,
    );
    assert_eq!(items[0].outcome, ItemOutcome::CannotDetect, "{:?}", items[0]);
    let can = items[0].evidence.last().unwrap();
    assert!(
        can.reason.starts_with("156 requests on the new path are required, and there were "),
        "{}",
        can.reason
    );
}

#[test]
fn a_step_that_names_no_dwell_takes_as_long_as_it_has_to() {
    let items = gone_through("  - step: { share: 10% }\n", WORLD);
    assert_eq!(items[0].outcome, ItemOutcome::Passed, "{:?}", items[0]);
    // 156 requests and four deviations, at two a second.
    assert!(
        items[0].notes[0].contains("take the new path for 1 min 43 s"),
        "{}",
        items[0].notes[0]
    );
}

/// Half of the traffic takes the new path, and half of that a provider which fails a fifth of it for half a minute:
/// more than three times the errors of the rise that had to be noticed, and a gate that is far too wide.
#[test]
fn errors_beyond_the_rise_fail_a_step_whose_gate_holds() {
    let world = WORLD.replace("timeouts: { first_token: 5s }", "retries: 0\n      cooldown: never");
    let world = world.replace("rate: 20", "rate: 100").replace("limits: { rpm: 3000 }", "");
    let step = |gate: &str, errors: &str| {
        let fault = format!("fault: {{ provider: two, for: 30s, share: {errors}, error: 500 }}");
        let text = format!("  - step: {{ share: 50%, dwell: 60s, gate: [ {gate} ], {fault} }}\n");
        gone_through(&text, &world.replace("weight: 3", "weight: 1")).remove(0)
    };
    let risen = |item: &SignOffItem| {
        let told = item.evidence.iter().find(|each| each.text.starts_with("errors have not risen"));
        told.expect("it is told").clone()
    };
    // A half of the new path for half of the time is 25 %, where 10 % was too much.
    let gate = "success_rate(new) >= 60%";
    let item = step(gate, "100%");
    assert_eq!(item.outcome, ItemOutcome::Failed, "{item:?}");
    assert_eq!(item.evidence[0].judgement, Judgement::Met, "its gate holds");
    assert!(risen(&item).reason.starts_with("59 of 59 seeds raise an alarm; at the worst, "));
    // 1 % on average: what is normal.
    let item = step(gate, "4%");
    assert_eq!(item.outcome, ItemOutcome::Passed, "{item:?}");
    assert_eq!(item.notes.len(), 1);

    let item = step("retry_amplification(new) <= 2", "100%");
    assert_eq!(item.outcome, ItemOutcome::Failed, "{item:?}");
    let told = "No expectation of the gate is about errors on the new path";
    assert!(item.notes[1].starts_with(told), "{:?}", item.notes);
}

#[test]
fn a_rollback_is_measured_from_the_flip_to_the_last_request_of_the_new_way() {
    let fault = "fault: { provider: two, for: 30s, slowdown: 10x }";
    let item = |within: &str| {
        let text =
            format!("  - rollback: {{ share: 50%, dwell: 60s, within: {within}, {fault} }}\n");
        gone_through(&text, WORLD).remove(0)
    };
    let slow = item("5s");
    assert_eq!(slow.outcome, ItemOutcome::Passed, "{slow:?}");
    let drained = slow.evidence.last().unwrap();
    assert!(drained.reason.contains("was sent 0 s and ended 1"), "{}", drained.reason);
    assert_eq!(item("200ms").outcome, ItemOutcome::Failed);
}

#[test]
fn what_cannot_be_gone_through_is_told_before_anything_is_run() {
    let error = |items: &str, world: &str| prepared(items, world).unwrap_err().to_string();
    let long =
        "  - step: { share: 50%, dwell: 10s, fault: { provider: one, for: 20s, error: 503 } }\n";
    assert_eq!(error(long, WORLD), "line 7: a fault of 20 s does not fit into a dwell of 10 s");
    let gate = "  - step: { share: 50%, gate: [ sucess_rate >= 1% ] }\n";
    let told = error(gate, WORLD);
    assert!(told.contains("the item in line 7 does not yield a valid scenario"), "{told}");
    assert!(told.contains("no metric is called `sucess_rate`"), "{told}");
    let told = error("  - manual: yes\n", &WORLD.replace("chat:", "chatty:"));
    assert!(told.starts_with("the scenario has no group `chat`"), "{told}");
}

#[test]
fn an_interrupted_stage_has_not_passed_and_one_without_a_run_was_not_reached() {
    let rehearsal =
        prepared("  - baseline: { dwell: 30s }\n", WORLD).expect("it can be gone through");
    let PreparedItem::Stage(stage) = &rehearsal.items[0] else { panic!("a stage") };
    let after = |runs: usize| {
        let looks = AtomicUsize::new(0);
        let is_interrupted = || looks.fetch_add(1, Ordering::Relaxed) >= runs;
        stage.simulate(70, NonZero::<usize>::MIN, &is_interrupted, |_| ()).expect("it runs")
    };
    let (item, interrupted) = after(60);
    assert_eq!((item.outcome, interrupted), (ItemOutcome::Inconclusive, true));
    let last = item.evidence.last().expect("there is some");
    assert_eq!(last.reason, "interrupted after 60 of 70 seeds");
    let (item, interrupted) = after(0);
    assert_eq!((item.outcome, interrupted), (ItemOutcome::NotReached, true));
    assert!(!after(70).1, "it had ended by then");
}
