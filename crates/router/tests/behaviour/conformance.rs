//! LiteLLM's behaviours, one test each, named after what they say: those that it gets right for all
//! profiles; those that 1.80 gets wrong for `litellm-1.80` as they are and for `squall` as they should be; and
//! what 1.110 does otherwise in `since_1_80`.
//! The numbers in the names of modules' comments are those of the list in `docs/ROUTER.md`, which also
//! says where the rest is tested: what belongs to readers and to the gateway.

mod cooldown;
mod fallbacks;
mod health;
mod limits;
mod retries;
mod since_1_80;
mod strategies;
mod streams;
mod weighted;

use crate::rig::{Rig, failed, group};
use squall_failure::{Failure, FailureClass};
use squall_router::{
    CooldownCause, CooldownRule, Declared, DeploymentConfig, GroupConfig, LitellmCooldown, Outcome,
    Profile, RateLimit, RateLimits, RateWindow, RouterConfig, RouterEvent, RouterOutput,
    StartAttempt,
};
use std::time::Duration;

/// Every profile: for what they have in common.
const ALL: [Profile; 3] = Profile::ALL;

/// A router of these groups by the formulas of a profile.
fn rig_by(profile: Profile, groups: Vec<GroupConfig>) -> Rig {
    Rig::of(RouterConfig { groups, ..RouterConfig::default() }.with_profile(profile))
}

/// By the formulas of LiteLLM 1.80.
fn litellm(group: GroupConfig) -> Rig {
    rig_by(Profile::LITELLM_1_80, vec![group])
}

/// By the formulas of LiteLLM 1.110.
fn newest(group: GroupConfig) -> Rig {
    rig_by(Profile::LITELLM_1_110, vec![group])
}

fn ours(group: GroupConfig) -> Rig {
    rig_by(Profile::Squall, vec![group])
}

/// A group that takes what LiteLLM's file states: weight, rpm, tpm.
fn declared(deployments: &[(Option<u32>, Option<u64>, Option<u64>)]) -> GroupConfig {
    let strategy = squall_router::Strategy::Litellm(squall_router::LitellmStrategy::SimpleShuffle);
    let deployments = deployments.iter().enumerate().map(|(n, &(weight, rpm, tpm))| {
        let declared = Declared { weight, rpm, tpm };
        DeploymentConfig { declared, ..DeploymentConfig::new(format!("d{n}")) }
    });
    GroupConfig { deployments: deployments.collect(), strategy, ..GroupConfig::new("chat") }
}

/// The same group, in which every failed attempt counts towards a cooldown: LiteLLM's router as a
/// library, without its proxy.
fn counting_every_attempt(mut group: GroupConfig) -> GroupConfig {
    group.cooldown = CooldownRule::Litellm(LitellmCooldown {
        counts: Some(squall_router::LitellmCounts::EveryAttempt),
        ..LitellmCooldown::default()
    });
    group
}

const fn per_minute(per_minute: u64) -> Option<RateLimit> {
    Some(RateLimit { per_minute, window: RateWindow::Gcra { burst: None } })
}

fn rpm(requests: u64) -> RateLimits {
    RateLimits { rpm: per_minute(requests), ..RateLimits::default() }
}

/// How many of `requests` that end well go to each of `N` deployments, 100 ms apart.
fn shares<const N: usize>(rig: &mut Rig, requests: u32) -> [u32; N] {
    let mut counts = [0; N];
    for _ in 0..requests {
        rig.after(Duration::from_millis(100));
        counts[usize::from(rig.serve())] += 1;
    }
    counts
}

fn server() -> Failure {
    failed(FailureClass::Server).with_status(500)
}

/// Whether a cooldown of this deployment began in a step, and why.
fn cooled(step: &crate::rig::Step, of: u16) -> Option<CooldownCause> {
    step.outputs.iter().find_map(|output| match output {
        RouterOutput::Note(RouterEvent::CooldownStarted { deployment, cause, .. })
            if deployment.0 == of =>
        {
            Some(*cause)
        }
        _ => None,
    })
}

/// Requests to a router of which some deployments fail in one way; the others answer.
struct World {
    rig: Rig,
    dead: Vec<u16>,
    failure: Failure,
    /// Calls of each deployment.
    calls: Vec<u32>,
}

impl World {
    fn new(rig: Rig, dead: &[u16], failure: Failure) -> Self {
        Self { rig, dead: dead.to_vec(), failure, calls: vec![0; 16] }
    }

    /// One request from its beginning to its end, waits included. 10 ms pass before.
    fn request(&mut self) -> Outcome {
        self.rig.after(Duration::from_millis(10));
        let mut step = self.rig.arrive();
        loop {
            if let Some(outcome) = step.outcome() {
                return outcome;
            }
            step = match step.started() {
                Some(start) => self.answer(start),
                None => self.rig.next_tick(),
            };
        }
    }

    fn answer(&mut self, start: StartAttempt) -> crate::rig::Step {
        self.calls[start.deployment.index()] += 1;
        if self.dead.contains(&start.deployment.0) {
            self.rig.fail(start.attempt, self.failure)
        } else {
            self.rig.finish(start.attempt)
        }
    }

    /// How many of so many requests succeed.
    fn successes(&mut self, requests: u32) -> u32 {
        (0..requests).map(|_| u32::from(is_success(&self.request()))).sum()
    }

    fn calls(&self) -> u32 {
        self.calls.iter().sum()
    }
}

const fn is_success(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Succeeded { .. })
}

fn pair() -> GroupConfig {
    group(&["a", "b"])
}

fn single() -> GroupConfig {
    group(&["only"])
}
