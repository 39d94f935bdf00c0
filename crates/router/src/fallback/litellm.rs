//! LiteLLM's rule: every group uses its own list, down to a maximum depth that is checked on entry. The
//! length of lists is unlimited. In 1.80 a group may be tried as often as lists name it; from 1.110 on once.

use super::{FallbackList, FallbackPath};
use crate::{FallbackChoice, Fallbacks, GroupId, LitellmRules};

pub(super) fn next<'a>(
    path: &mut FallbackPath,
    max_depth: u8,
    rules: &LitellmRules,
    group: GroupId,
    list: FallbackList,
    asked: &FallbackChoice,
    of: impl Fn(GroupId) -> &'a Fallbacks,
) -> Option<GroupId> {
    let first_of_asked = list == FallbackList::Asked && path.moves == 0;
    if path.depth < max_depth && (list != FallbackList::Asked || first_of_asked) {
        path.push(group, list);
    }
    loop {
        let to = path.step(asked, &of)?;
        if rules.repeats_fallbacks || !path.is_visited(to) {
            path.visit(to);
            return Some(to);
        }
    }
}
