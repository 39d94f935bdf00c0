//! `cost-based-routing`: the cheapest by the sum of both prices of a token, the first of several.

use super::Minutes;
use crate::strategy::{Ask, Sample};
use crate::{DeploymentConfig, Money};
use alloc::vec::Vec;

/// What a deployment costs a token that states no price: 5 dollars, twice.
const UNKNOWN: Money = Money(10 * Money::DOLLAR.0);

#[derive(Clone, Debug)]
pub(crate) struct Cost {
    costs: Vec<Money>,
    minutes: Minutes,
}

impl Cost {
    pub(crate) fn new(deployments: &[DeploymentConfig]) -> Self {
        let cost = |deployment: &DeploymentConfig| {
            let price = deployment.price;
            let sum = Money(price.input.0.saturating_add(price.output.0));
            if sum == Money::default() { UNKNOWN } else { sum }
        };
        Self { costs: deployments.iter().map(cost).collect(), minutes: Minutes::new(deployments) }
    }

    pub(crate) fn choose(&self, ask: &Ask, may: impl Fn(usize) -> bool) -> Option<usize> {
        let room = self.minutes.room(ask);
        let mut best = None;
        let mut least = Money(u64::MAX);
        for (place, &cost) in self.costs.iter().enumerate() {
            if cost < least && may(place) && room.at(place) {
                least = cost;
                best = Some(place);
            }
        }
        best
    }

    pub(crate) fn succeeded(&mut self, place: usize, sample: &Sample) {
        self.minutes.succeeded(place, sample);
    }

    pub(crate) fn succeed(&mut self, old: &Self, from: &[Option<usize>]) {
        self.minutes.succeed(&old.minutes, from);
    }
}
