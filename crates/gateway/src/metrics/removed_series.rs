//! Series of groups and deployments that were removed from the configuration: they are dropped after a while.

use super::RequestCounters;
use super::labels::MetricLabels;
use squall_determinism::Timestamp;
use squall_router::{AssignedIds, DeploymentId, GroupId};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How long the counts of what is gone are still shown: long enough that every scraper has seen their last
/// values, and twice as long as Prometheus looks back for a sample.
pub(super) const KEPT: Duration = Duration::from_secs(600);

/// Since when groups and deployments are gone.
#[derive(Debug, Default)]
pub(super) struct RemovedSeries {
    groups: BTreeMap<GroupId, Timestamp>,
    deployments: BTreeMap<DeploymentId, Timestamp>,
}

impl RemovedSeries {
    /// Another configuration holds, with these groups and deployments.
    pub(super) fn changed(&mut self, now: Timestamp, names: &MetricLabels, numbers: &AssignedIds) {
        let (groups, deployments) = names.counts();
        let held: BTreeSet<_> = numbers.groups.iter().copied().collect();
        renew(&mut self.groups, now, (0..).map(GroupId).take(groups), &held);
        let held: BTreeSet<_> = numbers.deployments.iter().copied().collect();
        renew(&mut self.deployments, now, (0..).map(DeploymentId).take(deployments), &held);
    }

    /// Takes out what has been gone for long enough. What still ends there afterwards is counted, and taken
    /// out the next time.
    pub(super) fn forget(&self, now: Timestamp, counts: &mut RequestCounters) {
        let groups = due(&self.groups, now);
        let deployments = due(&self.deployments, now);
        let group = |id: &GroupId| !groups.contains(id);
        let deployment = |id: &DeploymentId| !deployments.contains(id);
        if !groups.is_empty() {
            counts.ended.retain(|(id, _), _| group(id));
            counts.durations.retain(|id, _| group(id));
            counts.first_tokens.retain(|id, _| group(id));
            counts.fallbacks.retain(|(from, to), _| group(from) && group(to));
            for each in [
                &mut counts.retries,
                &mut counts.group_unavailable,
                &mut counts.queued,
                &mut counts.queue_full,
                &mut counts.shed,
                &mut counts.picks_rejected,
                &mut counts.retry_budget_exhausted,
                &mut counts.too_late,
            ] {
                each.retain(|id, _| group(id));
            }
        }
        if !deployments.is_empty() {
            counts.attempt_durations.retain(|id, _| deployment(id));
            counts.first_attempts.retain(|id, _| deployment(id));
            counts.tokens.retain(|id, _| deployment(id));
            counts.cost.retain(|id, _| deployment(id));
            for each in [
                &mut counts.attempts,
                &mut counts.cooldowns,
                &mut counts.timeouts,
                &mut counts.hedges,
                &mut counts.continued,
                &mut counts.limits_reached,
            ] {
                each.retain(|(id, _), _| deployment(id));
            }
        }
    }
}

fn renew<I: Copy + Ord>(
    gone: &mut BTreeMap<I, Timestamp>,
    now: Timestamp,
    all: impl Iterator<Item = I>,
    held: &BTreeSet<I>,
) {
    for id in all {
        if held.contains(&id) {
            gone.remove(&id);
        } else {
            gone.entry(id).or_insert(now);
        }
    }
}

fn due<I: Copy + Ord>(gone: &BTreeMap<I, Timestamp>, now: Timestamp) -> BTreeSet<I> {
    let due = gone.iter().filter(|(_, since)| now.since(**since) >= KEPT);
    due.map(|(id, _)| *id).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::ZERO + Duration::from_secs(seconds)
    }

    #[test]
    fn what_is_gone_leaves_after_its_time_and_what_is_back_stays() {
        let (here, back, left) = (DeploymentId(0), DeploymentId(1), DeploymentId(2));
        let all = [here, back, left];
        let mut counts = RequestCounters::default();
        for id in all {
            counts.attempts.insert((id, "succeeded"), 1);
            counts.tokens.entry(id).or_default();
        }
        let mut gone = RemovedSeries::default();
        let held = |held: &[DeploymentId]| held.iter().copied().collect::<BTreeSet<_>>();
        renew(&mut gone.deployments, at(0), all.into_iter(), &held(&all));
        renew(&mut gone.deployments, at(100), all.into_iter(), &held(&[here]));
        renew(&mut gone.deployments, at(200), all.into_iter(), &held(&[here, back]));
        let kept = KEPT.as_secs();
        gone.forget(at(100 + kept - 1), &mut counts);
        assert_eq!(counts.attempts.len(), 3, "a scraper may not have come by yet");
        gone.forget(at(100 + kept), &mut counts);
        let shown: Vec<_> = counts.attempts.keys().map(|(id, _)| *id).collect();
        assert_eq!(shown, [here, back]);
        assert_eq!(counts.tokens.keys().copied().collect::<Vec<_>>(), [here, back]);
        // What ends there later leaves the next time.
        counts.attempts.insert((left, "succeeded"), 1);
        gone.forget(at(100 + kept + 1), &mut counts);
        assert_eq!(counts.attempts.len(), 2);
    }
}
