//! From what a run emits to what is shown of it. It reads no clock: rows have their times, and ticks bring the present.

use crate::course::{EndedRequest, Millis, RunCourse};
use crate::deployment_track::DeploymentTrack;
use crate::model::{
    ActiveFault, DeploymentPanel, EventView, RecentFigures, RunEnding, RunTotals, Snapshot,
    StateView,
};
use crate::recent::{Recent, WINDOW};
use squall_determinism::Timestamp;
use squall_failure::FailureClass;
use squall_judge::text;
use squall_record::{
    AttemptOutcome, AttemptRow, FeedRow, Mode, NoteRow, RecordedEvent, RequestOutcome, RequestRow,
    RunHeader,
};
use squall_report::RunningTimeline;
use squall_router::RouterEvent;
use squall_scenario::Scenario;
use std::collections::VecDeque;
use std::time::Duration;

/// How many lines of what happened are kept.
const EVENTS: usize = 100;

/// What the driver has counted by a moment.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct DriveTick {
    /// Since the start of the run.
    pub elapsed: Duration,
    /// Requests sent so far.
    pub offered: u64,
    /// Requests that have not ended.
    pub in_flight: u64,
}

/// A live run, watched.
#[derive(Debug)]
pub struct LiveView {
    scenario: Scenario,
    header: RunHeader,
    target: Option<String>,
    /// The configuration that holds: 0 for the first.
    config: usize,
    latest: DriveTick,
    /// Ticks of the window, the oldest first.
    ticks: VecDeque<DriveTick>,
    requests: Recent<RecentRequests>,
    attempts: Vec<Recent<RecentAttempts>>,
    so_far: Vec<RecentAttempts>,
    tracks: Vec<DeploymentTrack>,
    totals: RunTotals,
    course: RunCourse,
    timeline: RunningTimeline,
    missed_rows: u64,
    ending: Option<RunEnding>,
}

/// Requests that ended in one second.
#[derive(Debug, Default)]
struct RecentRequests {
    succeeded: u64,
    /// By words.
    failed: Vec<(String, u64)>,
    latency: Millis,
}

/// Attempts that ended at one deployment.
#[derive(Clone, Copy, Debug, Default)]
struct RecentAttempts {
    ended: u64,
    failed: u64,
    throttled: u64,
}

impl LiveView {
    /// A run that begins. Of another gateway, named by `target`, only what clients and providers see is known.
    #[must_use]
    pub fn new(scenario: &Scenario, target: Option<&str>) -> Self {
        let header = scenario.run_header(Mode::Live);
        let slow_starts = header.deployments.iter().map(|info| {
            let group = scenario.router.groups.get(usize::from(info.group));
            group.and_then(|group| group.slow_start).map_or(Duration::ZERO, |rule| rule.window)
        });
        Self {
            scenario: scenario.clone(),
            target: target.map(str::to_owned),
            config: 0,
            latest: DriveTick::default(),
            ticks: VecDeque::from([DriveTick::default()]),
            requests: Recent::new(),
            attempts: header.deployments.iter().map(|_| Recent::new()).collect(),
            so_far: vec![RecentAttempts::default(); header.deployments.len()],
            tracks: slow_starts.map(DeploymentTrack::new).collect(),
            totals: RunTotals::default(),
            course: RunCourse::new(scenario.duration, header.deployments.len()),
            timeline: RunningTimeline::new(scenario, EVENTS),
            missed_rows: 0,
            ending: None,
            header,
        }
    }

    /// Something was written down.
    pub fn row(&mut self, row: FeedRow) {
        match row {
            FeedRow::Request(row) => self.request(&row),
            FeedRow::Attempt(row) => self.attempt(&row),
            FeedRow::Note(row) => self.note(&row),
        }
    }

    /// The driver has counted so far. `missed_rows` were lost on their way here.
    pub fn tick(&mut self, tick: DriveTick, missed_rows: u64) {
        let since = tick.elapsed.saturating_sub(self.latest.elapsed);
        let sent = tick.offered.saturating_sub(self.latest.offered);
        // What was sent between two ticks is counted to the middle.
        self.course.offered((tick.elapsed - since / 2).as_secs_f64(), sent);
        self.totals.offered = tick.offered;
        self.missed_rows = missed_rows;
        self.latest = tick;
        self.ticks.push_back(tick);
        let oldest = tick.elapsed.saturating_sub(Duration::from_secs(WINDOW));
        // The tick at which the window begins is kept.
        while self.ticks.get(1).is_some_and(|next| next.elapsed <= oldest) {
            self.ticks.pop_front();
        }
    }

    /// The run has ended, and was judged.
    pub fn ended(&mut self, ending: RunEnding) {
        // What was sent and what ended since the last tick is known by its rows.
        let RunTotals { succeeded, failed, gave_up, .. } = self.totals;
        self.totals.offered = self.totals.offered.max(succeeded + failed + gave_up);
        self.latest.in_flight = 0;
        self.ending = Some(ending);
    }

    /// What is shown at the latest tick.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let now = Timestamp::ZERO + self.latest.elapsed;
        let phase = self.scenario.phases.iter().find(|phase| phase.start <= now && now < phase.end);
        let faults = self.timeline.lasting_faults().into_iter();
        let faults = faults.map(|fault| ActiveFault {
            provider: fault.provider,
            what: fault.what,
            since_s: fault.since.as_secs_f64(),
        });
        Snapshot {
            scenario: self.scenario.name.clone(),
            seed: self.scenario.seed.value(),
            target: self.target.clone(),
            elapsed_s: self.latest.elapsed.as_secs_f64(),
            duration_s: self.scenario.duration.as_secs_f64(),
            phase: phase.map(|phase| phase.name.clone()),
            faults: faults.collect(),
            in_flight: self.latest.in_flight,
            now: self.figures(),
            so_far: self.totals(),
            deployments: self.deployments(now),
            course: self.course.course(now.as_secs_f64()),
            events: self.events(),
            missed_rows: self.missed_rows,
            ending: self.ending.clone(),
        }
    }

    fn request(&mut self, row: &RequestRow) {
        self.timeline.request(row);
        let at_s = row.ended.as_secs_f64();
        let latency = row.ended.since(row.intended);
        let failed = match row.outcome {
            RequestOutcome::Succeeded => {
                self.totals.succeeded += 1;
                None
            }
            RequestOutcome::Failed { class, .. } => {
                self.totals.failed += 1;
                Some(class.as_str().replace('_', " "))
            }
            RequestOutcome::GaveUp => {
                self.totals.gave_up += 1;
                Some("abandoned".to_owned())
            }
            RequestOutcome::Unfinished => return,
        };
        let ended = failed.as_ref().map_or(EndedRequest::Well(latency), |_| EndedRequest::Badly);
        self.course.ended(at_s, ended);
        let Some(cell) = self.requests.cell(at_s as u64) else { return };
        match failed {
            None => {
                cell.succeeded += 1;
                cell.latency.add(latency);
            }
            Some(words) => count(&mut cell.failed, words, 1),
        }
    }

    fn attempt(&mut self, row: &AttemptRow) {
        self.timeline.attempt(row);
        let place = usize::from(row.deployment);
        let class = match row.outcome {
            AttemptOutcome::Failed { class } => Some(class),
            AttemptOutcome::Succeeded | AttemptOutcome::Abandoned => None,
            AttemptOutcome::Unfinished => return,
        };
        let is_throttled = class == Some(FailureClass::Throttled);
        let is_failed = class.is_some() && !is_throttled;
        // A stranger's attempt is none of the run's.
        let Some(so_far) = self.so_far.get_mut(place) else { return };
        self.totals.attempts += 1;
        self.course.attempt(row.ended.as_secs_f64(), place);
        let second = row.ended.as_secs_f64() as u64;
        for cell in [Some(so_far), self.attempts[place].cell(second)].into_iter().flatten() {
            cell.ended += 1;
            cell.failed += u64::from(is_failed);
            cell.throttled += u64::from(is_throttled);
        }
    }

    fn note(&mut self, row: &NoteRow) {
        self.timeline.note(row);
        let RecordedEvent::Router(event) = row.note else { return };
        let deployment = match event {
            RouterEvent::CooldownStarted { deployment, .. }
            | RouterEvent::CooldownEnded { deployment }
            | RouterEvent::Probe { deployment, .. }
            | RouterEvent::Recovered { deployment }
            | RouterEvent::SpendBudgetExceeded { deployment, .. }
            | RouterEvent::HealthChanged { deployment, .. } => deployment,
            RouterEvent::Reconfigured { config } => {
                self.config = usize::from(config.0);
                return;
            }
            _ => return,
        };
        if let Some(track) = self.tracks.get_mut(usize::from(deployment.0)) {
            track.decided(row.at, event);
        }
    }

    /// The second that is not over.
    fn second(&self) -> u64 {
        self.latest.elapsed.as_secs()
    }

    /// How long the window is that can be looked back on.
    fn window_s(&self) -> f64 {
        self.second().clamp(1, WINDOW) as f64
    }

    fn figures(&self) -> RecentFigures {
        let (mut succeeded, mut failures, mut latency) = (0, Vec::new(), Millis::default());
        for cell in self.requests.window(self.second()) {
            succeeded += cell.succeeded;
            latency.add_all(&cell.latency);
            for (words, number) in &cell.failed {
                count(&mut failures, words.clone(), *number);
            }
        }
        failures.sort_by_key(|&(_, number)| std::cmp::Reverse(number));
        let failed: u64 = failures.iter().map(|&(_, number)| number).sum();
        let attempts = self.attempts.iter().map(|recent| self.recent(recent).ended).sum();
        let since = self.ticks.front().copied().unwrap_or_default();
        let lasted = self.latest.elapsed.saturating_sub(since.elapsed).as_secs_f64();
        let sent = self.latest.offered.saturating_sub(since.offered) as f64;
        let window_s = self.window_s();
        RecentFigures {
            offered_rps: if lasted > 0.0 { sent / lasted } else { 0.0 },
            succeeded_rps: succeeded as f64 / window_s,
            failed_rps: failed as f64 / window_s,
            success: ratio(succeeded, succeeded + failed),
            p50_ms: latency.quantile(0.5),
            p95_ms: latency.quantile(0.95),
            amplification: ratio(attempts, succeeded + failed),
            failures,
        }
    }

    fn totals(&self) -> RunTotals {
        let RunTotals { succeeded, failed, gave_up, attempts, .. } = self.totals;
        let ended = succeeded + failed + gave_up;
        RunTotals {
            success: ratio(succeeded, ended),
            amplification: ratio(attempts, ended),
            ..self.totals.clone()
        }
    }

    fn recent(&self, recent: &Recent<RecentAttempts>) -> RecentAttempts {
        recent.window(self.second()).fold(RecentAttempts::default(), |sum, cell| RecentAttempts {
            ended: sum.ended + cell.ended,
            failed: sum.failed + cell.failed,
            throttled: sum.throttled + cell.throttled,
        })
    }

    fn deployments(&self, now: Timestamp) -> Vec<DeploymentPanel> {
        let recent: Vec<_> = self.attempts.iter().map(|recent| self.recent(recent)).collect();
        let infos = &self.header.deployments;
        let of_group = |group: u16, of: &dyn Fn(usize) -> u64| -> u64 {
            let members = infos.iter().enumerate().filter(|(_, info)| info.group == group);
            members.map(|(place, _)| of(place)).sum()
        };
        let all = infos.iter().enumerate().map(|(place, info)| {
            let (cell, so_far) = (recent[place], self.so_far[place]);
            let weight = |place: usize| u64::from(self.weight(place));
            let (state, until) = match self.target {
                Some(_) => (StateView::Unknown, None),
                None => self.tracks[place].state(now),
            };
            DeploymentPanel {
                name: info.name.clone(),
                group: self.header.groups.get(usize::from(info.group)).cloned().unwrap_or_default(),
                state,
                state_for_s: until.map(|until| until.since(now).as_secs_f64()),
                share: ratio(cell.ended, of_group(info.group, &|place| recent[place].ended)),
                weight_share: ratio(weight(place), of_group(info.group, &weight))
                    .filter(|&share| share > 0.0),
                attempts_rps: cell.ended as f64 / self.window_s(),
                failed: cell.failed,
                throttled: cell.throttled,
                attempts_so_far: so_far.ended,
                failed_so_far: so_far.failed,
                throttled_so_far: so_far.throttled,
                course_rps: self.course.attempts_rps(place, now.as_secs_f64()),
            }
        });
        all.collect()
    }

    /// What is due to a deployment under the configuration that holds.
    fn weight(&self, place: usize) -> u32 {
        let change = self.config.checked_sub(1).and_then(|change| self.header.changes.get(change));
        let weight = change.and_then(|change| change.weights.get(place).copied());
        weight.unwrap_or(self.header.deployments[place].weight)
    }

    fn events(&self) -> Vec<EventView> {
        let lines = self.timeline.lines().into_iter().map(|line| EventView {
            at_s: line.at.as_secs_f64(),
            at: text::moment(line.at),
            text: line.text,
            tone: line.tone.as_str(),
        });
        lines.collect()
    }
}

fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

fn count(counts: &mut Vec<(String, u64)>, words: String, number: u64) {
    match counts.iter_mut().find(|(known, _)| *known == words) {
        Some((_, count)) => *count += number,
        None => counts.push((words, number)),
    }
}

#[cfg(test)]
mod tests;
