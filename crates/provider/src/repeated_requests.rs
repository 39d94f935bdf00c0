//! How often each request has arrived before, which keys the draws of a repeated attempt.

use alloc::vec;
use alloc::vec::Vec;

/// Attempts of one request at one provider come within minutes of each other, so only the latest
/// requests are remembered: a table with one place for each residue. A request that comes back after
/// another took its place draws as if for the first time, and does so in every run of the seed.
#[derive(Clone, Debug)]
pub(crate) struct RepeatedRequests {
    places: Vec<(u64, u32)>,
}

const PLACES: usize = 1 << 15;

impl RepeatedRequests {
    pub(crate) fn new() -> Self {
        Self { places: vec![(u64::MAX, 0); PLACES] }
    }

    /// How many attempts of `request` came before the next one.
    pub(crate) fn before(&self, request: u64) -> u32 {
        let (latest, count) = self.places[(request % PLACES as u64) as usize];
        if latest == request { count + 1 } else { 0 }
    }

    /// Counts an attempt of `request`; returns how many came before.
    pub(crate) fn count(&mut self, request: u64) -> u32 {
        let place = &mut self.places[(request % PLACES as u64) as usize];
        if place.0 == request {
            place.1 += 1;
        } else {
            *place = (request, 0);
        }
        place.1
    }
}
