//! Where a request goes that its group cannot serve. One file per rule.

mod nested;
mod once;

use crate::config::MAX_DEPTH;
use crate::{FallbackChoice, FallbackRule, Fallbacks, GroupId};
use squall_failure::FailureClass;

/// How many groups of a request are remembered.
const VISITED_MAX: usize = 16;

/// A request's way through groups: the lists it is in, and the groups it has been to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Path {
    frames: [Frame; MAX_DEPTH as usize],
    depth: u8,
    visited: [u16; VISITED_MAX],
    moves: u8,
}

/// A list that a request is in, and how far.
#[derive(Clone, Copy, Debug)]
struct Frame {
    /// Whose list.
    of: GroupId,
    list: List,
    next: u8,
}

/// Which list of a group.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum List {
    General,
    ContextWindow,
    ContentPolicy,
    /// The request's own.
    Asked,
}

impl Path {
    /// The way of a request that begins in `group`.
    pub(crate) fn from(group: GroupId) -> Self {
        let nowhere = Frame { of: group, list: List::General, next: 0 };
        let mut path = Self {
            frames: [nowhere; MAX_DEPTH as usize],
            depth: 0,
            visited: [u16::MAX; VISITED_MAX],
            moves: 0,
        };
        path.visited[0] = group.0;
        path
    }

    /// The group to go to from `group` after a failure of `class`; `None` if there is none.
    pub(crate) fn next<'a>(
        &mut self,
        rule: FallbackRule,
        group: GroupId,
        class: Option<FailureClass>,
        asked: &FallbackChoice,
        of: impl Fn(GroupId) -> &'a Fallbacks,
    ) -> Option<GroupId> {
        let list = match asked {
            FallbackChoice::None => return None,
            FallbackChoice::These(_) => List::Asked,
            FallbackChoice::Configured => {
                let refused = class == Some(FailureClass::ContentPolicy);
                let once = matches!(rule, FallbackRule::Once { .. });
                if refused && once && of(group).content_policy.is_none() {
                    return None;
                }
                list_for(of(group), class)
            }
        };
        match rule {
            FallbackRule::Once { max_moves } => once::next(self, max_moves, group, list, asked, of),
            FallbackRule::Nested { max_depth } => {
                nested::next(self, max_depth, group, list, asked, of)
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

    fn push(&mut self, of: GroupId, list: List) {
        if let Some(frame) = self.frames.get_mut(usize::from(self.depth)) {
            *frame = Frame { of, list, next: 0 };
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
                (List::Asked, FallbackChoice::These(groups)) => groups.get(place),
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
fn list_for(fallbacks: &Fallbacks, class: Option<FailureClass>) -> List {
    match class {
        Some(FailureClass::ContextWindow | FailureClass::RequestTooLarge)
            if fallbacks.context_window.is_some() =>
        {
            List::ContextWindow
        }
        Some(FailureClass::ContentPolicy) if fallbacks.content_policy.is_some() => {
            List::ContentPolicy
        }
        _ => List::General,
    }
}

fn entries(fallbacks: &Fallbacks, list: List) -> &[GroupId] {
    let special = match list {
        List::ContextWindow => fallbacks.context_window.as_deref(),
        List::ContentPolicy => fallbacks.content_policy.as_deref(),
        List::General | List::Asked => None,
    };
    special.unwrap_or(&fallbacks.general)
}
