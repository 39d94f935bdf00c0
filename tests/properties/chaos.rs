//! A router in a world that does anything: what it is told is drawn, and what it does is watched.

use proptest::prelude::*;
use squall_determinism::{Seed, Timestamp};
use squall_failure::{Failure, FailureClass, FailureSource};
use squall_router::journal::{digest_outputs, encode_frame, replay};
use squall_router::{
    AttemptId, Backoff, CooldownCause, DeploymentConfig, DeploymentId, Fallbacks, GroupConfig,
    GroupId, Outcome, RateLimit, RateLimits, RateWindow, RequestArrival, RequestKey, RequestTag,
    RetryRule, Router, RouterConfig, RouterEvent, RouterInput, RouterOutput, StartAttempt,
    TokenUsage,
};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// One thing that happens: how long after the one before, how far the clock that tells it is behind,
/// and what, with a number to choose by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Event {
    after_ms: u64,
    behind_ms: u64,
    kind: u8,
    choice: usize,
}

pub(crate) fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = (
        prop_oneof![3 => Just(0_u64), 5 => 1..200_u64, 1 => 1_000..8_000_u64],
        prop_oneof![9 => Just(0_u64), 1 => 1..2_000_u64],
        0..23_u8,
        any::<usize>(),
    );
    let event = event.prop_map(|(after_ms, behind_ms, kind, choice)| Event {
        after_ms,
        behind_ms,
        kind,
        choice,
    });
    prop::collection::vec(event, 1..250)
}

/// The limit of deployment 1: so many a minute, so many at once.
pub(crate) const LIMIT: (u64, u64) = (60, 4);

/// What an attempt used, where its provider says.
const USAGE: TokenUsage = TokenUsage { input_tokens: 5, output_tokens: 5 };

/// How many attempts deployment 2 takes at once.
const NARROW: usize = 2;

pub(crate) fn config() -> RouterConfig {
    let limited = RateLimits {
        rpm: Some(RateLimit {
            per_minute: LIMIT.0,
            window: RateWindow::Gcra { burst: Some(LIMIT.1) },
        }),
        ..RateLimits::default()
    };
    let narrow = RateLimits { concurrency: Some(NARROW as u32), ..RateLimits::default() };
    let chat = GroupConfig {
        deployments: vec![
            DeploymentConfig { weight: 3, ..DeploymentConfig::new("plain") },
            DeploymentConfig { weight: 5, limits: limited, ..DeploymentConfig::new("limited") },
            DeploymentConfig { limits: narrow, ..DeploymentConfig::new("narrow") },
        ],
        fallbacks: Fallbacks::to(vec![GroupId(1)]),
        max_queue_wait: Duration::from_secs(2),
        retry_rule: RetryRule::Untried(Backoff {
            base: Duration::from_millis(100),
            cap: Duration::from_secs(1),
        }),
        ..GroupConfig::new("chat")
    };
    let small = GroupConfig {
        deployments: vec![DeploymentConfig::new("small")],
        ..GroupConfig::new("small")
    };
    RouterConfig { groups: vec![chat, small], ..RouterConfig::default() }
}

/// Of every world: what differs is what happens in it.
const SEED: Seed = Seed::new(7);

/// The world around the router, and what it has seen.
pub(crate) struct World {
    pub(crate) router: Router,
    /// The latest time that the router was told.
    pub(crate) now: Timestamp,
    next_tag: u64,
    keys: Vec<RequestKey>,
    /// Every attempt ever started: some of what is told is stale.
    pub(crate) attempts: Vec<AttemptId>,
    running: BTreeMap<AttemptId, DeploymentId>,
    pub(crate) accepted: u64,
    pub(crate) ended: BTreeMap<RequestKey, u32>,
    committed: BTreeMap<RequestKey, AttemptId>,
    /// Attempts that have begun to answer. Where answers are held back, none of them has been committed yet.
    answering: BTreeSet<AttemptId>,
    cooling: BTreeMap<DeploymentId, Timestamp>,
    /// Failed, and no probe has been answered since: nothing but probes may go there.
    ill: BTreeSet<DeploymentId>,
    probes: BTreeMap<DeploymentId, AttemptId>,
    /// Begun at an ill deployment: the next output must call it a probe.
    unexplained: Option<AttemptId>,
    /// When deployment 1 was called.
    pub(crate) limited: Vec<Timestamp>,
    asked: BTreeMap<DeploymentId, Timestamp>,
    /// Second attempts that were begun beside others.
    pub(crate) hedges: u64,
    /// Prompts of the requests, and what their clients have of answers that broke off: what was used for it, and
    /// where they broke.
    prompts: BTreeMap<RequestTag, u32>,
    prompt_of: BTreeMap<RequestKey, u32>,
    begun: BTreeMap<RequestKey, (TokenUsage, DeploymentId)>,
    /// Attempts that were begun to go on with an answer, and answers that went on.
    pub(crate) continuations: u64,
    pub(crate) continued: u64,
    /// Everything that the router was told, as a journal.
    pub(crate) frames: Vec<Vec<u8>>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::of(config())
    }

    pub(crate) fn of(config: RouterConfig) -> Self {
        Self {
            router: Router::new(config, SEED, 0).expect("the configuration is complete"),
            now: Timestamp::ZERO,
            next_tag: 0,
            keys: Vec::new(),
            attempts: Vec::new(),
            running: BTreeMap::new(),
            accepted: 0,
            ended: BTreeMap::new(),
            committed: BTreeMap::new(),
            answering: BTreeSet::new(),
            cooling: BTreeMap::new(),
            ill: BTreeSet::new(),
            probes: BTreeMap::new(),
            unexplained: None,
            limited: Vec::new(),
            asked: BTreeMap::new(),
            hedges: 0,
            prompts: BTreeMap::new(),
            prompt_of: BTreeMap::new(),
            begun: BTreeMap::new(),
            continuations: 0,
            continued: 0,
            frames: Vec::new(),
        }
    }

    /// Makes one thing happen, after ticks at the times at which they were due: what a shell does whose
    /// wake-ups are never late.
    pub(crate) fn happen_punctually(&mut self, event: Event) {
        let at = self.now + Duration::from_millis(event.after_ms);
        while let Some(due) = self.router.next_timer().filter(|&due| due <= at) {
            self.now = self.now.max(due);
            self.tell(RouterInput::Tick);
        }
        self.now = at;
        self.happen(Event { after_ms: 0, behind_ms: 0, ..event });
    }

    /// Makes one thing happen. Timers that were due before it fire late, with it; and the clock that it
    /// is told by may be behind, even behind what was told before.
    pub(crate) fn happen(&mut self, event: Event) {
        let at = self.now + Duration::from_millis(event.after_ms);
        let told = at - Duration::from_millis(event.behind_ms);
        if let Some(input) = self.input(event) {
            self.tell_at(told, input);
        }
    }

    fn input(&mut self, event: Event) -> Option<RouterInput> {
        let pick = |len: usize| (len > 0).then(|| event.choice % len);
        let attempt = pick(self.attempts.len()).map(|place| self.attempts[place]);
        let live = pick(self.running.len())
            .and_then(|place| self.running.keys().nth(place).copied())
            .or(attempt);
        Some(match event.kind {
            0..=5 => RouterInput::Arrived(self.arrival(event.choice)),
            6..=8 => RouterInput::Finished {
                attempt: live?,
                usage: event.choice.is_multiple_of(2).then_some(USAGE),
            },
            9..=10 => RouterInput::FirstToken { attempt: live? },
            11..=14 => RouterInput::Failed { attempt: live?, failure: self.failure(event.choice) },
            15 => RouterInput::Failed { attempt: attempt?, failure: self.failure(event.choice) },
            20..=22 => RouterInput::Interrupted {
                attempt: self.streaming(event.choice).or(live)?,
                failure: self.failure(event.choice),
                output_tokens: (event.choice % 70) as u32,
            },
            16 => RouterInput::Finished { attempt: attempt?, usage: None },
            17 => RouterInput::ClientGone { request: self.keys[pick(self.keys.len())?] },
            _ => RouterInput::Tick,
        })
    }

    /// An attempt that runs and whose answer has begun.
    fn streaming(&self, choice: usize) -> Option<AttemptId> {
        let begun = self.committed.values().filter(|attempt| self.running.contains_key(attempt));
        begun.clone().nth(choice % begun.count().max(1)).copied()
    }

    fn arrival(&mut self, choice: usize) -> RequestArrival {
        self.next_tag += 1;
        RequestArrival {
            input_tokens: (choice % 500) as u32,
            output_tokens: 60,
            stream: !choice.is_multiple_of(3),
            deadline: choice.is_multiple_of(11).then(|| Duration::from_secs(3)),
            priority: (choice % 3) as u8,
            ..RequestArrival::new(
                RequestTag(self.next_tag),
                GroupId(choice.is_multiple_of(7).into()),
            )
        }
    }

    fn failure(&self, choice: usize) -> Failure {
        // A refused attempt gives its place in a limit back: that is tested beside the limits.
        let class = match FailureClass::ALL[choice % FailureClass::ALL.len()] {
            FailureClass::Connect | FailureClass::Resources => FailureClass::Server,
            class => class,
        };
        let wait = (class == FailureClass::Throttled)
            .then(|| Duration::from_millis(100 + (choice / 13 % 4_000) as u64));
        Failure::new(class, FailureSource::Provider).with_retry_after(wait)
    }

    fn tell(&mut self, input: RouterInput) {
        self.tell_at(self.now, input);
    }

    fn tell_at(&mut self, told: Timestamp, input: RouterInput) {
        self.now = self.now.max(told);
        let mut ran = None;
        if let RouterInput::Finished { attempt, .. }
        | RouterInput::Failed { attempt, .. }
        | RouterInput::Interrupted { attempt, .. } = input
        {
            ran = self.running.remove(&attempt);
        }
        if let RouterInput::FirstToken { attempt } = input {
            self.answering.insert(attempt);
        }
        if let RouterInput::Arrived(arrival) = input {
            self.prompts.insert(arrival.tag, arrival.input_tokens);
        }
        self.router.handle(told, input);
        let outputs: Vec<_> = std::iter::from_fn(|| self.router.poll()).collect();
        if let Some(ran) = ran {
            self.see_break(&input, ran, &outputs);
        }
        let mut frame = Vec::new();
        encode_frame(told, &input, digest_outputs(&outputs), &mut frame);
        self.frames.push(frame);
        for output in &outputs {
            self.see(output);
            self.remember_wait(&input, output);
        }
        assert_eq!(self.unexplained, None, "begun at an ill deployment, and no probe");
    }

    /// A stream that broke off and has not ended with it goes on elsewhere.
    fn see_break(&mut self, input: &RouterInput, at: DeploymentId, outputs: &[RouterOutput]) {
        let RouterInput::Interrupted { attempt, output_tokens, .. } = *input else { return };
        let request = attempt.request;
        let ends = |output: &RouterOutput| matches!(*output, RouterOutput::Done { request: done, .. } if done == request);
        let was_the_clients = self.committed.get(&request) == Some(&attempt);
        if !was_the_clients || self.ended.contains_key(&request) || outputs.iter().any(ends) {
            return;
        }
        self.committed.remove(&request);
        let (before, _) =
            self.begun.get(&request).copied().unwrap_or_else(|| (TokenUsage::default(), at));
        let prompt = self.prompt_of[&request] + before.output_tokens;
        let used = before.plus(TokenUsage { input_tokens: prompt, output_tokens });
        self.begun.insert(request, (used, at));
    }

    /// From the moment at which the router has taken a failure in, its Retry-After holds.
    fn remember_wait(&mut self, input: &RouterInput, output: &RouterOutput) {
        if let RouterInput::Failed { attempt, failure: Failure { retry_after: Some(wait), .. } }
        | RouterInput::Interrupted {
            attempt,
            failure: Failure { retry_after: Some(wait), .. },
            ..
        } = *input
            && let RouterOutput::Note(RouterEvent::AttemptFailed {
                attempt: taken_in,
                deployment,
                class,
            }) = *output
            && attempt == taken_in
            && class == FailureClass::Throttled
        {
            let until = self.asked.entry(deployment).or_default();
            *until = (*until).max(self.now + wait);
        }
    }

    fn see(&mut self, output: &RouterOutput) {
        if let Some(begun) = self.unexplained.take() {
            let probe = matches!(*output, RouterOutput::Note(RouterEvent::Probe { attempt, .. }) if attempt == begun);
            assert!(probe, "{begun:?} began at an ill deployment, then came {output:?}");
        }
        match *output {
            RouterOutput::Accepted { tag, request } => {
                self.accepted += 1;
                self.prompt_of.insert(request, self.prompts[&tag]);
                self.keys.push(request);
            }
            RouterOutput::StartAttempt(start) => self.see_start(&start),
            RouterOutput::CancelAttempt { attempt, .. } => drop(self.running.remove(&attempt)),
            RouterOutput::Commit { attempt, .. } => {
                let before = self.committed.insert(attempt.request, attempt);
                assert_eq!(before, None, "a request commits once, unless its stream broke off");
            }
            RouterOutput::Done { request, outcome, .. } => {
                *self.ended.entry(request).or_default() += 1;
                if let Outcome::Succeeded { .. } = outcome {
                    assert!(self.committed.contains_key(&request), "an answer without a commit");
                }
                self.see_end_of_begun(request, &outcome);
            }
            RouterOutput::Note(RouterEvent::CooldownStarted { deployment, cause, until }) => {
                self.cooling.insert(deployment, until);
                if cause != CooldownCause::Throttled {
                    self.ill.insert(deployment);
                }
            }
            RouterOutput::Note(RouterEvent::Probe { deployment, attempt }) => {
                let before = self.probes.insert(deployment, attempt);
                let is_silent = |before: AttemptId| {
                    let is_committed = self.committed.get(&before.request) == Some(&before);
                    !is_committed && !self.answering.contains(&before)
                };
                let beside = before
                    .is_some_and(|before| self.running.contains_key(&before) && is_silent(before));
                assert!(!beside, "a second probe beside {before:?}");
            }
            RouterOutput::Note(RouterEvent::Recovered { deployment }) => {
                self.ill.remove(&deployment);
                self.probes.remove(&deployment);
            }
            RouterOutput::Note(RouterEvent::Continued { .. }) => self.continued += 1,
            RouterOutput::Note(RouterEvent::Hedged { .. }) => {
                self.hedges += 1;
            }
            RouterOutput::Check { .. } | RouterOutput::Shared(_) | RouterOutput::Note(_) => {}
        }
    }

    /// What was used is counted once, by whichever attempt, and whoever has the beginning of an answer has an answer
    /// that ends.
    fn see_end_of_begun(&mut self, request: RequestKey, outcome: &Outcome) {
        let Some((used, _)) = self.begun.get(&request) else { return };
        match *outcome {
            Outcome::Succeeded { usage: Some(usage), .. } => {
                assert_eq!(usage, used.plus(USAGE), "of {request:?}");
            }
            Outcome::Failed { committed, .. } => assert!(committed, "{request:?} has a beginning"),
            Outcome::Succeeded { usage: None, .. } | Outcome::ClientGone => {}
        }
    }

    fn see_start(&mut self, start: &StartAttempt) {
        assert!(!self.attempts.contains(&start.attempt), "an id was used again");
        assert!(!self.ended.contains_key(&start.attempt.request), "begun after its end");
        let cooling = self.cooling.get(&start.deployment).copied().unwrap_or_default();
        assert!(self.now >= cooling, "{:?} cools until {cooling}", start.deployment);
        let asked = self.asked.get(&start.deployment).copied().unwrap_or_default();
        assert!(self.now >= asked, "Retry-After of {:?} is undercut", start.deployment);
        let begun = self.begun.get(&start.attempt.request);
        assert_eq!(start.continues.is_some(), begun.is_some(), "{start:?}");
        if let Some(&(_, broke_at)) = begun {
            self.continuations += 1;
            assert_ne!(start.deployment, broke_at, "it goes on elsewhere");
        }
        self.unexplained = self.ill.contains(&start.deployment).then_some(start.attempt);
        if start.deployment == DeploymentId(1) {
            self.limited.push(self.now);
        }
        assert!(self.beside(start.attempt) <= 1, "a third attempt at once");
        self.attempts.push(start.attempt);
        self.running.insert(start.attempt, start.deployment);
        let narrow = self.running.values().filter(|&&id| id == DeploymentId(2)).count();
        assert!(narrow <= NARROW, "{narrow} at once where {NARROW} may be");
    }

    /// How many other attempts of the same request run.
    fn beside(&self, attempt: AttemptId) -> usize {
        let same = |other: &&AttemptId| other.request == attempt.request && **other != attempt;
        self.running.keys().filter(same).count()
    }

    /// Lets everything that runs end, and every timer fire, until nothing is left.
    pub(crate) fn heal(&mut self) {
        for _ in 0..10_000 {
            if let Some(&attempt) = self.running.keys().next() {
                self.tell(RouterInput::Finished { attempt, usage: None });
            } else if self.router.in_flight() > 0 {
                let due = self.router.next_timer().expect("whoever waits has a timer");
                self.now = self.now.max(due);
                self.tell(RouterInput::Tick);
            } else {
                return;
            }
        }
        panic!("{} requests never ended", self.router.in_flight());
    }

    /// Once it is healed: every request ended, none of them twice, and nobody holds a place any more.
    pub(crate) fn is_settled(&mut self) -> Result<(), TestCaseError> {
        prop_assert_eq!(self.ended.len() as u64, self.accepted);
        prop_assert!(self.ended.values().all(|&times| times == 1));
        prop_assert!(self.router.deployment_snapshots().all(|deployment| deployment.running == 0));
        let mut groups = self.router.group_snapshots();
        prop_assert!(
            groups.all(|group| group.limits.concurrency.is_none_or(|(held, _)| held == 0))
        );
        Ok(())
    }

    /// A router of the same configuration does the same again.
    pub(crate) fn replays(&self, config: RouterConfig) -> Result<(), TestCaseError> {
        let frames = self.frames.iter().map(Vec::as_slice);
        let replayed = replay(config, [], SEED, 0, frames).expect("the journal is whole");
        prop_assert_eq!(replayed.frames, self.frames.len() as u64);
        Ok(())
    }
}
