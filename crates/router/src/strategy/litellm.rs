//! LiteLLM 1.80's strategies, by their own formulas, faults included. Where a formula refuses everyone,
//! so does the pick.

mod cost;
mod latency_list;
mod least_busy;
mod simple_shuffle;
mod usage;

pub(crate) use cost::Cost;
pub(crate) use latency_list::LatencyList;
pub(crate) use least_busy::LeastBusy;
pub(crate) use simple_shuffle::SimpleShuffle;
pub(crate) use usage::Usage;

use super::{Ask, Sample, moved};
use crate::DeploymentConfig;
use alloc::vec;
use alloc::vec::Vec;

/// One of these places, drawn if there are several.
fn one_of(ask: &Ask, places: &[u32]) -> Option<usize> {
    let place = match places {
        [] | [_] => places.first(),
        _ => places.get(ask.lots.draws().below(places.len() as u64) as usize),
    };
    place.map(|&place| place as usize)
}

/// Tokens and requests of each deployment in one minute of the clock, beside what is declared of them.
#[derive(Clone, Debug)]
struct Minutes {
    /// The minute that is counted; in any other nothing has been seen.
    minute: u64,
    tokens: Vec<u64>,
    requests: Vec<u64>,
    nothing: Vec<u64>,
    /// The most tokens there may be with the prompt, and the requests below which one more may come.
    tpm: Vec<u64>,
    rpm: Vec<u64>,
}

/// Whether each deployment has room for one more request.
struct Room<'a> {
    tokens: &'a [u64],
    requests: &'a [u64],
    tpm: &'a [u64],
    rpm: &'a [u64],
    input: u64,
}

impl Room<'_> {
    #[inline]
    fn at(&self, place: usize) -> bool {
        self.requests[place] < self.rpm[place]
            && self.tokens[place].saturating_add(self.input) <= self.tpm[place]
    }
}

impl Minutes {
    fn new(deployments: &[DeploymentConfig]) -> Self {
        let places = deployments.len();
        let most = |number: Option<u64>| number.unwrap_or(u64::MAX);
        Self {
            minute: 0,
            tokens: vec![0; places],
            requests: vec![0; places],
            nothing: vec![0; places],
            tpm: deployments.iter().map(|each| most(each.declared.tpm)).collect(),
            rpm: deployments.iter().map(|each| most(each.declared.rpm)).collect(),
        }
    }

    #[inline]
    fn room(&self, ask: &Ask) -> Room<'_> {
        let seen = ask.minute == self.minute;
        // One length for all, so that a place is checked against it once.
        let places = self.tpm.len();
        Room {
            tokens: &(if seen { &self.tokens } else { &self.nothing })[..places],
            requests: &(if seen { &self.requests } else { &self.nothing })[..places],
            tpm: &self.tpm[..places],
            rpm: &self.rpm[..places],
            input: ask.input_tokens.into(),
        }
    }

    /// Counts a request that ended well.
    fn succeeded(&mut self, place: usize, sample: &Sample) {
        self.add_tokens(place, sample);
        self.add_request(sample.minute, place);
    }

    fn add_tokens(&mut self, place: usize, sample: &Sample) {
        let (input, output) = sample.usage.unwrap_or_default();
        self.turn(sample.minute);
        let tokens = u64::from(input) + u64::from(output);
        self.tokens[place] = self.tokens[place].saturating_add(tokens);
    }

    fn add_request(&mut self, minute: u64, place: usize) {
        self.turn(minute);
        self.requests[place] += 1;
    }

    fn turn(&mut self, minute: u64) {
        if minute != self.minute {
            self.minute = minute;
            self.tokens.fill(0);
            self.requests.fill(0);
        }
    }

    fn succeed(&mut self, old: &Self, from: &[Option<usize>]) {
        self.minute = old.minute;
        moved(&mut self.tokens, &old.tokens, from);
        moved(&mut self.requests, &old.requests, from);
    }
}
