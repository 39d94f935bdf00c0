//! What checks apart from traffic say of a deployment.

use crate::HealthChecks;

/// The state of one deployment's checks.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct HealthState {
    /// Too many checks in a row have failed.
    pub(crate) ill: bool,
    /// Checks in a row that contradict `ill`.
    against: u16,
}

impl HealthState {
    /// Takes in a check; returns whether this changed what is thought of the deployment.
    pub(crate) fn checked(&mut self, config: &HealthChecks, passed: bool) -> bool {
        if passed != self.ill {
            self.against = 0;
            return false;
        }
        self.against += 1;
        let enough = if self.ill { config.healthy } else { config.unhealthy };
        let changed = self.against >= enough.max(1);
        if changed {
            *self = Self { ill: !self.ill, against: 0 };
        }
        changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_takes_several_in_a_row_to_change_a_mind() {
        let config = HealthChecks { unhealthy: 3, healthy: 2, ..HealthChecks::default() };
        let mut health = HealthState::default();
        let mut changes = |passed: &[bool]| {
            passed
                .iter()
                .map(|&passed| health.checked(&config, passed))
                .collect::<alloc::vec::Vec<_>>()
        };
        assert_eq!(changes(&[false, false, true, false, false]), [false; 5]);
        assert_eq!(changes(&[false]), [true], "three in a row");
        assert_eq!(changes(&[true, false, true]), [false; 3]);
        assert_eq!(changes(&[true]), [true], "two in a row");
    }
}
