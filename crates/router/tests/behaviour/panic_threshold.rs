//! A group of which too little weight is well: its health is ignored, or nobody but a probe is served.

use crate::rig::{Rig, Step, deployment, group, no_jitter};
use squall_determinism::Share;
use squall_failure::FailureClass;
use squall_router::{
    DeploymentId, GroupConfig, HealthChecks, RouterConfig, RouterEvent, RouterInput,
    UnavailablePolicy,
};
use std::time::Duration;

/// Deployments of the weights 6, 3 and 1, of which the first fails until it cools down, for 5 s.
fn heavy_one_out(when_unavailable: UnavailablePolicy, threshold: u32) -> Rig {
    let chat = GroupConfig {
        when_unavailable,
        panic_threshold: Share::percent(threshold),
        retry_rule: no_jitter(),
        deployments: vec![deployment("a", 6), deployment("b", 3), deployment("c", 1)],
        ..group(&[])
    };
    let mut rig = Rig::new(vec![chat]);
    rig.trip_first();
    rig
}

fn is_told(step: &Step) -> bool {
    step.note(|note| matches!(note, RouterEvent::GroupUnavailable { .. })).is_some()
}

fn is_probe(step: &Step) -> bool {
    step.note(|note| matches!(note, RouterEvent::Probe { .. })).is_some()
}

#[test]
fn with_panic_everyone_takes_its_share_by_weight_as_if_all_were_well() {
    let mut rig = heavy_one_out(UnavailablePolicy::Panic, 50);
    assert!(is_told(&rig.arrive()));
    let mut counts = [0; 3];
    (0..100).for_each(|_| counts[usize::from(rig.serve())] += 1);
    assert!((58..=62).contains(&counts[0]) && (28..=32).contains(&counts[1]), "{counts:?}");
}

#[test]
fn with_fail_nobody_is_served_and_told_when_the_first_returns() {
    let mut rig = heavy_one_out(UnavailablePolicy::Fail, 50);
    rig.after(Duration::from_secs(2));
    let step = rig.arrive();
    assert!(is_told(&step));
    assert_eq!(step.failure().retry_after, Some(Duration::from_secs(3)));
    assert_eq!(step.failure().class, FailureClass::Overloaded);
}

#[test]
fn a_probe_goes_all_the_same_and_its_success_ends_it_for_all() {
    for mode in [UnavailablePolicy::Fail, UnavailablePolicy::Wait] {
        let mut rig = heavy_one_out(mode, 50);
        rig.after(Duration::from_secs(5)).tick();
        let probe = rig.arrive();
        assert!(is_probe(&probe));
        assert!(rig.arrive().started().is_none(), "nobody beside it");
        rig.finish(probe.start().attempt);
        assert!((0..50).all(|_| rig.arrive().started().is_some()));
    }
}

#[test]
fn with_wait_they_wait_until_enough_is_well() {
    let mut rig = heavy_one_out(UnavailablePolicy::Wait, 50);
    let waits = rig.arrive();
    assert!(is_told(&waits) && waits.started().is_none());
    let step = rig.next_tick();
    assert_eq!(rig.now.as_secs_f64(), 5.0);
    assert!(is_probe(&step), "the one that waits is the probe");
    rig.finish(step.start().attempt);
    assert_eq!(rig.router.in_flight(), 0);
}

#[test]
fn above_the_threshold_and_by_default_health_counts() {
    for threshold in [0, 40] {
        for mode in [UnavailablePolicy::Panic, UnavailablePolicy::Fail, UnavailablePolicy::Wait] {
            let mut rig = heavy_one_out(mode, threshold);
            assert!(!is_told(&rig.arrive()));
            assert!((0..50).all(|_| rig.serve() != 0), "40 % of the weight is well");
        }
    }
}

#[test]
fn checks_count_as_well_and_weight_rather_than_heads() {
    let mut rig = Rig::of(RouterConfig {
        groups: vec![GroupConfig {
            when_unavailable: UnavailablePolicy::Panic,
            panic_threshold: Share::percent(50),
            deployments: vec![deployment("a", 6), deployment("b", 3), deployment("c", 1)],
            ..group(&[])
        }],
        health_checks: Some(HealthChecks::default()),
        ..RouterConfig::default()
    });
    let fail = |rig: &mut Rig, id| {
        (0..3).for_each(|_| {
            rig.tell(RouterInput::Checked { deployment: DeploymentId(id), passed: false });
        });
    };
    // Two of three are out, and four tenths of the weight.
    fail(&mut rig, 1);
    fail(&mut rig, 2);
    assert!((0..20).all(|_| rig.serve() == 0));
    fail(&mut rig, 0);
    let mut counts = [0; 3];
    (0..100).for_each(|_| counts[usize::from(rig.serve())] += 1);
    assert!((58..=62).contains(&counts[0]), "nothing is well, and nothing is believed: {counts:?}");
}
