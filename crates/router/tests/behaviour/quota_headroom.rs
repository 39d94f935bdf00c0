//! A deployment near a limit takes less before it is reached.

use crate::rig::{Rig, deployment, group};
use squall_determinism::Share;
use squall_router::{
    DeploymentConfig, GroupConfig, RateLimit, RateLimits, RateWindow, RouterInput, Strategy,
    UpstreamLimits,
};
use std::time::Duration;

fn limited(limits: RateLimits, quota_headroom: Option<Share>, strategy: Strategy) -> Rig {
    // A limit that is never near, for strategies that go by limits.
    let ample = RateLimits { rpm: Some(per_minute(10_000)), ..RateLimits::default() };
    let deployments = vec![
        DeploymentConfig { limits, ..deployment("a", 1) },
        DeploymentConfig { limits: ample, ..deployment("b", 1) },
    ];
    Rig::new(vec![GroupConfig { deployments, quota_headroom, strategy, ..group(&[]) }])
}

const fn per_minute(per_minute: u64) -> RateLimit {
    RateLimit { per_minute, window: RateWindow::Sliding }
}

fn hundred() -> RateLimits {
    RateLimits { rpm: Some(per_minute(100)), ..RateLimits::default() }
}

/// How many of so many requests, one in 10 ms, are served by the limited one.
fn at_a(rig: &mut Rig, requests: usize) -> usize {
    let to = (0..requests).map(|_| {
        rig.after(Duration::from_millis(10));
        rig.serve()
    });
    to.filter(|&to| to == 0).count()
}

#[test]
fn its_share_shrinks_with_what_remains_under_every_strategy() {
    for word in Strategy::WORDS {
        let strategy = Strategy::from_word(word).expect("one of the words");
        let mut rig = limited(hundred(), Some(Share::percent(50)), strategy.clone());
        let without = at_a(&mut limited(hundred(), None, strategy), 250);
        let (early, late) = (at_a(&mut rig, 100), at_a(&mut rig, 150));
        assert!(early + late <= without, "{word}: {early} + {late}, without {without}");
        assert!(early + late < 100, "{word}: something is left of a hundred");
    }
}

#[test]
fn with_enough_left_it_has_its_whole_share_and_where_it_is_alone_all() {
    let mut rig = limited(hundred(), Some(Share::percent(50)), Strategy::default());
    assert_eq!(at_a(&mut rig, 100), 50);
    let only = GroupConfig {
        deployments: vec![DeploymentConfig { limits: hundred(), ..deployment("a", 1) }],
        quota_headroom: Some(Share::percent(100)),
        ..group(&[])
    };
    assert_eq!(at_a(&mut Rig::new(vec![only]), 100), 100);
}

#[test]
fn a_limit_that_headers_state_counts_too() {
    let limits = RateLimits { from_headers: true, ..RateLimits::default() };
    let mut rig = limited(limits, Some(Share::percent(100)), Strategy::default());
    let start = rig.arrive().start();
    assert_eq!(start.deployment.0, 0);
    let headers = UpstreamLimits {
        limit_requests: Some(6_000),
        remaining_requests: Some(600),
        ..UpstreamLimits::default()
    };
    rig.tell(RouterInput::LimitHeaders { attempt: start.attempt, headers });
    rig.finish(start.attempt);
    // A tenth of its half, and a little more with each moment that refills.
    let served = at_a(&mut rig, 100);
    assert!((3..=15).contains(&served), "{served}");
}
