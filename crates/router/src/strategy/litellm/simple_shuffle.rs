//! `simple-shuffle`: a draw by weight, else rpm, else tpm. Which of them is decided by what the *first*
//! usable deployment states; one that does not state it then weighs nothing. Where all state 0, 1.80
//! divides by zero: the request fails.

use crate::balancer::for_each_kind;
use crate::strategy::weighted_draw::weighted_draw;
use crate::{Balancer, Candidates, DeploymentConfig, PickContext};
use alloc::vec::Vec;

#[derive(Clone, Debug)]
pub(crate) struct SimpleShuffle {
    /// Weights, requests and tokens per minute, each with whether it is stated.
    columns: [Vec<(u64, bool)>; 3],
    places: usize,
}

impl SimpleShuffle {
    pub(crate) fn new(deployments: &[DeploymentConfig]) -> Self {
        let column = |of: fn(&DeploymentConfig) -> Option<u64>| -> Vec<(u64, bool)> {
            let stated = deployments.iter().map(of);
            stated.map(|number| (number.unwrap_or(0), number.is_some())).collect()
        };
        let columns = [
            column(|deployment| deployment.declared.weight.map(Into::into)),
            column(|deployment| deployment.declared.rpm),
            column(|deployment| deployment.declared.tpm),
        ];
        Self { columns, places: deployments.len() }
    }
}

impl Balancer for SimpleShuffle {
    fn pick(&mut self, context: &PickContext, candidates: &Candidates<'_>) -> Option<usize> {
        let first = (0..self.places).find(|&place| candidates.contains(place))?;
        let (places, mut random) = (self.places, context.rng.random_stream());
        let column = self.columns.iter().find(|column| column[first].1);
        for_each_kind!(candidates, |eligible| match column {
            Some(column) => {
                weighted_draw(&mut random, places, |place| {
                    if eligible(place) { column[place].0 } else { 0 }
                })
            }
            None => weighted_draw(&mut random, places, |place| eligible(place).into()),
        })
    }
}
