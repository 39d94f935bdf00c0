//! Where a request goes that its group cannot serve. One file per rule.

mod depth_first;
mod litellm;

use crate::config::MAX_DEPTH;
use crate::{FallbackChoice, FallbackRule, Fallbacks, GroupId, LitellmRules};
use squall_failure::FailureClass;

/// How many groups of a request are remembered.
const VISITED_MAX: usize = 16;

/// A request's way through groups: the lists it is in, and the groups it has been to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FallbackPath {
    frames: [FallbackFrame; MAX_DEPTH as usize],
    depth: u8,
    visited: [u16; VISITED_MAX],
    moves: u8,
}

/// A list that a request is in, and how far.
#[derive(Clone, Copy, Debug)]
struct FallbackFrame {
    /// Whose list.
    of: GroupId,
    list: FallbackList,
    next: u8,
}

/// Which list of a group.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum FallbackList {
    General,
    ContextWindow,
    ContentPolicy,
    /// The request's own.
    Asked,
}

impl FallbackPath {
    /// The way of a request that begins in `group`.
    pub(crate) fn from(group: GroupId) -> Self {
        let nowhere = FallbackFrame { of: group, list: FallbackList::General, next: 0 };
        let mut path = Self {
            frames: [nowhere; MAX_DEPTH as usize],
            depth: 0,
            visited: [u16::MAX; VISITED_MAX],
            moves: 0,
        };
        path.visited[0] = group.0;
        path
    }

    /// The group to go to from `group` after a failure of `class`; `None` if there is none. `rules`: of LiteLLM's
    /// version, where its rule holds.
    pub(crate) fn next<'a>(
        &mut self,
        rule: FallbackRule,
        group: GroupId,
        class: Option<FailureClass>,
        asked: &FallbackChoice,
        rules: &LitellmRules,
        of: impl Fn(GroupId) -> &'a Fallbacks,
    ) -> Option<GroupId> {
        let list = match asked {
            FallbackChoice::None => return None,
            FallbackChoice::These(_) => FallbackList::Asked,
            FallbackChoice::Configured => {
                let refused = class == Some(FailureClass::ContentPolicy);
                let once = matches!(rule, FallbackRule::DepthFirst { .. });
                if refused && once && of(group).content_policy.is_none() {
                    return None;
                }
                list_for(of(group), class)
            }
        };
        match rule {
            FallbackRule::DepthFirst { max_moves } => {
                depth_first::next(self, max_moves, group, list, asked, of)
            }
            FallbackRule::LitellmNested { max_depth, .. } => {
                litellm::next(self, max_depth, rules, group, list, asked, of)
            }
        }
    }

    fn is_visited(&self, group: GroupId) -> bool {
        self.visited.contains(&group.0)
    }

    fn visit(&mut self, group: GroupId) {
        self.moves = self.moves.saturating_add(1);
        if let Some(place) = self.visited.get_mut(usize::from(self.moves)) {
            *place = group.0;
        }
    }

    fn push(&mut self, of: GroupId, list: FallbackList) {
        if let Some(frame) = self.frames.get_mut(usize::from(self.depth)) {
            *frame = FallbackFrame { of, list, next: 0 };
            self.depth += 1;
        }
    }

    /// The next group of the innermost list, and out of lists that are at their end.
    fn step<'a>(
        &mut self,
        asked: &FallbackChoice,
        of: impl Fn(GroupId) -> &'a Fallbacks,
    ) -> Option<GroupId> {
        while let Some(inner) = self.depth.checked_sub(1) {
            let frame = &mut self.frames[usize::from(inner)];
            let place = usize::from(frame.next);
            frame.next = frame.next.saturating_add(1);
            let next = match (frame.list, asked) {
                (FallbackList::Asked, FallbackChoice::These(groups)) => groups.get(place),
                (list, _) => entries(of(frame.of), list).get(place).copied(),
            };
            if next.is_some() {
                return next;
            }
            self.depth = inner;
        }
        None
    }
}

/// The list that holds for a failure.
fn list_for(fallbacks: &Fallbacks, class: Option<FailureClass>) -> FallbackList {
    match class {
        Some(FailureClass::ContextWindow | FailureClass::RequestTooLarge)
            if fallbacks.context_window.is_some() =>
        {
            FallbackList::ContextWindow
        }
        Some(FailureClass::ContentPolicy) if fallbacks.content_policy.is_some() => {
            FallbackList::ContentPolicy
        }
        _ => FallbackList::General,
    }
}

fn entries(fallbacks: &Fallbacks, list: FallbackList) -> &[GroupId] {
    let special = match list {
        FallbackList::ContextWindow => fallbacks.context_window.as_deref(),
        FallbackList::ContentPolicy => fallbacks.content_policy.as_deref(),
        FallbackList::General | FallbackList::Asked => None,
    };
    special.unwrap_or(&fallbacks.general)
}
