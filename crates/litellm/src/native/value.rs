//! Single values as our files write them.

use core::time::Duration;
use squall_config_file::name::is_name;
use squall_determinism::Share;
use squall_router::Money;

/// A text as a scalar: plain where YAML takes it for nothing else, else in quotes.
pub(super) fn quoted(text: &str) -> String {
    let plain = is_name(text) || text.strip_prefix('$').is_some_and(is_name);
    let taken = ["true", "false", "null", "yes", "no", "on", "off"];
    let is_word = taken.contains(&text.to_lowercase().as_str());
    if plain && !is_word && !text.ends_with(':') {
        return text.to_owned();
    }
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A duration in its largest whole unit.
pub(super) fn duration(duration: Duration) -> String {
    let nanos = duration.as_nanos();
    let units = [("h", 3_600_000_000_000), ("m", 60_000_000_000), ("s", 1_000_000_000)];
    let small = [("ms", 1_000_000), ("us", 1_000), ("ns", 1)];
    if nanos == 0 {
        return "0s".to_owned();
    }
    let whole = units.into_iter().chain(small).find(|(_, unit)| nanos.is_multiple_of(*unit));
    whole.map_or_else(|| format!("{nanos}ns"), |(word, unit)| format!("{}{word}", nanos / unit))
}

/// Dollars with as many decimals as there are.
pub(super) fn dollars(money: Money) -> String {
    decimal(money.0, Money::DOLLAR.0)
}

/// The price of a token as dollars per million tokens.
pub(super) fn per_million(money: Money) -> String {
    decimal(money.0, Money::DOLLAR.0 / 1_000_000)
}

fn decimal(number: u64, one: u64) -> String {
    let width = one.ilog10() as usize;
    let text = format!("${}.{:0width$}", number / one, number % one);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

pub(super) fn share(share: Share) -> String {
    let ppm = share.ppm();
    let text = format!("{}.{:04}", ppm / 10_000, ppm % 10_000);
    format!("{}%", text.trim_end_matches('0').trim_end_matches('.'))
}

/// The name of a budget by its place.
pub(super) fn budget(place: usize) -> String {
    format!("budget-{}", place + 1)
}

/// A list of names.
pub(super) fn list(names: impl IntoIterator<Item = String>) -> String {
    format!("[{}]", names.into_iter().collect::<Vec<_>>().join(", "))
}

/// Keys and values in braces.
pub(super) fn braces(pairs: &[(&str, String)]) -> String {
    let pairs: Vec<_> = pairs.iter().map(|(key, value)| format!("{key}: {value}")).collect();
    format!("{{ {} }}", pairs.join(", "))
}
