//! `simple-shuffle`: a draw by weight, else rpm, else tpm. Which of them is decided by what the *first*
//! usable deployment states; one that does not state it then weighs nothing. Where all state 0, 1.80
//! divides by zero: the request fails.

use crate::DeploymentConfig;
use crate::strategy::Ask;
use crate::strategy::weighted_random::draw;
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

    pub(crate) fn choose(&self, ask: &Ask, may: impl Fn(usize) -> bool) -> Option<usize> {
        let first = (0..self.places).find(|&place| may(place))?;
        let (places, mut draws) = (self.places, ask.lots.draws());
        match self.columns.iter().find(|column| column[first].1) {
            Some(column) => {
                draw(&mut draws, places, |place| if may(place) { column[place].0 } else { 0 })
            }
            None => draw(&mut draws, places, |place| may(place).into()),
        }
    }
}
