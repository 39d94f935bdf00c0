//! Money: what tokens cost, and how much may be spent.

use crate::diagnostic::{Problem, Problems};
use crate::fields::Fields;
use crate::node::{Node, NodeKind};
use crate::schema::{Key, Least, Schema, Section};
use crate::settings::{In, PerMillion, Required, ValueKind, Written, dollars, duration, settings};
use crate::value;
use squall_router::{Money, Price, SpendBudget, SpendPeriod, UtcOffset};

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
            Schema::Either(&[Schema::Word(CALENDAR), Schema::SPAN]),
            "`day` or `month`, a calendar day or month; or a duration, `1h`, `30d`, from the first spend until the \
             counter resets.",
        ),
        Key::optional(
            "utc_offset",
            Schema::Text,
            "+00:00",
            "How far the clocks are ahead of UTC by which calendar days and months begin, `+02:00`, `-05:30`: the \
             same all year.",
        ),
        Key::optional(
            "spent",
            Schema::Money,
            "nothing",
            "The amount that was spent in the current period before the start: elsewhere, or before a restart.",
        ),
    ]],
};

const CALENDAR: &[&str] = &["day", "month"];

/// A budget that was opened; its name is the reader's.
pub(crate) fn budget(fields: &Fields<'_>) -> Option<SpendBudget> {
    let (limit, period) = (fields.money("limit"), period(fields));
    let spent = fields.money("spent").unwrap_or_default();
    Some(SpendBudget { name: String::new(), limit: limit?, period: period?, spent })
}

fn period(fields: &Fields<'_>) -> Option<SpendPeriod> {
    let offset = utc_offset(fields);
    let node = fields.get("period")?;
    let is_duration = matches!(&node.kind, NodeKind::Scalar(text)
        if text.starts_with(|c: char| c.is_ascii_digit() || c == '-'));
    if is_duration {
        if fields.get("utc_offset").is_some() {
            let message = "`utc_offset` belongs to `period: day` and `period: month`";
            let problem = Problem::new(fields.key_span("utc_offset"), message, "of no effect here");
            let help = "remove it, or write `day` or `month`";
            fields
                .problems
                .push(problem.help(help).related(&node.span, "this period has no calendar"));
        }
        return value::duration(node, Least::AboveZero, fields.problems).map(SpendPeriod::Rolling);
    }
    match value::scalar(node, &Schema::Text, fields.problems)? {
        "month" => Some(SpendPeriod::Month(offset?)),
        "day" => Some(SpendPeriod::Day(offset?)),
        other => {
            let message = format!("`{other}` is no period");
            let problem =
                Problem::new(&node.span, message, "expected `day`, `month` or a duration");
            let help = "write a week as `7d`, counted from the first that is spent";
            fields.problems.push(problem.help(help));
            None
        }
    }
}

/// `None` for one that cannot be read.
fn utc_offset(fields: &Fields<'_>) -> Option<UtcOffset> {
    let Some(node) = fields.get("utc_offset") else { return Some(UtcOffset::default()) };
    let text = value::scalar(node, &Schema::Text, fields.problems)?;
    let offset = parse_offset(text);
    if offset.is_none() {
        let message = format!("`{text}` is no distance from UTC");
        let problem = Problem::new(&node.span, message, "expected `+hh:mm` or `-hh:mm`");
        fields
            .problems
            .push(problem.help("write hours and minutes, at most `+14:00`: `+02:00`, `-05:30`"));
    }
    offset
}

fn parse_offset(text: &str) -> Option<UtcOffset> {
    let (sign, digits) = match text.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let (hours, minutes) = digits.split_once(':')?;
    let number = |text: &str| {
        let digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.parse::<i32>().ok()).flatten()
    };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    // The clocks of Kiribati are furthest ahead.
    let seconds = hours * 3_600 + minutes * 60;
    (minutes < 60 && seconds <= 14 * 3_600).then_some(UtcOffset { seconds: sign * seconds })
}

fn written_offset(UtcOffset { seconds }: UtcOffset) -> String {
    let minutes = seconds.unsigned_abs() / 60;
    let sign = if seconds < 0 { '-' } else { '+' };
    format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60)
}

/// A budget as a file writes it.
pub(crate) fn written_budget(budget: &SpendBudget) -> Written {
    let entry = |key: &str, text| (key.to_owned(), Written::Plain(text));
    let (period, offset) = match budget.period {
        SpendPeriod::Rolling(period) => (duration(period), None),
        SpendPeriod::Day(offset) => ("day".to_owned(), Some(offset)),
        SpendPeriod::Month(offset) => ("month".to_owned(), Some(offset)),
    };
    let offset = offset.filter(|offset| *offset != UtcOffset::default());
    let offset =
        offset.map(|offset| ("utc_offset".to_owned(), Written::text(written_offset(offset))));
    let spent = (budget.spent > Money::default()).then(|| entry("spent", dollars(budget.spent)));
    let entries = [entry("limit", dollars(budget.limit)), entry("period", period)];
    Written::Map(entries.into_iter().chain(offset).chain(spent).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_read_back_as_written_and_others_are_none() {
        for (text, seconds) in [("+00:00", 0), ("+14:00", 50_400), ("-05:30", -19_800)] {
            assert_eq!(parse_offset(text), Some(UtcOffset { seconds }));
            assert_eq!(written_offset(UtcOffset { seconds }), text);
        }
        for text in [
            "",
            "2",
            "02:00",
            "+2:00",
            "+02:60",
            "+14:01",
            "+ 2:00",
            "Z",
            "\u{e9}+02:00",
            "+99999999999:00",
        ] {
            assert_eq!(parse_offset(text), None, "{text}");
        }
    }
}
