//! Values as a file writes them.

use core::fmt;
use core::time::Duration;
pub(crate) use squall_config_file::name::quoted;
use squall_determinism::Share;
use squall_router::Money;

/// What stands in a file for a value.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Written {
    /// Nothing: there is no such value, and no key.
    #[default]
    Unset,
    /// A number, a duration, a word of ours: it means itself wherever it stands.
    Plain(String),
    /// A text of somebody's own, in quotes where YAML would take it for something else.
    Text(String),
    /// A text that is shown to nobody.
    Secret(String),
    /// A list.
    List(Vec<Self>),
    /// A mapping.
    Map(Vec<(String, Self)>),
}

impl Written {
    /// A value that means itself.
    pub(crate) fn plain(text: impl Into<String>) -> Self {
        Self::Plain(text.into())
    }

    /// A text of somebody's own.
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// A mapping with one key.
    pub(crate) fn entry(key: &str, value: Self) -> Self {
        Self::Map(vec![(key.to_owned(), value)])
    }

    /// What of it is not so in `base`: of mappings the keys that differ, of anything else all of it or
    /// [`Unset`](Self::Unset).
    #[must_use]
    pub fn beyond(&self, base: &Self) -> Self {
        match (self, base) {
            (own, base) if own == base => Self::Unset,
            (Self::Map(own), Self::Map(base)) => {
                let of_base = |key: &str| base.iter().find(|(known, _)| known == key);
                let differing = own.iter().filter_map(|(key, value)| {
                    let value = match of_base(key) {
                        Some((_, base)) => value.beyond(base),
                        None => value.clone(),
                    };
                    (value != Self::Unset).then(|| (key.clone(), value))
                });
                Self::Map(differing.collect())
            }
            (own, _) => own.clone(),
        }
    }
}

/// The value on one line, as YAML writes it.
impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unset => f.write_str("~"),
            Self::Plain(text) => f.write_str(text),
            Self::Text(text) | Self::Secret(text) => f.write_str(&quoted(text)),
            Self::List(items) => {
                let items: Vec<_> = items.iter().map(Self::to_string).collect();
                write!(f, "[{}]", items.join(", "))
            }
            Self::Map(entries) => {
                let set = entries.iter().filter(|(_, value)| *value != Self::Unset);
                let set: Vec<_> =
                    set.map(|(key, value)| format!("{}: {value}", quoted(key))).collect();
                if set.is_empty() {
                    f.write_str("{}")
                } else {
                    write!(f, "{{ {} }}", set.join(", "))
                }
            }
        }
    }
}

/// A duration in its largest whole unit; a minute is 60 seconds.
pub(crate) fn duration(duration: Duration) -> String {
    const MINUTE: u128 = 60_000_000_000;
    let nanos = duration.as_nanos();
    let large = [("d", 1_440 * MINUTE), ("h", 60 * MINUTE), ("m", MINUTE), ("s", 1_000_000_000)];
    let small = [("ms", 1_000_000), ("us", 1_000), ("ns", 1)];
    if nanos == 0 {
        return "0s".to_owned();
    }
    let units = large.into_iter().chain(small);
    let mut whole = units
        .filter(|(unit, size)| nanos.is_multiple_of(*size) && !(*unit == "m" && nanos == MINUTE));
    let (unit, size) = whole.next().unwrap_or(("ns", 1));
    format!("{}{unit}", nanos / size)
}

/// A share in percent.
pub(crate) fn share(share: Share) -> String {
    let ppm = share.ppm();
    format!("{}%", decimal(u64::from(ppm), 10_000))
}

/// A whole number, of ten thousand on in thousands if there is no rest.
pub(crate) fn count(count: u64) -> String {
    match count {
        0..10_000 => count.to_string(),
        _ if count.is_multiple_of(1_000_000) => format!("{}M", count / 1_000_000),
        _ if count.is_multiple_of(1_000) => format!("{}k", count / 1_000),
        _ => count.to_string(),
    }
}

/// An amount of memory in its largest whole unit, else in thousands of bytes.
pub(crate) fn bytes(bytes: u64) -> String {
    let units = [
        ("GiB", 1 << 30),
        ("MiB", 1 << 20),
        ("GB", 1_000_000_000),
        ("MB", 1_000_000),
        ("KiB", 1 << 10),
    ];
    match units.into_iter().find(|(_, size)| bytes.is_multiple_of(*size)) {
        Some((unit, size)) => format!("{}{unit}", bytes / size),
        None => format!("{}kB", decimal(bytes, 1_000)),
    }
}

/// A factor, from its thousandths.
pub(crate) fn factor(milli: u32) -> String {
    format!("{}x", decimal(u64::from(milli), 1_000))
}

/// Dollars with as many decimals as there are.
pub(crate) fn dollars(money: Money) -> String {
    format!("${}", decimal(money.0, Money::DOLLAR.0))
}

/// `number` in units of `one`, a power of ten, with no more decimals than needed.
fn decimal(number: u64, one: u64) -> String {
    let width = one.ilog10() as usize;
    let text = format!("{}.{:0width$}", number / one, number % one);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
