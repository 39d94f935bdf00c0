//! Scalars with units: durations, shares, counts, factors, ranges. Pure functions of a text; the
//! integers are exact, nothing passes through a float.

use core::ops::Range;
use core::time::Duration;
use squall_determinism::Share;

/// Why a text is not what it should be.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Misfit {
    /// What is wrong.
    pub message: String,
    /// What was expected.
    pub label: String,
    /// What to write instead.
    pub help: Option<String>,
}

impl Misfit {
    /// What is wrong with a text, and what was expected.
    pub fn new(message: impl Into<String>, label: impl Into<String>) -> Self {
        Self { message: message.into(), label: label.into(), help: None }
    }

    /// With what to write instead.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// The longest duration that a file may hold: a year.
const DURATION_MAX: Duration = Duration::from_secs(365 * 24 * 3600);

/// The units of a duration, the longest first, in nanoseconds.
const UNITS: [(&str, u128); 7] = [
    ("d", 86_400_000_000_000),
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

/// Reads a duration as it stands in a file: `350ms`, `4s`, `1m30s`.
///
/// # Errors
/// What is wrong with it, and what to write instead.
pub fn read_duration(text: &str) -> Result<Duration, String> {
    duration(text).map_err(|misfit| match misfit.help {
        Some(help) => format!("{}: {help}", misfit.message),
        None => format!("{}: {}", misfit.message, misfit.label),
    })
}

/// `350ms`, `4s`, `1.5s`, `1m30s`, `2h`.
///
/// # Errors
/// What is wrong with the text, and what to write instead.
pub fn duration(text: &str) -> Result<Duration, Misfit> {
    let expected = "expected a duration such as `20s`";
    if text.strip_prefix('-').is_some_and(|rest| duration(rest).is_ok()) {
        return Err(Misfit::new("a duration cannot be negative", expected));
    }
    if decimal(text).is_some() {
        return Err(Misfit::new("a duration needs a unit", expected)
            .help(format!("write `{text}s` or `{text}ms`")));
    }
    let wrong = || Misfit::new(format!("`{text}` is not a duration"), expected);
    let mut rest = text;
    let mut nanos = 0_u128;
    let mut largest = u128::MAX;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !number_char(c)).ok_or_else(wrong)?;
        let (number, tail) = rest.split_at(digits);
        let letters = tail.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(letters);
        let number = decimal(number).filter(|_| !unit.is_empty()).ok_or_else(wrong)?;
        let Some((_, scale)) = UNITS.iter().find(|(name, _)| *name == unit) else {
            return Err(Misfit::new(format!("`{unit}` is not a unit of time"), expected)
                .help("the units are `d`, `h`, `m`, `s`, `ms`, `us` and `ns`"));
        };
        if *scale >= largest {
            return Err(wrong().help("write the larger unit first, each once: `1m30s`"));
        }
        largest = *scale;
        nanos = nanos.saturating_add(number.times(*scale).ok_or_else(wrong)?);
        rest = tail;
    }
    if largest == u128::MAX {
        return Err(wrong());
    }
    if nanos > DURATION_MAX.as_nanos() {
        return Err(Misfit::new("the duration is too long", "expected at most a year, `8760h`"));
    }
    Ok(Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX)))
}

/// `70%`, `99.5%`, down to `0.0001%`.
///
/// # Errors
/// What is wrong with the text, and what to write instead.
pub fn share(text: &str) -> Result<Share, Misfit> {
    let expected = "expected a share such as `70%`";
    let wrong = || Misfit::new(format!("`{text}` is not a share"), expected);
    let Some(number) = text.strip_suffix('%') else {
        let misfit = match decimal(text) {
            Some(_) => Misfit::new("a share needs its `%`", expected),
            None => return Err(wrong()),
        };
        return Err(match decimal(text).and_then(|number| number.times(100)) {
            Some(percent @ 1..=100) if text.contains('.') => {
                misfit.help(format!("write `{percent}%`"))
            }
            _ => misfit.help(format!("write `{text}%`")),
        });
    };
    let range = || Misfit::new("a share is between `0%` and `100%`", "out of range");
    if number.starts_with('-') {
        return Err(range());
    }
    let ppm = decimal(number.trim_end()).ok_or_else(wrong)?.times(10_000);
    let ppm = ppm.ok_or_else(|| wrong().help("at most four decimals"))?;
    u32::try_from(ppm).ok().and_then(Share::from_ppm).ok_or_else(range)
}

/// `20`, `3_000`, `12k`, `1.5M`.
///
/// # Errors
/// What is wrong with the text, and what to write instead.
pub fn count(text: &str) -> Result<u64, Misfit> {
    let expected = "expected a whole number such as `3000` or `3k`";
    let wrong = || Misfit::new(format!("`{text}` is not a whole number"), expected);
    if text.strip_prefix('-').is_some_and(|number| decimal(number).is_some()) {
        return Err(Misfit::new(format!("`{text}` is below zero"), expected));
    }
    let (number, scale) = match text.strip_suffix('k') {
        Some(number) => (number, 1_000),
        None => text.strip_suffix('M').map_or((text, 1), |number| (number, 1_000_000)),
    };
    let whole = decimal(number).and_then(|number| number.times(scale));
    let whole = whole.ok_or_else(|| without_unit(text, wrong()))?;
    u64::try_from(whole).map_err(|_| wrong())
}

/// The units of memory, in bytes.
const MEMORY: [(&str, u128); 6] = [
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
];

/// `16MiB`, `50MB`, `1.5GiB`: in bytes, at least one and at most a petabyte.
///
/// # Errors
/// What is wrong with the text, and what to write instead.
pub fn bytes(text: &str) -> Result<u64, Misfit> {
    let expected = "expected an amount of memory such as `16MiB` or `50MB`";
    let wrong = || Misfit::new(format!("`{text}` is not an amount of memory"), expected);
    if decimal(text).is_some() {
        return Err(Misfit::new("an amount of memory needs a unit", expected)
            .help("the units are `kB`, `MB`, `GB`, `KiB`, `MiB` and `GiB`"));
    }
    let unit = MEMORY.iter().find(|(unit, _)| text.ends_with(unit)).ok_or_else(wrong)?;
    let number = text.strip_suffix(unit.0).unwrap_or_default().trim_end();
    let bytes = decimal(number).and_then(|number| number.times(unit.1)).ok_or_else(wrong)?;
    match u64::try_from(bytes) {
        Ok(bytes @ 1..=1_000_000_000_000_000) => Ok(bytes),
        _ => {
            Err(Misfit::new(format!("`{text}` is out of range"), "expected 1 byte to 1,000,000GB"))
        }
    }
}

/// A number that is not negative: `20`, `0.5`.
///
/// # Errors
/// What is wrong with the text, and what to write instead.
pub fn number(text: &str) -> Result<f64, Misfit> {
    let expected = "expected a number such as `20` or `0.5`";
    if text.strip_prefix('-').is_some_and(|number| decimal(number).is_some()) {
        return Err(Misfit::new(format!("`{text}` is below zero"), expected));
    }
    let parsed = decimal(text).and_then(|_| text.replace('_', "").parse::<f64>().ok());
    parsed.ok_or_else(|| {
        without_unit(text, Misfit::new(format!("`{text}` is not a number"), expected))
    })
}

/// `$5`, `0.15`: money in millionths of a millionth of a dollar.
///
/// # Errors
/// What is wrong with the text, and what to write instead.
pub fn money(text: &str) -> Result<u64, Misfit> {
    let expected = "expected an amount of dollars such as `$5` or `$0.15`";
    let wrong = || Misfit::new(format!("`{text}` is not an amount of money"), expected);
    let number = text.strip_prefix('$').unwrap_or(text);
    if number.strip_prefix('-').is_some_and(|number| decimal(number).is_some()) {
        return Err(Misfit::new(format!("`{text}` is below zero"), expected));
    }
    let pico = decimal(number).ok_or_else(wrong)?.times(1_000_000_000_000);
    pico.and_then(|pico| u64::try_from(pico).ok())
        .ok_or_else(|| Misfit::new(format!("`{text}` is out of range"), "expected less than $18M"))
}

/// A number with a unit where none belongs is told to leave it out.
fn without_unit(text: &str, misfit: Misfit) -> Misfit {
    let digits = text.find(|c: char| !number_char(c)).unwrap_or(0);
    let (number, unit) = text.split_at(digits);
    if decimal(number).is_none() || unit.starts_with(['k', 'K', 'm', 'M', 'e', 'E']) {
        return misfit;
    }
    misfit.help(format!("the unit is in the name of the key: write `{number}`"))
}

/// `3x`, `1.5x`: in thousandths.
///
/// # Errors
/// What is wrong with the text, and what to write instead.
pub fn factor_milli(text: &str) -> Result<u32, Misfit> {
    let expected = "expected a factor such as `3x`";
    let wrong = || Misfit::new(format!("`{text}` is not a factor"), expected);
    let Some(number) = text.strip_suffix('x') else {
        return Err(match decimal(text) {
            Some(_) => {
                Misfit::new("a factor needs its `x`", expected).help(format!("write `{text}x`"))
            }
            None => wrong(),
        });
    };
    let milli = decimal(number).and_then(|number| number.times(1_000)).ok_or_else(wrong)?;
    match u32::try_from(milli) {
        Ok(milli @ 1..=1_000_000) => Ok(milli),
        _ => Err(Misfit::new("a factor is above `0x` and at most `1000x`", "out of range")),
    }
}

/// `0s..20s`: from and to, or the part of the text that is wrong, and why.
///
/// # Errors
/// What is wrong with the text, and what to write instead.
pub fn range(text: &str) -> Result<(Duration, Duration), (Range<usize>, Misfit)> {
    let Some((from, to)) = text.split_once("..") else {
        let misfit = Misfit::new(
            format!("`{text}` is not a time range"),
            "expected a start and an end such as `0s..20s`",
        );
        return Err((0..text.len(), misfit));
    };
    let to_at = from.len() + 2;
    let from_at = 0..from.len();
    let from = duration(from.trim()).map_err(|misfit| (from_at, misfit))?;
    let to = duration(to.trim()).map_err(|misfit| (to_at..text.len(), misfit))?;
    if to <= from {
        let misfit = Misfit::new("it ends before it starts", "expected a later end than start");
        return Err((0..text.len(), misfit));
    }
    Ok((from, to))
}

/// A number as its digits and how many of them are decimals.
#[derive(Clone, Copy)]
struct Decimal {
    digits: u128,
    decimals: u32,
}

impl Decimal {
    /// The number times `scale`, if that is whole.
    fn times(self, scale: u128) -> Option<u128> {
        let scaled = self.digits.checked_mul(scale)?;
        let unit = 10_u128.checked_pow(self.decimals)?;
        (scaled % unit == 0).then_some(scaled / unit)
    }
}

/// `12`, `1_000`, `0.25`; at most 18 digits, no sign, no exponent.
fn decimal(text: &str) -> Option<Decimal> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits_of = |part: &str| {
        let fits = part.starts_with(|c: char| c.is_ascii_digit())
            && part.chars().all(|c| c.is_ascii_digit() || c == '_');
        fits.then(|| part.replace('_', ""))
    };
    let (whole, fraction) = (digits_of(whole)?, digits_of(fraction)?);
    if whole.len() + fraction.len() > 19 {
        return None;
    }
    let decimals = u32::try_from(fraction.len()).ok()?;
    Some(Decimal { digits: format!("{whole}{fraction}").parse().ok()?, decimals })
}

const fn number_char(c: char) -> bool {
    c.is_ascii_digit() || matches!(c, '.' | '_')
}

#[cfg(test)]
mod tests;
