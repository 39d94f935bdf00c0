//! What happens in a run that goes on, in the words that its report will use.
//!
//! Rows come about in the order of their times, one after the other. What only the whole of a run can tell is left out:
//! when traffic had left a deployment, and when its share was back.

use super::occurrence::{Occurrence, ToldRun, ToldState, Topic};
use super::tell::LineGroup;
use super::{GAP, TimelineLine};
use squall_determinism::Timestamp;
use squall_record::{AttemptRow, Mode, NoteRow, RecordedEvent, RequestRow, RunHeader};
use squall_router::RouterEvent;
use squall_scenario::Scenario;
use std::collections::VecDeque;

/// A fault that has begun and not ended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LastingFault {
    /// Its provider, with the deployments behind it.
    pub provider: String,
    /// What it is.
    pub what: String,
    /// When it began.
    pub since: Timestamp,
}

/// The latest lines of a run that goes on.
#[derive(Debug)]
pub struct RunningTimeline {
    scenario: Scenario,
    header: RunHeader,
    told: ToldState,
    /// Faults that last, by provider and number, with their beginnings.
    faults: Vec<(u16, u16, Timestamp)>,
    lines: VecDeque<LineGroup>,
    most: usize,
}

impl RunningTimeline {
    /// A run that begins, of which the latest `most` lines are kept.
    #[must_use]
    pub fn new(scenario: &Scenario, most: usize) -> Self {
        let header = scenario.run_header(Mode::Live);
        let told = ToldState::new(header.deployments.len());
        let (faults, lines) = (Vec::new(), VecDeque::new());
        Self { scenario: scenario.clone(), header, told, faults, lines, most }
    }

    /// Something was noted.
    pub fn note(&mut self, row: &NoteRow) {
        match row.note {
            RecordedEvent::Router(RouterEvent::Reconfigured { config }) => {
                self.changed(row.at, usize::from(config.0));
            }
            RecordedEvent::FaultStarted { provider, fault } => {
                self.faults.push((provider, fault, row.at));
            }
            RecordedEvent::FaultEnded { provider, fault } => {
                self.faults.retain(|&(of, number, _)| (of, number) != (provider, fault));
            }
            RecordedEvent::Router(_) | RecordedEvent::ClientRetried { .. } => {}
        }
        self.tell(|told, all| told.note(row, all));
    }

    /// An attempt has ended.
    pub fn attempt(&mut self, row: &AttemptRow) {
        self.tell(|told, all| told.attempt(row, all));
    }

    /// A request has ended.
    pub fn request(&mut self, row: &RequestRow) {
        self.tell(|told, all| told.request(row, all));
    }

    /// The lines that are kept, by the time at which each began.
    #[must_use]
    pub fn lines(&self) -> Vec<TimelineLine> {
        let mut lines: Vec<_> = self.lines.iter().map(LineGroup::line).collect();
        lines.sort_by_key(|line| line.at);
        lines
    }

    /// The faults that last, in the order in which they began.
    #[must_use]
    pub fn lasting_faults(&self) -> Vec<LastingFault> {
        let told = ToldRun::resumed(&self.scenario, &self.header, ToldState::default());
        let faults = self.faults.iter().map(|&(provider, fault, since)| LastingFault {
            provider: told.provider(provider),
            what: told.fault(provider, fault),
            since,
        });
        faults.collect()
    }

    /// Another configuration holds: the first is the one that the run began with.
    fn changed(&mut self, at: Timestamp, config: usize) {
        let change = config.checked_sub(1).and_then(|change| self.header.changes.get(change));
        if let Some(change) = change {
            let (topic, subject, detail) = (Topic::Changed, String::new(), change.what.clone());
            self.add(&Occurrence { at, topic, subject, detail });
        }
    }

    fn tell(&mut self, tell: impl FnOnce(&mut ToldRun<'_>, &mut Vec<Occurrence>)) {
        let mut all = Vec::new();
        let state = std::mem::take(&mut self.told);
        let mut told = ToldRun::resumed(&self.scenario, &self.header, state);
        tell(&mut told, &mut all);
        self.told = told.into_state();
        all.iter().for_each(|occurrence| self.add(occurrence));
    }

    fn add(&mut self, occurrence: &Occurrence) {
        let mut latest_first = self.lines.iter_mut().rev();
        let same = latest_first.find(|line| line.is_about(occurrence, true));
        match same.filter(|line| line.takes(occurrence, GAP, true)) {
            Some(line) => line.add(occurrence),
            None => {
                self.lines.push_back(LineGroup::new(occurrence));
                if self.lines.len() > self.most {
                    self.lines.pop_front();
                }
            }
        }
    }
}
