//! A scenario with two groups, and recordings of it made by hand.

use squall_determinism::Timestamp;
use squall_failure::{FailureClass, FailureSource};
use squall_record::{
    AttemptOutcome, AttemptRow, ChangeInfo, Collector, DeploymentInfo, Mode, Recording,
    RequestOutcome, RequestRow, RowRetention, RunEnd, RunHeader, SeenBy, SeriesLayout,
};
use squall_router::{DeploymentId, GroupId};
use squall_scenario::{Argument, Scenario};
use std::ops::Range;
use std::time::Duration;

/// Weights 6, 3 and 1; `north` errs from 20 s, refuses from 30 s and is back at 40 s; `south` is slow from
/// 80 s to 90 s.
const SCENARIO: &str = "
name: by-hand
seed: 7
phases: { calm: 0s..20s, outage: 20s..40s, after: 40s..100s }
traffic:
  group: chat
  arrivals: even
  rate: [ { at: 0s, rps: 20 } ]
  prompt_tokens: 100
  output_tokens: 10
providers:
  north:
    ttft: 100ms
    itl: 30ms
    faults: [ { at: 20s, for: 10s, error: 503 }, { at: 30s, for: 10s, outage: refuse } ]
  south:
    ttft: 100ms
    itl: 30ms
    faults: [ { at: 80s, for: 10s, slowdown: 3x } ]
  east: { ttft: 100ms, itl: 30ms }
router:
  groups:
    chat:
      deployments:
        - { name: a, provider: north, weight: 6 }
        - { name: b, provider: south, weight: 3 }
        - { name: c, provider: east, weight: 1 }
      fallback: [spare]
    spare:
      deployments: [ { name: d, provider: east } ]
expect:
  - success_rate >= 99%
  - failover_time(a) <= 2s
  - weight_adherence(chat) >= 97% during calm
  - latency_p99 <= 1500ms during outage
";

/// The deployment `a`, at `north`.
pub const A: Option<Argument> = Some(Argument::Deployment(DeploymentId(0)));
/// The deployment `b`, at `south`.
pub const B: Option<Argument> = Some(Argument::Deployment(DeploymentId(1)));
/// The deployment `c`, at `east`.
pub const C: Option<Argument> = Some(Argument::Deployment(DeploymentId(2)));
/// The group of `a`, `b` and `c`.
pub const CHAT: Option<Argument> = Some(Argument::Group(GroupId(0)));
/// The whole run.
pub const WHOLE: Range<Timestamp> = Timestamp::ZERO..Timestamp::MAX;

/// A run made by hand.
#[derive(Clone, Debug)]
pub struct Fixture {
    /// The scenario.
    pub scenario: Scenario,
    /// What its recordings begin with.
    pub header: RunHeader,
    /// The latency within which answers count.
    pub within: Option<Duration>,
    requests: Vec<RequestRow>,
    /// The kind of the requests that are made next.
    kind: u16,
    attempts: Vec<AttemptRow>,
}

/// A moment of the run.
#[must_use]
pub fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(millis)
}

/// A stretch of the run in seconds.
#[must_use]
pub const fn secs(range: Range<u64>) -> Range<Timestamp> {
    Timestamp::from_secs(range.start)..Timestamp::from_secs(range.end)
}

impl Default for Fixture {
    fn default() -> Self {
        Self::new()
    }
}

impl Fixture {
    /// A run without requests.
    ///
    /// # Panics
    /// When the scenario above is none.
    #[must_use]
    pub fn new() -> Self {
        let scenario = Scenario::read("by-hand.yaml", SCENARIO)
            .unwrap_or_else(|diagnostics| panic!("{diagnostics}"));
        let deployment = |name: &str, group, provider, weight| DeploymentInfo {
            name: name.to_owned(),
            group,
            provider,
            weight,
        };
        let header = RunHeader {
            scenario: scenario.name.clone(),
            scenario_text: SCENARIO.to_owned(),
            seed: 7,
            mode: Mode::Simulated,
            duration: scenario.duration,
            ended: RunEnd::Complete,
            groups: vec!["chat".to_owned(), "spare".to_owned()],
            deployments: vec![
                deployment("a", 0, 0, 6),
                deployment("b", 0, 1, 3),
                deployment("c", 0, 2, 1),
                deployment("d", 1, 2, 1),
            ],
            providers: vec!["north".to_owned(), "south".to_owned(), "east".to_owned()],
            kinds: vec!["chat".to_owned()],
            changes: Vec::new(),
            lag: None,
            server_lag: Vec::new(),
            target: None,
            shards: None,
            lacked: squall_record::Lacked::default(),
            marks: squall_record::CellMarks::default(),
            traces: Vec::new(),
            digest: String::new(),
            version: "0.0.0".to_owned(),
        };
        Self { scenario, header, within: None, requests: Vec::new(), kind: 0, attempts: Vec::new() }
    }

    /// `count` requests, evenly over a stretch, each half a second long, with its first token after
    /// 100 ms.
    pub fn requests(
        &mut self,
        window: Range<u64>,
        count: u64,
        outcome: RequestOutcome,
    ) -> &mut Self {
        for intended in evenly(window, count) {
            self.requests.push(RequestRow {
                request: self.requests.len() as u64,
                group: 0,
                kind: self.kind,
                intended,
                sent: intended,
                first_token: Some(intended + Duration::from_millis(100)),
                ended: intended + Duration::from_millis(500),
                stream: true,
                input_tokens: 100,
                output_tokens: 10,
                received_tokens: 10,
                outcome,
                status: 200,
                answer: squall_record::AnswerSeen::WHOLE,
                calls: 1,
            });
        }
        self
    }

    /// One request.
    pub fn request(&mut self, row: RequestRow) -> &mut Self {
        self.requests.push(row);
        self
    }

    /// A mix of two kinds, `paid` and `free`; the requests that are made next are of this one.
    pub fn of_kind(&mut self, kind: u16) -> &mut Self {
        self.header.kinds = vec!["paid".to_owned(), "free".to_owned()];
        self.kind = kind;
        self
    }

    /// From a second on, these weights.
    pub fn changed(&mut self, secs: u64, what: &str, weights: [u32; 4]) -> &mut Self {
        let change = ChangeInfo {
            at: Timestamp::from_secs(secs),
            what: what.to_owned(),
            weights: weights.into(),
        };
        self.header.changes.push(change);
        self
    }

    /// `count` first attempts at a deployment that are answered, evenly over a stretch of milliseconds.
    pub fn first(&mut self, deployment: u16, window: Range<u64>, count: u64) -> &mut Self {
        for started in evenly(window, count) {
            self.attempts.push(answered(deployment, started));
        }
        self
    }

    /// Traffic by the weights: 12, 6 and 2 a second, over a stretch of whole seconds in milliseconds.
    pub fn weighted(&mut self, window: Range<u64>) -> &mut Self {
        let seconds = (window.end - window.start) / 1_000;
        for (deployment, per_second) in [(0, 12), (1, 6), (2, 2)] {
            self.first(deployment, window.clone(), per_second * seconds);
        }
        self
    }

    /// One attempt.
    pub fn attempt(&mut self, row: AttemptRow) -> &mut Self {
        self.attempts.push(row);
        self
    }

    /// Cut off at this moment.
    pub fn interrupted(&mut self, at: Timestamp) -> &mut Self {
        self.header.ended = RunEnd::Interrupted { at };
        self
    }

    /// The recording of what was added so far.
    #[must_use]
    pub fn recording(&self) -> Recording {
        let shape = SeriesLayout {
            groups: self.header.groups.len(),
            deployments: self.header.deployments.len(),
            kinds: self.header.kinds.len(),
        };
        let collector = Collector::new(shape, RowRetention::Rows);
        let mut collector = collector.with_marks(&self.header.marks);
        self.requests.iter().for_each(|row| collector.request(row));
        let mut attempts = self.attempts.clone();
        attempts.sort_by_key(|row| row.ended);
        let kinds = self.requests.iter().map(|row| (row.request, row.kind));
        for row in &attempts {
            match kinds.clone().find(|&(request, _)| Some(request) == row.request) {
                Some((_, kind)) => collector.attempt_for(kind, row),
                None => collector.attempt(row),
            }
        }
        collector.finish(self.header.clone())
    }
}

/// A request for the group of `a` that succeeds after so many milliseconds.
#[must_use]
pub fn succeeded(intended: Timestamp, millis: u64) -> RequestRow {
    let ended = intended + Duration::from_millis(millis);
    RequestRow {
        request: 0,
        group: 0,
        kind: 0,
        intended,
        sent: intended,
        first_token: Some(ended),
        ended,
        stream: true,
        input_tokens: 100,
        output_tokens: 10,
        received_tokens: 10,
        outcome: RequestOutcome::Succeeded,
        status: 200,
        answer: squall_record::AnswerSeen::WHOLE,
        calls: 1,
    }
}

/// An attempt that is answered after 400 ms.
#[must_use]
pub fn answered(deployment: u16, started: Timestamp) -> AttemptRow {
    AttemptRow {
        request: Some(0),
        ordinal: 0,
        deployment,
        seen_by: SeenBy::Provider,
        started,
        first_token: Some(started + Duration::from_millis(100)),
        ended: started + Duration::from_millis(400),
        outcome: AttemptOutcome::Succeeded,
        status: 200,
        retry_after: None,
        fault: None,
        limit: None,
        stream: true,
        input_tokens: 100,
        output_tokens: 10,
    }
}

/// An attempt that is answered 429 at once.
#[must_use]
pub fn throttled(deployment: u16, started: Timestamp, retry_after: Duration) -> AttemptRow {
    AttemptRow {
        first_token: None,
        ended: started,
        outcome: AttemptOutcome::Failed { class: FailureClass::Throttled },
        status: 429,
        retry_after: Some(retry_after),
        output_tokens: 0,
        ..answered(deployment, started)
    }
}

/// A request that its provider failed.
pub const FAILED: RequestOutcome =
    RequestOutcome::Failed { class: FailureClass::Server, source: FailureSource::Provider };

fn evenly(window: Range<u64>, count: u64) -> impl Iterator<Item = Timestamp> {
    let span = window.end - window.start;
    (0..count).map(move |nth| at(window.start + span * nth / count))
}
