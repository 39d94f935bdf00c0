//! `usage-based-routing` and its v2: the fewest tokens in this minute of the clock.
//!
//! Tokens are counted when an attempt has ended well and not before, so that many at once overshoot.
//! Requests may not reach the limit: with `rpm: 5` four go through. One that was not counted in this
//! minute passes for having no limit at all.

use super::{MinuteUsage, one_of};
use crate::{Balancer, Candidates, DeploymentConfig, PickContext, SuccessSample};
use alloc::vec::Vec;

#[derive(Clone, Debug)]
pub(crate) struct LitellmUsage {
    minutes: MinuteUsage,
    version: Version,
    /// Scratch.
    ties: Vec<u32>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Version {
    /// Requests are counted at the end, the first of several is picked.
    First,
    /// Requests are counted at the start, one of several is drawn.
    Second,
}

impl LitellmUsage {
    pub(crate) fn first(deployments: &[DeploymentConfig]) -> Self {
        Self::new(deployments, Version::First)
    }

    pub(crate) fn second(deployments: &[DeploymentConfig]) -> Self {
        Self::new(deployments, Version::Second)
    }

    fn new(deployments: &[DeploymentConfig], version: Version) -> Self {
        let mut minutes = MinuteUsage::new(deployments);
        for (rpm, &tpm) in minutes.rpm.iter_mut().zip(&minutes.tpm) {
            // One less than the limit, but never less than one; and a limit of 0 is closed.
            *rpm = if *rpm == 0 || tpm == 0 { 0 } else { (*rpm - 1).max(1) };
        }
        Self { minutes, version, ties: Vec::with_capacity(deployments.len()) }
    }
}

impl Balancer for LitellmUsage {
    fn pick(&mut self, context: &PickContext, candidates: &Candidates<'_>) -> Option<usize> {
        let room = self.minutes.room(context);
        let mut least = u64::MAX;
        self.ties.clear();
        for (place, &tokens) in room.tokens.iter().enumerate() {
            if tokens < least && room.at(place) && candidates.contains(place) {
                least = tokens;
                self.ties.clear();
                self.ties.push(place as u32);
            } else if tokens == least
                && self.version == Version::Second
                && room.at(place)
                && candidates.contains(place)
            {
                self.ties.push(place as u32);
            }
        }
        one_of(context, &self.ties)
    }

    fn started(&mut self, context: &PickContext, place: usize) {
        if self.version == Version::Second {
            self.minutes.add_request(context.minute, place);
        }
    }

    fn succeeded(&mut self, place: usize, sample: &SuccessSample) {
        self.minutes.add_tokens(place, sample);
        if self.version == Version::First {
            self.minutes.add_request(sample.minute, place);
        }
    }

    fn inherit(&mut self, old: &dyn Balancer, from: &[Option<usize>], _: &[u32]) {
        if let Some(old) = old.downcast_ref::<Self>() {
            self.minutes.inherit(&old.minutes, from);
        }
    }
}
