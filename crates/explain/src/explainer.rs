//! Finds requests in a recording, and replays its journal for them.

use crate::client_view::client_saw;
use crate::{ClientRetry, ExplainError, Explanation, RequestSelector, selector};
use core::ops::ControlFlow;
use squall_decision_trail::{TrailClock, TrailNames};
use squall_determinism::{Seed, Timestamp};
use squall_record::{AttemptRow, JournalReader, Mode, RecordedEvent, Recording};
use squall_router::RouterInput;
use squall_router::journal::{JournalFrame, Replayed, RequestTrace, explain};
use squall_scenario::Scenario;
use std::sync::Arc;

/// A recording whose requests can be explained.
#[derive(Debug)]
pub struct Explainer<'r> {
    recording: &'r Recording,
    frames: Vec<&'r [u8]>,
    scenario: Scenario,
    names: Arc<TrailNames>,
}

/// What was seen of a journal on the way to a request.
#[derive(Debug, Default)]
struct Seen {
    /// The first and the last request.
    requests: Option<(u64, u64)>,
    /// An arrival did not say which request it is.
    unnamed: bool,
    until: Timestamp,
}

impl<'r> Explainer<'r> {
    /// Reads what the recording holds of its scenario and its journal; `name` is what diagnostics of the scenario
    /// call it.
    ///
    /// # Errors
    /// When it holds no journal, or one that cannot be read.
    pub fn new(name: &str, recording: &'r Recording) -> Result<Self, ExplainError> {
        let bytes = recording.journal.as_deref().ok_or(ExplainError::NoJournal)?;
        let frames = JournalReader::new(bytes)?.frames()?;
        let mut scenario = Scenario::read(name, &recording.header.scenario_text)?;
        scenario.set_seed(Seed::new(recording.header.seed));
        let names = Arc::new(names_of(recording, &scenario));
        Ok(Self { recording, frames, scenario, names })
    }

    /// Tells the life of one request: of the last call that its client made, with those before it. The replay ends with the
    /// request.
    ///
    /// # Errors
    /// When there is no such request, or the journal does not match the core.
    pub fn explain(&self, selector: RequestSelector) -> Result<Explanation, ExplainError> {
        let request = selector.resolve(self.recording)?;
        let calls = self.retries(request).len() + 1;
        let mut found: Vec<Explanation> = Vec::new();
        let seen = self.replay(Some(request), |explanation| {
            found.push(explanation);
            if found.len() < calls { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        // A call that its client hung up on may end after the next has begun.
        found.sort_by_key(|call| call.trace.arrived);
        match found.pop() {
            Some(last) => Ok(Explanation { earlier_calls: found, ..last }),
            None if seen.unnamed => {
                Err(ExplainError::Unnamed { version: self.recording.header.version.clone() })
            }
            None => Err(self.missing(request, &seen)),
        }
    }

    /// Tells the lives of all calls of all requests, in the order in which they ended; ends early where `told` says so.
    ///
    /// # Errors
    /// When the journal does not match the core.
    pub fn explain_all(
        &self,
        told: impl FnMut(Explanation) -> ControlFlow<()>,
    ) -> Result<(), ExplainError> {
        self.replay(None, told).map(drop)
    }

    fn replay(
        &self,
        only: Option<u64>,
        mut told: impl FnMut(Explanation) -> ControlFlow<()>,
    ) -> Result<Seen, ExplainError> {
        let mut seen = Seen::default();
        let simulated = self.recording.header.mode == Mode::Simulated;
        let wanted = |frame: &JournalFrame, arrival: u64| {
            // In virtual time requests arrive in the order of their numbers.
            let request = frame.request.or_else(|| simulated.then_some(arrival));
            seen.until = frame.now;
            let Some(request) = request else {
                seen.unnamed |= matches!(frame.input, RouterInput::Arrived(_));
                return false;
            };
            let (first, last) = seen.requests.unwrap_or((request, request));
            seen.requests = Some((first.min(request), last.max(request)));
            only.is_none_or(|only| only == request)
        };
        let ended = |trace: RequestTrace| {
            let request = trace.request.unwrap_or(trace.arrival_index);
            told(self.explanation(request, trace))
        };
        let changes = self.scenario.changes.iter().map(|change| change.router.clone());
        let replayed: Result<Replayed, _> = explain(
            self.scenario.router.clone(),
            changes,
            self.scenario.seed,
            self.scenario.epoch_nanos(),
            self.frames.iter().copied(),
            wanted,
            ended,
        );
        match replayed {
            Ok(_) => Ok(seen),
            Err(error) => Err(ExplainError::Replay(error, self.recording.header.version.clone())),
        }
    }

    fn explanation(&self, request: u64, trace: RequestTrace) -> Explanation {
        let rows = &self.recording.requests;
        let row = rows.binary_search_by_key(&request, |row| row.request).ok();
        let retries = self.retries(request);
        let call = retries.partition_point(|retried| retried.at + retried.wait <= trace.arrived);
        let until = retries.get(call).map_or(Timestamp::MAX, |retried| retried.at);
        let of_it = |row: &&AttemptRow| {
            let is_of_call = retries.is_empty() || (trace.arrived..=until).contains(&row.started);
            row.request == Some(request) && is_of_call
        };
        let mut attempts: Vec<_> = self.recording.attempts.iter().filter(of_it).copied().collect();
        // Rows are numbered by their ends; of two that ran side by side the first may have ended last.
        attempts.sort_by_key(|row| (row.started, row.ordinal));
        Explanation {
            request,
            scenario: self.recording.header.scenario.clone(),
            mode: self.recording.header.mode,
            cut_at: self.recording.header.ended.cut_at(),
            row: row.map(|place| rows[place]),
            rows_of_attempts: attempts,
            retried: retries.get(call).copied(),
            earlier_calls: Vec::new(),
            trace,
            names: self.names.clone(),
        }
    }

    /// When its client decided to call again, and why.
    fn retries(&self, request: u64) -> Vec<ClientRetry> {
        let notes = self.recording.notes.iter().filter(|note| note.request == Some(request));
        let retried = notes.filter_map(|note| match note.note {
            RecordedEvent::ClientRetried { nth, cause, wait } => {
                Some(ClientRetry { at: note.at, nth, cause, wait })
            }
            RecordedEvent::Router(_)
            | RecordedEvent::FaultStarted { .. }
            | RecordedEvent::FaultEnded { .. } => None,
        });
        retried.collect()
    }

    /// Why a request was not found.
    fn missing(&self, request: u64, seen: &Seen) -> ExplainError {
        let rows = &self.recording.requests;
        let Some(row) = rows.iter().find(|row| row.request == request) else {
            let known = selector::known(self.recording, seen.requests);
            return ExplainError::NoRequest { request, known };
        };
        ExplainError::NeverArrived {
            request,
            client: format!("its client sent it at {} and {}", row.sent, seen_by_client(row)),
            journal_ends: selector::ends(self.recording, seen.until),
        }
    }
}

/// The names behind the numbers of a recording.
fn names_of(recording: &Recording, scenario: &Scenario) -> TrailNames {
    let header = &recording.header;
    let provider = |place: u16| {
        let name = header.providers.get(usize::from(place));
        name.cloned().unwrap_or_else(|| format!("provider {place}"))
    };
    let deployments = header.deployments.iter();
    TrailNames {
        groups: header.groups.clone(),
        deployments: deployments.map(|each| (each.name.clone(), provider(each.provider))).collect(),
        tenants: scenario.router.tenants.iter().map(|each| each.name.clone()).collect(),
        tags: scenario.tags.clone(),
        regions: scenario.regions.clone(),
        clock: TrailClock::SinceStart,
    }
}

fn seen_by_client(row: &squall_record::RequestRow) -> String {
    client_saw(row.outcome, row.status)
}
