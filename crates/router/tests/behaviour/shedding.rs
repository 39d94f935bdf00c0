//! Requests without hope are refused before they wait.

use crate::rig::{Rig, deployment, group};
use squall_failure::FailureClass;
use squall_router::{
    DeploymentConfig, GroupConfig, RateLimits, RouterEvent, RouterOutput, StartAttempt,
};
use std::time::Duration;

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// One at once, and a queue in which nobody waits for longer than twenty seconds.
fn narrow(queue_shedding: bool) -> GroupConfig {
    let limits = RateLimits { concurrency: Some(1), ..RateLimits::default() };
    let deployments = vec![DeploymentConfig { limits, ..deployment("a", 1) }];
    GroupConfig { deployments, queue_shedding, max_queue_wait: secs(20), ..group(&[]) }
}

fn arrive(rig: &mut Rig, priority: u8) -> crate::rig::Step {
    rig.arrive_with(|arrival| arrival.priority = priority)
}

/// Serves ten from the queue, one in five seconds, with the last of them running in the end.
fn paced(rig: &mut Rig) -> StartAttempt {
    let mut running = rig.arrive().start();
    arrive(rig, 1);
    for _ in 0..10 {
        arrive(rig, 1);
        running = rig.after(secs(5)).finish(running.attempt).start();
    }
    running
}

fn shed(step: &crate::rig::Step) -> usize {
    let shed =
        |output: &&RouterOutput| matches!(output, RouterOutput::Note(RouterEvent::Shed { .. }));
    step.outputs.iter().filter(shed).count()
}

#[test]
fn who_would_not_be_served_in_time_is_refused_at_once_with_the_time_at_which_it_would() {
    let mut rig = Rig::new(vec![narrow(true)]);
    paced(&mut rig);
    // One waits; the second, third and fourth are served after ten, fifteen and twenty seconds.
    for _ in 0..3 {
        let step = arrive(&mut rig, 1);
        assert_eq!((step.outcome(), shed(&step)), (None, 0));
    }
    let step = arrive(&mut rig, 1);
    let refused = step.failure();
    assert_eq!((shed(&step), refused.class), (1, FailureClass::Throttled));
    assert_eq!(refused.retry_after, Some(secs(25)));
}

#[test]
fn one_of_a_higher_priority_takes_the_place_of_the_last_of_the_lowest() {
    let mut rig = Rig::new(vec![narrow(true)]);
    paced(&mut rig);
    let waiting: Vec<_> = (0..3).map(|_| arrive(&mut rig, 1).accepted()).collect();
    let step = arrive(&mut rig, 0);
    assert_eq!(shed(&step), 1);
    let out = step.note(|note| matches!(note, RouterEvent::Shed { .. }));
    assert!(matches!(out, Some(RouterEvent::Shed { request, .. }) if request == waiting[2]));
    assert_eq!(rig.router.queued(squall_router::GroupId(0)), 4);
}

#[test]
fn a_queue_that_slows_down_sheds_those_at_its_end() {
    let mut rig = Rig::new(vec![narrow(true)]);
    let running = paced(&mut rig);
    for _ in 0..3 {
        arrive(&mut rig, 1);
    }
    // Fifteen seconds instead of five: three of the four that wait are still in time when the first is served,
    // but the pace is no longer that of before.
    let step = rig.after(secs(15)).finish(running.attempt);
    assert!(step.started().is_some());
    assert!(shed(&step) > 0, "{step:?}");
}

#[test]
fn without_it_and_without_a_pace_they_wait() {
    let mut rig = Rig::new(vec![narrow(false)]);
    paced(&mut rig);
    assert!((0..50).all(|_| arrive(&mut rig, 1).outcome().is_none()));

    let mut rig = Rig::new(vec![narrow(true)]);
    rig.arrive().start();
    assert!((0..50).all(|_| arrive(&mut rig, 1).outcome().is_none()), "nobody has been served yet");
}
