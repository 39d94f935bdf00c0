//! A group of which too little weight is well serves nobody but probes, or everybody.

use proptest::prelude::*;
use squall_determinism::{Seed, Share, Timestamp};
use squall_failure::{Failure, FailureClass, FailureSource};
use squall_router::{
    DeploymentConfig, DeploymentState, GroupConfig, GroupId, RequestArrival, RequestTag, Router,
    RouterConfig, RouterEvent, RouterInput, RouterOutput, UnavailablePolicy,
};
use std::time::Duration;

fn router(weights: &[u32], threshold: u32, when_unavailable: UnavailablePolicy) -> Router {
    let deployments = weights.iter().enumerate();
    let deployments = deployments
        .map(|(n, &weight)| DeploymentConfig { weight, ..DeploymentConfig::new(format!("d{n}")) });
    let group = GroupConfig {
        deployments: deployments.collect(),
        panic_threshold: Share::percent(threshold),
        when_unavailable,
        max_queue_wait: Duration::ZERO,
        hedge: None,
        ..GroupConfig::new("chat")
    };
    let config = RouterConfig { groups: vec![group], ..RouterConfig::default() };
    Router::new(config, Seed::new(7), 0).expect("some weight is above 0")
}

/// Whether less weight is well than is asked for, as anybody can see it.
fn is_below(router: &mut Router, threshold: u32) -> bool {
    let (mut well, mut all) = (0, 0);
    for deployment in router.deployment_snapshots_of(GroupId(0)) {
        let weight = u64::from(deployment.weight);
        all += weight;
        well += if deployment.state == DeploymentState::Available { weight } else { 0 };
    }
    well * 100 < all * u64::from(threshold)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn below_it_only_probes_go_or_everyone_does_and_above_it_nobody_who_is_out(
        weights in prop::collection::vec(1_u32..10, 1..6),
        threshold in 1_u32..=100,
        mode in prop::sample::select(vec![UnavailablePolicy::Fail, UnavailablePolicy::Wait, UnavailablePolicy::Panic]),
        steps in prop::collection::vec((0_u64..1_500, any::<u8>()), 30..200),
    ) {
        let mut router = router(&weights, threshold, mode);
        let mut now = Timestamp::ZERO;
        for (tag, (after, broken)) in steps.into_iter().enumerate() {
            now += Duration::from_millis(after);
            router.handle(now, RouterInput::Tick);
            while router.poll().is_some() {}
            let below = is_below(&mut router, threshold);
            let mut arrival = RequestArrival::new(RequestTag(tag as u64), GroupId(0));
            (arrival.input_tokens, arrival.output_tokens) = (1, 1);
            arrival.overrides.retries = Some(0);
            router.handle(now, RouterInput::Arrived(arrival));
            let outputs: Vec<_> = std::iter::from_fn(|| router.poll()).collect();
            let started = outputs.iter().find_map(|output| match output {
                RouterOutput::StartAttempt(start) => Some(*start),
                _ => None,
            });
            let probes = outputs.iter().any(|output| {
                matches!(output, RouterOutput::Note(RouterEvent::Probe { .. }))
            });
            let told = outputs.iter().any(|output| {
                matches!(output, RouterOutput::Note(RouterEvent::GroupUnavailable { .. }))
            });
            if below && mode == UnavailablePolicy::Panic {
                prop_assert!(started.is_some() && told);
            } else if below {
                prop_assert!(started.is_none() == told);
                prop_assert!(started.is_none() || probes, "nobody but a probe");
            } else {
                prop_assert!(started.is_some() && !told);
            }
            let Some(start) = started else { continue };
            // Every deployment is broken for some of the steps.
            let input = if usize::from(broken) % (weights.len() + 1) >= start.deployment.index() {
                let failure = Failure::new(FailureClass::Server, FailureSource::Provider);
                RouterInput::Failed { attempt: start.attempt, failure }
            } else {
                RouterInput::Finished { attempt: start.attempt, usage: None }
            };
            router.handle(now, input);
            while router.poll().is_some() {}
        }
    }
}
