//! Soft expectations: `warn: EXPECTATION` in place of an expectation.

use super::{Expectation, ScopeNames};
use crate::diagnostic::Problems;
use crate::fields::Fields;
use crate::node::{Node, NodeKind};
use crate::schema::{Key, Schema, Section};

static SOFT: Section = Section {
    id: "soft-expectation",
    phrase: "a soft expectation",
    about: "An expectation that is judged as any other, and of which a miss is a warning.",
    keys: &[&[Key::required(
        "warn",
        Schema::Expectation,
        "The expectation. Missed or undecided, it is shown as `warned`; neither the verdict nor the exit code \
         counts it.",
    )]],
};

/// What an item of `expect` may be.
pub(crate) static EXPECTATION_ITEM: Schema =
    Schema::Either(&[Schema::Expectation, Schema::Section(&SOFT)]);

/// Reads one item of `expect`: an expectation, or a soft one.
pub(crate) fn read_item(
    node: &Node,
    names: &ScopeNames<'_>,
    problems: &Problems,
) -> Option<Expectation> {
    if !matches!(node.kind, NodeKind::Map(_)) {
        return super::read(node, names, problems);
    }
    let of = Fields::open(node, &SOFT, problems)?.get("warn")?;
    Some(Expectation { soft: true, ..super::read(of, names, problems)? })
}
