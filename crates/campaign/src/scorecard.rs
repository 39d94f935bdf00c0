//! The situations of the scorecard, and their runs in virtual time.

use crate::CampaignError;
use squall_judge::ScoreSample;
use squall_scenario::{Diagnostics, Scenario};
use squall_sim::{RowRetention, SimOptions, simulate};

/// A situation in which gateways are compared.
#[derive(Clone, Copy, Debug)]
pub struct ScorecardScenario {
    /// How it is called on the command line.
    pub name: &'static str,
    /// Its file.
    pub path: &'static str,
    text: &'static str,
}

macro_rules! situation {
    ($name:literal, $path:literal) => {
        ScorecardScenario {
            name: $name,
            path: $path,
            text: include_str!(concat!("../../../", $path)),
        }
    };
}

/// Every situation, in the order of the tables: the situations of the scorecard, the bars that were measured on eleven
/// gateways, and the viral spike.
pub const SCORECARD_SCENARIOS: &[ScorecardScenario] = &[
    situation!("outage", "scenarios/scorecard/outage.yaml"),
    situation!("hang", "scenarios/scorecard/hang.yaml"),
    situation!("throttled", "scenarios/scorecard/throttled.yaml"),
    situation!("slow-primary", "scenarios/scorecard/slow-primary.yaml"),
    situation!("brown-out", "scenarios/scorecard/brown-out.yaml"),
    situation!("bars-always-500", "scenarios/router/gateway-bars/always-500.yaml"),
    situation!("bars-always-429", "scenarios/router/gateway-bars/always-429.yaml"),
    situation!("bars-outage-500", "scenarios/router/gateway-bars/outage-500.yaml"),
    situation!("bars-outage-hang", "scenarios/router/gateway-bars/outage-hang.yaml"),
    situation!("viral-spike", "scenarios/viral-spike.yaml"),
];

impl ScorecardScenario {
    /// Reads it.
    ///
    /// # Errors
    /// None of a file that ships; a test holds that.
    pub fn read(&self) -> Result<Scenario, Diagnostics> {
        Scenario::read(self.path, self.text)
    }

    /// Reads it with a router that follows another router's formulas.
    ///
    /// # Errors
    /// When the profile does not go with the file.
    pub fn read_with_profile(&self, profile: &str) -> Result<Scenario, Diagnostics> {
        let text =
            self.text.replacen("\nrouter:\n", &format!("\nrouter:\n  profile: {profile}\n"), 1);
        Scenario::read(self.path, &text)
    }
}

/// The figures of a scenario in virtual time.
///
/// # Errors
/// When the router refuses the configuration.
pub fn simulated_sample(scenario: &Scenario) -> Result<ScoreSample, CampaignError> {
    let recording = simulate(scenario, SimOptions { keep: RowRetention::Rows, journal: false })?;
    Ok(ScoreSample::of(scenario, &recording))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_situation_is_read_and_begins_with_a_phase_in_which_all_is_well() {
        for situation in SCORECARD_SCENARIOS {
            let scenario = situation.read().unwrap_or_else(|problems| panic!("{problems}"));
            assert!(scenario.description.is_some(), "{}", situation.name);
            if !situation.name.starts_with("bars-always") {
                let calm = &scenario.phases[0];
                let faults = scenario.providers.iter().flat_map(|each| &each.config.faults);
                assert!(faults.clone().all(|fault| fault.at >= calm.end), "{}", situation.name);
            }
            situation
                .read_with_profile("litellm-1.80")
                .unwrap_or_else(|problems| panic!("{problems}"));
        }
    }
}
