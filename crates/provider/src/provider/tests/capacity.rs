//! Who is served next, who is shed, and what becomes of work for nobody.

use super::*;
use crate::{
    BatchSlowdown, OnDisconnect, OverloadResponse, Prefill, PromptCache, QueueOrder, SlowShare,
};
use crate::{RetryAfter, VendorErrors};

fn with(capacity: Capacity) -> Provider {
    provider(ProviderConfig { capacity: Some(capacity), ..config() })
}

fn deliver(provider: &mut Provider, now: Timestamp, tag: u64) -> Vec<ProviderOutput> {
    provider.handle(now, ProviderInput::Delivered { tag: AttemptTag(tag) });
    drain(provider)
}

fn served(outputs: &[ProviderOutput]) -> Vec<u64> {
    let tag = |output: &ProviderOutput| match output {
        ProviderOutput::Plan { tag, .. } => Some(tag.0),
        _ => None,
    };
    outputs.iter().filter_map(tag).collect()
}

#[test]
fn a_queue_serves_the_oldest_or_the_newest_first() {
    for (order, next) in [(QueueOrder::Fifo, 1), (QueueOrder::Lifo, 3)] {
        let mut provider = with(Capacity { queue: 5, order, ..Capacity::of(1) });
        (0..4).for_each(|tag| drop(arrive(&mut provider, at(tag), tag)));
        assert_eq!(served(&deliver(&mut provider, at(2_000), 0)), [next]);
    }
}

#[test]
fn whoever_waits_too_long_is_shed_in_time_and_the_others_are_served() {
    let max_wait = Some(Duration::from_secs(3));
    let mut provider = with(Capacity { queue: 5, max_wait, ..Capacity::of(1) });
    (0..3).for_each(|tag| drop(arrive(&mut provider, at(1_000 * tag), tag)));
    assert_eq!(provider.next_timer(), Some(at(4_000)));
    provider.handle(at(4_000), ProviderInput::Tick);
    let outputs = drain(&mut provider);
    assert_eq!(rejection(&outputs).class, FailureClass::Overloaded);
    assert!(matches!(outputs[..], [ProviderOutput::Reject { tag: AttemptTag(1), .. }]));
    assert_eq!(served(&deliver(&mut provider, at(4_500), 0)), [2]);
}

#[test]
fn shedding_has_the_status_of_its_vendor() {
    let anthropic = VendorErrors::new(
        |class| if class == FailureClass::Overloaded { 529 } else { class.status() },
        RetryAfter::Seconds,
    );
    for (vendor, shed, status) in [
        (VendorErrors::USUAL, OverloadResponse::Overloaded, 503),
        (anthropic, OverloadResponse::Overloaded, 529),
        (anthropic, OverloadResponse::Overloaded503, 503),
        (VendorErrors::USUAL, OverloadResponse::Overloaded529, 529),
        (anthropic, OverloadResponse::Throttled429, 429),
    ] {
        let capacity = Some(Capacity { shed, ..Capacity::of(1) });
        let mut provider = provider(ProviderConfig { capacity, vendor, ..config() });
        plan(&arrive(&mut provider, at(0), 0));
        let shed = rejection(&arrive(&mut provider, at(0), 1));
        assert_eq!((shed.status, shed.retry_after), (status, None));
    }
}

#[test]
fn work_for_a_caller_that_hung_up_stops_or_is_done_to_its_end() {
    let behaviours = [
        (OnDisconnect::Cancelled, true),
        (OnDisconnect::Dequeued, false),
        (OnDisconnect::Finished, false),
    ];
    for (on_disconnect, free_at_once) in behaviours {
        let mut provider = with(Capacity { on_disconnect, ..Capacity::of(1) });
        let plan = plan(&arrive(&mut provider, at(0), 0));
        provider.handle(at(100), ProviderInput::Gone { tag: AttemptTag(0) });
        assert_eq!(drain(&mut provider), []);
        // The tag may be used again at once.
        let again = arrive(&mut provider, at(200), 0);
        assert_eq!(served(&again).len(), usize::from(free_at_once));
        let done = plan.ends_at();
        assert_eq!(provider.next_timer(), (!free_at_once).then_some(done));
        if !free_at_once {
            provider.handle(done, ProviderInput::Tick);
            assert_eq!(served(&arrive(&mut provider, done, 1)), [1]);
        }
    }
}

#[test]
fn who_hung_up_while_waiting_is_worked_for_all_the_same_where_work_is_finished() {
    let on_disconnect = OnDisconnect::Finished;
    let mut provider = with(Capacity { queue: 5, on_disconnect, ..Capacity::of(1) });
    (0..3).for_each(|tag| drop(arrive(&mut provider, at(tag), tag)));
    provider.handle(at(100), ProviderInput::Gone { tag: AttemptTag(1) });
    // It takes the place, for nobody; the third has to wait for it.
    assert_eq!(served(&deliver(&mut provider, at(2_000), 0)), []);
    let done = provider.next_timer().expect("work for nobody");
    provider.handle(done, ProviderInput::Tick);
    assert_eq!(served(&drain(&mut provider)), [2]);
}

#[test]
fn who_hung_up_while_waiting_leaves_the_queue_where_only_what_has_begun_is_finished() {
    for on_disconnect in [OnDisconnect::Cancelled, OnDisconnect::Dequeued] {
        let mut provider = with(Capacity { queue: 5, on_disconnect, ..Capacity::of(1) });
        // Two of them came at the same time.
        [0, 1, 2, 2, 3].into_iter().zip(0..).for_each(|(millis, tag)| {
            arrive(&mut provider, at(millis), tag);
        });
        provider.handle(at(100), ProviderInput::Gone { tag: AttemptTag(1) });
        provider.handle(at(100), ProviderInput::Gone { tag: AttemptTag(3) });
        assert_eq!(served(&deliver(&mut provider, at(2_000), 0)), [2]);
        assert_eq!(served(&deliver(&mut provider, at(4_000), 2)), [4]);
    }
}

#[test]
fn everything_slows_down_as_places_fill() {
    let batch = Some(BatchSlowdown { full_milli: 3_000 });
    let mut provider = with(Capacity { batch, ..Capacity::of(3) });
    let gaps = [0, 1, 2].map(|tag| plan(&arrive(&mut provider, at(0), tag)).gap.as_millis());
    assert_eq!(gaps, [20, 40, 60]);
}

#[test]
fn a_prompt_costs_its_prefill_and_a_warm_cache_saves_it() {
    let cache =
        PromptCache { share: Share::percent(50), warm_after: 10, lasts: Duration::from_secs(300) };
    let prefill = Prefill { per_token: Duration::from_millis(1), cache: Some(cache) };
    let ttft = Distribution::Fixed { value: 0 };
    let mut provider = provider(ProviderConfig { prefill, ttft, ..config() });
    let firsts: Vec<_> = (0..11)
        .map(|tag| plan(&arrive(&mut provider, at(0), tag)).first_at.since(at(0)).as_millis())
        .collect();
    assert_eq!((firsts[0], firsts[5], firsts[10]), (400, 300, 200));
}

#[test]
fn a_slow_share_begins_late_and_moves_no_other_draw() {
    let slow = SlowShare { share: Share::percent(10), from_milli: 5_000, to_milli: 10_000 };
    let mut plain = provider(config());
    let mut slowed = provider(ProviderConfig { slow: Some(slow), ..config() });
    let mut late = 0;
    for tag in 0..1_000 {
        let one = plan(&arrive(&mut plain, at(0), tag)).first_at.since(at(0)).as_secs_f64();
        let other = plan(&arrive(&mut slowed, at(0), tag)).first_at.since(at(0)).as_secs_f64();
        let factor = other / one;
        assert!((factor - 1.0).abs() < 1e-9 || (4.99..10.01).contains(&factor), "{factor}");
        late += usize::from(factor > 2.0);
    }
    assert!((70..130).contains(&late), "{late} of 1000 at 10 %");
}
