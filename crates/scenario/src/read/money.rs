//! Money: what tokens cost, and how much may be spent.

use crate::diagnostic::Problems;
use crate::fields::Fields;
use crate::node::Node;
use crate::schema::{Key, Schema, Section};
use crate::settings::{In, PerMillion, Required, ValueKind, Written, dollars, duration, settings};
use squall_router::{Price, SpendLimit};

settings! {
    static PRICE: Price = ("price", "a price", "What tokens cost, in dollars per million.");
    /// A million tokens of prompts.
    input: Required(PerMillion);
    /// A million tokens of answers.
    output: Required(PerMillion);
}

/// A price that may be left out.
pub(super) struct PriceKind;

impl ValueKind for PriceKind {
    type Value = Price;

    fn shape(&self) -> Schema {
        Schema::Section(&PRICE.section)
    }

    fn read(&self, node: &Node, over: &Price, problems: &Problems) -> Option<Price> {
        In(&PRICE).read(node, over, problems)
    }

    fn write(&self, price: &Price) -> Written {
        if *price == Price::default() { Written::Unset } else { PRICE.write(price) }
    }

    fn default_text(&self, _: &Price) -> String {
        "nothing".to_owned()
    }
}

/// A budget in money.
pub(crate) static BUDGET: Section = Section {
    id: "budget",
    phrase: "a budget",
    about: "So much money in so much time. Once it is spent, whoever spends from it is passed over.",
    keys: &[&[
        Key::required("limit", Schema::Money, "How much, in dollars."),
        Key::required(
            "period",
            Schema::SPAN,
            "From the first that is spent on, until everything is forgotten: `1h`, `1d`.",
        ),
    ]],
};

/// A budget that was opened.
pub(crate) fn budget(fields: &Fields<'_>) -> Option<SpendLimit> {
    Some(SpendLimit { limit: fields.money("limit")?, period: fields.duration("period")? })
}

/// A budget as a file writes it.
pub(crate) fn written_budget(budget: &SpendLimit) -> Written {
    let entry = |key: &str, text| (key.to_owned(), Written::Plain(text));
    Written::Map(vec![
        entry("limit", dollars(budget.limit)),
        entry("period", duration(budget.period)),
    ])
}
