//! `cost-based-routing`: the cheapest by the sum of both prices of a token, the first of several.

use super::MinuteUsage;
use crate::{Balancer, Candidates, DeploymentConfig, Money, PickContext, SuccessSample};
use alloc::vec::Vec;

/// What a deployment costs a token that states no price: 5 dollars, twice.
const UNKNOWN: Money = Money(10 * Money::DOLLAR.0);

#[derive(Clone, Debug)]
pub(crate) struct LitellmCost {
    costs: Vec<Money>,
    minutes: MinuteUsage,
}

impl LitellmCost {
    pub(crate) fn new(deployments: &[DeploymentConfig]) -> Self {
        let cost = |deployment: &DeploymentConfig| {
            let price = deployment.price;
            let sum = Money(price.input.0.saturating_add(price.output.0));
            if sum == Money::default() { UNKNOWN } else { sum }
        };
        Self {
            costs: deployments.iter().map(cost).collect(),
            minutes: MinuteUsage::new(deployments),
        }
    }
}

impl Balancer for LitellmCost {
    fn pick(&mut self, context: &PickContext, candidates: &Candidates<'_>) -> Option<usize> {
        let room = self.minutes.room(context);
        let mut best = None;
        let mut least = Money(u64::MAX);
        for (place, &cost) in self.costs.iter().enumerate() {
            if cost < least && candidates.contains(place) && room.at(place) {
                least = cost;
                best = Some(place);
            }
        }
        best
    }

    fn succeeded(&mut self, place: usize, sample: &SuccessSample) {
        self.minutes.succeeded(place, sample);
    }

    fn inherit(&mut self, old: &dyn Balancer, from: &[Option<usize>], _: &[u32]) {
        if let Some(old) = old.downcast_ref::<Self>() {
            self.minutes.inherit(&old.minutes, from);
        }
    }
}
