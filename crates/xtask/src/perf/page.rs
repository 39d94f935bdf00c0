//! docs/PERFORMANCE.md: prose, with blocks between marks that this task writes.

use crate::machine;
use std::fs;
use std::path::PathBuf;

const PAGE: &str = "docs/PERFORMANCE.md";

/// A block of the page.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Block {
    /// The rows with their goals.
    Rows,
    /// The committed instruction counts.
    Counts,
    /// Instructions by function: of the simulator, of a whole answer, of a stream.
    SimProfile,
    WholeProfile,
    StreamProfile,
}

impl Block {
    /// Where it begins and ends.
    const fn marks(self) -> [&'static str; 2] {
        match self {
            Self::Rows => ["<!-- cargo xtask perf -->", "<!-- end of rows -->"],
            Self::SimProfile => ["<!-- cargo xtask perf --profile sim -->", "<!-- end of sim -->"],
            Self::WholeProfile => {
                ["<!-- cargo xtask perf --profile whole -->", "<!-- end of whole -->"]
            }
            Self::StreamProfile => {
                ["<!-- cargo xtask perf --profile stream -->", "<!-- end of stream -->"]
            }
            Self::Counts => ["<!-- cargo xtask perf --check --bless -->", "<!-- end of counts -->"],
        }
    }
}

/// What stands in a block.
///
/// # Errors
/// When the page cannot be read, or has not the block's marks.
#[cfg(test)]
pub(super) fn read(block: Block) -> Result<String, String> {
    Ok(PageParts::of(block)?.inside)
}

/// Writes a block anew.
///
/// # Errors
/// When the page cannot be read or written, or has not the block's marks.
pub(super) fn write(block: Block, text: &str) -> Result<(), String> {
    let PageParts { before, after, .. } = PageParts::of(block)?;
    let [begin, end] = block.marks();
    let text = format!("{before}{begin}\n\n{}\n\n{end}{after}", text.trim());
    println!("writing {PAGE}");
    fs::write(path()?, text).map_err(|error| format!("{PAGE}: {error}"))
}

fn path() -> Result<PathBuf, String> {
    Ok(machine::root().ok_or("there is no workspace")?.join(PAGE))
}

/// The page around a block.
struct PageParts {
    before: String,
    #[cfg_attr(not(test), expect(dead_code, reason = "tests read it"))]
    inside: String,
    after: String,
}

impl PageParts {
    fn of(block: Block) -> Result<Self, String> {
        let [begin, end] = block.marks();
        let page = fs::read_to_string(path()?).map_err(|error| format!("{PAGE}: {error}"))?;
        let (before, rest) =
            page.split_once(begin).ok_or_else(|| format!("{PAGE} has no line {begin}"))?;
        let (inside, after) =
            rest.split_once(end).ok_or_else(|| format!("{PAGE} has no line {end}"))?;
        Ok(Self { before: before.to_owned(), inside: inside.to_owned(), after: after.to_owned() })
    }
}

/// A figure with the digits that mean anything: `2,000,000`, `66.2`, `0.52`.
pub(super) fn figure(value: f64) -> String {
    match value.abs() {
        100.0.. => thousands(value),
        10.0.. => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// A whole number with a comma after every thousand.
pub(super) fn thousands(value: f64) -> String {
    let digits = format!("{:.0}", value.abs());
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    if value < 0.0 { format!("-{out}") } else { out }
}
