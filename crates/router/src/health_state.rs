//! The health of a deployment according to its health checks.

use crate::HealthChecks;

/// The health check state of one deployment.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct HealthState {
    /// Too many consecutive checks have failed.
    pub(crate) unhealthy: bool,
    /// Checks in a row that contradict `unhealthy`.
    against: u16,
}

impl HealthState {
    /// Records a check; returns whether the deployment's health changed.
    pub(crate) fn checked(&mut self, config: &HealthChecks, passed: bool) -> bool {
        if passed != self.unhealthy {
            self.against = 0;
            return false;
        }
        self.against += 1;
        let enough = if self.unhealthy { config.healthy } else { config.unhealthy };
        let changed = self.against >= enough.max(1);
        if changed {
            *self = Self { unhealthy: !self.unhealthy, against: 0 };
        }
        changed
    }

    /// How many checks in a row it has to pass to be healthy.
    pub(crate) fn checks_to_recover(&self, config: &HealthChecks) -> u16 {
        if self.unhealthy { config.healthy.max(1).saturating_sub(self.against) } else { 0 }
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
