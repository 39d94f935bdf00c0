//! When a row's goal is met: by every turn, or it is not said to be.

use super::samples::TurnSamples;

/// What a row is to reach.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Goal {
    /// This or more.
    AtLeast(f64),
    /// This or less.
    AtMost(f64),
    /// At most so many times what this peer has in the same turns.
    TimesPeer(f64, &'static str),
    /// At least so much of what this contender has in the same turns.
    ShareOf(f64, &'static str),
    /// None: the row is there to be compared.
    None,
}

/// Whether a goal is met.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum GoalVerdict {
    /// By every turn.
    Met,
    /// By none.
    Missed,
    /// It cannot be told: why.
    Undecided(String),
}

impl Goal {
    /// Judges the turns of ours, with those of the peers by name.
    pub(super) fn judge<'s>(
        self,
        ours: &TurnSamples,
        peer: impl Fn(&str) -> Option<&'s TurnSamples>,
    ) -> Option<GoalVerdict> {
        let undecided = |why: String| Some(GoalVerdict::Undecided(why));
        if ours.turns() < 2 && self != Self::None {
            return undecided("one turn decides nothing".to_owned());
        }
        let ratio =
            |name: &str, holds: &dyn Fn(f64) -> bool| match peer(name).map(|peer| ours.by(peer)) {
                Some(Some(ratio)) => Some(by_all(&ratio, holds)),
                Some(None) => undecided(format!("{name} had other turns")),
                None => undecided(format!("{name} was not measured")),
            };
        match self {
            Self::AtLeast(least) => Some(by_all(ours, |value| value >= least)),
            Self::AtMost(most) => Some(by_all(ours, |value| value <= most)),
            Self::TimesPeer(most, name) => ratio(name, &|value| value <= most),
            Self::ShareOf(least, name) => ratio(name, &|value| value >= least),
            Self::None => None,
        }
    }

    /// For the table.
    pub(super) fn told(self) -> String {
        match self {
            Self::AtLeast(least) => format!("≥ {}", super::page::figure(least)),
            Self::AtMost(most) => format!("≤ {}", super::page::figure(most)),
            Self::TimesPeer(1.0, name) => format!("≤ {name}"),
            Self::TimesPeer(most, name) => format!("≤ {most} × {name}"),
            Self::ShareOf(least, name) => format!("≥ {least} × {name}"),
            Self::None => "-".to_owned(),
        }
    }
}

fn by_all(samples: &TurnSamples, holds: impl Fn(f64) -> bool) -> GoalVerdict {
    match samples.range() {
        Some((low, high)) if holds(low) && holds(high) => GoalVerdict::Met,
        Some((low, high)) if !holds(low) && !holds(high) => GoalVerdict::Missed,
        Some(_) => GoalVerdict::Undecided("the turns disagree".to_owned()),
        None => GoalVerdict::Undecided("there is no turn".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(values: &[f64]) -> TurnSamples {
        TurnSamples::new(values.to_vec())
    }

    #[test]
    fn a_goal_is_met_by_every_turn_or_not_at_all() {
        let none = |_: &str| None;
        let judge = |values: &[f64]| Goal::AtMost(30.0).judge(&samples(values), none);
        assert_eq!(judge(&[28.0, 29.0, 30.0]), Some(GoalVerdict::Met));
        assert_eq!(judge(&[31.0, 33.0, 35.0]), Some(GoalVerdict::Missed));
        assert!(matches!(judge(&[29.0, 31.0, 28.0]), Some(GoalVerdict::Undecided(_))));
        assert!(
            matches!(judge(&[1.0]), Some(GoalVerdict::Undecided(_))),
            "one turn decides nothing"
        );
        let least = Goal::AtLeast(2.0).judge(&samples(&[2.1, 2.2]), none);
        assert_eq!(least, Some(GoalVerdict::Met));
    }

    #[test]
    fn a_goal_by_a_peer_that_is_not_there_is_undecided() {
        let goal = Goal::TimesPeer(1.3, "nginx");
        let ours = samples(&[26.0, 52.0]);
        let nginx = samples(&[20.0, 40.0]);
        let with = |name: &str| (name == "nginx").then_some(&nginx);
        assert_eq!(goal.judge(&ours, with), Some(GoalVerdict::Met));
        assert!(matches!(goal.judge(&ours, |_| None), Some(GoalVerdict::Undecided(_))));
    }
}
