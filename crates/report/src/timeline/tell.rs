//! Words for occurrences: one by one, or several as one line.

use super::occurrence::{Occurrence, Topic};
use super::{TimelineLine, TimelineTone};
use squall_determinism::Timestamp;
use squall_judge::text;
use std::time::Duration;

/// How many subjects of a line are named.
const NAMED: usize = 2;

/// Occurrences of one topic that are told as one line: it takes room for what is told, however many they are.
#[derive(Clone, Debug)]
pub(super) struct LineGroup {
    topic: Topic,
    first: Timestamp,
    last: Timestamp,
    count: u64,
    /// Whom it happened to, each once.
    subjects: Vec<String>,
    /// What is told of the first.
    detail: String,
    /// What is told of each kind, with its number; of topics that tell it.
    kinds: Vec<(String, u64)>,
}

impl LineGroup {
    /// One occurrence.
    pub(super) fn new(first: &Occurrence) -> Self {
        let mut group = Self {
            topic: first.topic,
            first: first.at,
            last: first.at,
            count: 0,
            subjects: Vec::new(),
            detail: first.detail.clone(),
            kinds: Vec::new(),
        };
        group.add(first);
        group
    }

    /// Whether an occurrence is of the same topic, and about the same subject if those are told `apart`.
    pub(super) fn is_about(&self, occurrence: &Occurrence, apart: bool) -> bool {
        self.topic == occurrence.topic && (!apart || self.subjects[0] == occurrence.subject)
    }

    /// Whether such an occurrence belongs to the line.
    pub(super) fn takes(&self, occurrence: &Occurrence, gap: Duration, apart: bool) -> bool {
        (self.topic.joins() || !apart) && occurrence.at.since(self.last) <= gap
    }

    /// Adds an occurrence of the same topic.
    pub(super) fn add(&mut self, occurrence: &Occurrence) {
        self.count += 1;
        self.last = occurrence.at;
        if !self.subjects.contains(&occurrence.subject) {
            self.subjects.push(occurrence.subject.clone());
        }
        if !self.topic.tells_kinds() {
            return;
        }
        match self.kinds.iter_mut().find(|(kind, _)| *kind == occurrence.detail) {
            Some((_, count)) => *count += 1,
            None => self.kinds.push((occurrence.detail.clone(), 1)),
        }
    }

    /// The line.
    pub(super) fn line(&self) -> TimelineLine {
        let said = told(self);
        let until = match self.count {
            1 => String::new(),
            _ => format!(", until {}", text::moment(self.last)),
        };
        TimelineLine { at: self.first, text: format!("{said}{until}"), tone: tone(self.topic) }
    }
}

/// Whom it happened to: all of them, or the first and the number of the others.
fn subjects(names: &[String]) -> String {
    match names.len().saturating_sub(NAMED) {
        0 => names.join(" and "),
        1 => format!("{}, {} and {}", names[0], names[1], names[2]),
        more => format!("{} and {more} others", names[..NAMED].join(", ")),
    }
}

/// The words, without times.
fn told(group: &LineGroup) -> String {
    let n = group.count;
    let (subject, detail) = (subjects(&group.subjects), &group.detail);
    let requests = counted(n, "request");
    let waits = if n == 1 { "waits" } else { "wait" };
    match group.topic {
        Topic::FaultBegins => format!("fault begins at {subject}: {}", kinds(group)),
        Topic::FaultEnds => format!("fault ends at {subject}: {}", kinds(group)),
        Topic::FirstFailure => format!("first failure at {subject}: {}", kinds(group)),
        Topic::Ejected if n == 1 => format!("{subject} ejected{detail}"),
        Topic::Ejected => format!("{subject} ejected {}", times(n)),
        Topic::ProbeFailed if n == 1 => format!("probe of {subject} fails: it stays out"),
        Topic::ProbeFailed => format!("{} probes of {subject} fail", text::count(n)),
        Topic::Throttled => format!("{subject} throttled: left alone {}", times(n)),
        Topic::Recovered if n == 1 => format!("probe of {subject} succeeds: it is back{detail}"),
        Topic::Recovered => format!("probes of {subject} succeed: back {}", times(n)),
        Topic::Left if detail.is_empty() => format!("traffic does not leave {subject}"),
        Topic::Left if n == 1 => {
            format!("traffic has left {subject}, {detail} after the fault began")
        }
        Topic::Left => format!("traffic leaves {subject}"),
        Topic::Back if detail.is_empty() => format!("traffic does not return to {subject}"),
        Topic::Back if n == 1 => {
            format!("{subject} has its share again, {detail} after the fault ended")
        }
        Topic::Back => format!("{subject} have their shares again"),
        Topic::Lost => format!("clients lose {requests}: {}", classes(group)),
        Topic::Queued => format!("{requests} {waits} in the queue of {subject}"),
        Topic::QueueFull => format!("the queue of {subject} is full: {requests} refused"),
        Topic::Shed => format!("{requests} to {subject} shed: the wait would outlast the deadline"),
        Topic::RetryBudget => {
            let retries = if n == 1 { "retry" } else { "retries" };
            format!("the retry budget of {subject} refuses {} {retries}", text::count(n))
        }
        Topic::FellBack => format!("{requests} moved {subject}"),
        Topic::Unavailable => format!("no deployment of {subject} is usable for {requests}"),
        Topic::Limited => format!("{requests} held back by a limit: {subject}"),
        Topic::LimitReached => {
            format!("the limit of {subject} is reached: passed over {}", times(n))
        }
        Topic::BudgetSpent => format!("the budget of {subject} is spent"),
        Topic::Unhealthy => format!("health checks of {subject} fail"),
        Topic::Healthy => format!("health checks of {subject} succeed again"),
        Topic::Changed => format!("configuration changed: {}", classes(group)),
        Topic::Cut => "the run was cut short: what follows was not measured".to_owned(),
    }
}

const fn tone(topic: Topic) -> TimelineTone {
    match topic {
        Topic::FaultBegins
        | Topic::FirstFailure
        | Topic::Lost
        | Topic::QueueFull
        | Topic::Shed
        | Topic::Unavailable
        | Topic::Unhealthy
        | Topic::Cut => TimelineTone::Bad,
        Topic::FaultEnds | Topic::Recovered | Topic::Back | Topic::Healthy => TimelineTone::Good,
        Topic::Ejected
        | Topic::ProbeFailed
        | Topic::Throttled
        | Topic::Left
        | Topic::Queued
        | Topic::RetryBudget
        | Topic::FellBack
        | Topic::Limited
        | Topic::LimitReached
        | Topic::BudgetSpent
        | Topic::Changed => TimelineTone::Neutral,
    }
}

/// The details of occurrences, each once.
fn kinds(group: &LineGroup) -> String {
    group.kinds.iter().map(|(kind, _)| &**kind).collect::<Vec<_>>().join(", ")
}

/// The details of occurrences with their numbers, the most frequent first.
fn classes(group: &LineGroup) -> String {
    let mut counts: Vec<_> = group.kinds.iter().collect();
    counts.sort_by_key(|&&(_, count)| std::cmp::Reverse(count));
    if let [(detail, _)] = counts[..] {
        return detail.to_owned();
    }
    let told = counts.iter().map(|(detail, count)| format!("{} {detail}", text::count(*count)));
    told.collect::<Vec<_>>().join(", ")
}

fn counted(n: u64, what: &str) -> String {
    format!("{} {what}{}", text::count(n), if n == 1 { "" } else { "s" })
}

fn times(n: u64) -> String {
    match n {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        _ => format!("{} times", text::count(n)),
    }
}
