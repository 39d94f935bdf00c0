//! Under any interleaving of what can happen.

use crate::chaos::{LIMIT, World, config, events};
use proptest::prelude::*;
use squall_router::RouterInput;

use std::time::Duration;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    // Cooldowns, probes, Retry-After, concurrency, ids and commits are watched by the world as it goes.
    #[test]
    fn every_request_ends_exactly_once(events in events()) {
        let mut world = World::new();
        events.into_iter().for_each(|event| world.happen(event));
        world.heal();
        prop_assert_eq!(world.ended.len() as u64, world.accepted);
        prop_assert!(world.ended.values().all(|&times| times == 1));
        prop_assert_eq!(world.router.in_flight(), 0);
    }

    #[test]
    fn no_window_holds_more_attempts_than_its_limit(events in events()) {
        let mut world = World::new();
        events.into_iter().for_each(|event| world.happen_punctually(event));
        world.heal();
        let (per_minute, burst) = LIMIT;
        for (i, &from) in world.limited.iter().enumerate() {
            for (j, &to) in world.limited.iter().enumerate().skip(i) {
                let width = to.since(from).as_nanos() as u64;
                let allowed = burst + width * per_minute / 60_000_000_000;
                prop_assert!((j - i + 1) as u64 <= allowed);
            }
        }
    }

    #[test]
    fn a_tick_with_nothing_due_gives_nothing_and_the_next_timer_is_never_late(events in events()) {
        let mut world = World::new();
        for event in events {
            world.happen(event);
            if let Some(due) = world.router.next_timer()
                && due > world.now
            {
                let mut early = world.router.clone();
                let before = early.next_timer();
                early.handle(due - Duration::from_nanos(1), RouterInput::Tick);
                prop_assert_eq!(early.poll(), None, "before {}", due);
                prop_assert_eq!(early.next_timer(), before);
            }
        }
    }

    #[test]
    fn a_journal_of_anything_replays_byte_for_byte(events in events()) {
        let mut world = World::new();
        events.into_iter().for_each(|event| world.happen(event));
        world.heal();
        world.replays(config())?;
    }
}
