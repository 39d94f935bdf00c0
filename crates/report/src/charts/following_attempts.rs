//! Attempts that followed another one of their request, and why.

use super::chart_context::ChartContext;
use super::walked_rows::{FollowingAttempt, FollowingCause};
use squall_determinism::Timestamp;
use squall_record::{AttemptRow, RecordedEvent};
use std::collections::BTreeSet;
use std::ops::Bound;

/// A provider sees a little late that the router has hung up: what a loopback and a busy machine take, in seconds.
pub(super) const AT_ONCE: f64 = 0.02;

/// The attempts that followed another of their request, by their start; none without rows.
pub(super) fn following<'c>(context: &'c ChartContext<'_>) -> &'c [FollowingAttempt] {
    context.walked.following.get_or_init(|| following_attempts(context))
}

fn following_attempts(context: &ChartContext<'_>) -> Vec<FollowingAttempt> {
    let attempts = context.recording.attempts.iter();
    let mut rows: Vec<_> = attempts.filter(|row| row.request.is_some()).collect();
    rows.sort_by_key(|row| (row.request, row.ordinal));
    let calls = client_retries(context);
    let mut all = Vec::new();
    for attempts in rows.chunk_by(|one, other| one.request == other.request) {
        let mut ended = attempts[0].ended.as_secs_f64();
        for pair in attempts.windows(2) {
            let (before, row) = (pair[0], pair[1]);
            let at = row.started.as_secs_f64();
            let delay = at - ended;
            ended = ended.max(row.ended.as_secs_f64());
            if usize::from(row.deployment) < context.deployments() {
                let deployment = usize::from(row.deployment);
                let cause = match is_of_another_call(&calls, (before, row)) {
                    true => FollowingCause::ClientRetry,
                    false => cause(context, (before, row), delay),
                };
                all.push(FollowingAttempt { at, delay, deployment, cause });
            }
        }
    }
    all.sort_by(|one, other| one.at.total_cmp(&other.at));
    all
}

/// When clients called again, by request.
fn client_retries(context: &ChartContext<'_>) -> BTreeSet<(u64, Timestamp)> {
    let notes = context.recording.notes.iter();
    let retried = notes.filter_map(|row| match row.note {
        RecordedEvent::ClientRetried { wait, .. } => Some((row.request?, row.at + wait)),
        RecordedEvent::Router(_)
        | RecordedEvent::FaultStarted { .. }
        | RecordedEvent::FaultEnded { .. } => None,
    });
    retried.collect()
}

/// Whether the client of two attempts called again between their starts.
fn is_of_another_call(
    calls: &BTreeSet<(u64, Timestamp)>,
    (before, row): (&AttemptRow, &AttemptRow),
) -> bool {
    let Some(request) = row.request.filter(|_| !calls.is_empty()) else { return false };
    // In virtual time a call may have several attempts at one moment, and fail at it.
    let since = Bound::Excluded((request, before.started));
    calls.range((since, Bound::Included((request, row.started)))).next().is_some()
}

fn cause(
    context: &ChartContext<'_>,
    (before, row): (&AttemptRow, &AttemptRow),
    delay: f64,
) -> FollowingCause {
    let deployments = &context.recording.header.deployments;
    let group = |row: &AttemptRow| deployments.get(usize::from(row.deployment)).map(|at| at.group);
    if delay < -AT_ONCE {
        FollowingCause::Hedge
    } else if group(before) == group(row) {
        FollowingCause::Retry
    } else {
        FollowingCause::Fallback
    }
}
