//! What the turns of a row gave: a median with its range, never a lone number.

/// Beyond this share of the median turns disagree.
const DISAGREE: f64 = 0.15;

/// The values of the turns of one contender, in their order.
#[derive(Clone, Debug, Default)]
pub(super) struct TurnSamples(Vec<f64>);

impl TurnSamples {
    #[cfg(test)]
    pub(super) const fn new(values: Vec<f64>) -> Self {
        Self(values)
    }

    pub(super) fn push(&mut self, value: f64) {
        self.0.push(value);
    }

    pub(super) const fn turns(&self) -> usize {
        self.0.len()
    }

    /// Of an even number of turns the upper one; `None` without turns.
    pub(super) fn median(&self) -> Option<f64> {
        let sorted = self.sorted();
        sorted.get(sorted.len() / 2).copied()
    }

    /// The lowest and the highest turn; `None` without turns.
    pub(super) fn range(&self) -> Option<(f64, f64)> {
        let sorted = self.sorted();
        Some((*sorted.first()?, *sorted.last()?))
    }

    /// Whether the turns are further apart than a figure may be.
    pub(super) fn disagree(&self) -> bool {
        let (Some(median), Some((low, high))) = (self.median(), self.range()) else { return true };
        high - low > DISAGREE * median.abs()
    }

    /// This by the other, turn by turn: what slows both in one turn leaves their ratio. `None` where they had not the same
    /// number of turns.
    pub(super) fn by(&self, other: &Self) -> Option<Self> {
        let is_like = self.turns() == other.turns() && other.0.iter().all(|value| *value > 0.0);
        let pairs = || self.0.iter().zip(&other.0);
        is_like.then(|| Self(pairs().map(|(own, other)| own / other).collect()))
    }

    fn sorted(&self) -> Vec<f64> {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        sorted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_that_disagree_say_so() {
        assert!(!TurnSamples::new(vec![100.0, 104.0, 110.0]).disagree());
        assert!(TurnSamples::new(vec![100.0, 104.0, 120.0]).disagree());
        assert!(TurnSamples::default().disagree(), "no turns are no figure");
    }

    #[test]
    fn a_ratio_is_that_of_turns_beside_each_other() {
        // The machine was half as fast in the second turn.
        let ours = TurnSamples::new(vec![10.0, 20.0, 10.0]);
        let theirs = TurnSamples::new(vec![20.0, 40.0, 20.0]);
        assert!(ours.disagree());
        let ratio = ours.by(&theirs).expect("both had three turns");
        assert!(!ratio.disagree());
        assert_eq!(ratio.range(), Some((0.5, 0.5)));
        assert!(ours.by(&TurnSamples::new(vec![20.0])).is_none(), "unlike things have no ratio");
    }
}
