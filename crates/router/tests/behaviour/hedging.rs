//! A second attempt beside a first that keeps its request waiting.

use crate::rig::{Rig, Step, deployment, failed, group};
use squall_determinism::Timestamp;
use squall_failure::FailureClass;
use squall_router::{
    AttemptId, AttemptTimeouts, CancelReason, Fallbacks, GroupConfig, GroupId, Hedge, HedgeAfter,
    Money, Outcome, Price, Profile, RateLimit, RateLimits, RateWindow, Retries, RetryBudget,
    RouterConfig, RouterEvent, RouterInput, RouterOutput, SpendBudget,
};
use std::time::Duration;

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// These deployments, and `small` behind them, with the defaults.
fn chat(deployments: &[&str]) -> Vec<GroupConfig> {
    let chat = GroupConfig {
        hedge: Some(Hedge::default()),
        fallbacks: Fallbacks::to(vec![GroupId(1)]),
        max_queue_wait: Duration::ZERO,
        ..group(deployments)
    };
    let small = GroupConfig { name: "small".to_owned(), ..group(&["little"]) };
    vec![chat, small]
}

fn first_token(rig: &mut Rig, attempt: AttemptId) -> Step {
    rig.tell(RouterInput::FirstToken { attempt })
}

fn cancelled(step: &Step) -> Option<(AttemptId, CancelReason)> {
    step.outputs.iter().find_map(|output| match output {
        RouterOutput::CancelAttempt { attempt, reason, .. } => Some((*attempt, *reason)),
        _ => None,
    })
}

fn committed(step: &Step) -> Option<AttemptId> {
    step.outputs.iter().find_map(|output| match output {
        RouterOutput::Commit { attempt, .. } => Some(*attempt),
        _ => None,
    })
}

fn is_hedged(step: &Step) -> bool {
    step.note(|note| matches!(note, RouterEvent::Hedged { .. })).is_some()
}

fn answer(rig: &mut Rig, times: u32, after: Duration) {
    for _ in 0..times {
        let start = rig.arrive().start();
        rig.after(after);
        first_token(rig, start.attempt);
        rig.finish(start.attempt);
    }
}

#[test]
fn a_silent_primary_is_not_waited_for_longer_than_ten_seconds_by_default() {
    let mut rig = Rig::new(chat(&["only"]));
    let first = rig.arrive().start();
    let step = rig.next_tick();
    assert_eq!(rig.now, Timestamp::from_secs(10), "a third of the time-out to the first token");
    assert!(is_hedged(&step));
    let second = step.start();
    assert_eq!(second.deployment.0, 1);
    rig.after(Duration::from_millis(300));
    let step = first_token(&mut rig, second.attempt);
    assert_eq!(cancelled(&step), Some((first.attempt, CancelReason::LostRace)));
    assert_eq!(committed(&step), Some(second.attempt));
    let step = rig.finish(second.attempt);
    let outcome = step.outcome();
    assert!(matches!(outcome, Some(Outcome::Succeeded { deployment, .. }) if deployment.0 == 1));
    assert_eq!(rig.router.in_flight(), 0);
    assert_eq!(rig.router.next_timer(), None);
}

#[test]
fn a_model_that_may_think_for_two_minutes_is_left_forty_seconds() {
    let mut groups = chat(&["only"]);
    groups[0].timeouts = AttemptTimeouts { first_token: secs(120), ..AttemptTimeouts::default() };
    let mut rig = Rig::new(groups);
    rig.arrive();
    assert!(is_hedged(&rig.next_tick()));
    assert_eq!(rig.now, Timestamp::from_secs(40));
}

#[test]
fn the_first_to_answer_wins_and_the_other_is_cancelled() {
    let mut rig = Rig::new(chat(&["only"]));
    let first = rig.arrive().start();
    let second = rig.next_tick().start();
    rig.after(secs(2));
    let step = first_token(&mut rig, first.attempt);
    assert_eq!(cancelled(&step), Some((second.attempt, CancelReason::LostRace)));
    assert_eq!(committed(&step), Some(first.attempt));
    assert!(first_token(&mut rig, second.attempt).outputs.is_empty(), "it came too late");
    assert!(matches!(rig.finish(first.attempt).outcome(), Some(Outcome::Succeeded { .. })));
}

#[test]
fn a_sibling_comes_before_the_fallback() {
    let mut rig = Rig::new(chat(&["eu", "us"]));
    let first = rig.arrive().start().deployment.0;
    assert_eq!(rig.next_tick().start().deployment.0, 1 - first);
}

#[test]
fn a_sibling_that_is_silent_itself_is_passed_over() {
    let mut rig = Rig::new(chat(&["eu", "us"]));
    rig.arrive();
    rig.arrive();
    rig.after(secs(10));
    assert_eq!(rig.tick().start().deployment.0, 2);
}

#[test]
fn once_enough_answers_are_known_it_is_what_nearly_all_of_them_take() {
    let mut rig = Rig::new(chat(&["only"]));
    answer(&mut rig, 20, secs(7));
    let began = rig.now;
    rig.arrive();
    assert!(is_hedged(&rig.next_tick()));
    let waited = rig.now.since(began);
    assert!(waited >= secs(7) && waited <= Duration::from_millis(8_800), "{waited:?}");
}

#[test]
fn a_quick_group_waits_for_the_floor() {
    let mut rig = Rig::new(chat(&["only"]));
    answer(&mut rig, 20, Duration::from_millis(50));
    let began = rig.now;
    rig.arrive();
    assert!(is_hedged(&rig.next_tick()));
    assert_eq!(rig.now.since(began), secs(5));
}

#[test]
fn answers_in_one_piece_wait_until_it_is_known_what_is_usual() {
    let mut rig = Rig::new(chat(&["only"]));
    let whole = |rig: &mut Rig| rig.arrive_with(|arrival| arrival.stream = false).start();
    for _ in 0..20 {
        let start = whole(&mut rig);
        rig.after(secs(20));
        assert!(rig.tick().outputs.is_empty());
        rig.finish(start.attempt);
    }
    let began = rig.now;
    whole(&mut rig);
    assert!(is_hedged(&rig.next_tick()));
    assert!(rig.now.since(began) >= secs(20));
}

#[test]
fn a_fixed_time_holds_for_all() {
    let mut groups = chat(&["only"]);
    groups[0].hedge = Some(Hedge { after: HedgeAfter::Time(secs(2)), ..Hedge::default() });
    let mut rig = Rig::new(groups);
    rig.arrive_with(|arrival| arrival.stream = false);
    assert!(is_hedged(&rig.next_tick()));
    assert_eq!(rig.now, Timestamp::from_secs(2));
}

#[test]
fn without_a_second_deployment_nothing_happens() {
    let mut groups = chat(&["only"]);
    groups[0].fallbacks = Fallbacks::default();
    let mut rig = Rig::new(groups);
    rig.arrive();
    assert_eq!(rig.router.next_timer(), Some(Timestamp::from_secs(30)), "the time-out alone");
}

#[test]
fn whoever_wants_no_fallback_gets_none_beside() {
    let mut rig = Rig::new(chat(&["only"]));
    rig.arrive_with(|arrival| {
        arrival.overrides.fallbacks = squall_router::FallbackChoice::None;
    });
    assert_eq!(rig.router.next_timer(), Some(Timestamp::from_secs(30)));
}

#[test]
fn a_group_without_retries_is_asked_once_and_its_fallback_beside() {
    let mut groups = chat(&["eu", "us"]);
    groups[0].retries = Retries::new(0);
    let mut rig = Rig::new(groups);
    rig.arrive();
    assert_eq!(rig.next_tick().start().deployment.0, 2);
}

#[test]
fn a_second_attempt_that_fails_leaves_the_first_alone() {
    let mut rig = Rig::new(chat(&["only"]));
    let first = rig.arrive().start();
    let second = rig.next_tick().start();
    let step = rig.fail(second.attempt, failed(FailureClass::Server));
    assert_eq!(step.started(), None);
    assert_eq!(step.outcome(), None);
    rig.after(secs(5));
    assert_eq!(committed(&first_token(&mut rig, first.attempt)), Some(first.attempt));
}

#[test]
fn a_first_attempt_that_fails_leaves_the_second_alone() {
    let mut rig = Rig::new(chat(&["only"]));
    let first = rig.arrive().start();
    let second = rig.next_tick().start();
    let step = rig.fail(first.attempt, failed(FailureClass::Server));
    assert_eq!((step.started(), step.outcome()), (None, None));
    assert!(step.note(|note| matches!(note, RouterEvent::FellBack { .. })).is_some());
    let step = rig.fail(second.attempt, failed(FailureClass::Server));
    let third = step.started().unwrap_or_else(|| rig.next_tick().start());
    assert_eq!(third.deployment.0, 1, "the retries of the fallback");
}

#[test]
fn both_may_time_out_and_there_is_one_outcome() {
    let mut groups = chat(&["only"]);
    groups[1].retries = Retries::new(0);
    let mut rig = Rig::new(groups);
    rig.arrive();
    rig.next_tick().start();
    assert_eq!(rig.next_tick().outcome(), None, "the first after 30 s");
    assert_eq!(rig.now, Timestamp::from_secs(30));
    let step = rig.next_tick();
    assert_eq!(rig.now, Timestamp::from_secs(40));
    assert_eq!(step.failure().class, FailureClass::Timeout);
    assert_eq!(rig.router.in_flight(), 0);
}

#[test]
fn a_client_that_leaves_ends_both() {
    let mut rig = Rig::new(chat(&["only"]));
    let request = rig.arrive().accepted();
    rig.next_tick().start();
    let step = rig.tell(RouterInput::ClientGone { request });
    let ended = step.outputs.iter().filter(|output| {
        matches!(output, RouterOutput::CancelAttempt { reason: CancelReason::ClientGone, .. })
    });
    assert_eq!(ended.count(), 2);
    assert_eq!(step.outcome(), Some(Outcome::ClientGone));
    assert_eq!(rig.router.next_timer(), None);
}

#[test]
fn there_is_one_second_attempt_for_each_request() {
    let mut rig = Rig::new(chat(&["eu", "us"]));
    rig.arrive();
    assert!(is_hedged(&rig.next_tick()));
    let mut hedges = 0;
    while rig.router.in_flight() > 0 {
        hedges += u32::from(is_hedged(&rig.next_tick()));
    }
    assert_eq!(hedges, 0);
}

#[test]
fn a_near_deadline_gives_the_fallback_its_turn_beside_the_first() {
    let mut rig = Rig::new(chat(&["only"]));
    let first = rig.arrive_with(|arrival| arrival.deadline = Some(secs(8))).start();
    let step = rig.next_tick();
    assert_eq!(rig.now, Timestamp::from_secs(4));
    assert!(is_hedged(&step), "and the first goes on");
    rig.after(secs(3));
    assert_eq!(committed(&first_token(&mut rig, first.attempt)), Some(first.attempt));
}

#[test]
fn half_of_the_retry_budget_is_kept_for_failures() {
    let budget = RetryBudget { min_per_second: 1, ..RetryBudget::default() };
    let mut rig = Rig::with_budget(chat(&["only"]), budget);
    let starts: Vec<_> = (0..20).map(|_| rig.arrive().start()).collect();
    rig.after(secs(10));
    let second = rig.tick();
    let hedges = second
        .outputs
        .iter()
        .filter(|output| matches!(output, RouterOutput::Note(RouterEvent::Hedged { .. })));
    assert_eq!(hedges.count(), 5, "half of one a second for ten seconds");
    let step = rig.fail(starts[19].attempt, failed(FailureClass::ContextWindow));
    assert!(step.started().is_some(), "there is room for a failure");
}

#[test]
fn what_is_lost_before_anything_is_known_says_nothing_of_its_deployment() {
    let mut rig = Rig::new(chat(&["only"]));
    for _ in 0..10 {
        let first = rig.arrive().start();
        assert_eq!(first.deployment.0, 0, "a model that thinks is no black hole");
        let second = rig.next_tick().start();
        first_token(&mut rig, second.attempt);
        rig.finish(second.attempt);
    }
}

#[test]
fn a_model_that_thinks_is_soon_waited_for() {
    let mut groups = chat(&["only"]);
    groups[0].timeouts = AttemptTimeouts { first_token: secs(90), ..AttemptTimeouts::default() };
    let mut rig = Rig::new(groups);
    let mut won_by_fallback = 0;
    for _ in 0..60 {
        let began = rig.now;
        let first = rig.arrive().start();
        assert_eq!(first.deployment.0, 0);
        // It thinks for a minute; its fallback answers within a second.
        let hedged = rig.router.next_timer().filter(|&at| at.since(began) < secs(59));
        if let Some(at) = hedged {
            rig.now = at;
            let second = rig.tick().start();
            rig.after(secs(1));
            first_token(&mut rig, second.attempt);
            rig.finish(second.attempt);
            won_by_fallback += 1;
        } else {
            rig.now = began + secs(60);
            first_token(&mut rig, first.attempt);
            rig.finish(first.attempt);
        }
    }
    assert!((20..35).contains(&won_by_fallback), "{won_by_fallback}");
}

#[test]
fn a_black_hole_is_found_though_another_answers_each_time() {
    let mut rig = Rig::new(chat(&["only"]));
    answer(&mut rig, 100, Duration::from_millis(400));
    let mut waited = 0;
    for _ in 0..10 {
        let first = rig.arrive().start();
        if first.deployment.0 == 1 {
            break;
        }
        waited += 1;
        rig.after(secs(6));
        let second = rig.tick().start();
        first_token(&mut rig, second.attempt);
        rig.finish(second.attempt);
    }
    assert_eq!(waited, 5, "five in a row, as with failures");
}

#[test]
fn what_was_reserved_for_both_is_settled_or_given_back() {
    let mut groups = chat(&["only"]);
    let limit = RateLimit { per_minute: 60_000, window: RateWindow::Fixed };
    let limits = RateLimits {
        tpm: Some(limit),
        rpm: Some(limit),
        concurrency: Some(1),
        ..RateLimits::default()
    };
    groups[0].deployments[0].limits = limits;
    groups[1].deployments[0].limits = limits;
    groups[1].limits = limits;
    let mut rig = Rig::new(groups);
    let first = rig.arrive().start();
    let second = rig.next_tick().start();
    first_token(&mut rig, second.attempt);
    rig.finish(second.attempt);
    let _ = first;
    let used = |rig: &mut Rig, place: usize| rig.router.deployment_snapshots().nth(place).unwrap();
    for place in 0..2 {
        let now = used(&mut rig, place);
        assert_eq!(now.running, 0);
        assert_eq!(now.limits.tpm.unwrap().0, 200, "both were asked");
    }
    let group = rig.router.group_snapshots().nth(1).unwrap();
    assert_eq!(group.limits.concurrency, Some((0, 1)));
    assert_eq!(group.limits.rpm.unwrap().0, 1);
}

#[test]
fn the_prompt_of_the_attempt_that_lost_is_paid_for() {
    let mut groups = chat(&["only"]);
    let price = Price { input: Money(10_000_000), output: Money(20_000_000) };
    groups[0].deployments[0] = squall_router::DeploymentConfig {
        price,
        spends_from: vec![squall_router::SpendBudgetId(0)],
        ..deployment("only", 1)
    };
    let spend_budgets = vec![SpendBudget::rolling(Money(1_000_000_000_000), secs(3_600))];
    let mut rig = Rig::of(RouterConfig { groups, spend_budgets, ..RouterConfig::default() });
    rig.arrive();
    let second = rig.next_tick().start();
    first_token(&mut rig, second.attempt);
    let spent = rig.router.spend_budget_snapshots().next().unwrap().spent;
    assert_eq!(spent, price.of(100, 0));
    assert!(spent > Money(0));
}

#[test]
fn a_fallback_that_is_full_is_not_asked_beside() {
    let mut groups = chat(&["only"]);
    groups[1].deployments[0].limits = RateLimits { concurrency: Some(1), ..RateLimits::default() };
    let mut rig = Rig::new(groups);
    rig.arrive_with(|arrival| arrival.group = GroupId(1));
    rig.arrive();
    rig.after(secs(10));
    assert!(!is_hedged(&rig.tick()));
}

#[test]
fn by_litellms_formulas_there_is_none() {
    let config = RouterConfig { groups: chat(&["eu", "us"]), ..RouterConfig::default() };
    let mut rig = Rig::of(config.with_profile(Profile::LITELLM_1_80));
    rig.arrive();
    assert_eq!(rig.router.next_timer(), Some(Timestamp::from_secs(30)));
}

#[test]
fn a_journal_with_second_attempts_replays() {
    use squall_router::journal::{digest_outputs, encode_frame, replay};
    let config = RouterConfig { groups: chat(&["eu", "us"]), ..RouterConfig::default() };
    let mut rig = Rig::of(config.clone());
    let mut frames = Vec::new();
    let mut tell = |rig: &mut Rig, input: RouterInput| {
        let step = rig.tell(input);
        let mut frame = Vec::new();
        encode_frame(rig.now, &input, digest_outputs(&step.outputs), &mut frame);
        frames.push(frame);
        step
    };
    for tag in 0..40 {
        let arrival = squall_router::RequestArrival {
            stream: true,
            ..squall_router::RequestArrival::new(squall_router::RequestTag(tag), GroupId(0))
        };
        let mut last = tell(&mut rig, RouterInput::Arrived(arrival)).start().attempt;
        if tag % 3 == 0 {
            rig.now = rig.router.next_timer().unwrap();
            last = tell(&mut rig, RouterInput::Tick).start().attempt;
        }
        tell(&mut rig, RouterInput::FirstToken { attempt: last });
        tell(&mut rig, RouterInput::Finished { attempt: last, usage: None });
    }
    let frames = frames.iter().map(Vec::as_slice);
    replay(config, [], squall_determinism::Seed::new(7), 0, frames).unwrap();
}

#[test]
fn one_that_failed_at_the_fallback_is_the_first_of_the_attempts_allowed_there() {
    for (retries, more) in [(0, 0), (2, 2)] {
        let mut groups = chat(&["only"]);
        groups[0].retries = Retries::new(0);
        groups[1].retries = Retries::new(retries);
        let mut rig = Rig::new(groups);
        let first = rig.arrive().start();
        let second = rig.next_tick().start();
        rig.fail(second.attempt, failed(FailureClass::Server));
        let mut step = rig.fail(first.attempt, failed(FailureClass::Server));
        let mut seen = 0;
        while step.outcome().is_none() {
            let start = step.started().unwrap_or_else(|| rig.next_tick().start());
            seen += 1;
            step = rig.fail(start.attempt, failed(FailureClass::Server));
        }
        assert_eq!(seen, more, "{retries} retries");
    }
}
