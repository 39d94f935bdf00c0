//! The gateway's own work, where a scenario says what it costs: so many workers, each of which does one
//! job at a time, and one queue before them.
//!
//! Starting an attempt is a job, and so is its failure, before the router hears of it; a failure that the
//! router finds by its own timers is a job all the same, which nobody waits for. A job whose attempt was
//! stopped while it waited is not done; one that was begun is done to its end, and for nothing.

use super::World;
use crate::event::{CallId, EventKind, FlightPart};
use crate::in_flight::{AttemptStage, Flight, InFlightAttempt};
use squall_failure::Failure;
use squall_router::RouterInput;
use squall_scenario::GatewayCost;
use std::collections::VecDeque;
use std::time::Duration;

/// The workers of a gateway, and the jobs that wait for them, first come first served.
#[derive(Debug, Default)]
pub(super) struct Workers {
    busy: u16,
    queue: VecDeque<Job>,
}

#[derive(Clone, Copy, Debug)]
struct Job {
    /// What waits for it; `None` if nothing does.
    part: Option<FlightPart>,
    takes: Duration,
}

impl World<'_> {
    /// The gateway prepares an attempt, which then reaches its provider.
    pub(super) fn prepare_attempt(&mut self, call: CallId) {
        match self.scenario.gateway_cost {
            Some(GatewayCost { cpu_per_attempt, .. }) if !cpu_per_attempt.is_zero() => {
                self.work(call, cpu_per_attempt);
            }
            _ => self.reach_provider(call),
        }
    }

    /// The call has failed: the router hears of it when the gateway has worked on it.
    pub(super) fn attempt_failed(&mut self, call: CallId, failure: Failure) {
        let more = self.failure_takes();
        if more.is_zero() {
            self.tell_failure(call, failure);
        } else if let Some(running) = self.flights.call(call) {
            running.stage = AttemptStage::Failing(failure);
            self.work(call, more);
        }
    }

    /// An attempt has failed by a timer of the router's own.
    pub(super) fn work_off_failure(&mut self, replica: u16) {
        let takes = self.failure_takes();
        if !takes.is_zero() {
            self.workers[usize::from(replica)].queue.push_back(Job { part: None, takes });
            self.begin_jobs(replica);
        }
    }

    /// What a failure takes beyond its attempt.
    fn failure_takes(&self) -> Duration {
        self.scenario.gateway_cost.map_or(Duration::ZERO, |cost| {
            cost.cpu_per_failed_attempt.saturating_sub(cost.cpu_per_attempt)
        })
    }

    /// A worker has done its job, and takes the next.
    pub(super) fn work_done(&mut self, replica: u16, part: Option<FlightPart>) {
        self.workers[usize::from(replica)].busy -= 1;
        self.begin_jobs(replica);
        let Some(part) = part.filter(|&part| self.flights.is_current(part)) else { return };
        let Some(running) = self.flights.call(part.call) else { return };
        match running.stage {
            AttemptStage::Preparing => self.reach_provider(part.call),
            AttemptStage::Failing(failure) => self.tell_failure(part.call, failure),
            AttemptStage::Sent => {}
        }
    }

    fn tell_failure(&mut self, call: CallId, failure: Failure) {
        let Some(&mut running) = self.flights.call(call) else { return };
        let Some(&mut Flight { replica, .. }) = self.flights.get(call.flight) else { return };
        self.end_call(call);
        let attempt = running.attempt;
        let input = match self.brought(call, &running) {
            Some(output_tokens) => RouterInput::Interrupted { attempt, failure, output_tokens },
            None => RouterInput::Failed { attempt, failure },
        };
        self.tell_router(replica, input);
    }

    /// How many tokens an attempt that failed has brought its client, if another attempt could go on from them.
    fn brought(&mut self, call: CallId, running: &InFlightAttempt) -> Option<u32> {
        // Behind thoughts nothing is spliced.
        let plain = running.plan.is_none_or(|plan| plan.reasoning == 0);
        if !(running.committed && running.may_continue && plain) {
            return None;
        }
        let there = self.flights.get(call.flight)?;
        let brought =
            there.received_tokens.checked_sub(there.begun_tokens).filter(|&new| new > 0)?;
        there.begun_tokens = there.received_tokens;
        there.answered_by.get_or_insert(running.deployment.0);
        Some(brought)
    }

    fn work(&mut self, call: CallId, takes: Duration) {
        let part = self.flights.new_plan(call);
        let Some(&mut Flight { replica, .. }) = self.flights.get(call.flight) else { return };
        self.workers[usize::from(replica)].queue.push_back(Job { part: Some(part), takes });
        self.begin_jobs(replica);
    }

    /// Gives the jobs that wait to the workers that are idle.
    fn begin_jobs(&mut self, replica: u16) {
        let place = usize::from(replica);
        let workers = self.scenario.gateway_cost.map_or(0, |cost| cost.workers.max(1));
        while self.workers[place].busy < workers {
            let Some(Job { part, takes }) = self.workers[place].queue.pop_front() else { return };
            if part.is_none_or(|part| self.flights.is_current(part)) {
                self.workers[place].busy += 1;
                self.events.push(self.now + takes, EventKind::Work(replica, part));
            }
        }
    }
}
