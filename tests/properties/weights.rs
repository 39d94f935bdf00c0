//! Smooth weighted round robin keeps every prefix near its weights.

use proptest::prelude::*;
use squall_determinism::{Seed, Timestamp};
use squall_router::{
    DeploymentConfig, GroupConfig, GroupId, RequestArrival, RequestTag, Router, RouterConfig,
    RouterInput, RouterOutput,
};

fn router(weights: &[u32]) -> Router {
    let deployments = weights
        .iter()
        .enumerate()
        .map(|(n, &weight)| DeploymentConfig { weight, ..DeploymentConfig::new(format!("d{n}")) })
        .collect();
    let group = GroupConfig { deployments, ..GroupConfig::new("chat") };
    let config = RouterConfig { groups: vec![group], ..RouterConfig::default() };
    Router::new(config, Seed::new(7), 0).expect("some weight is above 0")
}

/// The furthest that any count was from its share, over all prefixes of `requests`.
fn drift(weights: &[u32], requests: u64) -> f64 {
    let mut router = router(weights);
    let sum = f64::from(weights.iter().sum::<u32>());
    let mut counts = vec![0.0_f64; weights.len()];
    let mut worst = 0.0_f64;
    for tag in 1..=requests {
        let arrival = RequestArrival {
            input_tokens: 1,
            output_tokens: 1,
            stream: false,
            ..RequestArrival::new(RequestTag(tag), GroupId(0))
        };
        router.handle(Timestamp::ZERO, RouterInput::Arrived(arrival));
        let mut attempt = None;
        while let Some(output) = router.poll() {
            if let RouterOutput::StartAttempt(start) = output {
                counts[start.deployment.index()] += 1.0;
                attempt = Some(start.attempt);
            }
        }
        let attempt = attempt.expect("all are usable");
        router.handle(Timestamp::ZERO, RouterInput::Finished { attempt, usage: None });
        while router.poll().is_some() {}
        for (count, &weight) in counts.iter().zip(weights) {
            worst = worst.max((count - tag as f64 * f64::from(weight) / sum).abs());
        }
    }
    worst
}

proptest! {
    #[test]
    fn up_to_sixteen_deployments_stay_within_one_and_a_half_requests(
        weights in prop::collection::vec(1_u32..50, 2..=16),
    ) {
        let drift = drift(&weights, 600);
        prop_assert!(drift <= 1.5, "{drift} with {weights:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn up_to_a_hundred_stay_within_two(weights in prop::collection::vec(1_u32..20, 17..=100)) {
        let drift = drift(&weights, 1_500);
        prop_assert!(drift <= 2.0, "{drift} with {weights:?}");
    }
}
