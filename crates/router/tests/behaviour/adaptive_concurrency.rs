//! A limit of attempts at once that follows the time to the first token.

use crate::rig::{Rig, group};
use squall_router::{AttemptId, GroupConfig, RateLimits, RouterInput, RouterOutput};
use std::time::Duration;

/// `full` adapts, and `spare` takes what is over its limit, as far as it has weight.
fn pair(spare: bool) -> Vec<GroupConfig> {
    let mut chat = group(if spare { &["full", "spare"] } else { &["full"] });
    let limits = RateLimits { adaptive_concurrency: true, ..RateLimits::default() };
    chat.deployments[0] = squall_router::DeploymentConfig {
        weight: 1_000_000,
        limits,
        ..chat.deployments[0].clone()
    };
    vec![chat]
}

fn limit(rig: &mut Rig) -> (u64, u64) {
    let all: Vec<_> = rig.router.deployment_snapshots().collect();
    all[0].limits.concurrency.expect("a limit that adapts")
}

/// Sends so many requests; the attempts that begin at `full`, and how many are answered elsewhere.
fn send(rig: &mut Rig, requests: usize) -> (Vec<AttemptId>, usize) {
    let mut full = Vec::new();
    let mut elsewhere = 0;
    for _ in 0..requests {
        match rig.arrive().started() {
            Some(start) if start.deployment.0 == 0 => full.push(start.attempt),
            Some(start) => {
                rig.finish(start.attempt);
                elsewhere += 1;
            }
            None => {}
        }
        let (running, most) = limit(rig);
        assert!(running <= most, "{running} of {most}");
    }
    (full, elsewhere)
}

/// Rounds of answers that begin after so many milliseconds, with the deployment full.
fn rounds(rig: &mut Rig, rounds: u32, millis: u64) {
    for _ in 0..rounds {
        let (attempts, _) = send(rig, 60);
        rig.after(Duration::from_millis(millis));
        for &attempt in &attempts {
            rig.tell(RouterInput::FirstToken { attempt });
        }
        rig.after(Duration::from_millis(700));
        for attempt in attempts {
            rig.finish(attempt);
        }
    }
}

#[test]
fn what_is_over_the_limit_goes_elsewhere_and_the_limit_follows_the_first_tokens() {
    let mut rig = Rig::new(pair(true));
    let (attempts, elsewhere) = send(&mut rig, 60);
    assert_eq!((attempts.len(), elsewhere), (20, 40));
    attempts.into_iter().for_each(|attempt| drop(rig.finish(attempt)));
    rounds(&mut rig, 30, 300);
    let (_, grown) = limit(&mut rig);
    assert!(grown > 20, "{grown}");
    rounds(&mut rig, 12, 4_000);
    let (_, shrunk) = limit(&mut rig);
    assert!(shrunk < grown, "{shrunk} of {grown}");
    rounds(&mut rig, 40, 300);
    assert!(limit(&mut rig).1 > shrunk, "it recovers");
}

#[test]
fn with_nobody_else_what_is_over_the_limit_waits() {
    let mut rig = Rig::new(pair(false));
    let (attempts, _) = send(&mut rig, 30);
    assert_eq!(attempts.len(), 20);
    let step = rig.finish(attempts[0]);
    let next = step.outputs.iter().filter(|output| matches!(output, RouterOutput::StartAttempt(_)));
    assert_eq!(next.count(), 1, "whoever waits first has the place");
}

#[test]
fn how_long_answers_are_moves_nothing() {
    let mut rig = Rig::new(pair(true));
    for round in 0..30_u64 {
        let (attempts, _) = send(&mut rig, 60);
        rig.after(Duration::from_millis(300));
        for &attempt in &attempts {
            rig.tell(RouterInput::FirstToken { attempt });
        }
        // The answers get longer and longer.
        rig.after(Duration::from_millis(800 + 500 * round));
        attempts.into_iter().for_each(|attempt| drop(rig.finish(attempt)));
    }
    assert!(limit(&mut rig).1 > 20);
    let (_, before) = limit(&mut rig);
    for _ in 0..20 {
        let start = rig.arrive_with(|arrival| arrival.stream = false).start();
        rig.after(Duration::from_secs(60));
        rig.finish(start.attempt);
    }
    assert_eq!(limit(&mut rig).1, before, "answers in one piece have no first token");
}
