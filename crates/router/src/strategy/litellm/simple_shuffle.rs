//! `simple-shuffle`: a draw by weight, else rpm, else tpm; one that does not state it then weighs nothing. In
//! 1.80 the *first* usable deployment decides which of them, and where all state 0 it divides by zero: the
//! request fails. From 1.110 on it is the first of which any usable deployment has more than 0; if there is
//! none, all weigh the same.

use crate::balancer::for_each_kind;
use crate::strategy::weighted_draw::weighted_draw;
use crate::{Balancer, Candidates, DeploymentConfig, PickContext, ShuffleBasis};
use alloc::vec::Vec;

#[derive(Clone, Debug)]
pub(crate) struct SimpleShuffle {
    basis: ShuffleBasis,
    /// Weights, requests and tokens per minute, each with whether it is stated.
    columns: [Vec<(u64, bool)>; 3],
    places: usize,
}

impl SimpleShuffle {
    pub(crate) fn new(basis: ShuffleBasis, deployments: &[DeploymentConfig]) -> Self {
        let column = |of: fn(&DeploymentConfig) -> Option<u64>| -> Vec<(u64, bool)> {
            let stated = deployments.iter().map(of);
            stated.map(|number| (number.unwrap_or(0), number.is_some())).collect()
        };
        let columns = [
            column(|deployment| deployment.declared.weight.map(Into::into)),
            column(|deployment| deployment.declared.rpm),
            column(|deployment| deployment.declared.tpm),
        ];
        Self { basis, columns, places: deployments.len() }
    }
}

impl Balancer for SimpleShuffle {
    fn pick(&mut self, context: &PickContext, candidates: &Candidates<'_>) -> Option<usize> {
        let first = (0..self.places).find(|&place| candidates.contains(place))?;
        let (places, mut random) = (self.places, context.rng.random_stream());
        let mut columns = self.columns.iter();
        let column = match self.basis {
            ShuffleBasis::FirstUsable => columns.find(|column| column[first].1),
            ShuffleBasis::Any => columns.find(|column| {
                let stated = column.iter().enumerate().filter(|(_, (number, _))| *number > 0);
                stated.into_iter().any(|(place, _)| candidates.contains(place))
            }),
        };
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
