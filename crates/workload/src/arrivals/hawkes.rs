//! A self-exciting process (Hawkes 1971): each arrival brings `branching` others on average, after exponential delays of
//! mean `decay`, and these bring others in turn. Of all arrivals a share of 1 − branching comes of its own accord, so that
//! the mean rate is the one that was asked for. Over long windows the variance of counts is 1 ÷ (1 − branching)² times
//! their mean.

use super::gamma::gamma;
use super::time_changed::Gaps;
use crate::Rate;
use core::time::Duration;
use squall_determinism::{Distribution, RandomStream, Timestamp};

#[derive(Clone, Debug)]
pub(crate) struct SelfExcitingGaps {
    branching: f64,
    /// How fast the excitement of an arrival fades: 1 ÷ decay, per unit of operational time.
    fading: f64,
    /// The rate of those that earlier arrivals bring, right after the last one; `None` before the first.
    excitement: Option<f64>,
}

impl SelfExcitingGaps {
    /// `decay` is at the mean rate of the run: in operational time it is so many arrivals.
    pub(super) fn new(branching: f64, decay: Duration, rate: &Rate, until: Timestamp) -> Self {
        let mean = rate.expected(until) / until.as_secs_f64().max(f64::MIN_POSITIVE);
        let fading = 1.0 / (decay.as_secs_f64() * mean).max(f64::MIN_POSITIVE);
        Self { branching, fading, excitement: None }
    }

    /// What arrivals before the start have left: a draw of the mean and the variance of a process that has always been
    /// running, which are n and n²β ÷ 2(1 − n) at a mean rate of 1. Since counts of such a process have first and second
    /// moments that depend on those of its start alone, they are right from the first moment on.
    fn at_start(&self, draws: &mut RandomStream) -> f64 {
        /// Gamma variables of this shape are as good as log-normal ones.
        const LARGE: f64 = 400.0;
        let shape = 2.0 * (1.0 - self.branching) / self.fading;
        if self.branching <= 0.0 {
            0.0
        } else if shape <= LARGE {
            gamma(shape, self.branching, draws)
        } else {
            let unit = 1e12;
            let wide =
                Distribution::lognormal_with_mean(self.branching * unit, 1.0 / libm::sqrt(shape));
            wide.sample(draws) as f64 / unit
        }
    }
}

impl Gaps for SelfExcitingGaps {
    /// The next one of its own accord or the next one that earlier ones bring, whichever is sooner (Dassios and Zhao 2013):
    /// exact, and without the rejections of Ogata's thinning, so that every gap takes two draws.
    fn next_gap(&mut self, draws: &mut RandomStream) -> f64 {
        let excitement = match self.excitement {
            Some(excitement) => excitement,
            None => self.at_start(draws),
        };
        let immigrant = -libm::log(draws.unit()) / (1.0 - self.branching);
        // All that is still to come of earlier ones is a finite number: there may be no next one.
        let used = -libm::log(draws.unit()) * self.fading / excitement;
        let offspring = if used < 1.0 { -libm::log1p(-used) / self.fading } else { f64::INFINITY };
        let gap = immigrant.min(offspring);
        let left = excitement * libm::exp(-self.fading * gap);
        self.excitement = Some(left + self.branching * self.fading);
        gap
    }
}
