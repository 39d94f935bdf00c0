//! A deployment that returns never takes more than its ramp allows, under any strategy, and catches nothing up.

use proptest::prelude::*;
use squall_determinism::{Seed, Share, Timestamp};
use squall_router::{
    AttemptId, Cooldown, DeploymentConfig, DeploymentId, GroupConfig, GroupId, HealthChecks,
    RequestArrival, RequestTag, Router, RouterConfig, RouterInput, RouterOutput, SlowStart,
    Strategy as Strategies,
};
use std::time::Duration;

#[derive(Clone, Debug)]
struct Case {
    weights: Vec<u32>,
    rule: SlowStart,
    strategy: Strategies,
    /// Of each request: how long after the one before, how long it takes, and whether it is answered.
    requests: Vec<(u64, u64, bool)>,
}

fn cases() -> impl Strategy<Value = Case> {
    let rule = (1_u64..20, 100_u32..10_000, 0_u32..100).prop_map(|(window, aggression, least)| {
        let window = Duration::from_secs(window);
        SlowStart { window, aggression, least: Share::percent(least) }
    });
    (
        prop::collection::vec(1_u32..20, 2..6),
        rule,
        prop::sample::select(Strategies::BUILT_IN),
        prop::collection::vec((0_u64..100, 1_u64..400, prop::bool::weighted(0.9)), 50..400),
    )
        .prop_map(|(weights, rule, strategy, requests)| Case {
            weights,
            rule,
            strategy,
            requests,
        })
}

fn router(case: &Case) -> Router {
    let deployments = case.weights.iter().enumerate();
    let deployments = deployments
        .map(|(n, &weight)| DeploymentConfig { weight, ..DeploymentConfig::new(format!("d{n}")) });
    // Nobody is out or silent but the one that returns, so that its part of the weight is known.
    let mut cooldown = Cooldown { silence: None, ..Cooldown::default() };
    cooldown.failure.consecutive = 0;
    cooldown.failure.share = Share::percent(100);
    let group = GroupConfig {
        deployments: deployments.collect(),
        strategy: case.strategy.clone(),
        slow_start: Some(case.rule),
        cooldown: cooldown.into(),
        hedge: None,
        ..GroupConfig::new("chat")
    };
    let config = RouterConfig {
        groups: vec![group],
        health_checks: Some(HealthChecks::default()),
        ..RouterConfig::default()
    };
    Router::new(config, Seed::new(7), 0).expect("some weight is above 0")
}

/// What the router starts upon an input.
fn tell(router: &mut Router, now: Timestamp, input: RouterInput) -> Vec<(AttemptId, DeploymentId)> {
    router.handle(now, input);
    let outputs = std::iter::from_fn(|| router.poll());
    let started = outputs.filter_map(|output| match output {
        RouterOutput::StartAttempt(start) => Some((start.attempt, start.deployment)),
        _ => None,
    });
    started.collect()
}

/// The attempts at deployment 0 and the most that it may have had, after each attempt of the ramp, and whether
/// each of those after it was there.
fn run(case: &Case) -> (Vec<(f64, f64)>, Vec<bool>) {
    let mut router = router(case);
    for passed in [false, false, false, true, true] {
        let deployment = DeploymentId(0);
        tell(&mut router, Timestamp::ZERO, RouterInput::Checked { deployment, passed });
    }
    let sum = f64::from(case.weights.iter().sum::<u32>());
    let part = f64::from(case.weights[0]) / sum;
    let (mut now, mut taken, mut allowed) = (Timestamp::ZERO, 0.0, 1.0);
    let (mut ramp, mut later, mut running) = (Vec::new(), Vec::new(), Vec::new());
    let mut count = |now: Timestamp, started: &[(AttemptId, DeploymentId)]| {
        for &(_, id) in started {
            let since = now.since(Timestamp::ZERO);
            if since >= case.rule.window {
                later.push(id.0 == 0);
                continue;
            }
            allowed += case.rule.factor(since).as_f64() * part;
            taken += f64::from(id.0 == 0);
            ramp.push((taken, allowed));
        }
    };
    for (tag, &(after, takes, well)) in case.requests.iter().enumerate() {
        now += Duration::from_millis(after);
        let mut arrival = RequestArrival::new(RequestTag(tag as u64), GroupId(0));
        (arrival.input_tokens, arrival.output_tokens, arrival.stream) = (100, 50, false);
        // A retry goes where its request was not, and there may be nobody else.
        arrival.overrides.retries = Some(0);
        let started = tell(&mut router, now, RouterInput::Arrived(arrival));
        count(now, &started);
        running.extend(
            started.iter().map(|&(attempt, _)| (now + Duration::from_millis(takes), attempt, well)),
        );
        running.sort_by_key(|&(due, attempt, _)| (due, attempt));
        while running.first().is_some_and(|&(due, ..)| due <= now) {
            let (_, attempt, well) = running.remove(0);
            let input = if well {
                RouterInput::Finished { attempt, usage: None }
            } else {
                let class = squall_failure::FailureClass::Server;
                let source = squall_failure::FailureSource::Provider;
                let failure = squall_failure::Failure::new(class, source);
                RouterInput::Failed { attempt, failure }
            };
            let started = tell(&mut router, now, input);
            count(now, &started);
            running.extend(started.iter().map(|&(attempt, _)| (now, attempt, true)));
        }
    }
    (ramp, later)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn its_attempts_never_exceed_the_ramp_by_more_than_one(case in cases()) {
        for (taken, allowed) in run(&case).0 {
            prop_assert!(taken <= allowed + 1e-6, "{taken} of {allowed}");
        }
    }

    #[test]
    fn once_it_has_its_whole_share_it_takes_no_more_than_that(mut case in cases()) {
        case.strategy = Strategies::SmoothWeighted;
        let part = f64::from(case.weights[0]) / f64::from(case.weights.iter().sum::<u32>());
        let mut taken = 0.0;
        for (nth, there) in run(&case).1.into_iter().enumerate() {
            taken += f64::from(there);
            let share = (nth + 1) as f64 * part;
            prop_assert!(taken <= share + 2.0, "{taken} of {share}");
        }
    }
}
