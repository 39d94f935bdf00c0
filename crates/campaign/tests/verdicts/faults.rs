//! Whose fault a fault is.

use crate::{judged, judgements, scenario};
use squall_judge::Judgement::{Inconclusive, Met};

const ONE_MODEL: &str = include_str!("m1.yaml");

#[test]
fn a_fault_of_one_model_is_charged_to_no_other_deployment_of_its_provider() {
    let verdict = judged(&scenario("m1.yaml", ONE_MODEL));
    assert_eq!(judgements(&verdict), [Met, Inconclusive, Inconclusive, Met]);
    let reason = "no fault in this window makes it fail; a fault of `one` hits another model or key, \
                  not model `new-model`";
    assert_eq!(verdict.rows[1].reason, reason);
    // The weights of all three are judged without the fault, and the fault is one of `old` alone.
    assert!(verdict.rows[3].detail().iter().any(|line| line.starts_with("20 s of faults")));
}

#[test]
fn a_fault_of_one_key_is_charged_to_those_that_are_called_with_it() {
    let text = ONE_MODEL
        .replace("model: old-model } ] }", "key: team-a } ] }")
        .replace("model: old-model }", "model: m, key: team-a }")
        .replace("model: new-model }", "model: m, key: team-b }");
    let verdict = judged(&scenario("key.yaml", &text));
    assert_eq!(judgements(&verdict), [Met, Inconclusive, Inconclusive, Met]);
    assert!(verdict.rows[1].reason.ends_with("not model `m` and key `team-b`"));
}

/// A 400 tells of the request and not of the deployment: it is no fault to fail over from. One that a provider answers
/// for a failure of its own is.
#[test]
fn an_error_of_the_request_is_no_failure_of_the_deployment() {
    let with = |error: &str| {
        let text = ONE_MODEL.replace("error: 500, model: old-model", error);
        judgements(&judged(&scenario("error.yaml", &text)))[0]
    };
    assert_eq!(with("error: 400"), Inconclusive);
    assert_eq!(with("error: 429"), Inconclusive);
    assert_ne!(with("error: { status: 400, class: server }"), Inconclusive);
    assert_ne!(with("error: 401"), Inconclusive);
    assert_eq!(with("error: 500, share: 49%"), Inconclusive);
    assert_ne!(with("error: 500, share: 50%"), Inconclusive);
}
