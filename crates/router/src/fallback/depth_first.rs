//! Squall's rule: depth first, no group twice, with a maximum number of moves.

use super::{FallbackList, FallbackPath};
use crate::{FallbackChoice, Fallbacks, GroupId};

pub(super) fn next<'a>(
    path: &mut FallbackPath,
    max_moves: u8,
    group: GroupId,
    list: FallbackList,
    asked: &FallbackChoice,
    of: impl Fn(GroupId) -> &'a Fallbacks,
) -> Option<GroupId> {
    if path.moves >= max_moves {
        return None;
    }
    // A request's own list is final: fallbacks of its groups are not used.
    if list != FallbackList::Asked || path.moves == 0 {
        path.push(group, list);
    }
    loop {
        let to = path.step(asked, &of)?;
        if !path.is_visited(to) {
            path.visit(to);
            return Some(to);
        }
    }
}
