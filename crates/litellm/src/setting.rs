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

/// The text of a scalar.
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

/// Whether a value is a number without quotes, which Python takes for no text.
pub(super) fn is_bare_number(node: &Node) -> bool {
    let NodeKind::Scalar(text) = &node.kind else { return false };
    let is_bare = node.span.len() == text.len();
    is_bare && !text.is_empty() && text.parse::<f64>().is_ok()
}

/// A number. LiteLLM takes most of what is none without a word, and fails where it is used: here it is as
/// if it were not set, which is told, and below zero it is zero.
pub(super) fn number(node: Option<&Node>, problems: &Problems) -> Option<f64> {
    let node = node?;
    let shrug = |message: String, label: &str| {
        let problem = Problem::new(&node.span, message, label).warning();
        problems.push(problem.help("LiteLLM takes it as it is, and fails where it is used"));
    };
    let NodeKind::Scalar(text) = &node.kind else {
        shrug(format!("expected a number, found {}", node.found()), "here it is not set");
        return None;
    };
    match text.trim().replace('_', "").parse::<f64>() {
        Ok(number) if number.is_finite() && number >= 0.0 => Some(number),
        Ok(number) if number.is_finite() => {
            shrug(format!("`{text}` is below zero"), "here it is zero");
            Some(0.0)
        }
        _ => {
            shrug(format!("`{text}` is not a number"), "here it is not set");
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

/// A switch. Python takes any text for true.
pub(super) fn switch(node: Option<&Node>, problems: &Problems) -> Option<bool> {
    let node = node?;
    match text(Some(node)).map(str::to_lowercase).as_deref() {
        Some("true" | "yes" | "on" | "1") => Some(true),
        Some("false" | "no" | "off" | "0") => Some(false),
        _ => {
            let message = format!("expected `true` or `false`, found {}", node.found());
            let problem = Problem::new(&node.span, message, "LiteLLM takes it for `true`");
            problems.push(problem.warning());
            Some(true)
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
        let problem = Problem::new(&node.span, message, "not a number and a unit").warning();
        problems.push(problem.help("write a number and `s`, `m`, `h`, `d`, `w` or `mo`: `1d`"));
        return None;
    };
    Some(Duration::from_secs(number.saturating_mul(unit).min(LONGEST as u64)))
}

/// Whether a value stands for nothing: empty, `null`, or Python's word for it.
pub(super) fn is_none(node: &Node) -> bool {
    match &node.kind {
        NodeKind::Nothing => true,
        NodeKind::Scalar(text) => text == "None",
        _ => false,
    }
}
