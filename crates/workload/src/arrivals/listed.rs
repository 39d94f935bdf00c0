//! Users who come at times that are given, each as often as its time stands there.

use super::NextArrival;
use alloc::vec::Vec;
use squall_determinism::Timestamp;

#[derive(Clone, Debug)]
pub(crate) struct Listed {
    /// Those that are to come, the next one last.
    times: Vec<Timestamp>,
}

impl Listed {
    pub(super) fn new(mut times: Vec<Timestamp>, until: Timestamp) -> Self {
        times.retain(|&time| time < until);
        times.sort_unstable_by(|a, b| b.cmp(a));
        Self { times }
    }

    pub(super) fn peek(&self) -> Option<NextArrival> {
        self.times.last().map(|&at| NextArrival { at, client: 0 })
    }

    pub(super) fn pop(&mut self) -> Option<NextArrival> {
        self.times.pop().map(|at| NextArrival { at, client: 0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn each_comes_at_its_time_and_none_at_the_end_or_after_it() {
        let times = [4, 0, 9, 4, 10].map(Timestamp::from_secs);
        let mut listed = Listed::new(times.to_vec(), Timestamp::from_secs(9));
        let mut came = vec![];
        while let Some(next) = listed.pop() {
            came.push(next.at.as_secs_f64() as u64);
        }
        assert_eq!(came, [0, 4, 4]);
    }
}
