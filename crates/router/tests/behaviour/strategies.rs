//! What the strategies do that measure load, latency, tokens and sessions.

use crate::rig::{Rig, Step, deployment, failed, group};
use squall_failure::FailureClass;
use squall_router::{
    CooldownRule, CostTuning, DeploymentConfig, GroupConfig, Money, Price, RouterConfig,
    RouterInput, Strategy, TokenUsage,
};
use std::time::Duration;

fn by(strategy: Strategy, deployments: Vec<DeploymentConfig>) -> GroupConfig {
    GroupConfig { strategy, deployments, ..group(&[]) }
}

fn equal(names: &[&str]) -> Vec<DeploymentConfig> {
    names.iter().map(|name| deployment(name, 1)).collect()
}

/// Serves a stream, whose first token comes after a time that depends on the deployment and whose end after 100
/// tokens more; answers with the place.
fn serve_stream(rig: &mut Rig, first_token: impl Fn(u16) -> u64) -> u16 {
    let start = rig.arrive().start();
    let place = start.deployment.0;
    rig.after(Duration::from_millis(first_token(place)));
    rig.tell(RouterInput::FirstToken { attempt: start.attempt });
    rig.after(Duration::from_millis(100));
    rig.finish(start.attempt);
    place
}

/// How many of the picks each of `N` deployments got.
fn counts<const N: usize>(picks: impl IntoIterator<Item = u16>) -> [usize; N] {
    let mut counts = [0; N];
    picks.into_iter().for_each(|place| counts[usize::from(place)] += 1);
    counts
}

#[test]
fn by_peak_ewma_the_slow_one_is_asked_only_where_both_draws_hit_it_or_it_is_forgotten() {
    let mut rig = Rig::new(vec![by(Strategy::PeakEwma, equal(&["slow", "fast", "as-fast"]))]);
    let first_token = |place| if place == 0 { 2_000 } else { 200 };
    for _ in 0..20 {
        serve_stream(&mut rig, first_token);
    }
    let picks: Vec<_> = (0..200).map(|_| serve_stream(&mut rig, first_token)).collect();
    let [slow, fast, as_fast] = counts(picks);
    assert!(slow < 20, "{slow} of 200 went to the slow one");
    assert!(fast > 60 && as_fast > 60, "{fast} and {as_fast}");
}

#[test]
fn by_peak_ewma_one_that_fails_fast_gets_less_than_its_share_while_its_circuit_is_closed() {
    let group = GroupConfig {
        cooldown: CooldownRule::Never,
        ..by(Strategy::PeakEwma, equal(&["broken", "well"]))
    };
    let mut rig = Rig::new(vec![group]);
    let mut to_broken = 0;
    for _ in 0..200 {
        let start = rig.arrive().start();
        if start.deployment.0 == 0 {
            to_broken += 1;
            rig.after(Duration::from_millis(5));
            let step = rig.fail(start.attempt, failed(FailureClass::Server));
            end(&mut rig, step);
        } else {
            rig.after(Duration::from_millis(300));
            rig.tell(RouterInput::FirstToken { attempt: start.attempt });
            rig.finish(start.attempt);
        }
    }
    assert!(to_broken < 20, "{to_broken} of 200 first attempts went to the broken one");
}

/// Ends the request whose attempt failed: its retry is served.
fn end(rig: &mut Rig, mut step: Step) {
    while step.outcome().is_none() {
        step = match step.started() {
            Some(start) => rig.finish(start.attempt),
            None => rig.next_tick(),
        };
    }
}

#[test]
fn by_peak_ewma_what_is_under_way_repels_more() {
    let mut rig = Rig::new(vec![by(Strategy::PeakEwma, equal(&["a", "b"]))]);
    for _ in 0..10 {
        serve_stream(&mut rig, |_| 200);
    }
    let open = counts::<2>((0..100).map(|_| rig.arrive().start().deployment.0));
    assert!(open.iter().all(|open| (45..=55).contains(open)), "{open:?}");
}

#[test]
fn by_deficit_round_robin_tokens_follow_the_weights_and_requests_need_not() {
    let deployments = vec![deployment("a", 3), deployment("b", 1)];
    let mut rig = Rig::new(vec![by(Strategy::DeficitRoundRobin, deployments)]);
    // Every fourth request is forty times as long: in step with a weighted round robin of 3 to 1.
    let mut tokens = [0_u64; 2];
    for nth in 0..400 {
        let size = if nth % 4 == 3 { 4_000 } else { 100 };
        let start = rig.arrive_with(|arrival| arrival.output_tokens = size).start();
        tokens[usize::from(start.deployment.0)] += u64::from(size) + 100;
        let usage = TokenUsage { input_tokens: 100, output_tokens: size };
        rig.tell(RouterInput::Finished { attempt: start.attempt, usage: Some(usage) });
    }
    let share = tokens[0] as f64 / (tokens[0] + tokens[1]) as f64;
    assert!((0.74..=0.76).contains(&share), "{share}");
}

#[test]
fn by_deficit_round_robin_what_was_really_used_counts() {
    let mut rig = Rig::new(vec![by(Strategy::DeficitRoundRobin, equal(&["a", "b"]))]);
    // All are estimated alike; those at `a` use ten times as much.
    let picks = (0..220).map(|_| {
        let start = rig.arrive().start();
        let output = if start.deployment.0 == 0 { 1_900 } else { 100 };
        let usage = TokenUsage { input_tokens: 100, output_tokens: output };
        rig.tell(RouterInput::Finished { attempt: start.attempt, usage: Some(usage) });
        start.deployment.0
    });
    let picks: Vec<_> = picks.collect();
    assert_eq!(counts(picks), [20, 200]);
}

fn session_of(rig: &mut Rig, session: u64) -> u16 {
    let start = rig.arrive_with(|arrival| arrival.session = Some(session)).start();
    rig.finish(start.attempt);
    start.deployment.0
}

fn hashed(names: &[&str]) -> Rig {
    Rig::new(vec![by(Strategy::ConsistentHash, equal(names))])
}

#[test]
fn by_consistent_hash_a_session_keeps_its_deployment_and_sessions_spread_by_weight() {
    let mut rig = hashed(&["a", "b", "c"]);
    let homes: Vec<_> = (0..600).map(|session| session_of(&mut rig, session)).collect();
    let again: Vec<_> = (0..600).map(|session| session_of(&mut rig, session)).collect();
    assert_eq!(homes, again);
    let homes = counts::<3>(homes);
    assert!(homes.iter().all(|&home| (140..=260).contains(&home)), "{homes:?}");
}

#[test]
fn by_consistent_hash_one_that_leaves_the_configuration_moves_its_own_sessions_alone() {
    let mut rig = hashed(&["a", "b", "c"]);
    let before: Vec<_> = (0..300).map(|session| session_of(&mut rig, session)).collect();
    let groups = vec![by(Strategy::ConsistentHash, equal(&["a", "c"]))];
    let config = RouterConfig { groups, ..RouterConfig::default() };
    let (config, _) = rig.router.prepare(config).unwrap();
    rig.tell(RouterInput::Reconfigure { config });
    for (session, before) in before.into_iter().enumerate() {
        let now = session_of(&mut rig, session as u64);
        assert!(now == before || before == 1, "session {session} moved from {before} to {now}");
    }
}

#[test]
fn by_consistent_hash_a_crowd_in_one_session_overflows_at_the_bound() {
    let mut rig = hashed(&["a", "b", "c", "d"]);
    let crowd =
        |rig: &mut Rig| rig.arrive_with(|arrival| arrival.session = Some(1)).start().deployment.0;
    let open = counts::<4>((0..400).map(|_| crowd(&mut rig)));
    // 125 % of a hundred each, and the rest follows on the ring.
    assert_eq!(open.iter().max(), Some(&125));
    assert!(open.iter().all(|&open| open >= 25), "{open:?}");
}

#[test]
fn by_consistent_hash_the_bound_is_a_share_of_what_the_eligible_ones_have_and_no_others() {
    let spare = DeploymentConfig { order: 1, ..deployment("spare", 100) };
    let mut deployments = equal(&["a", "b"]);
    deployments.push(spare);
    let mut rig = Rig::new(vec![by(Strategy::ConsistentHash, deployments)]);
    let homes: Vec<_> = (0..32).map(|session| session_of(&mut rig, session)).collect();
    // Three at each, so that either has room for a fourth: 125 % of half of seven are 4.4.
    let crowd = homes.iter().zip(0..);
    let open = |home| crowd.clone().filter(move |&(&each, _)| each == home).take(3);
    for (_, session) in open(0).chain(open(1)) {
        let _ = rig.arrive_with(|arrival| arrival.session = Some(session));
    }
    let again: Vec<_> = (0..32).map(|session| session_of(&mut rig, session)).collect();
    assert_eq!(homes, again);
}

#[test]
fn lowest_cost_with_an_objective_takes_the_cheapest_that_is_quick_enough() {
    let priced = |name: &str, price| {
        let price = Price { input: Money(price), output: Money(price) };
        DeploymentConfig { price, ..deployment(name, 1) }
    };
    let strategy =
        Strategy::LowestCost(CostTuning { latency_objective: Some(Duration::from_secs(1)) });
    let mut rig = Rig::new(vec![by(strategy, vec![priced("cheap", 1), priced("dear", 10)])]);
    let slow_when = |late: bool| move |place| if place == 0 && late { 3_000 } else { 300 };
    let calm: Vec<_> = (0..20).map(|_| serve_stream(&mut rig, slow_when(false))).collect();
    assert_eq!(counts(calm), [20, 0], "the cheap one while it is quick");
    let late: Vec<_> = (0..40).map(|_| serve_stream(&mut rig, slow_when(true))).collect();
    let [cheap, dear] = counts(late);
    assert!(dear > 2 * cheap, "{cheap} to the cheap one that is too slow, {dear} to the other");
    let mended: Vec<_> = (0..60).map(|_| serve_stream(&mut rig, slow_when(false))).collect();
    assert_eq!(counts(mended.into_iter().skip(40)), [20, 0], "it is found again");
}
