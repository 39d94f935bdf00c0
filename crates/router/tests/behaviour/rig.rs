//! A router held by hand: time is set, outputs are looked at.

use squall_determinism::{Seed, Share, Timestamp};
use squall_failure::{Failure, FailureClass, FailureSource};
use squall_router::{
    AttemptId, Backoff, Cooldown, DeploymentConfig, FailureCooldown, GroupConfig, GroupId, Outcome,
    RequestArrival, RequestKey, RequestTag, RetryBudget, RetryRule, Router, RouterConfig,
    RouterEvent, RouterInput, RouterOutput, StartAttempt, TokenUsage,
};
use std::time::Duration;

pub(crate) struct Rig {
    pub(crate) router: Router,
    pub(crate) now: Timestamp,
    next_tag: u64,
}

/// What came out of one step.
#[derive(Debug, Default)]
pub(crate) struct Step {
    pub(crate) outputs: Vec<RouterOutput>,
}

pub(crate) fn deployment(name: &str, weight: u32) -> DeploymentConfig {
    DeploymentConfig { weight, ..DeploymentConfig::new(name) }
}

/// A group `chat` of equal deployments, without second attempts, which have tests of their own, and with
/// breaks of 5 s that double to a minute, to the second.
pub(crate) fn group(deployments: &[&str]) -> GroupConfig {
    let failure = FailureCooldown {
        base: Duration::from_secs(5),
        cap: Duration::from_secs(60),
        jitter: Share::percent(0),
        ..FailureCooldown::default()
    };
    GroupConfig {
        hedge: None,
        cooldown: Cooldown { failure, ..Cooldown::default() }.into(),
        deployments: deployments.iter().map(|name| deployment(name, 1)).collect(),
        ..GroupConfig::new("chat")
    }
}

pub(crate) fn failed(class: FailureClass) -> Failure {
    Failure::new(class, FailureSource::Provider)
}

pub(crate) fn throttled(retry_after: Option<u64>) -> Failure {
    failed(FailureClass::Throttled).with_retry_after(retry_after.map(Duration::from_secs))
}

impl Rig {
    pub(crate) fn new(groups: Vec<GroupConfig>) -> Self {
        Self::with_budget(groups, RetryBudget::default())
    }

    pub(crate) fn with_budget(groups: Vec<GroupConfig>, retry_budget: RetryBudget) -> Self {
        Self::of(RouterConfig { groups, retry_budget, ..RouterConfig::default() })
    }

    pub(crate) fn of(config: RouterConfig) -> Self {
        let router = Router::new(config, Seed::new(7), 0).unwrap();
        Self { router, now: Timestamp::ZERO, next_tag: 0 }
    }

    pub(crate) fn tell(&mut self, input: RouterInput) -> Step {
        self.router.handle(self.now, input);
        Step { outputs: std::iter::from_fn(|| self.router.poll()).collect() }
    }

    pub(crate) fn arrive(&mut self) -> Step {
        self.arrive_with(|_| {})
    }

    pub(crate) fn arrive_with(&mut self, change: impl FnOnce(&mut RequestArrival)) -> Step {
        let mut arrival = RequestArrival {
            input_tokens: 100,
            output_tokens: 100,
            stream: true,
            ..RequestArrival::new(RequestTag(self.next_tag), GroupId(0))
        };
        self.next_tag += 1;
        change(&mut arrival);
        self.tell(RouterInput::Arrived(arrival))
    }

    pub(crate) fn fail(&mut self, attempt: AttemptId, failure: Failure) -> Step {
        self.tell(RouterInput::Failed { attempt, failure })
    }

    pub(crate) fn finish(&mut self, attempt: AttemptId) -> Step {
        let usage = TokenUsage { input_tokens: 100, output_tokens: 100 };
        self.tell(RouterInput::Finished { attempt, usage: Some(usage) })
    }

    /// A whole request that ends well at once; returns where it went.
    pub(crate) fn serve(&mut self) -> u16 {
        let start = self.arrive().start();
        self.finish(start.attempt);
        start.deployment.0
    }

    /// Requests come until deployment 0 has failed so often that it cools down; the others answer.
    pub(crate) fn trip_first(&mut self) {
        while self.router.cooling().count() == 0 {
            let start = self.arrive_with(|arrival| arrival.overrides.retries = Some(0)).start();
            if start.deployment.0 == 0 {
                self.fail(start.attempt, failed(FailureClass::Server));
            } else {
                self.finish(start.attempt);
            }
        }
    }

    pub(crate) fn after(&mut self, wait: Duration) -> &mut Self {
        self.now += wait;
        self
    }

    pub(crate) fn tick(&mut self) -> Step {
        self.tell(RouterInput::Tick)
    }

    /// Goes to the next timer and fires it.
    pub(crate) fn next_tick(&mut self) -> Step {
        self.now = self.router.next_timer().expect("something is waited for");
        self.tick()
    }
}

impl Step {
    /// The attempt that was started; there must be one.
    #[track_caller]
    pub(crate) fn start(&self) -> StartAttempt {
        self.started().unwrap_or_else(|| panic!("nothing was started: {:?}", self.outputs))
    }

    pub(crate) fn started(&self) -> Option<StartAttempt> {
        self.outputs.iter().find_map(|output| match output {
            RouterOutput::StartAttempt(start) => Some(*start),
            _ => None,
        })
    }

    pub(crate) fn outcome(&self) -> Option<Outcome> {
        self.outputs.iter().find_map(|output| match output {
            RouterOutput::Done { outcome, .. } => Some(*outcome),
            _ => None,
        })
    }

    /// The failure that the request ended with; it must have.
    #[track_caller]
    pub(crate) fn failure(&self) -> Failure {
        match self.outcome() {
            Some(Outcome::Failed { failure, .. }) => failure,
            other => panic!("not failed: {other:?}"),
        }
    }

    #[track_caller]
    pub(crate) fn accepted(&self) -> RequestKey {
        let accepted = self.outputs.iter().find_map(|output| match output {
            RouterOutput::Accepted { request, .. } => Some(*request),
            _ => None,
        });
        accepted.expect("a request was accepted")
    }

    pub(crate) fn note(&self, wanted: impl Fn(&RouterEvent) -> bool) -> Option<RouterEvent> {
        self.outputs.iter().find_map(|output| match output {
            RouterOutput::Note(note) if wanted(note) => Some(*note),
            _ => None,
        })
    }
}

/// A backoff without luck: always the whole range is at most a nanosecond.
pub(crate) fn no_jitter() -> RetryRule {
    RetryRule::Untried(Backoff { base: Duration::from_nanos(1), cap: Duration::from_nanos(1) })
}
