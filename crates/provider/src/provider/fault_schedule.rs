//! The fault schedule: what starts and ends when, scheduled or injected.

use super::Provider;
use crate::fault::{InFlight, ProviderEffect, left};
use crate::{
    AttemptEnding, AttemptPlan, AttemptTag, FaultConfig, Listener, ProviderEvent, ProviderOutput,
};
use alloc::vec::Vec;
use core::time::Duration;
use squall_determinism::{Share, Timestamp};

/// A fault that starts or ends.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct FaultTransition {
    pub(super) at: Timestamp,
    /// Ends come before starts, so that faults that follow each other never overlap.
    pub(super) kind: ChangeKind,
    pub(super) fault: u16,
}

#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum ChangeKind {
    Ends,
    Starts,
}

/// How often limits and places follow a fault that grows or fades while somebody waits.
const STEP: Duration = Duration::from_millis(100);

/// The starts and ends of a fault.
pub(super) fn changes(fault: u16, config: &FaultConfig) -> [FaultTransition; 2] {
    [(config.at, ChangeKind::Starts), (config.until(), ChangeKind::Ends)]
        .map(|(at, kind)| FaultTransition { at, kind, fault })
}

impl Provider {
    /// The most faults there can be, scripted and injected together.
    pub const FAULTS_MAX: usize = 10_000;

    /// Everything that goes wrong, has gone wrong or will, by the numbers of notes: the script first, then
    /// what was injected.
    #[must_use]
    pub fn faults(&self) -> &[FaultConfig] {
        &self.faults
    }

    /// The faults that last now, by their numbers.
    #[must_use]
    pub fn active(&self) -> &[u16] {
        &self.active
    }

    pub(super) fn inject(&mut self, config: FaultConfig) {
        if self.faults.len() >= Self::FAULTS_MAX {
            return;
        }
        let fault = self.faults.len() as u16;
        let mut config = FaultConfig { at: config.at.max(self.now), ..config };
        self.config.vendor.fill_in(&mut config);
        self.faults.push(config);
        let [starts, ends] = changes(fault, &config);
        self.schedule.push(ends);
        if config.at <= self.now {
            self.fault_starts(fault);
        } else {
            self.schedule.push(starts);
        }
        self.schedule.sort_unstable_by(|a, b| b.cmp(a));
    }

    pub(super) fn end_fault(&mut self, fault: u16) {
        self.schedule.retain(|change| change.fault != fault);
        let Some(config) = self.faults.get_mut(usize::from(fault)) else { return };
        config.at = config.at.min(self.now);
        config.lasts = config.lasts.min(self.now.since(config.at));
        if self.active.contains(&fault) {
            self.fault_ends(fault);
        }
    }

    pub(super) fn pause(&mut self) {
        self.paused = self.paused.or(Some(self.now));
    }

    pub(super) fn resume(&mut self) {
        let Some(since) = self.paused.take() else { return };
        for change in &mut self.schedule {
            let config = &mut self.faults[usize::from(change.fault)];
            let begun = self.active.contains(&change.fault);
            // What was injected during the pause stood still from then on.
            let from = if begun { since.max(config.at) } else { since };
            let pause = self.now.since(from);
            change.at += pause;
            match change.kind {
                ChangeKind::Starts => config.at += pause,
                ChangeKind::Ends if begun => config.lasts += pause,
                ChangeKind::Ends => {}
            }
        }
    }

    pub(super) fn reset(&mut self) {
        self.paused = None;
        for fault in 0..self.faults.len() as u16 {
            if self.schedule.iter().any(|change| change.fault == fault) {
                self.end_fault(fault);
            }
        }
        self.gates.reset();
    }

    pub(super) fn fault_starts(&mut self, fault: u16) {
        let place = self.active.partition_point(|&other| other < fault);
        self.active.insert(place, fault);
        self.outputs.push_back(ProviderOutput::Note(ProviderEvent::FaultStarted { fault }));
        self.follow();
        self.update_listener();
        let config = &self.faults[usize::from(fault)];
        let in_flight = match config.target.first {
            None => config.kind.behaviour().in_flight,
            Some(_) => InFlight::GoesOn,
        };
        match in_flight {
            InFlight::GoesOn => {}
            InFlight::HitEnds(ending) => {
                let selection = self.selection(fault);
                let mut hit = self.slots.take_hit(|subject| selection.include(subject));
                hit.extend(self.errors.take(|subject| selection.include(subject)));
                self.end(&hit, fault, ending);
                self.serve_waiting();
            }
            InFlight::AllReset => {
                let mut all = self.slots.take_all();
                all.extend(self.errors.take(|_| true));
                self.end(&all, fault, AttemptEnding::Reset { at: self.now });
            }
        }
    }

    pub(super) fn fault_ends(&mut self, fault: u16) {
        self.active.retain(|&other| other != fault);
        self.restarts.remove(&fault);
        self.hits.forget(fault);
        self.outputs.push_back(ProviderOutput::Note(ProviderEvent::FaultEnded { fault }));
        self.follow();
        self.update_listener();
        self.serve_waiting();
    }

    /// Whether a fault that lasts has this effect.
    pub(super) fn suffers(&self, effect: ProviderEffect) -> bool {
        let mut kinds = self.active.iter().map(|&fault| self.faults[usize::from(fault)].kind);
        kinds.any(|kind| kind.behaviour().provider == effect)
    }

    fn update_listener(&mut self) {
        let refuses = self.suffers(ProviderEffect::Refuses);
        let listener = if refuses { Listener::Refusing } else { Listener::Listening };
        if listener != self.listener {
            self.listener = listener;
            self.outputs.push_back(ProviderOutput::Listener(listener));
        }
    }

    /// Tells the plans of attempts that a fault ends.
    fn end(&mut self, attempts: &[(AttemptTag, AttemptPlan)], fault: u16, ending: AttemptEnding) {
        for &(tag, plan) in attempts {
            // What was sent stays sent, and nothing more comes.
            let tokens = plan.tokens_by(self.now);
            let first_at = if tokens == 0 { Timestamp::MAX } else { plan.first_at };
            let plan = AttemptPlan { first_at, tokens, ending, fault: Some(fault), ..plan };
            self.outputs.push_back(ProviderOutput::Plan { tag, plan });
        }
    }

    /// Lets limits and places follow the faults that cut them.
    pub(super) fn follow(&mut self) {
        let now = self.now;
        let (mut limits, mut places, mut cuts, mut moves) = (Share::ALL, Share::ALL, false, false);
        for &fault in &self.active {
            let config = &self.faults[usize::from(fault)];
            let progress = config.progress(now);
            match config.kind.behaviour().provider {
                ProviderEffect::CutsLimits(to) => {
                    cuts = true;
                    limits = limits.min(left(to, progress));
                }
                ProviderEffect::CutsCapacity(to, recovery) => {
                    cuts = true;
                    moves |=
                        recovery.is_some() || !config.onset.is_zero() || !config.tail.is_zero();
                    let since = self.restarts.get(&fault).copied().unwrap_or(config.at);
                    let to = recovery.map_or(to, |recovery| recovery.left(to, since, now));
                    places = places.min(left(to, progress));
                }
                ProviderEffect::None | ProviderEffect::Refuses | ProviderEffect::EmptiesCache => {}
            }
        }
        if cuts || self.cuts {
            self.cuts = cuts;
            self.gates.set_left(now, limits);
            self.slots.set_left(places);
        }
        self.step_at = (moves && self.slots.waiting() > 0).then(|| now + STEP);
    }

    /// More have come than there are places for: what recovers may fail again.
    pub(super) fn overload_on_recovery(&mut self) {
        for &fault in &self.active {
            if let ProviderEffect::CutsCapacity(_, Some(recovery)) =
                self.faults[usize::from(fault)].kind.behaviour().provider
                && recovery.fails_again
            {
                self.restarts.insert(fault, self.now);
            }
        }
        self.follow();
    }

    /// The faults that last at `now`, by number and setup.
    pub(super) fn lasting(&self, now: Timestamp) -> Vec<(u16, &FaultConfig)> {
        let faults = (0..).zip(&self.faults);
        let lasts = |fault: u16, config: &FaultConfig| match self.paused {
            Some(_) => self.active.contains(&fault),
            None => config.at <= now && now < config.until(),
        };
        faults.filter(|&(fault, config)| lasts(fault, config)).collect()
    }
}
