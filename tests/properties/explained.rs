//! To ask why changes nothing, and what is told is what was done.

use crate::chaos::{World, config, events};
use proptest::prelude::*;
use squall_determinism::Seed;
use squall_router::journal::{RequestTrace, TraceStepKind, explain};
use squall_router::{PickReasons, RouterDecision, RouterOutput};
use std::ops::ControlFlow;

/// The lives of all requests of a journal. The replay compares every output with that of a router that
/// nobody watched.
fn lives(frames: &[Vec<u8>]) -> Vec<RequestTrace> {
    let mut lives = Vec::new();
    let frames = frames.iter().map(Vec::as_slice);
    let ended = |life| {
        lives.push(life);
        ControlFlow::Continue(())
    };
    explain(config(), [], Seed::new(7), 0, frames, |_, _| true, ended)
        .expect("nobody fares otherwise for being watched");
    lives
}

fn picks(life: &RequestTrace) -> impl Iterator<Item = &PickReasons> {
    life.steps.iter().filter_map(|step| match &step.kind {
        TraceStepKind::Decision(RouterDecision::Picked(pick)) => Some(pick),
        _ => None,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn whoever_is_watched_fares_as_if_nobody_looked(events in events()) {
        let mut world = World::new();
        events.into_iter().for_each(|event| world.happen(event));
        world.heal();
        let lives = lives(&world.frames);
        prop_assert_eq!(lives.len() as u64, world.accepted);
        prop_assert!(lives.iter().all(|life| life.ended.is_some()));
    }

    #[test]
    fn a_deployment_is_picked_among_those_that_are_told_as_candidates(events in events()) {
        let mut world = World::new();
        events.into_iter().for_each(|event| world.happen(event));
        world.heal();
        for pick in lives(&world.frames).iter().flat_map(picks) {
            let eligible: Vec<_> =
                pick.candidates.iter().filter(|view| view.eligibility.is_candidate()).collect();
            match pick.picked {
                Some((id, _)) => prop_assert!(
                    eligible.iter().any(|view| view.deployment == id),
                    "{id:?} of {pick:?}"
                ),
                None => prop_assert!(eligible.is_empty(), "nobody of {pick:?}"),
            }
        }
    }

    #[test]
    fn every_attempt_follows_a_pick_of_its_deployment(events in events()) {
        let mut world = World::new();
        events.into_iter().for_each(|event| world.happen(event));
        world.heal();
        for life in lives(&world.frames) {
            let mut picked = None;
            for step in &life.steps {
                match &step.kind {
                    TraceStepKind::Decision(RouterDecision::Picked(pick)) => picked = pick.picked,
                    TraceStepKind::Output(RouterOutput::StartAttempt(start)) => {
                        prop_assert_eq!(picked.map(|(id, _)| id), Some(start.deployment));
                    }
                    _ => {}
                }
            }
        }
    }
}
