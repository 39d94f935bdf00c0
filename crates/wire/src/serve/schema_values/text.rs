//! Texts of their length, their format and their pattern.

use super::{SplitMix64, count};
use crate::filler::word;
use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Class, Hir, HirKind};
use serde_json::{Map, Value};

/// The longest text that is made, in letters: `minLength: 1000000000` is not obeyed.
const LETTERS_MOST: u64 = 1 << 16;
/// How deep a pattern may nest.
const PATTERN_DEPTH: u32 = 64;
/// How often a pattern is drawn until its length fits.
const TRIES: u64 = 8;

pub(super) fn text(schema: &Map<String, Value>, draws: &mut SplitMix64) -> String {
    let least = schema.get("minLength").and_then(count).unwrap_or(0).min(LETTERS_MOST);
    let most = schema.get("maxLength").and_then(count).unwrap_or(LETTERS_MOST).max(least);
    if let Some(Value::String(pattern)) = schema.get("pattern")
        && let Some(text) = of_pattern(pattern, least, most, draws)
    {
        return text;
    }
    if let Some(Value::String(format)) = schema.get("format")
        && let Some(text) = of_format(format, draws)
    {
        return text;
    }
    let mut text = String::new();
    let words = 1 + draws.below(4);
    let first = draws.below(16) as u32;
    for nth in 0..words as u32 {
        text.push_str(word(first + nth));
    }
    let mut text = text.trim_start().to_owned();
    let mut nth = 0;
    while (text.len() as u64) < least {
        text.push_str(word(nth));
        nth += 1;
    }
    // Filler is ASCII: a byte is a letter.
    text.truncate(usize::try_from(most).unwrap_or(usize::MAX));
    text
}

fn of_format(format: &str, draws: &mut SplitMix64) -> Option<String> {
    let (day, hour) = (1 + draws.below(28), draws.below(24));
    let number = draws.next();
    Some(match format {
        "date-time" => format!("2026-01-{day:02}T{hour:02}:30:00Z"),
        "date" => format!("2026-01-{day:02}"),
        "time" => format!("{hour:02}:30:00Z"),
        "duration" => format!("P{day}D"),
        "email" | "idn-email" => format!("sea{}@example.com", number % 1_000),
        "hostname" | "idn-hostname" => format!("sea{}.example.com", number % 1_000),
        "ipv4" => format!("192.0.2.{}", number % 256),
        "ipv6" => format!("2001:db8::{:x}", number % 65_536),
        "uri" | "url" | "iri" => format!("https://example.com/sea/{}", number % 1_000),
        "uri-reference" | "iri-reference" => format!("/sea/{}", number % 1_000),
        "uuid" => format!(
            "{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
            number >> 32,
            number & 0xffff,
            draws.next() & 0xfff,
            draws.next() & 0xfff,
            draws.next() & 0xffff_ffff_ffff
        ),
        _ => return None,
    })
}

/// A text that a pattern finds something in; `None` for a pattern that is not understood: one that looks
/// ahead or behind, or refers to itself.
fn of_pattern(pattern: &str, least: u64, most: u64, draws: &mut SplitMix64) -> Option<String> {
    let hir = ParserBuilder::new().nest_limit(PATTERN_DEPTH).build().parse(pattern).ok()?;
    let mut best = None;
    for nth in 0..TRIES {
        let spread = match nth {
            0 | 1 => 2,
            2 => 0,
            3 => least,
            _ => draws.below(least.max(1) + 2),
        };
        let mut out = Out { text: String::new(), spread, draws };
        out.push(&hir);
        let length = out.text.chars().count() as u64;
        if length >= least && length <= most {
            return Some(out.text);
        }
        best.get_or_insert(out.text);
    }
    best
}

struct Out<'a> {
    text: String,
    /// How many more than the least a repetition may have.
    spread: u64,
    draws: &'a mut SplitMix64,
}

impl Out<'_> {
    fn push(&mut self, hir: &Hir) {
        if self.text.len() as u64 >= LETTERS_MOST {
            return;
        }
        match hir.kind() {
            HirKind::Empty | HirKind::Look(_) => {}
            HirKind::Literal(literal) => {
                self.text.push_str(&String::from_utf8_lossy(&literal.0));
            }
            HirKind::Class(class) => {
                let letter = self.letter(class);
                self.text.extend(letter);
            }
            HirKind::Repetition(repetition) => {
                let least = u64::from(repetition.min);
                let most = repetition.max.map_or(u64::MAX, u64::from);
                let spread = self.spread.min(most.saturating_sub(least));
                // All of a spread that is asked for by a least length, some of one that is free.
                let more = if self.spread > 2 { spread } else { self.draws.below(spread + 1) };
                for _ in 0..least.saturating_add(more) {
                    if self.text.len() as u64 >= LETTERS_MOST {
                        break;
                    }
                    self.push(&repetition.sub);
                }
            }
            HirKind::Capture(capture) => self.push(&capture.sub),
            HirKind::Concat(parts) => parts.iter().for_each(|part| self.push(part)),
            HirKind::Alternation(parts) => {
                let part = self.draws.below(parts.len() as u64) as usize;
                self.push(&parts[part]);
            }
        }
    }

    /// A letter of a class: printable ASCII if it has any.
    fn letter(&mut self, class: &Class) -> Option<char> {
        let ranges: Vec<(char, char)> = match class {
            Class::Unicode(class) => {
                class.iter().map(|range| (range.start(), range.end())).collect()
            }
            Class::Bytes(class) => {
                class.iter().map(|range| (range.start() as char, range.end() as char)).collect()
            }
        };
        let printable: Vec<(char, char)> = ranges
            .iter()
            .map(|&(start, end)| (start.max('!'), end.min('~')))
            .filter(|(start, end)| start <= end)
            .collect();
        let Some(&(start, end)) = printable.get(self.draws.below(printable.len() as u64) as usize)
        else {
            return ranges.first().map(|&(start, _)| start);
        };
        let width = u64::from(u32::from(end) - u32::from(start)) + 1;
        char::from_u32(u32::from(start) + self.draws.below(width) as u32)
    }
}
