//! Smooth weighted round robin, as nginx does it: in each round everyone gains its weight, the richest
//! is picked and pays the sum of all weights. Each prefix is as near to the weights as can be.

use super::Purpose;
use alloc::vec;
use alloc::vec::Vec;

#[derive(Clone, Debug)]
pub(crate) struct SmoothWeighted {
    /// What each deployment has gained and not paid, for first attempts and for retries.
    credits: [Vec<i64>; 2],
}

impl SmoothWeighted {
    pub(crate) fn new(deployments: usize) -> Self {
        Self { credits: [vec![0; deployments], vec![0; deployments]] }
    }

    /// Those who are no candidates keep their credit until they are again.
    #[inline]
    pub(crate) fn pick(
        &mut self,
        purpose: Purpose,
        candidates: impl Iterator<Item = (usize, u32)>,
    ) -> Option<usize> {
        let credits = &mut self.credits[purpose as usize];
        let mut sum = 0;
        let mut best: Option<(usize, i64)> = None;
        for (place, weight) in candidates {
            sum += i64::from(weight);
            credits[place] += i64::from(weight);
            if best.is_none_or(|(_, most)| credits[place] > most) {
                best = Some((place, credits[place]));
            }
        }
        let (place, _) = best?;
        credits[place] -= sum;
        Some(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_interleaves_as_nginx_does() {
        let weights = [5, 1, 1];
        let mut strategy = SmoothWeighted::new(3);
        let picks: Vec<_> = (0..7)
            .map(|_| {
                let all = weights.iter().copied().enumerate();
                strategy.pick(Purpose::FirstAttempt, all).unwrap()
            })
            .collect();
        assert_eq!(picks, [0, 0, 1, 0, 2, 0, 0]);
    }

    #[test]
    fn retries_do_not_bend_the_shares_of_first_attempts() {
        let weights = [6_u32, 3, 1];
        let all = || weights.iter().copied().enumerate();
        let mut with = SmoothWeighted::new(3);
        let mut without = with.clone();
        for _ in 0..50 {
            with.pick(Purpose::Retry, all().skip(1));
            assert_eq!(
                with.pick(Purpose::FirstAttempt, all()),
                without.pick(Purpose::FirstAttempt, all())
            );
        }
    }
}
