//! Rates of rates: added, multiplied, shifted.

use super::{RATE, ShapeStart, curve, of_node};
use crate::diagnostic::Problem;
use crate::fields::Fields;
use crate::schema::{Key, Schema, Section};
use squall_workload::{Rate, RateCurve, RateSegment, Shifted};

pub(super) static SHIFT: Section = Section {
    id: "rate-shift",
    phrase: "a shift",
    about: "A rate that begins later, or has begun earlier. Before it begins, it has the rate that it comes from: its base.",
    keys: &[&[
        Key::choice("later", Schema::DURATION, "By how much it begins later."),
        Key::choice("earlier", Schema::DURATION, "How much of it has passed at the start."),
        Key::required("rate", RATE, "The rate."),
    ]],
};

pub(super) fn sum(fields: &Fields<'_>, start: ShapeStart) -> Option<RateSegment> {
    Some(curve(start, RateCurve::Sum(parts(fields, "sum", start)?)))
}

pub(super) fn product(fields: &Fields<'_>, start: ShapeStart) -> Option<RateSegment> {
    Some(curve(start, RateCurve::Product(parts(fields, "product", start)?)))
}

fn parts(fields: &Fields<'_>, name: &str, start: ShapeStart) -> Option<Vec<Rate>> {
    let nodes = fields.list(name);
    if nodes.is_empty() {
        let message = format!("a {name} needs a rate");
        fields.problems.push(Problem::new(fields.span_of(name), message, "none here"));
        return None;
    }
    Some(nodes.iter().map(|node| of_node(node, fields.problems, start.run)).collect())
}

pub(super) fn shift(fields: &Fields<'_>, start: ShapeStart) -> Option<RateSegment> {
    let shift = fields.section("shift")?;
    let rate = of_node(shift.get("rate")?, shift.problems, start.run);
    let later = shift.duration("later").unwrap_or_default();
    let earlier = shift.duration("earlier").unwrap_or_default();
    Some(curve(start, RateCurve::Shifted(Shifted { rate, later, earlier })))
}
