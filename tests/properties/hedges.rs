//! Second attempts beside first ones, under any interleaving: one outcome each, within the budget, and nothing
//! that was reserved stays reserved.

use crate::chaos::{World, config, events};
use proptest::prelude::*;
use squall_determinism::Share;
use squall_router::{
    DeadlineSharing, Hedge, HedgeAfter, MidStream, RateLimit, RateLimits, RateWindow, RetryBudget,
    RouterConfig,
};
use std::time::Duration;

/// Every request of the other properties' world is asked twice, once it has waited a fifth of a second.
fn hedged(mid_stream: MidStream) -> RouterConfig {
    let after = HedgeAfter::Time(Duration::from_millis(200));
    let mut config = config();
    for group in &mut config.groups {
        group.hedge = Some(Hedge { after, ..Hedge::default() });
        group.deadline_sharing = Some(DeadlineSharing { floor: Duration::from_millis(100) });
        group.mid_stream = mid_stream;
    }
    let limit = RateLimit { per_minute: 100_000, window: RateWindow::Fixed };
    config.groups[1].limits =
        RateLimits { tpm: Some(limit), concurrency: Some(50), ..RateLimits::default() };
    config
}

/// A tenth of the requests, and one each ten seconds.
fn budget() -> RetryBudget {
    let window = Duration::from_secs(10);
    RetryBudget { ratio: Share::percent(10), min_per_second: 1, window }
}

fn mid_stream() -> impl Strategy<Value = MidStream> {
    prop_oneof![Just(MidStream::Error), Just(MidStream::Hold)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn every_request_ends_once_and_nothing_stays_reserved(events in events(), mode in mid_stream()) {
        let mut world = World::of(hedged(mode));
        events.into_iter().for_each(|event| world.happen(event));
        world.heal();
        world.is_settled()?;
    }

    #[test]
    fn attempts_stay_within_requests_and_budget(events in events()) {
        let mut config = hedged(MidStream::Error);
        config.retry_budget = budget();
        let mut world = World::of(config);
        let began = world.now;
        events.into_iter().for_each(|event| world.happen_punctually(event));
        world.heal();
        // What is asked elsewhere since its own group cannot take it is charged to nobody: at most the fallback
        // of each. Windows overlap the run at both ends.
        let windows = world.now.since(began).as_secs() / 10 + 2;
        let most = 2 * world.accepted + world.accepted / 10 + 10 * windows;
        prop_assert!(world.attempts.len() as u64 <= most, "{} of {most}", world.attempts.len());
        prop_assert!(world.hedges <= world.accepted / 20 + 5 * windows + 1, "{}", world.hedges);
    }

    #[test]
    fn their_journal_replays_byte_for_byte(events in events(), mode in mid_stream()) {
        let mut world = World::of(hedged(mode));
        events.into_iter().for_each(|event| world.happen(event));
        world.heal();
        world.replays(hedged(mode))?;
    }
}
