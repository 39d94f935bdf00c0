//! In which state each deployment was, by the notes of a run: stretches of time that follow each other without gaps.

use super::chart_context::ChartContext;
use super::walked_rows::{StateStretch, StripState};
use squall_record::RecordedEvent;
use squall_router::{CooldownCause, DeploymentId, RouterEvent as Decision};
use std::collections::BTreeMap;
use std::time::Duration;

/// The stretches of every deployment, by time.
pub(super) fn states<'c>(context: &'c ChartContext<'_>) -> &'c [Vec<StateStretch>] {
    context.walked.states.get_or_init(|| deployment_states(context))
}

fn deployment_states(context: &ChartContext<'_>) -> Vec<Vec<StateStretch>> {
    let mut all: Vec<_> =
        (0..context.deployments()).map(|each| Watched::new(context, each)).collect();
    for row in &context.recording.notes {
        let RecordedEvent::Router(decision) = row.note else { continue };
        let Some(deployment) = subject(&decision) else { continue };
        if let Some(watched) = all.get_mut(usize::from(deployment.0)) {
            watched.see(row.at.as_secs_f64(), decision);
        }
    }
    all.into_iter().map(Watched::finish).collect()
}

const fn subject(decision: &Decision) -> Option<DeploymentId> {
    match decision {
        Decision::CooldownStarted { deployment, .. }
        | Decision::CooldownEnded { deployment }
        | Decision::Recovered { deployment }
        | Decision::HealthChanged { deployment, .. }
        | Decision::SpendBudgetExceeded { deployment, .. } => Some(*deployment),
        _ => None,
    }
}

/// A deployment whose notes are read in the order of times.
struct Watched {
    end: f64,
    /// How long its share grows after a return, in seconds.
    slow_start: f64,
    /// What lasts, with its beginning: the circuit, and the health checks.
    circuit: Option<(f64, StripState)>,
    unhealthy: Option<f64>,
    /// What is over, or of which the end is known. Stretches may overlap.
    layers: Vec<StateStretch>,
}

impl Watched {
    fn new(context: &ChartContext<'_>, deployment: usize) -> Self {
        let groups = &context.scenario.router.groups;
        let group = context.recording.header.deployments[deployment].group;
        let rule = groups.get(usize::from(group)).and_then(|group| group.slow_start);
        let end = context.seconds as f64;
        let mut this = Self {
            end,
            slow_start: rule.map_or(Duration::ZERO, |rule| rule.window).as_secs_f64(),
            circuit: None,
            unhealthy: None,
            layers: Vec::new(),
        };
        if !context.recording.header.changes.is_empty() {
            let weights = context.weights(deployment);
            for (place, &(from, weight)) in weights.iter().enumerate() {
                let to = weights.get(place + 1).map_or(end, |&(next, _)| next.as_secs_f64());
                if weight <= 0.0 {
                    this.add(from.as_secs_f64(), to, StripState::Absent);
                }
            }
        }
        this
    }

    fn add(&mut self, from: f64, to: f64, state: StripState) {
        let to = to.min(self.end);
        if from < to {
            self.layers.push(StateStretch { from, to, state });
        }
    }

    fn see(&mut self, at: f64, decision: Decision) {
        match decision {
            Decision::CooldownStarted { cause, .. } => {
                let throttled = cause == CooldownCause::Throttled;
                let state = if throttled { StripState::Throttled } else { StripState::Ejected };
                self.turn(at, Some(state));
            }
            // After throttling all is well again, after failures a probe is awaited.
            Decision::CooldownEnded { .. } => {
                let state = self.circuit.map(|(_, state)| state);
                let is_open = state.is_some_and(|state| state != StripState::Throttled);
                self.turn(at, is_open.then_some(StripState::Probing));
            }
            Decision::Recovered { .. } => {
                self.turn(at, None);
                self.add(at, at + self.slow_start, StripState::SlowStart);
            }
            Decision::HealthChanged { healthy: false, .. } => {
                self.unhealthy.get_or_insert(at);
            }
            Decision::HealthChanged { healthy: true, .. } => {
                if let Some(from) = self.unhealthy.take() {
                    self.add(from, at, StripState::Unhealthy);
                    self.add(at, at + self.slow_start, StripState::SlowStart);
                }
            }
            Decision::SpendBudgetExceeded { until, .. } => {
                self.add(at, until.as_secs_f64(), StripState::OutOfBudget);
            }
            _ => {}
        }
    }

    /// The circuit is in another state from now on.
    fn turn(&mut self, at: f64, next: Option<StripState>) {
        let last = std::mem::replace(&mut self.circuit, next.map(|state| (at, state)));
        if let Some((from, state)) = last {
            self.add(from, at, state);
        }
    }

    fn finish(mut self) -> Vec<StateStretch> {
        self.turn(self.end, None);
        if let Some(from) = self.unhealthy.take() {
            self.add(from, self.end, StripState::Unhealthy);
        }
        self.merged()
    }

    /// The most severe state of each time, in stretches.
    fn merged(&self) -> Vec<StateStretch> {
        let starts = self.layers.iter().map(|layer| (layer.from, 1, layer.state));
        let ends = self.layers.iter().map(|layer| (layer.to, -1, layer.state));
        let mut edges: Vec<(f64, i32, StripState)> = starts.chain(ends).collect();
        edges.sort_by(|one, other| one.0.total_cmp(&other.0));
        let mut holds: BTreeMap<StripState, i32> = BTreeMap::new();
        let mut stretches: Vec<StateStretch> = Vec::new();
        let mut from = 0.0;
        edges.push((self.end, 0, StripState::Healthy));
        for (at, change, state) in edges {
            if at > from {
                let worst = holds.iter().rev().find(|(_, count)| **count > 0);
                let state = worst.map_or(StripState::Healthy, |(&state, _)| state);
                match stretches.last_mut() {
                    Some(last) if last.state == state => last.to = at,
                    _ => stretches.push(StateStretch { from, to: at, state }),
                }
                from = at;
            }
            *holds.entry(state).or_default() += change;
        }
        stretches
    }
}
