//! Money: what tokens cost, and how much may be spent.

use crate::fields::Fields;
use crate::shape::{Key, Section, Shape};
use squall_router::{Money, Price, SpendLimit};

/// What a deployment's tokens cost.
pub(crate) static PRICE: Section = Section {
    id: "price",
    phrase: "a price",
    about: "What tokens cost, in dollars per million.",
    keys: &[&[
        Key::required("input", Shape::Money, "A million tokens of prompts."),
        Key::required("output", Shape::Money, "A million tokens of answers."),
    ]],
};

/// A budget in money.
pub(crate) static BUDGET: Section = Section {
    id: "budget",
    phrase: "a budget",
    about: "So much money in so much time. Once it is spent, whoever spends from it is passed over.",
    keys: &[&[
        Key::required("limit", Shape::Money, "How much, in dollars."),
        Key::required(
            "period",
            Shape::SPAN,
            "From the first that is spent on, until everything is forgotten: `1h`, `1d`.",
        ),
    ]],
};

/// The price under `price`.
pub(crate) fn price(fields: &Fields<'_>) -> Price {
    let Some(fields) = fields.section("price") else { return Price::default() };
    let per_token = |name| Money(fields.money(name).unwrap_or_default().0 / 1_000_000);
    Price { input: per_token("input"), output: per_token("output") }
}

/// A budget that was opened.
pub(crate) fn budget(fields: &Fields<'_>) -> Option<SpendLimit> {
    Some(SpendLimit { limit: fields.money("limit")?, period: fields.duration("period")? })
}
