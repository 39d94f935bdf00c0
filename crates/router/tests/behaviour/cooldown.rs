//! Cooldowns: on what evidence, for how long, and how they end.

use crate::rig::{Rig, failed, group, throttled};
use squall_failure::FailureClass;
use squall_router::{
    CooldownCause, CooldownRule, Fallbacks, GroupConfig, GroupId, RouterEvent, RouterInput,
};
use std::time::Duration;

const OUT: FailureClass = FailureClass::Server;

/// Lets deployment 0 fail until it is skipped; returns how many failures that took.
fn trip(rig: &mut Rig) -> u32 {
    let mut failures = 0;
    for _ in 0..100 {
        let start = rig.arrive().start();
        if start.deployment.0 != 0 {
            rig.finish(start.attempt);
            continue;
        }
        failures += 1;
        let step = rig.fail(start.attempt, failed(OUT));
        if let Some(retry) = step.started() {
            rig.finish(retry.attempt);
        }
        if step.note(|note| matches!(note, RouterEvent::CooldownStarted { .. })).is_some() {
            return failures;
        }
    }
    panic!("it never tripped");
}

#[test]
fn failures_in_a_row_put_a_deployment_out() {
    let mut rig = Rig::new(vec![group(&["eu", "us"])]);
    assert_eq!(trip(&mut rig), 5);
    assert!((0..50).all(|_| rig.serve() == 1));
}

#[test]
fn throttling_never_counts_as_failing() {
    let mut rig = Rig::new(vec![group(&["eu", "us"])]);
    for _ in 0..50 {
        let start = rig.arrive().start();
        let step = rig.fail(start.attempt, throttled(Some(1)));
        rig.finish(step.start().attempt);
        let cause = step.note(|note| matches!(note, RouterEvent::CooldownStarted { .. }));
        assert!(matches!(
            cause,
            Some(RouterEvent::CooldownStarted { cause: CooldownCause::Throttled, .. })
        ));
        rig.after(Duration::from_secs(3)).tick();
    }
}

#[test]
fn one_probe_goes_when_the_break_is_over_and_no_second_beside_it() {
    let mut rig = Rig::new(vec![group(&["eu", "us"])]);
    trip(&mut rig);
    rig.after(Duration::from_secs(5)).tick();
    let steps: Vec<_> = (0..20).map(|_| rig.arrive()).collect();
    let at_eu = steps.iter().filter(|step| step.start().deployment.0 == 0).count();
    assert_eq!(at_eu, 1, "only the probe");
    assert!(
        steps
            .iter()
            .any(|step| step.note(|note| matches!(note, RouterEvent::Probe { .. })).is_some())
    );
}

#[test]
fn the_first_token_of_a_probe_ends_the_cooldown() {
    let mut rig = Rig::new(vec![group(&["eu", "us"])]);
    trip(&mut rig);
    rig.after(Duration::from_secs(5)).tick();
    let probe = (0..20).map(|_| rig.arrive().start()).find(|start| start.deployment.0 == 0);
    let step = rig.tell(RouterInput::FirstToken { attempt: probe.unwrap().attempt });
    assert!(step.note(|note| matches!(note, RouterEvent::Recovered { .. })).is_some());
    let picks: Vec<_> = (0..20).map(|_| rig.serve()).collect();
    assert_eq!(picks.iter().filter(|&&pick| pick == 0).count(), 10, "its whole share");
}

#[test]
fn a_failed_probe_doubles_the_break() {
    let mut rig = Rig::new(vec![group(&["eu", "us"])]);
    trip(&mut rig);
    rig.after(Duration::from_secs(5)).tick();
    let probe = (0..20).map(|_| rig.arrive().start()).find(|start| start.deployment.0 == 0);
    let step = rig.fail(probe.unwrap().attempt, failed(OUT));
    let Some(RouterEvent::CooldownStarted { cause, until, .. }) =
        step.note(|note| matches!(note, RouterEvent::CooldownStarted { .. }))
    else {
        panic!("no cooldown: {step:?}");
    };
    assert_eq!(cause, CooldownCause::ProbeFailed);
    assert_eq!(until.since(rig.now), Duration::from_secs(10));
}

#[test]
fn a_probe_whose_client_left_says_nothing_and_another_may_go() {
    let mut rig = Rig::new(vec![group(&["eu", "us"])]);
    trip(&mut rig);
    rig.after(Duration::from_secs(5)).tick();
    let probe = (0..20).map(|_| rig.arrive()).find(|step| step.start().deployment.0 == 0).unwrap();
    rig.tell(RouterInput::ClientGone { request: probe.accepted() });
    let again = (0..20).map(|_| rig.arrive().start()).filter(|start| start.deployment.0 == 0);
    assert_eq!(again.count(), 1);
}

#[test]
fn a_wrong_key_puts_a_deployment_out_for_long_and_the_request_goes_elsewhere() {
    let mut rig = Rig::new(vec![group(&["eu", "us"])]);
    let start = rig.arrive().start();
    let retry = rig.fail(start.attempt, failed(FailureClass::Auth).with_status(401)).start();
    assert_ne!(retry.deployment, start.deployment);
    rig.after(Duration::from_secs(299)).tick();
    assert!((0..20).all(|_| rig.serve() == retry.deployment.0));
}

#[test]
fn a_probe_that_was_answered_and_breaks_off_later_says_nothing_of_the_next_one() {
    let mut rig = Rig::new(vec![group(&["eu", "us"])]);
    trip(&mut rig);
    rig.after(Duration::from_secs(5)).tick();
    let at_eu = |rig: &mut Rig| {
        (0..20).map(|_| rig.arrive().start()).find(|start| start.deployment.0 == 0).unwrap().attempt
    };
    let first = at_eu(&mut rig);
    rig.tell(RouterInput::FirstToken { attempt: first });
    trip(&mut rig);
    // A relapse: the interval goes on doubling.
    rig.after(Duration::from_secs(10)).tick();
    at_eu(&mut rig);
    let step = rig.fail(first, failed(FailureClass::Stalled));
    assert!(
        step.note(|note| matches!(note, RouterEvent::CooldownStarted { .. })).is_none(),
        "{step:?}"
    );
    let again = (0..20).map(|_| rig.arrive().start()).filter(|start| start.deployment.0 == 0);
    assert_eq!(again.count(), 0, "the second probe is still under way");
}

/// One deployment and a fallback of another group, with the defaults.
fn by_default() -> Vec<GroupConfig> {
    let chat = GroupConfig {
        cooldown: CooldownRule::default(),
        fallbacks: Fallbacks::to(vec![GroupId(1)]),
        max_queue_wait: Duration::ZERO,
        ..group(&["primary"])
    };
    vec![chat, GroupConfig { name: "small".to_owned(), ..group(&["little"]) }]
}

/// A request that the primary fails as often as it is asked, and the fallback answers; how often that was.
fn rescued(rig: &mut Rig) -> u32 {
    let mut asked = 0;
    let mut start = rig.arrive().start();
    while start.deployment.0 == 0 {
        asked += 1;
        let step = rig.fail(start.attempt, failed(FailureClass::Overloaded).with_status(503));
        start = step.started().unwrap_or_else(|| rig.next_tick().start());
    }
    rig.finish(start.attempt);
    asked
}

#[test]
fn a_deployment_alone_in_its_group_is_skipped_where_there_is_a_fallback() {
    let mut rig = Rig::new(by_default());
    assert_eq!(rescued(&mut rig), 3);
    assert_eq!(rescued(&mut rig), 2, "the fifth in a row");
    assert_eq!(rescued(&mut rig), 0);
}

#[test]
fn after_a_minute_of_failures_a_request_every_four_seconds_finds_it_well_within_sixteen() {
    let mut rig = Rig::new(by_default());
    let mut asked = 0;
    for nth in 0..15 {
        rig.now = rig.now.max(squall_determinism::Timestamp::from_secs(4 * nth));
        rig.tick();
        asked += rescued(&mut rig);
    }
    assert!(asked <= 15, "no more than one for each request: {asked}");
    let back = (15..20).find(|nth| {
        rig.now = squall_determinism::Timestamp::from_secs(4 * nth);
        rig.tick();
        rig.serve() == 0
    });
    assert!(back.is_some_and(|nth| 4 * nth <= 76), "{back:?}");
}

#[test]
fn one_request_at_a_time_is_a_probe_and_the_fallback_answers_the_others() {
    let mut rig = Rig::new(by_default());
    rescued(&mut rig);
    rescued(&mut rig);
    rig.after(Duration::from_secs(2)).tick();
    let probe = rig.arrive().start();
    assert_eq!(probe.deployment.0, 0);
    assert!((0..20).all(|_| rig.serve() == 1), "nobody else is a probe");
    let step = rig.fail(probe.attempt, failed(OUT));
    assert_eq!(step.start().deployment.0, 1, "and the fallback answers this one too");
}
