//! What arrivals see, and what becomes of those in flight.

use super::*;
use crate::{
    AttemptArrival, AttemptEnding, AttemptPlan, Capacity, ErrorAnswer, FaultKind, ProviderEvent,
    ProviderLimits, ProviderRateLimit, ProviderWindow, Rejection,
};
use alloc::vec;
use core::time::Duration;
use squall_determinism::{Distribution, Share};
use squall_failure::FailureClass;

fn config() -> ProviderConfig {
    let ttft = Distribution::lognormal(350_000_000, 700_000_000).unwrap();
    let itl = Distribution::Fixed { value: 20_000_000 };
    ProviderConfig {
        output_tokens: Distribution::Fixed { value: 60 },
        ..ProviderConfig::new(ttft, itl)
    }
}

fn fault(kind: FaultKind) -> FaultConfig {
    FaultConfig::new(Timestamp::from_secs(10), Duration::from_secs(10), kind)
}

fn faulty(kind: FaultKind) -> Provider {
    provider(ProviderConfig { faults: vec![fault(kind)], ..config() })
}

fn provider(config: ProviderConfig) -> Provider {
    Provider::new(config, Seed::new(7), 0, 0)
}

fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn drain(provider: &mut Provider) -> Vec<ProviderOutput> {
    core::iter::from_fn(|| provider.poll()).collect()
}

fn arrive(provider: &mut Provider, now: Timestamp, tag: u64) -> Vec<ProviderOutput> {
    let arrival = AttemptArrival {
        tag: AttemptTag(tag),
        request: tag,
        model: 0,
        key: 0,
        session: None,
        input_tokens: 400,
        output_tokens: Some(60),
        stream: true,
        prefill: None,
        quoted: None,
    };
    provider.handle(now, ProviderInput::Arrived(arrival));
    drain(provider)
}

#[track_caller]
fn plan(outputs: &[ProviderOutput]) -> AttemptPlan {
    let plan = outputs.iter().find_map(|output| match output {
        ProviderOutput::Plan { plan, .. } => Some(*plan),
        _ => None,
    });
    plan.unwrap_or_else(|| panic!("no plan: {outputs:?}"))
}

#[track_caller]
fn rejection(outputs: &[ProviderOutput]) -> Rejection {
    let rejection = outputs.iter().find_map(|output| match output {
        ProviderOutput::Reject { rejection, .. } => Some(*rejection),
        _ => None,
    });
    rejection.unwrap_or_else(|| panic!("not rejected: {outputs:?}"))
}

#[test]
fn draws_depend_on_the_request_and_on_nothing_that_came_before() {
    let mut alone = provider(config());
    let mut busy = provider(config());
    (0..50).for_each(|tag| drop(arrive(&mut busy, at(tag), tag)));
    let (one, other) = (arrive(&mut alone, at(100), 60), arrive(&mut busy, at(100), 60));
    assert_eq!(plan(&one), plan(&other));
}

#[test]
fn a_second_attempt_of_a_request_draws_anew() {
    let mut provider = provider(config());
    let first = plan(&arrive(&mut provider, at(0), 1));
    provider.handle(first.ends_at(), ProviderInput::Delivered { tag: AttemptTag(1) });
    let later = first.ends_at();
    let second = plan(&arrive(&mut provider, later, 1));
    assert_ne!(second.first_at.since(later), first.first_at.since(at(0)));
}

#[test]
fn adding_a_fault_moves_no_draw_of_service() {
    let mut well = provider(config());
    let mut slow = faulty(FaultKind::slowdown(3_000));
    let now = at(12_000);
    let well = plan(&arrive(&mut well, now, 5)).first_at.since(now).as_nanos();
    let slow = plan(&arrive(&mut slow, now, 5)).first_at.since(now).as_nanos();
    assert_eq!(slow, well * 3);
}

#[test]
fn an_error_answers_its_share_while_it_lasts() {
    let kind = FaultKind::Error(ErrorAnswer {
        status: Some(503),
        class: FailureClass::Overloaded,
        retry_after: None,
    });
    let faults = vec![FaultConfig { share: Share::percent(30), ..fault(kind) }];
    let mut provider = provider(ProviderConfig { faults, ..config() });
    let mut rejected = 0;
    for tag in 0..1_000 {
        let outputs = arrive(&mut provider, at(10_000 + tag), tag);
        rejected += usize::from(
            outputs.iter().any(|output| matches!(output, ProviderOutput::Reject { .. })),
        );
    }
    assert!((250..350).contains(&rejected), "{rejected} of 1000 at 30 %");
    assert_eq!(plan(&arrive(&mut provider, at(20_001), 2_000)).ending, AttemptEnding::Complete);
}

#[test]
fn the_start_and_the_end_of_a_fault_are_told_at_their_times() {
    let mut provider = faulty(FaultKind::Throttle { retry_after: Some(Duration::from_secs(2)) });
    assert_eq!(provider.next_timer(), Some(at(10_000)));
    provider.handle(at(10_000), ProviderInput::Tick);
    assert_eq!(
        drain(&mut provider),
        [ProviderOutput::Note(ProviderEvent::FaultStarted { fault: 0 })]
    );
    let rejection = rejection(&arrive(&mut provider, at(10_000), 0));
    assert_eq!((rejection.status, rejection.fault), (429, Some(0)));
    assert_eq!(rejection.retry_after, Some(Duration::from_secs(2)));
    provider.handle(at(20_000), ProviderInput::Tick);
    assert_eq!(
        drain(&mut provider),
        [ProviderOutput::Note(ProviderEvent::FaultEnded { fault: 0 })]
    );
    assert_eq!(provider.next_timer(), None);
}

#[test]
fn refusing_closes_the_listener_and_resets_those_in_flight() {
    let mut provider = faulty(FaultKind::Refuse);
    arrive(&mut provider, at(9_900), 3);
    provider.handle(at(10_000), ProviderInput::Tick);
    let outputs = drain(&mut provider);
    assert!(outputs.contains(&ProviderOutput::Listener(Listener::Refusing)));
    assert_eq!(plan(&outputs).ending, AttemptEnding::Reset { at: at(10_000) });
    assert_eq!(provider.listener(), Listener::Refusing);
    provider.handle(at(20_000), ProviderInput::Tick);
    assert!(drain(&mut provider).contains(&ProviderOutput::Listener(Listener::Listening)));
}

#[test]
fn a_black_hole_swallows_arrivals_and_silences_those_in_flight() {
    let mut provider = faulty(FaultKind::BlackHole);
    let before = plan(&arrive(&mut provider, at(9_000), 3));
    provider.handle(at(10_000), ProviderInput::Tick);
    let silenced = plan(&drain(&mut provider));
    assert_eq!(silenced.ending, AttemptEnding::Never);
    assert_eq!(silenced.tokens, before.tokens_by(at(10_000)), "what was sent stays sent");
    let swallowed = plan(&arrive(&mut provider, at(11_000), 4));
    assert_eq!((swallowed.first_at, swallowed.tokens), (Timestamp::MAX, 0));
}

#[test]
fn a_cut_ends_a_stream_after_its_tokens() {
    let mut provider = faulty(FaultKind::Cut { after_tokens: 12 });
    let plan = plan(&arrive(&mut provider, at(11_000), 4));
    assert_eq!(plan.ending, AttemptEnding::Cut { after_tokens: 12 });
    assert_eq!(plan.ends_at(), plan.first_at + plan.gap * 11);
}

#[test]
fn limits_answer_with_the_exact_wait_and_charge_nothing_for_it() {
    let window = ProviderWindow::Slice(Duration::from_secs(1));
    let rpm = Some(ProviderRateLimit { per_minute: 120, window });
    let mut provider = provider(ProviderConfig {
        limits: ProviderLimits { rpm, ..ProviderLimits::NONE },
        ..config()
    });
    arrive(&mut provider, at(100), 0);
    arrive(&mut provider, at(200), 1);
    let rejection = rejection(&arrive(&mut provider, at(300), 2));
    assert_eq!(rejection.retry_after, Some(Duration::from_millis(700)));
    assert_eq!(rejection.class, FailureClass::Throttled);
    plan(&arrive(&mut provider, at(1_000), 2));
}

#[test]
fn a_full_provider_queues_and_then_sheds() {
    let capacity = Some(Capacity { queue: 1, ..Capacity::of(1) });
    let mut provider = provider(ProviderConfig { capacity, ..config() });
    plan(&arrive(&mut provider, at(0), 0));
    assert!(arrive(&mut provider, at(10), 1).is_empty(), "it waits");
    assert_eq!(rejection(&arrive(&mut provider, at(20), 2)).class, FailureClass::Overloaded);
    provider.handle(at(500), ProviderInput::Delivered { tag: AttemptTag(0) });
    assert!(plan(&drain(&mut provider)).first_at > at(500), "service starts with the place");
}

#[test]
fn whoever_hangs_up_while_waiting_is_not_served() {
    let capacity = Some(Capacity { queue: 5, ..Capacity::of(1) });
    let mut provider = provider(ProviderConfig { capacity, ..config() });
    (0..3).for_each(|tag| drop(arrive(&mut provider, at(tag), tag)));
    provider.handle(at(10), ProviderInput::Gone { tag: AttemptTag(1) });
    provider.handle(at(500), ProviderInput::Delivered { tag: AttemptTag(0) });
    let outputs = drain(&mut provider);
    assert!(
        matches!(outputs[..], [ProviderOutput::Plan { tag: AttemptTag(2), .. }]),
        "{outputs:?}"
    );
}

#[test]
fn a_black_hole_takes_no_places_and_so_never_answers() {
    let capacity = Some(Capacity { queue: 1, ..Capacity::of(1) });
    let faults = vec![fault(FaultKind::BlackHole)];
    let mut provider = provider(ProviderConfig { capacity, faults, ..config() });
    for tag in 0..5 {
        let swallowed = plan(&arrive(&mut provider, at(11_000 + tag), tag));
        assert_eq!(swallowed.ending, AttemptEnding::Never);
    }
    let served = plan(&arrive(&mut provider, at(20_001), 9));
    assert_eq!(served.ending, AttemptEnding::Complete, "nobody holds a place after the fault");
}

#[test]
fn a_black_hole_in_the_queue_lets_the_next_one_through() {
    let capacity = Some(Capacity { queue: 50, ..Capacity::of(1) });
    let faults = vec![FaultConfig { share: Share::percent(50), ..fault(FaultKind::BlackHole) }];
    let mut provider = provider(ProviderConfig { capacity, faults, ..config() });
    let mut serving = None;
    for tag in 0..50 {
        for output in arrive(&mut provider, at(11_000 + tag), tag) {
            serving = complete(&output).or(serving);
        }
    }
    let mut served = 0;
    let mut now = at(11_100);
    while let Some(tag) = serving.take() {
        served += 1;
        now += Duration::from_millis(1);
        provider.handle(now, ProviderInput::Delivered { tag });
        serving = drain(&mut provider).iter().find_map(complete);
    }
    assert!((15..35).contains(&served), "{served} of 50 at 50 %");
}

/// The attempt whose plan this is, if it is one that completes.
fn complete(output: &ProviderOutput) -> Option<AttemptTag> {
    match output {
        ProviderOutput::Plan { tag, plan } if plan.ending == AttemptEnding::Complete => Some(*tag),
        _ => None,
    }
}

#[test]
fn a_black_hole_silences_its_share_of_those_in_flight() {
    let faults = vec![FaultConfig { share: Share::percent(30), ..fault(FaultKind::BlackHole) }];
    let mut provider = provider(ProviderConfig { faults, ..config() });
    (0..1_000).for_each(|tag| drop(arrive(&mut provider, at(9_999), tag)));
    provider.handle(at(10_000), ProviderInput::Tick);
    let silenced = drain(&mut provider);
    let silenced =
        silenced.iter().filter(|output| matches!(output, ProviderOutput::Plan { .. })).count();
    assert!((250..350).contains(&silenced), "{silenced} of 1000 at 30 %");
}

#[test]
fn of_two_faults_that_end_an_answer_the_first_in_the_file_holds() {
    let cut = FaultKind::Cut { after_tokens: 12 };
    let faults = vec![fault(cut), fault(FaultKind::Cut { after_tokens: 3 })];
    let mut twice = provider(ProviderConfig { faults, ..config() });
    let plan = plan(&arrive(&mut twice, at(11_000), 4));
    assert_eq!((plan.ending, plan.fault), (AttemptEnding::Cut { after_tokens: 12 }, Some(0)));
}

#[test]
fn slowdowns_that_overlap_multiply() {
    let twice = fault(FaultKind::slowdown(2_000));
    let thrice = fault(FaultKind::slowdown(3_000));
    let mut slow = provider(ProviderConfig { faults: vec![twice, thrice], ..config() });
    let now = at(12_000);
    let well = plan(&arrive(&mut provider(config()), now, 5));
    let slow = plan(&arrive(&mut slow, now, 5));
    assert_eq!(slow.first_at.since(now), well.first_at.since(now) * 6);
    assert_eq!(slow.gap, well.gap * 6);
}

#[test]
fn a_token_limit_counts_the_answer_that_is_drawn_where_the_request_does_not_say() {
    let tpm = Some(ProviderRateLimit { per_minute: 1_000, window: ProviderWindow::Fixed });
    let limits = ProviderLimits { tpm, ..ProviderLimits::NONE };
    let mut provider = provider(ProviderConfig { limits, ..config() });
    let mut arrive = |tag| {
        let arrival = AttemptArrival {
            tag: AttemptTag(tag),
            request: tag,
            model: 0,
            key: 0,
            session: None,
            input_tokens: 440,
            output_tokens: None,
            stream: true,
            prefill: None,
            quoted: None,
        };
        provider.handle(at(tag), ProviderInput::Arrived(arrival));
        drain(&mut provider)
    };
    plan(&arrive(0));
    assert_eq!(plan(&arrive(1)).tokens, 60);
    assert_eq!(rejection(&arrive(2)).class, FailureClass::Throttled);
    assert_eq!(provider.limits(at(2), 0).tokens.map(|gauge| gauge.remaining), Some(0));
}

#[test]
fn the_longer_wait_of_two_limits_holds_and_neither_is_charged_by_a_refusal() {
    let limits = ProviderLimits {
        rpm: Some(ProviderRateLimit {
            per_minute: 60,
            window: ProviderWindow::Slice(Duration::from_secs(1)),
        }),
        tpm: Some(ProviderRateLimit {
            per_minute: 920,
            window: ProviderWindow::Gcra { burst: None },
        }),
        ..ProviderLimits::NONE
    };
    let mut provider = provider(ProviderConfig { limits, ..config() });
    plan(&arrive(&mut provider, at(0), 0));
    plan(&arrive(&mut provider, at(1_000), 1));
    let refused = rejection(&arrive(&mut provider, at(1_000), 2));
    // 460 tokens of 920 a minute take 30 s, of which the first second has passed.
    assert_eq!(refused.retry_after, Some(Duration::from_secs(29)));
    assert_eq!(
        rejection(&arrive(&mut provider, at(29_999), 3)).retry_after,
        Some(Duration::from_millis(1))
    );
    plan(&arrive(&mut provider, at(30_000), 4));
}

#[test]
fn a_plan_longer_than_time_itself_ends_at_its_end() {
    let config = ProviderConfig { itl: Distribution::Fixed { value: 60_000_000_000 }, ..config() };
    let mut provider = provider(config);
    let plan = AttemptPlan { tokens: u32::MAX, ..plan(&arrive(&mut provider, at(0), 0)) };
    assert_eq!(plan.ends_at(), Timestamp::MAX);
}

fn errors_take(millis: u64) -> ProviderConfig {
    let status = Some(503);
    let class = FailureClass::Overloaded;
    let faults = vec![fault(FaultKind::Error(ErrorAnswer { status, class, retry_after: None }))];
    ProviderConfig {
        error_latency: Distribution::Fixed { value: millis * 1_000_000 },
        faults,
        ..config()
    }
}

#[test]
fn an_error_that_takes_its_time_leaves_with_a_tick() {
    let mut provider = provider(errors_take(80));
    assert_eq!(arrive(&mut provider, at(11_000), 0)[1..], []);
    assert_eq!(provider.next_timer(), Some(at(11_080)));
    provider.handle(at(11_080), ProviderInput::Tick);
    assert_eq!(rejection(&drain(&mut provider)).status, 503);
}

#[test]
fn whoever_hangs_up_before_an_error_has_left_gets_none() {
    let mut provider = provider(errors_take(80));
    arrive(&mut provider, at(11_000), 0);
    provider.handle(at(11_010), ProviderInput::Gone { tag: AttemptTag(0) });
    assert_eq!(provider.next_timer(), Some(at(20_000)), "the end of the fault");
    assert_eq!(drain(&mut provider), []);
}

#[test]
fn an_error_that_has_not_left_is_lost_with_the_server() {
    let mut config = errors_take(2_000);
    config.faults.push(FaultConfig { at: at(12_000), ..fault(FaultKind::Refuse) });
    let mut provider = provider(config);
    arrive(&mut provider, at(11_000), 0);
    provider.handle(at(12_000), ProviderInput::Tick);
    assert_eq!(plan(&drain(&mut provider)).ending, AttemptEnding::Reset { at: at(12_000) });
    provider.handle(at(14_000), ProviderInput::Tick);
    assert_eq!(drain(&mut provider), [], "it does not leave after all");
}

#[test]
fn a_prompt_longer_than_the_context_window_is_refused_and_charged_nothing() {
    let rpm = Some(ProviderRateLimit { per_minute: 1, window: ProviderWindow::Fixed });
    let limits = ProviderLimits { rpm, ..ProviderLimits::NONE };
    let mut small = provider(ProviderConfig { limits, context_window: Some(399), ..config() });
    for tag in 0..3 {
        let rejection = rejection(&arrive(&mut small, at(tag), tag));
        assert_eq!((rejection.status, rejection.class), (400, FailureClass::ContextWindow));
    }
    let mut fits = provider(ProviderConfig { context_window: Some(400), ..config() });
    plan(&arrive(&mut fits, at(0), 0));
}

#[test]
fn a_check_is_answered_while_completions_are_broken() {
    let (status, class) = (Some(500), FailureClass::Server);
    let answers = |kind| {
        let provider = faulty(kind);
        [9_999, 10_000, 19_999, 20_000].map(|millis| provider.answers_checks(at(millis)))
    };
    let fine = CheckAnswer::Answered;
    assert_eq!(
        answers(FaultKind::Error(ErrorAnswer { status, class, retry_after: None })),
        [fine; 4]
    );
    let (gone, mute) = (CheckAnswer::Refused, CheckAnswer::Nothing);
    assert_eq!(answers(FaultKind::Refuse), [fine, gone, gone, fine]);
    assert_eq!(answers(FaultKind::BlackHole), [fine, mute, mute, fine]);
}

mod capacity;
mod control;
mod first;
mod kinds;
mod limits;
