//! Single settings of a LiteLLM file: numbers, switches, texts and lists, as Python would take them.

use core::time::Duration;
use squall_config_file::diagnostic::{Problem, Problems};
use squall_config_file::node::{MapEntry, Node, NodeKind};

/// The longest time that a setting is taken for.
const LONGEST: f64 = 31_536_000.0;

/// The value of a key, if the key is there and stands for something.
pub(super) fn get<'n>(node: Option<&'n Node>, key: &str) -> Option<&'n Node> {
    let found = entries(node).iter().find(|entry| entry.key == key)?;
    (!is_none(&found.value)).then_some(&found.value)
}

/// The entries of a mapping; none of anything else.
pub(super) fn entries(node: Option<&Node>) -> &[MapEntry] {
    match node.map(|node| &node.kind) {
        Some(NodeKind::Map(entries)) => entries,
        _ => &[],
    }
}

/// The items of a list; none of anything else.
pub(super) fn items(node: Option<&Node>) -> &[Node] {
    match node.map(|node| &node.kind) {
        Some(NodeKind::List(items)) => items,
        _ => &[],
    }
}

/// The text of a scalar that is not in the environment.
pub(super) fn text(node: Option<&Node>) -> Option<&str> {
    match &node?.kind {
        NodeKind::Scalar(text) => Some(text),
        _ => None,
    }
}

/// The name of the environment variable that a value is read from.
pub(super) fn environment(text: &str) -> Option<&str> {
    text.strip_prefix("os.environ/")
}

/// A number of at least zero.
pub(super) fn number(node: Option<&Node>, problems: &Problems) -> Option<f64> {
    let node = node?;
    let NodeKind::Scalar(text) = &node.kind else {
        problems.push(Problem::new(
            &node.span,
            format!("expected a number, found {}", node.found()),
            "not a number",
        ));
        return None;
    };
    if environment(text).is_some() {
        return None;
    }
    match text.replace('_', "").parse::<f64>() {
        Ok(number) if number.is_finite() && number >= 0.0 => Some(number),
        Ok(number) if number.is_finite() => {
            let message = format!("`{text}` is below zero");
            problems.push(Problem::new(&node.span, message, "expected zero or more"));
            None
        }
        _ => {
            let message = format!("`{text}` is not a number");
            problems.push(Problem::new(&node.span, message, "expected a number"));
            None
        }
    }
}

/// A whole number; decimals are cut off, as LiteLLM does.
pub(super) fn count(node: Option<&Node>, problems: &Problems) -> Option<u64> {
    number(node, problems).map(|number| number as u64)
}

/// A whole number that need not be large.
pub(super) fn small(node: Option<&Node>, problems: &Problems) -> Option<u32> {
    count(node, problems).map(|count| u32::try_from(count).unwrap_or(u32::MAX))
}

/// A number of seconds; more than a year is a year.
pub(super) fn seconds(node: Option<&Node>, problems: &Problems) -> Option<Duration> {
    number(node, problems).map(|seconds| Duration::from_secs_f64(seconds.min(LONGEST)))
}

/// A switch.
pub(super) fn switch(node: Option<&Node>, problems: &Problems) -> Option<bool> {
    let node = node?;
    match text(Some(node)).map(str::to_lowercase).as_deref() {
        Some("true" | "yes" | "on") => Some(true),
        Some("false" | "no" | "off") => Some(false),
        Some(text) if environment(text).is_some() => None,
        _ => {
            let message = format!("expected `true` or `false`, found {}", node.found());
            problems.push(Problem::new(&node.span, message, "expected `true` or `false`"));
            None
        }
    }
}

/// `30s`, `10m`, `1h`, `7d`, `1mo`.
pub(super) fn period(node: Option<&Node>, problems: &Problems) -> Option<Duration> {
    let node = node?;
    let text = text(Some(node)).unwrap_or_default();
    let at = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(at);
    let unit = match unit {
        "s" => Some(1),
        "m" => Some(60),
        "h" => Some(3_600),
        "d" => Some(86_400),
        "w" => Some(604_800),
        "mo" => Some(2_592_000),
        _ => None,
    };
    let seconds = number.parse::<u64>().ok().zip(unit);
    let Some((number, unit)) = seconds else {
        let message = format!("{} is not a period", node.found());
        let problem = Problem::new(&node.span, message, "not a number and a unit");
        problems.push(problem.help("write a number and `s`, `m`, `h`, `d`, `w` or `mo`: `1d`"));
        return None;
    };
    Some(Duration::from_secs(number.saturating_mul(unit).min(LONGEST as u64)))
}

fn is_none(node: &Node) -> bool {
    match &node.kind {
        NodeKind::Nothing => true,
        NodeKind::Scalar(text) => text == "None",
        _ => false,
    }
}
