//! What the router decided about requests of late, and why: kept in memory for operators who ask for one, and given to
//! the decision log.
//!
//! The core writes down its reasons only for requests that somebody may ask about. What is kept is bounded in requests,
//! in bytes a request, and in bytes in all. Prompts, answers and keys are never a part of it: the core does not know them.

mod kept_trail;
mod request_facts;
mod sampling;

use crate::upstream_registry::NameIndex;
pub use kept_trail::KeptTrail;
pub(crate) use request_facts::RequestFacts;
pub use sampling::{DecisionLogCounts, DecisionSampling, DecisionSetup, DecisionSink};
use slab::Slab;
use squall_decision_trail::{TrailClock, TrailNames};
use squall_determinism::Timestamp;
use squall_router::journal::{RequestTrace, RequestTraces};
use squall_router::{
    AssignedIds, ExplainedDecision, Outcome, RequestArrival, RouterConfig, RouterInput,
    RouterOutput,
};
use std::collections::VecDeque;
use std::sync::Arc;

/// The most bytes that the decisions about one request take: some hundred steps. Of more, candidates and steps are left
/// out and counted.
const TRAIL_BYTES_MAX: usize = 64 << 10;

/// The most bytes that all take that are kept: the oldest go first, however many requests that leaves.
const KEPT_BYTES_MAX: usize = 64 << 20;

/// The decisions about requests under way, and about the last that have ended.
#[derive(Debug)]
pub(crate) struct DecisionTrails {
    setup: DecisionSetup,
    names: Arc<TrailNames>,
    epoch_nanos: u64,
    traces: RequestTraces,
    /// Of those that are traced, by the number that their traces bear.
    facts: Slab<RequestFacts>,
    /// The request that arrives next.
    arriving: Option<RequestFacts>,
    kept: VecDeque<Arc<KeptTrail>>,
    /// What those take.
    kept_bytes: usize,
}

impl DecisionTrails {
    pub(crate) fn new(setup: DecisionSetup, epoch_nanos: u64) -> Self {
        let clock = TrailClock::TimeOfDay { epoch_nanos };
        Self {
            setup,
            names: Arc::new(TrailNames { clock, ..TrailNames::default() }),
            epoch_nanos,
            traces: RequestTraces::bounded(TRAIL_BYTES_MAX),
            facts: Slab::new(),
            arriving: None,
            kept: VecDeque::new(),
            kept_bytes: 0,
        }
    }

    /// From now on so many are kept, and these logged if there is a log.
    pub(crate) fn set(&mut self, recent: usize, sampling: DecisionSampling) {
        self.setup.recent = recent;
        if let Some((now, _)) = &mut self.setup.log {
            *now = sampling;
        }
        self.make_room();
    }

    /// Says what groups, deployments and the rest are called from now on. Those that are gone keep their names.
    pub(crate) fn set_names(
        &mut self,
        provider: impl Fn(squall_router::DeploymentId) -> String,
        config: &RouterConfig,
        numbers: &AssignedIds,
        directory: &NameIndex,
    ) {
        let names = Arc::make_mut(&mut self.names);
        for (group, &id) in config.groups.iter().zip(&numbers.groups) {
            put(&mut names.groups, id.index(), group.name.clone());
        }
        let deployments = config.groups.iter().flat_map(|group| &group.deployments);
        for (deployment, &id) in deployments.zip(&numbers.deployments) {
            let named = (deployment.name.clone(), provider(id));
            put(&mut names.deployments, id.index(), named);
        }
        for (tenant, &id) in config.tenants.iter().zip(&numbers.tenants) {
            put(&mut names.tenants, usize::from(id.0), tenant.name.clone());
        }
        names.tags.clone_from(&directory.tags);
        names.regions.clone_from(&directory.regions);
    }

    /// Whether the core's answers are to be [taken in](Self::take_in): any request is traced, or the next may be.
    pub(crate) fn is_wanted(&self) -> bool {
        self.arriving.is_some() || !self.facts.is_empty()
    }

    /// A request comes in. Whether the core is to write down its reasons.
    pub(crate) fn arriving(&mut self, facts: impl FnOnce() -> RequestFacts) -> bool {
        if !self.setup.wants_any() {
            return false;
        }
        let facts = facts();
        let is_wanted =
            self.setup.recent > 0
                || self.setup.log.as_ref().is_some_and(|(sampling, _)| {
                    sampling.failed || sampling.takes(facts.id.as_str())
                });
        self.arriving = is_wanted.then_some(facts);
        is_wanted
    }

    /// The core was told this, and has answered so.
    pub(crate) fn take_in(
        &mut self,
        now: Timestamp,
        input: &RouterInput,
        outputs: &[RouterOutput],
        decisions: Vec<ExplainedDecision>,
    ) {
        if let RouterInput::Arrived(arrival) = *input
            && let Some(facts) = self.arriving.take()
        {
            self.begin(now, arrival, facts, outputs);
        }
        self.traces.take_in(now, input, outputs, decisions);
        while let Some(trace) = self.traces.next_ended() {
            self.ended(trace);
        }
    }

    /// The last requests that have ended, the latest first.
    pub(crate) fn recent(&self) -> impl Iterator<Item = &Arc<KeptTrail>> {
        self.kept.iter().rev()
    }

    /// How many are kept at most.
    pub(crate) const fn recent_max(&self) -> usize {
        self.setup.recent
    }

    /// The latest request of this name: one under way, or one that has ended and is kept.
    pub(crate) fn find(&self, id: &str) -> Option<Arc<KeptTrail>> {
        let under_way = self.traces.under_way().find_map(|trace| {
            let facts = self.facts.get(usize::try_from(trace.request?).ok()?)?;
            (facts.id.as_str() == id).then(|| Arc::new(self.kept(facts.clone(), trace.clone())))
        });
        under_way.or_else(|| self.recent().find(|kept| kept.id() == id).cloned())
    }

    /// What the decision log has written, where there is one.
    pub(crate) fn log_counts(&self) -> Option<DecisionLogCounts> {
        self.setup.log.as_ref().map(|(_, sink)| sink.counts())
    }

    fn begin(
        &mut self,
        now: Timestamp,
        arrival: RequestArrival,
        facts: RequestFacts,
        outputs: &[RouterOutput],
    ) {
        let number = self.facts.insert(facts);
        if !self.traces.begin(now, arrival, Some(number as u64), number as u64, outputs) {
            self.facts.remove(number);
        }
    }

    fn ended(&mut self, trace: RequestTrace) {
        let number = trace.request.and_then(|number| usize::try_from(number).ok());
        let Some(facts) = number.and_then(|number| self.facts.try_remove(number)) else { return };
        let failed = trace.ended.is_some_and(|(_, outcome)| is_failure(&outcome));
        let kept = Arc::new(self.kept(facts, trace));
        if let Some((sampling, sink)) = &self.setup.log
            && (sampling.failed && failed || sampling.takes(kept.id()))
        {
            sink.write(&kept);
        }
        if self.setup.recent > 0 {
            self.kept_bytes += kept.size();
            self.kept.push_back(kept);
            self.make_room();
        }
    }

    fn kept(&self, facts: RequestFacts, trace: RequestTrace) -> KeptTrail {
        KeptTrail::new(facts, trace, Arc::clone(&self.names), self.epoch_nanos)
    }

    fn make_room(&mut self) {
        while self.kept.len() > self.setup.recent || self.kept_bytes > KEPT_BYTES_MAX {
            let Some(oldest) = self.kept.pop_front() else { return };
            self.kept_bytes -= oldest.size();
        }
    }
}

/// Whether a request failed: a client that has gone did not wait for its answer, which is no failure of routing.
const fn is_failure(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Failed { .. })
}

fn put<T: Clone + Default>(list: &mut Vec<T>, place: usize, value: T) {
    if list.len() <= place {
        list.resize(place + 1, T::default());
    }
    list[place] = value;
}
