//! Traces as the workload reads them: held in memory where they are small and were read through before the run, else
//! streamed from their file.

use crate::read::QUANTILE_POINTS;
use core::time::Duration;
use squall_determinism::{Distribution, Quantiles, Timestamp};
use squall_trace::{SizeCounts, TraceError, TraceInput, TraceOptions, TraceReader, TraceRow};
use squall_workload::{
    TraceCount, TraceIdentity, TraceReplay, TraceRows, TraceSource, TraceWindow, TracedRequest,
};
use std::sync::Arc;

/// A file of up to so many bytes is read through before the run.
const SURVEY_MAX: u64 = 16 << 20;
/// Of a larger one so many rows are.
const LOOKED_AT: usize = 10_000;
/// Up to so many requests are held in memory: 40 MB.
const HELD_MAX: usize = 1 << 20;
/// A file of up to so many bytes has its digest computed: some seconds.
const DIGEST_MAX: u64 = 1 << 30;

/// Which kind a request is of, by what a column of the trace says.
#[derive(Clone, Debug, Default)]
pub(crate) struct KindTable(Vec<(String, u16)>);

impl KindTable {
    /// Requests of whose column this pattern fits are of this kind.
    pub(crate) fn add(&mut self, pattern: &str, kind: u16) {
        self.0.push((pattern.to_owned(), kind));
    }

    /// The kind of a text: its own, else the first whose pattern fits.
    fn find(&self, text: &str) -> Option<u16> {
        let own = self.0.iter().find(|(pattern, _)| pattern == text);
        let fits = || {
            self.0.iter().find(|(pattern, _)| {
                pattern.split_once('*').is_some_and(|(head, tail)| {
                    text.len() >= head.len() + tail.len()
                        && text.starts_with(head)
                        && text.ends_with(tail)
                })
            })
        };
        own.or_else(fits).map(|(_, kind)| *kind)
    }
}

/// A trace in a file.
#[derive(Clone, Debug)]
pub(crate) struct TraceFile {
    identity: TraceIdentity,
    input: TraceInput,
    options: TraceOptions,
    kinds: Arc<KindTable>,
}

impl TraceFile {
    /// The trace that a scenario calls `name`.
    pub(crate) fn new(
        name: &str,
        input: TraceInput,
        options: TraceOptions,
        kinds: KindTable,
    ) -> Result<Self, TraceError> {
        let is_hashed = input.stored_bytes().is_some_and(|bytes| bytes <= DIGEST_MAX);
        // A file that cannot be read is told when it is opened.
        let sha256 = if is_hashed { Some(input.sha256()?) } else { None };
        let identity = TraceIdentity { name: name.to_owned(), sha256 };
        Ok(Self { identity, input, options, kinds: Arc::new(kinds) })
    }

    /// Reads it through, or the beginning of a large one.
    pub(crate) fn survey(self) -> Result<SurveyedTrace, TraceError> {
        let is_small = self.input.stored_bytes().is_some_and(|bytes| bytes <= SURVEY_MAX);
        let mut reader = TraceReader::open(&self.input, &self.options)?;
        let mut rows = Vec::new();
        let mut ended = false;
        while rows.len() < HELD_MAX && (is_small || rows.len() < LOOKED_AT) {
            match reader.next() {
                Some(row) => rows.push(request(&row?, &self.kinds)),
                None => {
                    ended = true;
                    break;
                }
            }
        }
        // What does not fit is read for its mistakes alone.
        let mut last = rows.last().map_or(0, |row| row.at);
        while is_small && !ended {
            match reader.next() {
                Some(row) => last = row?.at,
                None => ended = true,
            }
        }
        let rows: Arc<[TracedRequest]> = rows.into();
        let is_held =
            ended && rows.last().is_none_or(|row| row.at == last) && rows.len() < HELD_MAX;
        let source: Arc<dyn TraceSource> = match is_held {
            true => Arc::new(HeldTrace { identity: self.identity, rows: Arc::clone(&rows) }),
            false => Arc::new(self),
        };
        Ok(SurveyedTrace { source, rows, last, is_held })
    }
}

/// A request as the workload sees it.
fn request(row: &TraceRow, kinds: &KindTable) -> TracedRequest {
    TracedRequest {
        at: row.at,
        input_tokens: row.input_tokens,
        output_tokens: row.output_tokens,
        kind: row.kind.as_deref().and_then(|kind| kinds.find(kind)),
        session: row.session.as_deref().map(session),
    }
}

/// A number for the name of a session: FNV-1a.
fn session(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

impl TraceSource for TraceFile {
    fn rows(&self) -> Box<dyn TraceRows> {
        Box::new(match TraceReader::open(&self.input, &self.options) {
            Ok(reader) => FileRows::Open(Box::new(reader), Arc::clone(&self.kinds)),
            Err(error) => FileRows::Failed(Some(error)),
        })
    }

    fn identity(&self) -> TraceIdentity {
        self.identity.clone()
    }
}

/// The requests of a file.
#[derive(Debug)]
enum FileRows {
    Open(Box<TraceReader>, Arc<KindTable>),
    Failed(Option<TraceError>),
}

impl TraceRows for FileRows {
    fn next_row(&mut self) -> Option<Result<TracedRequest, String>> {
        match self {
            Self::Open(reader, kinds) => {
                let row = reader.next()?;
                Some(row.map(|row| request(&row, kinds)).map_err(|error| error.to_string()))
            }
            Self::Failed(error) => error.take().map(|error| Err(error.to_string())),
        }
    }
}

/// A trace that is held in memory.
#[derive(Debug)]
struct HeldTrace {
    identity: TraceIdentity,
    rows: Arc<[TracedRequest]>,
}

impl TraceSource for HeldTrace {
    fn rows(&self) -> Box<dyn TraceRows> {
        Box::new(HeldRows { rows: Arc::clone(&self.rows), next: 0 })
    }

    fn identity(&self) -> TraceIdentity {
        self.identity.clone()
    }
}

/// The requests that are held.
#[derive(Debug)]
struct HeldRows {
    rows: Arc<[TracedRequest]>,
    next: usize,
}

impl TraceRows for HeldRows {
    fn next_row(&mut self) -> Option<Result<TracedRequest, String>> {
        let row = self.rows.get(self.next)?;
        self.next += 1;
        Some(Ok(*row))
    }
}

/// A trace that is not there: its scenario was read from a recording, or from a text alone.
#[derive(Debug)]
pub(crate) struct AbsentTrace(pub(crate) TraceIdentity);

impl TraceSource for AbsentTrace {
    fn rows(&self) -> Box<dyn TraceRows> {
        Box::new(FileRows::Failed(Some(TraceError {
            file: self.0.name.clone(),
            line: None,
            what: "the trace is not in the recording: run its scenario where the file is"
                .to_owned(),
        })))
    }

    fn identity(&self) -> TraceIdentity {
        self.0.clone()
    }
}

/// A trace that was looked at.
pub(crate) struct SurveyedTrace {
    pub(crate) source: Arc<dyn TraceSource>,
    /// All of its requests, or the first ones of a large trace.
    rows: Arc<[TracedRequest]>,
    /// When the last request comes that was looked at, in nanoseconds.
    pub(crate) last: u64,
    /// Whether all of its requests are in memory.
    pub(crate) is_held: bool,
}

/// The sizes of requests.
pub(crate) struct SurveyedSizes {
    /// How many requests are replayed; `None` where that is not known.
    pub(crate) requests: Option<usize>,
    pub(crate) input: Option<Distribution>,
    pub(crate) output: Option<Distribution>,
}

impl SurveyedTrace {
    /// The sizes of the requests within a window, as far as they were looked at.
    pub(crate) fn sizes(&self, window: Option<TraceWindow>) -> SurveyedSizes {
        let within = |row: &&TracedRequest| {
            window.is_none_or(|window| {
                let at = u128::from(row.at);
                let from = window.from.as_nanos();
                from <= at && at < from + window.length.as_nanos()
            })
        };
        let (mut input, mut output) = (SizeCounts::default(), SizeCounts::default());
        let mut requests = 0;
        for row in self.rows.iter().filter(within) {
            requests += 1;
            row.input_tokens.into_iter().for_each(|tokens| input.add(tokens));
            row.output_tokens.into_iter().for_each(|tokens| output.add(tokens));
        }
        // A window may begin after what was looked at.
        SurveyedSizes {
            requests: self.is_held.then_some(requests),
            input: quantiles(&input).or_else(|| self.any_size(|row| row.input_tokens)),
            output: quantiles(&output).or_else(|| self.any_size(|row| row.output_tokens)),
        }
    }

    /// About how many requests a run has, by the rate of those that were looked at.
    pub(crate) fn estimate(
        &self,
        replay: &TraceReplay,
        until: Timestamp,
        timeout: Duration,
    ) -> Option<TraceCount> {
        let seconds = self.rows.last().map_or(0.0, |row| row.at as f64 / 1e9);
        let rate = self.rows.len() as f64 / seconds * replay.rate_scale / replay.time_scale;
        let about = TraceCount {
            requests: rate * until.as_secs_f64(),
            at_once: rate * timeout.as_secs_f64(),
        };
        (seconds > 0.0).then_some(about)
    }

    fn any_size(&self, of: impl Fn(&TracedRequest) -> Option<u32>) -> Option<Distribution> {
        let mut counts = SizeCounts::default();
        self.rows.iter().filter_map(of).for_each(|tokens| counts.add(tokens));
        quantiles(&counts)
    }
}

fn quantiles(counts: &SizeCounts) -> Option<Distribution> {
    if counts.count() == 0 {
        return None;
    }
    let points = QUANTILE_POINTS.map(|(_, share)| (share, counts.quantile(share).round() as u64));
    Quantiles::new(&points).map(Distribution::Quantiles)
}
