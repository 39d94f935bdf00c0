//! The names behind the numbers of a trace, and how its times are written.

use squall_determinism::Timestamp;
use squall_router::{DeploymentId, Features, GroupId, RegionId, Tags, TenantId};

/// Names of groups, deployments, tenants, tags and regions, each at the place of its number.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct TrailNames {
    /// Groups.
    pub groups: Vec<String>,
    /// Deployments, with the provider of each.
    pub deployments: Vec<(String, String)>,
    /// Tenants.
    pub tenants: Vec<String>,
    /// Tags, by bit.
    pub tags: Vec<String>,
    /// Regions.
    pub regions: Vec<String>,
    /// How times are written.
    pub clock: TrailClock,
}

/// How the times of a trail are written for people.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum TrailClock {
    /// As seconds since the start of the run: `12.345s`.
    #[default]
    SinceStart,
    /// As the time of day in UTC, by which logs are searched: `14:03:07.125`.
    TimeOfDay {
        /// The wall time at the start, in nanoseconds since 1970.
        epoch_nanos: u64,
    },
}

impl TrailNames {
    /// The name of a group.
    #[must_use]
    pub fn group(&self, id: GroupId) -> String {
        named(&self.groups, id.index(), "group")
    }

    /// The name of a deployment.
    #[must_use]
    pub fn deployment(&self, id: DeploymentId) -> String {
        let known = self.deployments.get(id.index());
        known.map_or_else(|| format!("deployment {}", id.0), |(name, _)| name.clone())
    }

    /// The provider of a deployment.
    #[must_use]
    pub fn provider(&self, id: DeploymentId) -> Option<&str> {
        self.deployments.get(id.index()).map(|(_, provider)| provider.as_str())
    }

    pub(crate) fn tenant(&self, id: TenantId) -> String {
        named(&self.tenants, usize::from(id.0), "tenant")
    }

    pub(crate) fn region(&self, id: RegionId) -> String {
        named(&self.regions, usize::from(id.0), "region")
    }

    /// The words of these tags.
    pub(crate) fn tags(&self, tags: Tags) -> Vec<String> {
        let bits = (0_u32..64).filter(|bit| tags.0 >> bit & 1 == 1);
        bits.map(|bit| named(&self.tags, bit as usize, "tag")).collect()
    }

    /// A time, for people.
    #[must_use]
    pub fn time(&self, at: Timestamp) -> String {
        const DAY_MILLIS: u64 = 86_400_000;
        match self.clock {
            TrailClock::SinceStart => at.to_string(),
            TrailClock::TimeOfDay { epoch_nanos } => {
                let millis = epoch_nanos.saturating_add(at.as_nanos()) / 1_000_000 % DAY_MILLIS;
                let (seconds, millis) = (millis / 1_000, millis % 1_000);
                let (hours, minutes) = (seconds / 3_600, seconds / 60 % 60);
                format!("{hours:02}:{minutes:02}:{:02}.{millis:03}", seconds % 60)
            }
        }
    }
}

/// The words of these features.
pub(crate) fn features(features: Features) -> Vec<&'static str> {
    let holds = |word: &&str| Features::from_word(word).is_some_and(|one| features.holds(one));
    Features::WORDS.into_iter().filter(holds).collect()
}

fn named(names: &[String], place: usize, what: &str) -> String {
    names.get(place).cloned().unwrap_or_else(|| format!("{what} {place}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_since_the_start_or_of_the_day() {
        let mut names = TrailNames::default();
        let at = Timestamp::from_nanos(12_345_678_900);
        assert_eq!(names.time(at), "12.345s");
        // 2026-12-01T23:59:59.000Z, and 12.345 s later.
        names.clock = TrailClock::TimeOfDay { epoch_nanos: 1_796_169_599_000_000_000 };
        assert_eq!(names.time(at), "00:00:11.345");
    }
}
