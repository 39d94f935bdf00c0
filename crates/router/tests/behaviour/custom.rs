//! Strategies that a user of the crate brings: what they are told, and what comes of their mistakes.

use crate::rig::{Rig, deployment, failed, group, no_jitter};
use squall_determinism::{Seed, Timestamp};
use squall_failure::FailureClass;
use squall_router::{
    AttemptKind, Balancer, Candidates, DeploymentConfig, FailureSample, GroupConfig, GroupId,
    Outcome, PickContext, PickProblem, RequestArrival, RequestTag, Router, RouterConfig,
    RouterEvent, RouterInput, Strategy, SuccessSample, UnavailablePolicy,
};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Picks by a function, and writes down what it is told.
#[derive(Clone, Debug)]
struct Told {
    pick: fn(&Candidates<'_>) -> Option<usize>,
    hooks: Arc<Mutex<Vec<String>>>,
}

impl Told {
    fn tell(&self, hook: String) {
        self.hooks.lock().unwrap().push(hook);
    }
}

impl Balancer for Told {
    fn pick(&mut self, _: &PickContext, candidates: &Candidates<'_>) -> Option<usize> {
        (self.pick)(candidates)
    }

    fn picked(&mut self, context: &PickContext, _: &Candidates<'_>, place: usize) {
        let kind = if context.kind == AttemptKind::First { "first" } else { "retry" };
        self.tell(format!("picked {place} {kind}"));
    }

    fn started(&mut self, _: &PickContext, place: usize) {
        self.tell(format!("started {place}"));
    }

    fn succeeded(&mut self, place: usize, _: &SuccessSample) {
        self.tell(format!("succeeded {place}"));
    }

    fn failed(&mut self, place: usize, sample: &FailureSample) {
        self.tell(format!("failed {place} {}", sample.is_evidence));
    }

    fn inherit(&mut self, old: &dyn Balancer, from: &[Option<usize>], running: &[u32]) {
        let same = old.downcast_ref::<Self>().is_some();
        self.tell(format!("inherit {same} {from:?} {running:?}"));
    }
}

/// A strategy that picks so, and what its balancers are told.
fn told(pick: fn(&Candidates<'_>) -> Option<usize>) -> (Strategy, Arc<Mutex<Vec<String>>>) {
    let hooks = Arc::new(Mutex::new(Vec::new()));
    let told = Told { pick, hooks: Arc::clone(&hooks) };
    (Strategy::custom("told", move |_| told.clone()), hooks)
}

fn last(candidates: &Candidates<'_>) -> Option<usize> {
    candidates.iter().last()
}

fn with(strategy: Strategy, names: &[&str]) -> GroupConfig {
    GroupConfig { strategy, retry_rule: no_jitter(), ..group(names) }
}

#[test]
fn a_strategy_of_ones_own_picks_and_is_told_what_came_of_it() {
    let (strategy, hooks) = told(last);
    let mut rig = Rig::new(vec![with(strategy, &["a", "b", "c"])]);
    assert_eq!(rig.serve(), 2);
    let start = rig.arrive().start();
    let step = rig.fail(start.attempt, failed(FailureClass::Server));
    let retry = step.started().unwrap_or_else(|| rig.next_tick().start());
    assert_eq!((start.deployment.0, retry.deployment.0), (2, 1));
    rig.finish(retry.attempt);
    let expected = [
        "inherit false [None, None, None] [0, 0, 0]",
        "picked 2 first",
        "started 2",
        "succeeded 2",
        "picked 2 first",
        "started 2",
        "failed 2 true",
        "picked 1 retry",
        "started 1",
        "succeeded 1",
    ];
    assert_eq!(*hooks.lock().unwrap(), expected);
}

#[test]
fn on_a_change_of_configuration_it_inherits_by_place() {
    let (strategy, hooks) = told(last);
    let config = |deployments: &[DeploymentConfig]| RouterConfig {
        groups: vec![GroupConfig {
            deployments: deployments.to_vec(),
            strategy: strategy.clone(),
            ..GroupConfig::new("chat")
        }],
        ..RouterConfig::default()
    };
    let [a, b, c] = ["a", "b", "c"].map(|name| deployment(name, 1));
    let mut rig = Rig::of(config(&[a.clone(), b.clone()]));
    let running = rig.arrive().start();
    hooks.lock().unwrap().clear();
    let (id, _) = rig.router.prepare(config(&[b, c, a])).unwrap();
    rig.tell(RouterInput::Reconfigure { config: id });
    assert_eq!(*hooks.lock().unwrap(), ["inherit true [Some(1), None, Some(0)] [1, 0, 0]"]);
    rig.finish(running.attempt);
    assert_eq!(hooks.lock().unwrap().last().unwrap(), "succeeded 0");
}

/// What becomes of a request whose strategy picks so, among two deployments that are well.
#[track_caller]
fn is_rejected(pick: fn(&Candidates<'_>) -> Option<usize>, problem: PickProblem) {
    let (strategy, hooks) = told(pick);
    let mut rig = Rig::new(vec![with(strategy, &["a", "b"])]);
    let step = rig.arrive();
    let request = step.accepted();
    let rejected = RouterEvent::PickRejected { request, group: GroupId(0), problem };
    assert_eq!(step.note(|note| *note == rejected), Some(rejected));
    let failure = step.failure();
    assert_eq!((failure.class, failure.status), (FailureClass::Overloaded, 503));
    assert_eq!((rig.router.in_flight(), rig.router.next_timer()), (0, None));
    assert!(!hooks.lock().unwrap().iter().any(|hook| hook.starts_with("picked")));
}

#[test]
fn a_pick_of_nobody_fails_the_request_at_once_and_is_told() {
    is_rejected(|_| None, PickProblem::Nobody);
}

#[test]
fn a_pick_of_a_place_that_is_not_there_fails_the_request_at_once_and_is_told() {
    is_rejected(|_| Some(7), PickProblem::NoCandidate);
    is_rejected(|_| Some(usize::MAX), PickProblem::NoCandidate);
}

#[test]
fn a_pick_of_a_deployment_that_cools_down_is_rejected_until_it_is_back() {
    let (strategy, _) = told(|_| Some(0));
    let config =
        GroupConfig { when_unavailable: UnavailablePolicy::Wait, ..with(strategy, &["a", "b"]) };
    let mut rig = Rig::new(vec![config]);
    let start = rig.arrive().start();
    let step = rig.fail(start.attempt, crate::rig::throttled(Some(3)));
    let rejected = |note: &RouterEvent| {
        matches!(note, RouterEvent::PickRejected { problem: PickProblem::NoCandidate, .. })
    };
    // The retry may only go to `b`, which this strategy never picks.
    assert!(step.note(rejected).is_some(), "{:?}", step.outputs);
    let second = rig.arrive();
    assert!(second.note(rejected).is_some());
    assert!(second.outcome().is_none(), "it waits for `a`: {:?}", second.outputs);
    let mut served = 0;
    while let Some(due) = rig.router.next_timer() {
        rig.now = due;
        let step = rig.tick();
        if let Some(start) = step.started() {
            assert_eq!(start.deployment.0, 0);
            assert!(rig.now >= Timestamp::from_secs(3));
            rig.finish(start.attempt);
            served += 1;
        }
        assert!(rig.now < Timestamp::from_secs(60), "it never comes to an end");
    }
    assert!(served > 0 && rig.router.in_flight() == 0, "{served}");
}

#[test]
fn a_rejected_pick_falls_back_where_there_is_a_fallback() {
    let (strategy, _) = told(|_| None);
    let mut first = with(strategy, &["a"]);
    first.fallbacks.general = vec![GroupId(1)];
    let second = GroupConfig { name: "second".into(), ..group(&["b"]) };
    let mut rig = Rig::new(vec![first, second]);
    let start = rig.arrive().start();
    assert_eq!(start.deployment.0, 1);
    let done = rig.finish(start.attempt);
    assert!(matches!(done.outcome(), Some(Outcome::Succeeded { .. })));
}

#[test]
fn after_a_panic_of_a_strategy_the_router_refuses_every_input() {
    let (strategy, _) = told(|_| panic!("a mistake of the strategy"));
    let second = GroupConfig { name: "second".into(), ..group(&["c"]) };
    let groups = vec![with(strategy, &["a", "b"]), second];
    let config = RouterConfig { groups, ..RouterConfig::default() };
    let mut router = Router::new(config, Seed::new(7), 0).unwrap();
    let mut caught = |input: RouterInput| {
        let panic = catch_unwind(AssertUnwindSafe(|| router.handle(Timestamp::ZERO, input)));
        let payload = panic.expect_err("it panics");
        payload.downcast_ref::<&str>().map(|text| (*text).to_owned()).unwrap_or_default()
    };
    let arrival = |group| RouterInput::Arrived(RequestArrival::new(RequestTag(0), GroupId(group)));
    assert_eq!(caught(arrival(0)), "a mistake of the strategy");
    for input in [arrival(0), arrival(1), RouterInput::Tick] {
        assert!(caught(input).contains("an earlier one panicked"), "it goes on as if nothing were");
    }
    // What it had to say goes nowhere, and asking it is harmless.
    while router.poll().is_some() {}
    assert!(router.next_timer().is_none_or(|due| due > Timestamp::ZERO));
}

#[test]
fn two_strategies_of_one_name_differ_and_a_clone_is_the_same() {
    let [(one, _), (other, _)] = [told(last), told(last)];
    assert_eq!(one, one.clone());
    assert_ne!(one, other);
    assert_eq!(format!("{one:?}"), "Custom(CustomStrategy(\"told\"))");
}

#[test]
fn a_router_that_is_cloned_has_a_balancer_of_its_own() {
    #[derive(Clone, Debug, Default)]
    struct Turns(usize);
    impl Balancer for Turns {
        fn pick(&mut self, _: &PickContext, candidates: &Candidates<'_>) -> Option<usize> {
            Some(self.0 % candidates.places())
        }
        fn picked(&mut self, _: &PickContext, _: &Candidates<'_>, _: usize) {
            self.0 += 1;
        }
    }
    let turns = Strategy::custom("turns", |_| Turns::default());
    let mut rig = Rig::new(vec![with(turns, &["a", "b", "c"])]);
    assert_eq!([rig.serve(), rig.serve()], [0, 1]);
    let before = rig.router.clone();
    assert_eq!([rig.serve(), rig.serve()], [2, 0]);
    rig.router = before;
    rig.after(Duration::from_secs(1));
    assert_eq!([rig.serve(), rig.serve()], [2, 0]);
}
