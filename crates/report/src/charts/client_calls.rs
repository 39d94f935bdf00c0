//! What clients call beyond once for each request, by what made them, and how many calls a request takes.

use super::chart_context::ChartContext;
use super::chart_data::{ChartData, SeriesKind};
use super::counts_and_ratio::{CountsOfCause, RatioTold, draw_counts, draw_ratio};
use super::legend::{self, LegendMark};
use super::panel::STRIP;
use super::picture::Picture;
use super::theme::{CLIENT_RETRY, FAILED, HEDGE, Ink, PALE, QUIET, TEXT, THROTTLED, TOTAL};
use squall_failure::CallFailureCause;
use squall_judge::text::count;
use squall_record::RecordedEvent;
use std::ops::Range;

const FIRST: &str = "first calls";
const PER_REQUEST: &str = "calls per request (bins of 5 or more)";
const ONE: &str = "one call each";
const UNTOLD: &str = "retries of clients (causes with --rows all; by the time of their request)";

/// What made a client call again.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum RetryReason {
    Throttled,
    ServerError,
    OtherStatus,
    TimedOut,
    Connection,
}

impl RetryReason {
    const ALL: [Self; 5] =
        [Self::Throttled, Self::ServerError, Self::OtherStatus, Self::TimedOut, Self::Connection];

    const fn of(cause: CallFailureCause) -> Self {
        match cause {
            CallFailureCause::Status(429) => Self::Throttled,
            CallFailureCause::Status(500..) => Self::ServerError,
            CallFailureCause::Status(_) => Self::OtherStatus,
            CallFailureCause::TimedOut => Self::TimedOut,
            CallFailureCause::Refused
            | CallFailureCause::Lost
            | CallFailureCause::Cut
            | CallFailureCause::Final => Self::Connection,
        }
    }

    /// As the legend and the title have it.
    const fn told(self) -> (&'static str, Ink) {
        match self {
            Self::Throttled => ("retries after 429", THROTTLED),
            Self::ServerError => ("retries after 5xx", FAILED),
            Self::OtherStatus => ("retries after other statuses", QUIET),
            Self::TimedOut => ("retries after time-outs", HEDGE),
            Self::Connection => ("retries after lost connections", CLIENT_RETRY),
        }
    }
}

/// Whether any client called again.
pub(super) fn applies(context: &ChartContext<'_>) -> bool {
    context.requests(0..context.seconds).client_retries > 0
}

/// By what made them, how many calls were made again in each of the bins; by the time of their request without rows.
fn again(context: &ChartContext<'_>, width: usize) -> Vec<CountsOfCause> {
    let bins = context.bins(width).count();
    let mut counts = RetryReason::ALL.map(|_| vec![0; bins]);
    for row in &context.recording.notes {
        let RecordedEvent::ClientRetried { cause, wait, .. } = row.note else { continue };
        let reason = RetryReason::of(cause);
        let place = RetryReason::ALL.iter().position(|each| *each == reason).unwrap_or(0);
        let bin = (row.at + wait).as_secs_f64() as usize / width;
        // A client may have given up before it called, or after the end of the run.
        if let Some(count) = counts[place].get_mut(bin) {
            *count += 1;
        }
    }
    let told = RetryReason::ALL.into_iter().zip(counts).map(|(reason, counts)| {
        let (name, ink) = reason.told();
        (name, ink, counts)
    });
    let told: Vec<_> = told.filter(|(.., counts)| counts.iter().any(|&count| count > 0)).collect();
    if !told.is_empty() {
        return told;
    }
    let counts = context.bins(width).map(|bin| context.requests(bin).client_retries);
    vec![(UNTOLD, CLIENT_RETRY, counts.collect())]
}

pub(super) fn draw(context: &ChartContext<'_>) -> Picture {
    let width = context.bin_width(1);
    let all = context.requests(0..context.seconds);
    let again = again(context, width);
    let parts = again.iter().map(|(name, _, counts)| {
        let n = counts.iter().copied().map(u64::from).sum();
        format!("{} {}", count(n), name.trim_start_matches("retries "))
    });
    let parts: Vec<_> = parts.collect();
    let ratio = f64::from(all.arrived + all.client_retries) / f64::from(all.arrived.max(1));
    let retries = count(all.client_retries.into());
    let title = match context.has_rows() {
        true => {
            format!(
                "{ratio:.2} calls per request: clients retried {retries} times, {}",
                parts.join(", ")
            )
        }
        false => format!("{ratio:.2} calls per request: clients retried {retries} times"),
    };
    let bin = context.bin_width_told(1);
    let subtitle = format!(
        "calls that clients made, per second by the time of the call, in bins of {bin}; below: calls \
         ÷ requests of the same bin; n = {}",
        count((all.arrived + all.client_retries).into())
    );
    let mut picture = Picture::new(context.layout, title, &subtitle);
    let first = context.bins(width).map(|bin| context.requests(bin).arrived).collect();
    let causes: Vec<_> = std::iter::once((FIRST, PALE, first)).chain(again).collect();
    let blocks = causes.iter().map(|&(name, ink, _)| (name, ink, LegendMark::Block));
    let lines = [(PER_REQUEST, TOTAL, LegendMark::Line(2.0)), (ONE, TEXT, LegendMark::Dashes(1.5))];
    let entries: Vec<_> = blocks.chain(lines).collect();
    let top = legend::draw(&mut picture, &entries) + STRIP + 8.0;
    let bottom = draw_counts(&mut picture, context, top, &causes);
    let told = RatioTold { label: "calls per request", line: PER_REQUEST, one: ONE };
    let calls_of = |bin: Range<usize>| {
        let place = bin.start / width;
        causes.iter().map(|(.., counts)| counts.get(place).copied().unwrap_or(0)).sum()
    };
    draw_ratio(&mut picture, context, bottom + 26.0, &told, calls_of);
    picture
}

/// The numbers of the chart: requests, and the calls that were made again by what made clients do so.
pub(super) fn series(context: &ChartContext<'_>, data: &mut ChartData) {
    let arrived = data.request_cells();
    let told = (FIRST.to_owned(), SeriesKind::Count, PALE);
    data.counts("client-calls", told, arrived.iter().map(|cell| cell.arrived.into()));
    for (name, ink, counts) in again(context, data.step) {
        let told = (name.to_owned(), SeriesKind::Count, ink);
        data.counts("client-calls", told, counts.into_iter().map(u64::from));
    }
}
