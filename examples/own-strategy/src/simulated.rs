//! The strategy in virtual time: three providers, one of which refuses connections for ten seconds.

use crate::rendezvous;
use squall_judge::{Verdict, judge};
use squall_scenario::Scenario;
use squall_sim::{SimOptions, simulate};
use std::error::Error;

const SCENARIO: &str = "\
name: own-strategy
seed: 7
phases: { calm: 0s..20s, outage: 20s..30s, healed: 40s..60s }
duration: 60s
traffic:
  group: chat
  arrivals: poisson
  rate: 40
  prompt_tokens: { uniform: { min: 20, max: 400 } }
  output_tokens: { uniform: { min: 1, max: 40 } }
  stream: 100%
  client: { timeout: 20s }
  mix:
    chat: { share: 100%, group: chat, sessions: 500 }
providers:
  eu: { ttft: 200ms, itl: 10ms, faults: [ { at: 20s, for: 10s, outage: refuse } ] }
  us: { ttft: 200ms, itl: 10ms }
  asia: { ttft: 200ms, itl: 10ms }
router:
  groups:
    chat:
      deployments:
        - { name: eu, provider: eu, weight: 2 }
        - { name: us, provider: us, weight: 1 }
        - { name: asia, provider: asia, weight: 1 }
expect:
  - success_rate >= 99%
  - attempt_share(eu) >= 40% during calm
  - attempt_share(us) >= 18% during calm
  - attempt_share(asia) >= 18% during calm
  - attempt_share(eu) >= 30% during healed
";

/// Runs the scenario with the strategy in its group, and judges the run. Files can name built-in strategies only; a
/// custom one is set after reading.
///
/// # Errors
/// When the scenario is invalid, or the router rejects the configuration.
pub fn run() -> Result<Verdict, Box<dyn Error>> {
    let mut scenario =
        Scenario::read("own-strategy.yaml", SCENARIO).map_err(|problems| problems.to_string())?;
    for group in &mut scenario.router.groups {
        group.strategy = rendezvous();
    }
    let recording = simulate(&scenario, SimOptions::default())?;
    Ok(judge(&scenario, &recording))
}
