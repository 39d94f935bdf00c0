//! A request's deadline, shared out over what is still to be tried: nobody waits so long for one deployment
//! that the next could not answer, and no further attempt begins that could not end in time.

use super::Router;
use super::pick::NoCandidate;
use crate::fallback::FallbackPath;
use crate::silence_detection::Awaited;
use crate::{DeploymentId, GroupId, RouterEvent};
use core::time::Duration;
use squall_determinism::Timestamp;
use squall_failure::FailureClass;

/// Further places to try that are counted. A deadline that is so many times as far away as an attempt may
/// take is not looked at.
const PLACES_MAX: u32 = 8;

/// Answers that must be known before their quantiles are believed.
const SAMPLES: u32 = 20;

impl Router {
    /// How long an attempt that begins now may keep its request waiting, so that what is tried after it has
    /// its turn before the deadline; `patience` is what its time-outs allow. It is never shorter than nearly
    /// all answers of its group take.
    pub(super) fn turn(&mut self, slot: u32, id: DeploymentId, patience: Duration) -> Duration {
        let request = self.requests.at(slot);
        let left = request.deadline.since(self.now);
        if left / PLACES_MAX >= patience {
            return patience;
        }
        let (group, awaited) = (request.group, Awaited::of(request.stream));
        let of = &self.groups[group.index()];
        let Some(sharing) = of.config.deadline_sharing else { return patience };
        let own = of.response_times[awaited as usize].learned(SAMPLES);
        let siblings = self.siblings_left(slot, id);
        let mut groups = [GroupId(0); PLACES_MAX as usize];
        let ahead = self.groups_ahead(slot, &mut groups);
        let places = (siblings + ahead) as u32;
        let even = left / (places + 1);
        let needs = |usual: Option<Duration>| {
            usual.map_or(even, |usual| usual.max(sharing.floor).min(even))
        };
        let mut reserved = needs(own) * siblings as u32;
        for group in &groups[..ahead] {
            reserved +=
                needs(self.groups[group.index()].response_times[awaited as usize].learned(SAMPLES));
        }
        patience.min(left.saturating_sub(reserved).max(own.unwrap_or_default()))
    }

    /// Until when a request may wait in its group for a deployment, so that its fallbacks have their turn.
    pub(super) fn wait_ends(&mut self, slot: u32, until: Timestamp) -> Timestamp {
        let request = self.requests.at(slot);
        let (group, left) = (request.group, request.deadline.since(self.now));
        let wait = until.since(self.now);
        if left / PLACES_MAX >= wait || self.groups[group.index()].config.deadline_sharing.is_none()
        {
            return until;
        }
        let mut groups = [GroupId(0); PLACES_MAX as usize];
        let ahead = self.groups_ahead(slot, &mut groups) as u32;
        until.min(self.now + left / (ahead + 1))
    }

    /// What an attempt in the group that the request is in takes to begin at the least, as far as is known:
    /// half of the group's answers did not take so long.
    pub(super) fn least_time(&mut self, slot: u32) -> Duration {
        let request = self.requests.at(slot);
        let (group, stream) = (request.group, request.stream);
        self.least_time_in(group, stream)
    }

    /// The same of any group.
    pub(super) fn least_time_in(&self, group: GroupId, stream: bool) -> Duration {
        let group = &self.groups[group.index()];
        let Some(sharing) = group.config.deadline_sharing else { return Duration::ZERO };
        let usual = group.response_times[Awaited::of(stream) as usize].median(SAMPLES);
        usual.unwrap_or_default().max(sharing.floor)
    }

    /// Whether another attempt of a request that was tried before could not end before its deadline: then
    /// it leaves its group.
    pub(super) fn is_too_late(&mut self, slot: u32) -> bool {
        let request = self.requests.at(slot);
        if request.calls() == 0 {
            return false;
        }
        let left = request.deadline.since(self.now);
        if left >= self.least_time(slot) {
            return false;
        }
        let request = self.requests.key(slot);
        let group = self.requests.at(slot).group;
        self.note(RouterEvent::TooLate { request, group });
        self.move_on(slot, None::<NoCandidate>);
        true
    }

    /// Where the request goes next if it leaves its group after a failure of this class, and the way there.
    pub(super) fn next_group(
        &mut self,
        slot: u32,
        class: Option<FailureClass>,
    ) -> Option<(GroupId, FallbackPath)> {
        let request = self.requests.at(slot);
        let (from, origin, asked) = (request.group, request.origin, request.overrides.fallbacks);
        let mut path = self.requests.cold(slot).path.unwrap_or_else(|| FallbackPath::from(origin));
        let groups = &self.groups;
        let of = |group: GroupId| &groups[group.index()].config.fallbacks;
        let rules = groups[from.index()].config.litellm.rules();
        let mut next = || path.next(self.fallback_rule, from, class, &asked, rules, of);
        // A request may ask for groups that are not there.
        let to = core::iter::from_fn(&mut next).find(|to| to.index() < groups.len())?;
        Some((to, path))
    }

    /// Deployments of the request's group, `id` excepted, that it may still be tried at.
    fn siblings_left(&mut self, slot: u32, id: DeploymentId) -> usize {
        let request = self.requests.at(slot);
        let (group, tried, retries) = (request.group, request.tried, request.retries);
        let asked = request.overrides.retries;
        let of = &self.groups[group.index()];
        let most = asked.unwrap_or_else(|| of.config.retries.after(FailureClass::Timeout));
        let most = usize::from(most.saturating_sub(retries)).min(PLACES_MAX as usize / 2);
        let (index, now) = (&of.candidates, self.now);
        let usable = |&(place, &other): &(usize, &DeploymentId)| {
            other != id && index.ready_at[place] <= now && !tried.contains(other)
        };
        index.ids.iter().enumerate().filter(usable).take(most).count()
    }

    /// The groups that a request may still fall back to after a time-out, in their order.
    fn groups_ahead(&mut self, slot: u32, groups: &mut [GroupId; PLACES_MAX as usize]) -> usize {
        let request = self.requests.at(slot);
        let (mut from, origin, asked) =
            (request.group, request.origin, request.overrides.fallbacks);
        let mut path = self.requests.cold(slot).path.unwrap_or_else(|| FallbackPath::from(origin));
        let all = &self.groups;
        let of = |group: GroupId| &all[group.index()].config.fallbacks;
        let rules = |group: GroupId| all[group.index()].config.litellm.rules();
        let timed_out = Some(FailureClass::Timeout);
        let mut ahead = 0;
        while let Some(place) = groups.get_mut(ahead)
            && let Some(to) =
                path.next(self.fallback_rule, from, timed_out, &asked, rules(from), of)
        {
            if to.index() >= all.len() {
                continue;
            }
            (*place, from) = (to, to);
            ahead += 1;
        }
        ahead
    }
}
