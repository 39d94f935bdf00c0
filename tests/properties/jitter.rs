//! Waits are inside their envelope, and even in it.

use squall_determinism::{Seed, Timestamp};
use squall_failure::{Failure, FailureClass, Source};
use squall_router::{
    Arrival, DeploymentConfig, GroupConfig, GroupId, Input, Note, Output, RetryBudget, RetryWait,
    Router, RouterConfig, Tag,
};

/// The first wait of so many requests, each of which fails at the only deployment there is.
fn waits(requests: u64) -> Vec<RetryWait> {
    let mut group = GroupConfig::new("chat");
    group.deployments = vec![DeploymentConfig::new("only")];
    group.cooldown.failure.consecutive = 0;
    group.cooldown.failure.min_attempts = u32::MAX;
    let config = RouterConfig { groups: vec![group], retry_budget: RetryBudget::default() };
    let mut router = Router::new(config, Seed::new(7), 0).expect("the configuration is complete");
    let mut waits = Vec::new();
    for tag in 0..requests {
        let now = Timestamp::from_secs(tag);
        let arrival = Arrival {
            tag: Tag(tag),
            group: GroupId(0),
            input_tokens: 1,
            output_tokens: 1,
            stream: false,
            deadline: None,
        };
        let mut inputs = vec![Input::Arrived(arrival)];
        let mut failed = false;
        while let Some(input) = inputs.pop() {
            router.handle(now, input);
            while let Some(output) = router.poll() {
                match output {
                    Output::StartAttempt(start) if start.tag == Tag(tag) && !failed => {
                        failed = true;
                        let failure = Failure::new(FailureClass::Server, Source::Provider);
                        inputs.push(Input::Failed { attempt: start.attempt, failure });
                    }
                    Output::StartAttempt(start) => {
                        inputs.push(Input::Finished { attempt: start.attempt, usage: None });
                    }
                    Output::Note(Note::RetryScheduled { wait, .. }) => waits.push(wait),
                    _ => {}
                }
            }
        }
    }
    waits
}

#[test]
fn every_wait_is_inside_its_envelope() {
    let waits = waits(2_000);
    assert!(waits.len() > 1_900, "{} waits", waits.len());
    assert!(waits.iter().all(|wait| wait.jitter <= wait.ceiling && wait.delay == wait.jitter));
}

#[test]
fn waits_are_even_between_zero_and_their_ceiling() {
    let waits = waits(2_000);
    let mut parts: Vec<f64> =
        waits.iter().map(|wait| wait.jitter.as_secs_f64() / wait.ceiling.as_secs_f64()).collect();
    parts.sort_by(f64::total_cmp);
    let n = parts.len() as f64;
    let distance = parts
        .iter()
        .enumerate()
        .map(|(i, part)| (part - i as f64 / n).abs().max((part - (i as f64 + 1.0) / n).abs()))
        .fold(0.0, f64::max);
    assert!(distance < 1.95 / n.sqrt(), "Kolmogorov-Smirnov at 0.1 %: {distance}");
}
