//! LiteLLM's rule: every group uses its own list, down to a maximum depth that is checked on entry. The
//! length of lists is unlimited, and a group may be tried as often as lists name it.

use super::{FallbackList, FallbackPath};
use crate::{FallbackChoice, Fallbacks, GroupId};

pub(super) fn next<'a>(
    path: &mut FallbackPath,
    max_depth: u8,
    group: GroupId,
    list: FallbackList,
    asked: &FallbackChoice,
    of: impl Fn(GroupId) -> &'a Fallbacks,
) -> Option<GroupId> {
    let first_of_asked = list == FallbackList::Asked && path.moves == 0;
    if path.depth < max_depth && (list != FallbackList::Asked || first_of_asked) {
        path.push(group, list);
    }
    let to = path.step(asked, &of)?;
    path.visit(to);
    Some(to)
}
