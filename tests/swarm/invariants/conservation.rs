//! Requests, attempts, tokens and time: nothing is lost, doubled or too late.

use super::Run;
use squall_record::{AttemptOutcome, AttemptRow, RequestOutcome, RequestRow};
use squall_router::{GroupConfig, MidStream};
use std::time::Duration;

pub(super) fn violations(run: &Run<'_>) -> Vec<String> {
    let mut all = Vec::new();
    let requests = &run.recording.requests;
    for (place, row) in requests.iter().enumerate() {
        if row.request != place as u64 {
            all.push(format!("the request in place {place} is number {}", row.request));
            break;
        }
    }
    if let Some(stray) = run.by_request.keys().find(|&&request| request >= requests.len() as u64) {
        all.push(format!("an attempt for request {stray}, which nobody made"));
    }
    if run.recording.attempts.iter().any(|row| row.request.is_none()) {
        all.push("an attempt for nobody".to_owned());
    }
    for row in requests {
        let attempts = run.by_request.get(&row.request).map_or(&[][..], Vec::as_slice);
        let mut told = |what: String| all.push(format!("request {}: {what}", row.request));
        outcome(row, attempts, &mut told);
        tokens(run, row, attempts, &mut told);
        order(run, row, attempts, &mut told);
        times(run, row, &mut told);
        ways(run, row, attempts, &mut told);
    }
    all
}

/// One outcome, which is that of one attempt; and the tokens of that attempt.
fn outcome(row: &RequestRow, attempts: &[&AttemptRow], told: &mut impl FnMut(String)) {
    let succeeded: Vec<_> =
        attempts.iter().filter(|attempt| attempt.outcome == AttemptOutcome::Succeeded).collect();
    if succeeded.len() > 1 {
        told(format!("{} attempts served it", succeeded.len()));
    }
    if attempts.iter().any(|attempt| attempt.outcome == AttemptOutcome::Unfinished) {
        told("an attempt never ended".to_owned());
    }
    match (row.outcome, succeeded.first()) {
        (RequestOutcome::Succeeded, None) => told("served, and by no attempt".to_owned()),
        (RequestOutcome::Succeeded, Some(attempt)) => {
            if row.status != 200 {
                told(format!("served with status {}", row.status));
            }
            if attempts.iter().any(|other| other.started > attempt.ended) {
                told("an attempt came after the one that served it".to_owned());
            }
        }
        (RequestOutcome::Failed { .. }, Some(_)) => {
            told("failed, and an attempt served it".to_owned())
        }
        (RequestOutcome::Unfinished, _) => told("never ended".to_owned()),
        _ => {}
    }
}

/// What a client got is what one attempt sent, or several that each went on where the one before had broken off:
/// whose prompts grow by what there was of the answer.
fn tokens(
    run: &Run<'_>,
    row: &RequestRow,
    attempts: &[&AttemptRow],
    told: &mut impl FnMut(String),
) {
    let groups = &run.scenario.router.groups;
    let continues = groups.iter().any(|group| group.mid_stream == MidStream::Continue);
    let served = attempts.iter().find(|attempt| attempt.outcome == AttemptOutcome::Succeeded);
    if let (RequestOutcome::Succeeded, Some(served)) = (row.outcome, served) {
        let all: u32 = attempts.iter().map(|attempt| attempt.output_tokens).sum();
        let (got, sent) = (row.received_tokens, served.output_tokens);
        let grown = served.input_tokens > row.input_tokens;
        let is_sum = got == row.output_tokens && sent <= got && got <= all;
        let fits = if grown { is_sum } else { got == sent };
        if !fits {
            told(format!("{got} tokens arrived of {sent}, and of {all} in all"));
        }
    }
    let most = if continues { row.output_tokens } else { 0 };
    let fits = |attempt: &&&AttemptRow| {
        let more = attempt.input_tokens.checked_sub(row.input_tokens);
        attempt.status == 0 || more.is_some_and(|more| more <= most)
    };
    if let Some(attempt) = attempts.iter().find(|attempt| !fits(attempt)) {
        told(format!("{} tokens asked, {} arrived", row.input_tokens, attempt.input_tokens));
    }
}

/// One attempt after the other, but for one second attempt beside another; all within the request.
fn order(run: &Run<'_>, row: &RequestRow, attempts: &[&AttemptRow], told: &mut impl FnMut(String)) {
    for (place, attempt) in attempts.iter().enumerate() {
        if usize::from(attempt.ordinal) != place {
            told(format!("attempt {place} is number {}", attempt.ordinal));
        }
        if attempt.started < row.intended || attempt.ended > row.ended {
            told(format!("attempt {place} is not within it"));
        }
    }
    let (_, beside) = lanes(attempts);
    let most = usize::from(run.scenario.router.groups.iter().any(|group| group.hedge.is_some()));
    if beside.len() > most {
        told(format!("{} attempts began beside another", beside.len()));
    }
}

/// The attempts in the order in which they began, one after the other, and those that began beside one of them.
fn lanes<'r>(attempts: &[&'r AttemptRow]) -> (Vec<&'r AttemptRow>, Vec<&'r AttemptRow>) {
    let mut all = attempts.to_vec();
    all.sort_by_key(|attempt| attempt.started);
    let (mut main, mut beside): (Vec<&AttemptRow>, Vec<&AttemptRow>) = (Vec::new(), Vec::new());
    for attempt in all {
        let runs = |other: &&AttemptRow| attempt.started < other.ended;
        if main.iter().chain(&beside).any(runs) {
            beside.push(attempt);
        } else {
            main.push(attempt);
        }
    }
    (main, beside)
}

/// Within the client's patience and the group's deadline.
fn times(run: &Run<'_>, row: &RequestRow, told: &mut impl FnMut(String)) {
    let took = row.ended.since(row.intended);
    let group = &run.scenario.router.groups[usize::from(row.group)];
    let patience = run.patience(row.kind);
    // A router decides in whole nanoseconds: nothing may be later than what was said.
    for (limit, whose) in [(patience, "the client's patience"), (group.deadline, "its deadline")] {
        if took > limit {
            told(format!("took {took:?}, and {whose} is {limit:?}"));
        }
    }
}

/// Where it went: through its group and that one's fallbacks, and not more often than each allows.
fn ways(run: &Run<'_>, row: &RequestRow, attempts: &[&AttemptRow], told: &mut impl FnMut(String)) {
    let groups = &run.scenario.router.groups;
    let of = |attempt: &AttemptRow| {
        run.recording.header.deployments[usize::from(attempt.deployment)].group
    };
    let mut left = Vec::new();
    let (main, beside) = lanes(attempts);
    for pair in main.windows(2) {
        if of(pair[0]) != of(pair[1]) {
            left.push(of(pair[0]));
        }
        if left.contains(&of(pair[1])) {
            told(format!("it came back to group {}", of(pair[1])));
        }
    }
    for group in (0_u16..).take(groups.len()) {
        let here: Vec<_> = attempts.iter().filter(|attempt| of(attempt) == group).collect();
        let hedges = beside.iter().filter(|attempt| of(attempt) == group).count() as u16;
        let most = most_retries(&groups[usize::from(group)]) + 1 + hedges;
        if here.len() > usize::from(most) {
            told(format!("{} attempts in group {group}, which allows {most}", here.len()));
        }
        if !here.is_empty() && !reaches(groups, row.group, group) {
            told(format!("group {group} is no fallback of group {}", row.group));
        }
        let long = |attempt: &&&AttemptRow| {
            let timeouts = groups[usize::from(group)].timeouts;
            let total = timeouts.stream_total.unwrap_or(Duration::MAX).max(timeouts.total);
            attempt.ended.since(attempt.started) > total.saturating_add(Duration::from_nanos(1))
        };
        if let Some(attempt) = here.iter().copied().find(long) {
            told(format!("attempt {} took longer than the time-out", attempt.ordinal));
        }
    }
}

fn most_retries(group: &GroupConfig) -> u16 {
    group.retries.by_class.iter().flatten().copied().chain([group.retries.max]).max().unwrap_or(0)
}

fn reaches(groups: &[GroupConfig], from: u16, to: u16) -> bool {
    from == to
        || groups[usize::from(from)]
            .fallbacks
            .general
            .iter()
            .any(|next| reaches(groups, next.0, to))
}
