//! What each kind of fault does to whom it hits, how it grows and fades, and whom it can hit.

use super::*;
use crate::{BadAnswer, FaultTarget, ProbeHealth, Recovery, name_hash};

fn arrival(tag: u64) -> AttemptArrival {
    AttemptArrival {
        tag: AttemptTag(tag),
        request: tag,
        model: name_hash("gpt"),
        key: name_hash("team-a"),
        session: None,
        input_tokens: 400,
        output_tokens: Some(60),
        stream: true,
        prefill: None,
        quoted: None,
    }
}

fn send(provider: &mut Provider, now: Timestamp, arrival: AttemptArrival) -> Vec<ProviderOutput> {
    provider.handle(now, ProviderInput::Arrived(arrival));
    drain(provider)
}

/// How many of a thousand attempts at these times are rejected.
fn rejected(
    provider: &mut Provider,
    from_ms: u64,
    arrival: impl Fn(u64) -> AttemptArrival,
) -> usize {
    let mut rejected = 0;
    for tag in 0..1_000 {
        let outputs = send(provider, at(from_ms), arrival(tag));
        rejected += usize::from(
            outputs.iter().any(|output| matches!(output, ProviderOutput::Reject { .. })),
        );
        provider.handle(at(from_ms), ProviderInput::Gone { tag: AttemptTag(tag) });
        drain(provider);
    }
    rejected
}

fn error() -> FaultKind {
    FaultKind::Error(ErrorAnswer::of(FailureClass::Server))
}

#[test]
fn a_reset_comes_after_its_tokens_or_at_once() {
    let now = at(12_000);
    let mut at_once = faulty(FaultKind::Reset { after_tokens: 0 });
    let plan_at_once = plan(&send(&mut at_once, now, arrival(1)));
    assert_eq!((plan_at_once.ending, plan_at_once.tokens), (AttemptEnding::Reset { at: now }, 0));
    let mut later = faulty(FaultKind::Reset { after_tokens: 3 });
    let plan = plan(&send(&mut later, now, arrival(1)));
    let reset = plan.first_at + plan.gap * 3;
    assert_eq!((plan.ending, plan.tokens_sent()), (AttemptEnding::Reset { at: reset }, 3));
}

#[test]
fn a_delay_comes_on_top_and_slow_tokens_leave_the_first_alone() {
    let now = at(12_000);
    let well = plan(&send(&mut provider(config()), now, arrival(1)));
    let mut late = faulty(FaultKind::Delay { by: Duration::from_secs(9), early_head: false });
    let late = plan(&send(&mut late, now, arrival(1)));
    assert_eq!(late.first_at, well.first_at + Duration::from_secs(9));
    let mut slow = faulty(FaultKind::Slowdown { ttft_milli: 1_000, itl_milli: 4_000 });
    let slow = plan(&send(&mut slow, now, arrival(1)));
    assert_eq!((slow.first_at, slow.gap), (well.first_at, well.gap * 4));
}

#[test]
fn stalls_errors_and_bad_answers_end_streams_in_their_ways() {
    let class = FailureClass::Overloaded;
    for (kind, ending, sent) in [
        (
            FaultKind::Stall { after_tokens: 5, closes: None },
            AttemptEnding::Stall { after_tokens: 5, closes: None },
            5,
        ),
        (FaultKind::NoEndMark, AttemptEnding::Unmarked, 60),
        (
            FaultKind::StreamError { after_tokens: 5, class },
            AttemptEnding::ErrorEvent { after_tokens: 5, class },
            5,
        ),
        (FaultKind::BadAnswer(BadAnswer::Html), AttemptEnding::Bad(BadAnswer::Html), 0),
        (FaultKind::BadAnswer(BadAnswer::Truncated), AttemptEnding::Bad(BadAnswer::Truncated), 30),
        (FaultKind::BadAnswer(BadAnswer::NoEnd), AttemptEnding::Bad(BadAnswer::NoEnd), 60),
    ] {
        let plan = plan(&send(&mut faulty(kind), at(12_000), arrival(1)));
        assert_eq!((plan.ending, plan.tokens_sent(), plan.fault), (ending, sent, Some(0)));
    }
}

#[test]
fn an_onset_grows_to_the_share_and_a_tail_fades_from_it() {
    // From 10 s to 20 s: grows for 4 s, fades for 4 s.
    let ramp = Duration::from_secs(4);
    let fault = FaultConfig { onset: ramp, tail: ramp, ..fault(error()) };
    let mut provider = provider(ProviderConfig { faults: vec![fault], ..config() });
    for (millis, expected) in [
        (9_999, 0..1),
        (11_000, 200..300),
        (12_000, 450..550),
        (15_000, 1_000..1_001),
        (18_000, 450..550),
        (20_000, 0..1),
    ] {
        let rejected = rejected(&mut provider, millis, arrival);
        assert!(expected.contains(&rejected), "{rejected} of 1000 at {millis} ms");
    }
}

#[test]
fn the_onset_of_a_slowdown_changes_its_size_and_not_its_share() {
    let onset = Duration::from_secs(4);
    let fault = FaultConfig { onset, ..fault(FaultKind::slowdown(5_000)) };
    let mut slow = provider(ProviderConfig { faults: vec![fault], ..config() });
    let gap = plan(&send(&mut slow, at(12_000), arrival(1))).gap;
    assert_eq!(gap, Duration::from_millis(20 * 3));
}

#[test]
fn a_fault_hits_one_model_or_one_key_alone() {
    for target in [
        FaultTarget { model: Some(name_hash("gpt")), ..FaultTarget::default() },
        FaultTarget { key: Some(name_hash("team-a")), ..FaultTarget::default() },
    ] {
        let faults = vec![FaultConfig { target, ..fault(error()) }];
        let mut provider = provider(ProviderConfig { faults, ..config() });
        rejection(&send(&mut provider, at(12_000), arrival(1)));
        let other = AttemptArrival { model: 1, key: 1, ..arrival(2) };
        plan(&send(&mut provider, at(12_000), other));
    }
}

#[test]
fn a_sticky_share_is_one_of_users_and_holds_for_all_that_one_sends() {
    let target = FaultTarget { sticky: true, ..FaultTarget::default() };
    let faults = vec![FaultConfig { target, share: Share::percent(30), ..fault(error()) }];
    let mut provider = provider(ProviderConfig { faults, ..config() });
    let mut hit_users = 0;
    for user in 0..100 {
        let of_user = |tag| AttemptArrival { session: Some(user), ..arrival(tag) };
        let hit = rejected(&mut provider, 12_000, of_user);
        assert!(hit == 0 || hit == 1_000, "{hit} of the requests of user {user}");
        hit_users += usize::from(hit > 0);
    }
    assert!((18..43).contains(&hit_users), "{hit_users} of 100 users at 30 %");
}

#[test]
fn health_lies_where_it_is_told_to_and_is_honest_where_it_is_told_to() {
    let answer = |kind, health| {
        let faults = vec![FaultConfig { health, ..fault(kind) }];
        provider(ProviderConfig { faults, ..config() }).answers_checks(at(12_000))
    };
    let failed = CheckAnswer::Failed { status: 500, class: FailureClass::Server };
    assert_eq!(answer(error(), ProbeHealth::Usual), CheckAnswer::Answered);
    assert_eq!(answer(error(), ProbeHealth::Honest), failed);
    assert_eq!(answer(FaultKind::BlackHole, ProbeHealth::Usual), CheckAnswer::Nothing);
    assert_eq!(answer(FaultKind::BlackHole, ProbeHealth::Lies), CheckAnswer::Answered);
}

#[test]
fn cut_limits_let_in_a_part_and_come_back_whole() {
    let rpm = Some(ProviderRateLimit { per_minute: 100, window: ProviderWindow::Fixed });
    let limits = ProviderLimits { rpm, ..ProviderLimits::NONE };
    let kind = FaultKind::LimitCut { to: Share::percent(20) };
    let cut = FaultConfig { at: at(60_000), lasts: Duration::from_secs(60), ..fault(kind) };
    let mut provider = provider(ProviderConfig { limits, faults: vec![cut], ..config() });
    assert_eq!(rejected(&mut provider, 1_000, arrival), 900);
    assert_eq!(rejected(&mut provider, 61_000, arrival), 980);
    assert_eq!(rejected(&mut provider, 121_000, arrival), 900);
}

/// How many of fifty are let in at once.
fn let_in(provider: &mut Provider, now: Timestamp) -> usize {
    let served: Vec<_> = (0..50)
        .filter(|&tag| {
            let outputs = send(provider, now, arrival(tag));
            outputs.iter().any(|output| matches!(output, ProviderOutput::Plan { .. }))
        })
        .collect();
    for &tag in &served {
        provider.handle(now, ProviderInput::Delivered { tag: AttemptTag(tag) });
        drain(provider);
    }
    served.len()
}

#[test]
fn cut_capacity_comes_back_with_its_tail() {
    let kind = FaultKind::CapacityCut { to: Share::percent(10), recovery: None };
    let tail = Duration::from_secs(5);
    let faults = vec![FaultConfig { tail, ..fault(kind) }];
    let capacity = Some(Capacity::of(20));
    let mut provider = provider(ProviderConfig { capacity, faults, ..config() });
    let places = [5_000, 12_000, 17_500, 20_000].map(|millis| let_in(&mut provider, at(millis)));
    assert_eq!(places, [20, 2, 11, 20]);
}

#[test]
fn a_herd_that_comes_too_early_kills_what_recovers() {
    let recovery = |fails_again| Some(Recovery { per_minute: Share::ALL, fails_again });
    let places = |fails_again| {
        let to = Share::percent(10);
        let kind = FaultKind::CapacityCut { to, recovery: recovery(fails_again) };
        let lasts = Duration::from_secs(120);
        let faults = vec![FaultConfig { lasts, ..fault(kind) }];
        let capacity = Some(Capacity::of(20));
        let mut provider = provider(ProviderConfig { capacity, faults, ..config() });
        [10_100, 40_100, 70_100].map(|millis| let_in(&mut provider, at(millis)))
    };
    assert_eq!(places(false), [2, 12, 20]);
    // Fifty came at 10 s and again at 40 s: each time it begins anew.
    assert_eq!(places(true), [2, 12, 12]);
}

#[test]
fn what_waits_is_served_as_capacity_comes_back() {
    let recovery = Some(Recovery { per_minute: Share::ALL, fails_again: false });
    let kind = FaultKind::CapacityCut { to: Share::percent(10), recovery };
    let faults = vec![FaultConfig { lasts: Duration::from_secs(120), ..fault(kind) }];
    let capacity = Some(Capacity { queue: 10, ..Capacity::of(10) });
    let mut provider = provider(ProviderConfig { capacity, faults, ..config() });
    provider.handle(at(10_000), ProviderInput::Tick);
    drain(&mut provider);
    plan(&send(&mut provider, at(10_000), arrival(0)));
    assert_eq!(send(&mut provider, at(10_000), arrival(1)), []);
    // A tenth of the places more after 6 s.
    let mut served_at = None;
    while let Some(due) = provider.next_timer().filter(|&due| due < at(20_000)) {
        provider.handle(due, ProviderInput::Tick);
        if drain(&mut provider).iter().any(|output| matches!(output, ProviderOutput::Plan { .. })) {
            served_at = Some(due);
            break;
        }
    }
    let served_at = served_at.expect("served before 20 s");
    assert!(served_at >= at(16_000) && served_at <= at(16_200), "{served_at:?}");
}

#[test]
fn a_prefill_is_ignored_continued_or_refused_as_the_provider_is_set_up() {
    use crate::AssistantPrefill;
    let outputs = |assistant_prefill, prefill| {
        let mut provider = provider(ProviderConfig { assistant_prefill, ..config() });
        let arrival = AttemptArrival { prefill, ..arrival(1) };
        provider.handle(at(0), ProviderInput::Arrived(arrival));
        drain(&mut provider)
    };
    let tokens = |assistant_prefill, prefill| {
        let plan = plan(&outputs(assistant_prefill, prefill));
        (plan.prefilled, plan.tokens)
    };
    assert_eq!(tokens(AssistantPrefill::Ignored, Some(40)), (0, 60));
    assert_eq!(tokens(AssistantPrefill::Continued, Some(40)), (40, 20));
    assert_eq!(tokens(AssistantPrefill::Continued, Some(90)), (59, 1), "something is always left");
    assert_eq!(tokens(AssistantPrefill::Continued, None), (0, 60));
    assert_eq!(tokens(AssistantPrefill::Refused, None), (0, 60));
    let refused = rejection(&outputs(AssistantPrefill::Refused, Some(0)));
    assert_eq!((refused.status, refused.class), (400, FailureClass::BadRequest));
}
