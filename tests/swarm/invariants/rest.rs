//! Whoever is to be left alone is left alone: after a Retry-After, while cooling down, and but for one probe
//! until it has recovered.

use super::Run;
use squall_determinism::Timestamp;
use squall_record::RecordedEvent as Row;
use squall_router::{CooldownCause, CooldownRule, FailureCooldown, RouterEvent, UnavailablePolicy};
use std::time::Duration;

pub(super) fn violations(run: &Run<'_>) -> Vec<String> {
    let mut all = Vec::new();
    for (place, config, group) in run.deployments() {
        let rule = config.cooldown.unwrap_or(group.cooldown);
        let CooldownRule::Breaker(rule) = rule else { continue };
        if let Some(told) = retry_after(run, place) {
            all.push(format!("{}: {told}", config.name));
        }
        // Where all may be used when all are out, a note does not say for how long one is left alone; that
        // it is, after a Retry-After, is seen above.
        if group.when_unavailable != UnavailablePolicy::Panic
            && let Some(told) = cooling(run, place, least(&rule.failure))
        {
            all.push(format!("{}: {told}", config.name));
        }
    }
    all
}

/// The shortest break there may be.
fn least(failure: &FailureCooldown) -> Duration {
    let base = u64::try_from(failure.base.as_nanos()).unwrap_or(u64::MAX);
    Duration::from_nanos(base - failure.jitter.of(base))
}

/// No attempt begins between a 429 that says when to come again and that time.
fn retry_after(run: &Run<'_>, place: usize) -> Option<String> {
    let rows = &run.by_deployment[place];
    let waits = rows.iter().filter(|row| row.status == 429);
    for asked in waits {
        let Some(wait) = asked.retry_after else { continue };
        let until = asked.ended + wait;
        let first = rows.partition_point(|row| row.started <= asked.ended);
        if let Some(early) = rows.get(first).filter(|row| row.started < until) {
            return Some(format!(
                "asked at {} s to be left alone for {wait:?}, and was called at {} s",
                asked.ended.as_secs_f64(),
                early.started.as_secs_f64()
            ));
        }
    }
    None
}

/// What the notes say of a deployment, in their order.
enum Event {
    Cooling { cause: CooldownCause, until: Timestamp },
    Probe,
    Recovered,
}

/// While it cools down nothing begins, and after failures nothing but probes until it has recovered.
fn cooling(run: &Run<'_>, place: usize, base: Duration) -> Option<String> {
    let events = run.recording.notes.iter().filter_map(|row| {
        let Row::Router(note) = row.note else { return None };
        let (deployment, event) = match note {
            RouterEvent::CooldownStarted { deployment, cause, until } => {
                (deployment, Event::Cooling { cause, until })
            }
            RouterEvent::Probe { deployment, .. } => (deployment, Event::Probe),
            RouterEvent::Recovered { deployment } => (deployment, Event::Recovered),
            _ => return None,
        };
        (deployment.index() == place).then_some((row.at, row.request, event))
    });
    let (mut probes, mut recovered) = (Vec::new(), Vec::new());
    let (mut rests, mut ill, mut ill_from) = (Vec::new(), Vec::new(), None);
    for (at, request, event) in events {
        match event {
            Event::Probe => probes.push((at, request)),
            Event::Recovered => {
                recovered.push(at);
                ill.extend(ill_from.take().map(|from| (from, at)));
            }
            Event::Cooling { cause, until } => {
                let failing = [
                    CooldownCause::ConsecutiveFailures,
                    CooldownCause::FailureShare,
                    CooldownCause::ProbeFailed,
                ];
                if failing.contains(&cause) && until.since(at) < base {
                    let at = at.as_secs_f64();
                    return Some(format!("a break at {at} s that is shorter than {base:?}"));
                }
                rests.push((at, until, cause));
                if cause != CooldownCause::Throttled {
                    ill_from.get_or_insert(at);
                }
            }
        }
    }
    ill.extend(ill_from.map(|from| (from, Timestamp::MAX)));
    if let Some(at) = beside(run, place, &probes, &recovered) {
        return Some(format!("a second probe beside the first at {} s", at.as_secs_f64()));
    }
    for row in &run.by_deployment[place] {
        let at = row.started;
        let probe = probes.contains(&(at, row.request));
        let seconds = at.as_secs_f64();
        let resting = rests.iter().find(|(from, until, _)| *from < at && at < *until);
        if let Some((from, _, cause)) = resting {
            let from = from.as_secs_f64();
            return Some(format!(
                "called at {seconds} s, cooling since {from} s ({})",
                cause.as_str()
            ));
        }
        let failing = ill.iter().find(|(from, until)| *from < at && at < *until);
        if failing.is_some() && !probe {
            return Some(format!(
                "called at {seconds} s, which is no probe, before it had recovered"
            ));
        }
    }
    None
}

/// When a probe began while another was under way that had not been answered.
fn beside(
    run: &Run<'_>,
    place: usize,
    probes: &[(Timestamp, Option<u64>)],
    recovered: &[Timestamp],
) -> Option<Timestamp> {
    let rows = &run.by_deployment[place];
    probes.windows(2).find_map(|pair| {
        let ((first, request), (second, _)) = (pair[0], pair[1]);
        let row = rows.iter().find(|row| row.started == first && row.request == request)?;
        // After a relapse it takes more than one, and the next goes once the one before begins to answer.
        let answered = row.first_token.is_some_and(|at| at <= second)
            || recovered.iter().any(|&at| first <= at && at <= second);
        (second < row.ended && !answered).then_some(second)
    })
}
