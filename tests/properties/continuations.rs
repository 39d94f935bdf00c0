//! Streams that go on elsewhere, under any interleaving: one outcome each, within the budget, never where they broke,
//! nothing used twice, and nothing that was reserved stays reserved.

use crate::chaos::{World, config, events};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use squall_determinism::Share;
use squall_router::{
    Hedge, HedgeAfter, MidStream, RateLimit, RateLimits, RateWindow, RetryBudget, RouterConfig,
};
use std::time::Duration;

/// The other properties' world, where streams go on elsewhere.
fn continued(hedges: bool) -> RouterConfig {
    let after = HedgeAfter::Time(Duration::from_millis(200));
    let mut config = config();
    for group in &mut config.groups {
        group.mid_stream = MidStream::Continue;
        group.hedge = hedges.then(|| Hedge { after, ..Hedge::default() });
    }
    config.groups[0].deployments[0].assistant_prefill = true;
    let limit = RateLimit { per_minute: 100_000, window: RateWindow::Fixed };
    config.groups[1].limits =
        RateLimits { tpm: Some(limit), concurrency: Some(50), ..RateLimits::default() };
    config
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn every_request_ends_once_and_nothing_stays_reserved(events in events(), hedges: bool) {
        let mut world = World::of(continued(hedges));
        events.into_iter().for_each(|event| world.happen(event));
        world.heal();
        world.is_settled()?;
        prop_assert!(world.continued <= world.continuations);
    }

    #[test]
    fn attempts_stay_within_requests_and_budget(events in events()) {
        let window = Duration::from_secs(10);
        let mut config = continued(false);
        config.retry_budget = RetryBudget { ratio: Share::percent(10), min_per_second: 1, window };
        let mut world = World::of(config);
        let began = world.now;
        events.into_iter().for_each(|event| world.happen_punctually(event));
        world.heal();
        let windows = world.now.since(began).as_secs() / 10 + 2;
        let most = 2 * world.accepted + world.accepted / 10 + 10 * windows;
        prop_assert!(world.attempts.len() as u64 <= most, "{} of {most}", world.attempts.len());
    }

    #[test]
    fn their_journal_replays_byte_for_byte(events in events(), hedges: bool) {
        let mut world = World::of(continued(hedges));
        events.into_iter().for_each(|event| world.happen(event));
        world.heal();
        world.replays(continued(hedges))?;
    }
}

/// The world does see streams that go on.
#[test]
fn streams_go_on_in_this_world() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut seen = 0;
    for _ in 0..50 {
        let events = events().new_tree(&mut runner).expect("it draws").current();
        let mut world = World::of(continued(true));
        events.into_iter().for_each(|event| world.happen(event));
        world.heal();
        seen += world.continued;
    }
    assert!(seen >= 20, "{seen}");
}
