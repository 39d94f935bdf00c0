//! The log of what was injected when, and of what became of each attempt: the ground truth of a rehearsal.

use crate::attempt_state::Who;
use crate::lock::lock;
use serde::Serialize;
use squall_determinism::Timestamp;
use squall_record::{AttemptOutcome, AttemptRow};
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::Mutex;

/// A log shared by the providers of a server: the latest events of faults in memory, and everything as lines of
/// JSON in a file, if one is wanted.
#[derive(Debug, Default)]
pub struct EventLog {
    /// Whether there is a file: without one an attempt takes no lock.
    has_file: bool,
    state: Mutex<EventLogState>,
}

#[derive(Debug, Default)]
struct EventLogState {
    latest: VecDeque<ControlEvent>,
    /// The number of the next event.
    next: u64,
    file: Option<File>,
}

/// How many events are kept in memory.
const LATEST: usize = 500;

/// Something that was done to a provider.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ControlEvent {
    /// Its number, from 0.
    pub(crate) number: u64,
    /// When, in milliseconds since the start.
    pub(crate) at_ms: u64,
    pub(crate) provider: String,
    pub(crate) event: ControlAction,
    /// The fault, in a few words.
    pub(crate) fault: Option<String>,
    /// Its number.
    pub(crate) fault_number: Option<u16>,
}

/// What was done.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ControlAction {
    FaultStarted,
    FaultEnded,
    Paused,
    Resumed,
    Reset,
}

/// What became of an attempt: a line of the file.
#[derive(Serialize)]
struct AttemptEventLine<'a> {
    event: &'static str,
    at_ms: u64,
    provider: &'a str,
    took_ms: u64,
    outcome: &'a str,
    status: u16,
    stream: bool,
    input_tokens: u32,
    output_tokens: u32,
    fault_number: Option<u16>,
    request_id: Option<&'a str>,
    /// The token that rode in it, which tells the request of a run.
    token: Option<String>,
    model: Option<&'a str>,
    /// The end of its key.
    key: Option<&'a str>,
}

impl EventLog {
    /// A log that writes lines of JSON to `path` as well, which is begun anew.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn to_file(path: &Path) -> io::Result<Self> {
        let file = Some(File::create(path)?);
        Ok(Self {
            has_file: true,
            state: Mutex::new(EventLogState { file, ..EventLogState::default() }),
        })
    }

    /// Whether lines of attempts are wanted.
    pub(crate) const fn has_lines(&self) -> bool {
        self.has_file
    }

    pub(crate) fn tell(
        &self,
        at: Timestamp,
        provider: &str,
        event: ControlAction,
        fault: Option<(u16, String)>,
    ) {
        let mut state = lock(&self.state);
        let (fault_number, fault) = fault.unzip();
        let at_ms = at.as_nanos() / 1_000_000;
        let number = state.next;
        let provider = provider.to_owned();
        let event = ControlEvent { number, at_ms, provider, event, fault, fault_number };
        state.next += 1;
        state.write(&event);
        // What was injected must be there whatever happens next.
        state.flush();
        if state.latest.len() == LATEST {
            state.latest.pop_front();
        }
        state.latest.push_back(event);
    }

    /// What became of an attempt; its words go to the file alone.
    pub(crate) fn attempt(&self, provider: &str, row: &AttemptRow, who: Option<&Who>) {
        if !self.has_file {
            return;
        }
        let mut state = lock(&self.state);
        let outcome = match row.outcome {
            AttemptOutcome::Succeeded => "succeeded",
            AttemptOutcome::Failed { class } => class.as_str(),
            AttemptOutcome::Abandoned => "abandoned",
            AttemptOutcome::Unfinished => "unfinished",
        };
        state.write(&AttemptEventLine {
            event: "attempt",
            at_ms: row.started.as_nanos() / 1_000_000,
            provider,
            took_ms: u64::try_from(row.ended.since(row.started).as_millis()).unwrap_or(u64::MAX),
            outcome,
            status: row.status,
            stream: row.stream,
            input_tokens: row.input_tokens,
            output_tokens: row.output_tokens,
            fault_number: row.fault,
            request_id: who.map(|who| &*who.request_id),
            token: who.and_then(|who| who.token).map(|token| token.to_string()),
            model: who.map(|who| &*who.model),
            key: who.and_then(|who| who.key.as_deref()),
        });
    }

    /// The events from number `from` on that are still kept.
    pub(crate) fn since(&self, from: u64) -> Vec<ControlEvent> {
        lock(&self.state).latest.iter().filter(|event| event.number >= from).cloned().collect()
    }

    /// Writes out what is held back.
    pub fn flush(&self) {
        lock(&self.state).flush();
    }
}

impl EventLogState {
    /// Hands a whole line to the system at once, so that a process that is killed has lost none. A disk that is
    /// full must not stop the rehearsal: the file is given up.
    fn write(&mut self, line: &impl Serialize) {
        let Some(file) = &mut self.file else { return };
        let Ok(mut bytes) = serde_json::to_vec(line) else { return };
        bytes.push(b'\n');
        if file.write_all(&bytes).is_err() {
            self.file = None;
        }
    }

    fn flush(&mut self) {
        if self.file.as_mut().is_some_and(|file| file.flush().is_err()) {
            self.file = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider_server::new_row;

    #[test]
    fn a_line_is_in_the_file_as_soon_as_it_is_told() {
        let path = std::env::temp_dir().join(format!("squall-events-{}", std::process::id()));
        let log = EventLog::to_file(&path).unwrap();
        log.attempt("eu", &new_row(None, Timestamp::from_secs(1)), None);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains("\"provider\":\"eu\"") && text.ends_with("}\n"), "{text}");
        std::fs::remove_file(&path).unwrap();
    }
}
