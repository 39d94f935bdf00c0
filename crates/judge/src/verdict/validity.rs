//! Whether a recording is valid: interrupted runs, lagging drivers and servers, and resource shortages make windows
//! invalid.

use crate::shards::shard_problems;
use crate::text;
use squall_determinism::Timestamp;
use squall_record::{Lacked, Lag, Recording, RunEnd, ServerLag, TICK};
use std::ops::Range;
use std::time::Duration;

/// A run whose driver, gateway or providers have a 99th percentile of lag over this and over [`LAG_SHARE`] of the
/// median TTFT measured the machine and not the router: 5 ms is what a quiet machine keeps to.
pub(crate) const LAG_MAX: Duration = Duration::from_millis(5);
/// Five hundredths: less than the difference between two providers that anyone would act on.
const LAG_SHARE: f64 = 0.05;

/// Why measurements are invalid.
pub(super) struct ValidityProblem {
    /// In a sentence.
    pub(super) text: String,
    /// The same for the reason of an expectation.
    short: String,
    /// Every window that ends after this is invalid.
    from: Timestamp,
}

impl ValidityProblem {
    /// Why a window is invalid, if it is.
    pub(super) fn touches(&self, window: &Range<Timestamp>) -> Option<&str> {
        (window.end > self.from).then_some(self.short.as_str())
    }
}

/// Why the recording, or a part of it, is invalid.
pub(super) fn validity_problems(recording: &Recording) -> Vec<ValidityProblem> {
    let mut problems = whatever_the_lag(recording);
    let header = &recording.header;
    let ttft = median_ttft(recording);
    if let Some(lag) = header.lag
        && lags(lag, ttft)
    {
        problems.push(whole("the driver lagged", lagged(lag)));
    }
    let late = header.server_lag.iter().filter(|server| lags(server.lag, ttft));
    problems.extend(late.map(|server| whole(&lagged_part(server), server_lagged(server))));
    problems.extend(crowded(recording));
    problems
}

/// What others may use of a processor, and how much of one has to be left, before the figures of another gateway are
/// theirs as well. The built-in one tells its own lag.
const OTHERS_MAX: f64 = 0.1;
const IDLE_MIN: f64 = 0.5;

/// Whether other programs kept another gateway from its work.
fn crowded(recording: &Recording) -> Option<ValidityProblem> {
    let target = recording.header.target.as_ref()?;
    let lasted = recording.header.ended.cut_at();
    let lasted = lasted.map_or(recording.header.duration, |at| at.since(Timestamp::ZERO));
    let share = |cpu: Duration| cpu.as_secs_f64() / lasted.as_secs_f64().max(1e-3);
    let (others, idle) = (share(target.cpu_of_others?), share(target.cpu_idle?));
    let text = format!(
        "other programs used {} of a processor during the run, and {} of one was left: what they took, the target \
         may have lacked",
        text::percent(others),
        text::percent(idle)
    );
    (others > OTHERS_MAX && idle < IDLE_MIN).then(|| whole("other programs were busy", text))
}

/// Those that are not due to a driver or a server that was late.
pub(super) fn whatever_the_lag(recording: &Recording) -> Vec<ValidityProblem> {
    let header = &recording.header;
    let of = text::duration(header.duration);
    let mut validity_problems = Vec::new();
    if let Some(at) = header.ended.cut_at() {
        let died = header.target.as_ref().and_then(|target| target.died.as_ref());
        let short = match died {
            Some((at, _)) => format!("the target ended at {}", text::moment(*at)),
            None => format!("the run was {} at {}", how_cut(header.ended), text::moment(at)),
        };
        let text = match (died, header.ended) {
            (Some((_, how)), _) => format!("{short} of {of}: {how}"),
            (None, RunEnd::Aborted { .. }) => {
                format!("{short} of {of}, since more requests failed than `abort_when` allows")
            }
            (None, RunEnd::BrokenTrace { .. }) => {
                let fault = header.traces.iter().find_map(|trace| trace.fault.as_deref());
                format!(
                    "{short} of {of}, since a trace could not be read on: {}",
                    fault.unwrap_or_default()
                )
            }
            (None, RunEnd::Complete | RunEnd::Interrupted { .. }) => format!("{short} of {of}"),
            (None, RunEnd::Killed { torn, .. }) => killed(&format!("{short} of {of}"), torn),
        };
        validity_problems.push(ValidityProblem { text, short, from: known_until(recording) });
    }
    if recording
        .cells
        .groups
        .iter()
        .all(|group| group.sum(Timestamp::ZERO..Timestamp::MAX).arrived == 0)
    {
        let text = "no request was made: nothing was tested".to_owned();
        validity_problems.push(whole("no request was made", text));
    }
    if succeeds_alone(recording) {
        let text = "no request reached a provider, and yet some succeeded: the target answers by itself, or calls \
                    other providers";
        validity_problems.push(whole("no request reached a provider", text.to_owned()));
    }
    validity_problems
        .extend(shard_problems(recording).into_iter().map(|(short, text)| whole(&short, text)));
    validity_problems
        .extend(lacks(header.lacked).into_iter().map(|(short, text)| whole(short, text)));
    validity_problems
}

/// Whether another gateway answers without the providers of the run.
fn succeeds_alone(recording: &Recording) -> bool {
    let header = &recording.header;
    let is_unasked = header.target.as_ref().is_some_and(|it| it.join.attempts == 0);
    let asks_nobody = is_unasked && header.knows_attempts();
    let all = || Timestamp::ZERO..Timestamp::MAX;
    asks_nobody && recording.cells.groups.iter().any(|group| group.sum(all()).succeeded > 0)
}

/// What makes the whole run invalid.
fn whole(short: &str, text: String) -> ValidityProblem {
    ValidityProblem { text, short: short.to_owned(), from: Timestamp::ZERO }
}

/// The lag of a driver in a sentence.
pub(super) fn lagged(lag: Lag) -> String {
    format!(
        "the driver lagged: send lag p99 {}, maximum {}; the machine was overloaded",
        text::duration(lag.p99),
        text::duration(lag.max)
    )
}

fn lagged_part(server: &ServerLag) -> String {
    format!("the {} lagged", server.part)
}

/// The lag of a server in a sentence.
pub(super) fn server_lagged(server: &ServerLag) -> String {
    format!(
        "{}: scheduling lag p99 {}, maximum {}; the machine was overloaded",
        lagged_part(server),
        text::duration(server.lag.p99),
        text::duration(server.lag.max)
    )
}

fn killed(interrupted: &str, torn: u32) -> String {
    let mut text = format!(
        "{interrupted}: the process ended at that time, and requests in flight are missing from \
         the recording"
    );
    if torn > 0 {
        text += &format!("; {torn} truncated lines are skipped");
    }
    text
}

/// What the process or the machine ran out of: failures caused by it say nothing about the router.
fn lacks(lacked: Lacked) -> Vec<(&'static str, String)> {
    let times = |count: u64| match count {
        1 => "1 connection failed".to_owned(),
        count => format!("{} connections failed", text::count(count)),
    };
    let mut lacks = Vec::new();
    if lacked.file_descriptors > 0 {
        let limit = lacked.file_limit.map_or_else(String::new, |limit| {
            format!(" (limit of the process: {})", text::count(limit))
        });
        let text = format!(
            "the run ran out of file descriptors{limit}: {}; raise the limit with `ulimit -n`",
            times(lacked.file_descriptors)
        );
        lacks.push(("the run ran out of file descriptors", text));
    }
    if lacked.local_ports > 0 {
        let text = format!(
            "the machine ran out of local ports: {}; widen `net.ipv4.ip_local_port_range`, or \
             wait a minute until ports of earlier connections are free",
            times(lacked.local_ports)
        );
        lacks.push(("the machine ran out of local ports", text));
    }
    if lacked.memory > 0 {
        let text = format!("the machine ran out of memory: {}", times(lacked.memory));
        lacks.push(("the machine ran out of memory", text));
    }
    lacks
}

/// What cut a run short, in a word.
const fn how_cut(ended: RunEnd) -> &'static str {
    match ended {
        RunEnd::Aborted { .. } => "aborted",
        RunEnd::BrokenTrace { .. } => "cut short",
        RunEnd::Complete | RunEnd::Interrupted { .. } | RunEnd::Killed { .. } => "interrupted",
    }
}

/// Until when everything is known of a run that was cut short: no request of an earlier time was still under
/// way, or may be missing.
fn known_until(recording: &Recording) -> Timestamp {
    let Some(at) = recording.header.ended.cut_at() else { return Timestamp::MAX };
    let groups = recording.cells.groups.iter();
    let unfinished = groups.filter_map(|group| {
        let (tick, _) = group.ticks().find(|(_, cell)| cell.unfinished > 0)?;
        Some(Timestamp::from_nanos(tick * TICK.as_nanos() as u64))
    });
    let unfinished = unfinished.min().unwrap_or(Timestamp::MAX);
    let written = match recording.header.ended {
        RunEnd::Complete
        | RunEnd::Interrupted { .. }
        | RunEnd::Aborted { .. }
        | RunEnd::BrokenTrace { .. } => Timestamp::MAX,
        // Requests are numbered in the order of their times: the first number without a row was under way, and
        // so may have been those after the last.
        RunEnd::Killed { .. } => {
            let rows = recording.requests.iter().zip(0_u64..);
            let in_line = rows.take_while(|(row, number)| row.request == *number);
            in_line.last().map_or(Timestamp::ZERO, |(row, _)| row.intended)
        }
    };
    at.min(unfinished).min(written)
}

/// What does not affect the verdict and should be known.
pub(super) fn warnings(recording: &Recording) -> Vec<String> {
    let all = || Timestamp::ZERO..Timestamp::MAX;
    let groups = recording.cells.groups.iter();
    let unfinished: u64 = groups.map(|group| u64::from(group.sum(all()).unfinished)).sum();
    let mut warnings = Vec::new();
    if unfinished > 0 {
        let unfinished = text::count(unfinished);
        warnings.push(format!("{unfinished} requests were still in flight at the end of the run"));
    }
    let tokenless = recording.attempts.iter().filter(|row| row.request.is_none()).count();
    if tokenless > 0 {
        let tokenless = text::count(tokenless as u64);
        warnings.push(format!(
            "{tokenless} attempts had no Squall token: they cannot be assigned to a request, and \
             each counts as a first attempt"
        ));
    }
    warnings
}

fn lags(lag: Lag, median_ttft: Option<Duration>) -> bool {
    let share = median_ttft.map_or(Duration::ZERO, |ttft| ttft.mul_f64(LAG_SHARE));
    lag.p99 > LAG_MAX.max(share)
}

/// The median over all groups' successful streams; `None` if there were none.
fn median_ttft(recording: &Recording) -> Option<Duration> {
    let groups = recording.cells.groups.iter();
    let ttfts = groups.map(|group| group.ttft.window(Timestamp::ZERO..Timestamp::MAX));
    let all = ttfts.max_by_key(|ttft| ttft.len()).filter(|ttft| !ttft.is_empty())?;
    Some(Duration::from_micros(all.value_at_quantile(0.5)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lag(p99_ms: u64) -> Lag {
        let p99 = Duration::from_millis(p99_ms);
        Lag { p50: Duration::ZERO, p99, max: p99 }
    }

    #[test]
    fn a_driver_lags_beyond_five_ms_and_five_hundredths_of_a_first_token() {
        let ttft = Some(Duration::from_millis(350));
        assert!(!lags(lag(5), None));
        assert!(lags(lag(6), None));
        assert!(!lags(lag(17), ttft), "5 % of 350 ms are 17.5 ms");
        assert!(lags(lag(18), ttft));
    }
}
