//! Money: what tokens cost, and how much may be spent.

use crate::diagnostic::Problems;
use crate::fields::Fields;
use crate::node::Node;
use crate::schema::{Key, Schema, Section};
use crate::settings::{In, PerMillion, Required, ValueKind, Written, dollars, duration, settings};
use squall_router::{Price, SpendBudget};

settings! {
    static PRICE: Price = ("price", "a price", "Token prices, in dollars per million.");
    /// Per million prompt tokens.
    input: Required(PerMillion);
    /// Per million output tokens.
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
    about: "A spend budget per period. Deployments are skipped while their budget is exhausted.",
    keys: &[&[
        Key::required("limit", Schema::Money, "The amount in dollars."),
        Key::required(
            "period",
            Schema::SPAN,
            "The period, from the first spend until the counter resets: `1h`, `1d`.",
        ),
    ]],
};

/// A budget that was opened.
pub(crate) fn budget(fields: &Fields<'_>) -> Option<SpendBudget> {
    Some(SpendBudget { limit: fields.money("limit")?, period: fields.duration("period")? })
}

/// A budget as a file writes it.
pub(crate) fn written_budget(budget: &SpendBudget) -> Written {
    let entry = |key: &str, text| (key.to_owned(), Written::Plain(text));
    Written::Map(vec![
        entry("limit", dollars(budget.limit)),
        entry("period", duration(budget.period)),
    ])
}
