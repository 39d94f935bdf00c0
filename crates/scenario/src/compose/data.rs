//! `data`: sizes as they were measured, from a column of a file. A recording holds their quantiles, not the file.

use super::Composer;
use crate::diagnostic::{Problem, suggestion};
use crate::fields::Fields;
use crate::node::{MapEntry, Node, NodeKind};
use crate::read::{DATA, QUANTILE_POINTS};

/// Whether an entry of a mapping stands for measured values.
pub(super) fn is_data(entry: &MapEntry) -> bool {
    entry.key == "data" && super::get(&entry.value, "file").is_some()
}

/// The quantiles of measured values, in place of the file that has them.
pub(super) fn quantiles(composer: &Composer<'_>, entry: &MapEntry) -> Option<MapEntry> {
    let fields = Fields::open(&entry.value, &DATA, composer.problems)?;
    let (name, unit) = (fields.text("file")?, fields.word("unit"));
    let path = composer.beside(name, &entry.value);
    let text = (composer.surroundings.load)(&path).map_err(|error| {
        let message = format!("`{name}` cannot be read: {error}");
        let label = "expected a file, named from the file that this stands in";
        composer.problems.push(Problem::new(fields.span_of("file"), message, label));
    });
    let column = fields.text("column");
    let refuse = |misread: Misread| {
        let span =
            fields.span_of(if misread.of_column && column.is_some() { "column" } else { "file" });
        let problem = Problem::new(span, format!("`{name}`: {}", misread.message), misread.label);
        composer.problems.push(problem.maybe_help(misread.help));
    };
    let mut values = numbers(&path, &text.ok()?, column).map_err(refuse).ok()?;
    values.sort_by(f64::total_cmp);
    let entries = QUANTILE_POINTS.iter().map(|&(key, share)| {
        let value = at(&values, share);
        let text = match unit {
            // To the nanosecond, as durations are read.
            Some("s") => format!("{:.0}ns", value * 1e9),
            Some("ms") => format!("{:.0}ns", value * 1e6),
            Some(_) => format!("{:.0}ns", value * 1e3),
            None => format!("{value:.0}"),
        };
        let value = entry.value.with_kind(NodeKind::Scalar(text));
        MapEntry { key: key.to_owned(), key_span: entry.key_span.clone(), value }
    });
    let value = Node { kind: NodeKind::Map(entries.collect()), ..entry.value.clone() };
    Some(MapEntry { key: "quantiles".to_owned(), key_span: entry.key_span.clone(), value })
}

/// The value below which a share of the sorted values lies, with straight lines between them: type 7 of Hyndman and
/// Fan, which NumPy and R take.
fn at(sorted: &[f64], share: f64) -> f64 {
    let place = share * (sorted.len() - 1) as f64;
    let below = place.floor();
    let (low, high) = (sorted[below as usize], sorted[place.ceil() as usize]);
    low + (high - low) * (place - below)
}

/// Why a file gives no values.
struct Misread {
    message: String,
    label: String,
    help: Option<String>,
    /// Whether the name of the column is what is wrong.
    of_column: bool,
}

impl Misread {
    fn new(message: impl Into<String>, label: impl Into<String>) -> Self {
        Self { message: message.into(), label: label.into(), help: None, of_column: false }
    }
}

/// The values of a file, at least one.
fn numbers(path: &str, text: &str, column: Option<&str>) -> Result<Vec<f64>, Misread> {
    let ending = path.rsplit('.').next().unwrap_or_default();
    let values = match ending {
        "csv" => of_csv(text, column)?,
        "jsonl" | "ndjson" => of_json_lines(text, column)?,
        _ => of_lines(text)?,
    };
    if values.is_empty() {
        return Err(Misread::new("no values", "expected at least one"));
    }
    Ok(values)
}

fn of_csv(text: &str, column: Option<&str>) -> Result<Vec<f64>, Misread> {
    let wrong =
        |error: csv::Error| Misread::new(error.to_string(), "expected a CSV file with a header");
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    let header = reader.headers().map_err(wrong)?.clone();
    let place = match column {
        Some(column) => header.iter().position(|name| name == column),
        None => (header.len() == 1).then_some(0),
    };
    let Some(place) = place else {
        let message = match column {
            Some(column) => format!("there is no column `{column}`"),
            None => format!("there are {} columns: write which by `column`", header.len()),
        };
        return Err(Misread {
            help: suggestion(column.unwrap_or_default(), header.iter()),
            of_column: true,
            ..Misread::new(message, "expected a column of the file")
        });
    };
    let mut values = Vec::new();
    for record in reader.records() {
        let record = record.map_err(wrong)?;
        let line = record.position().map_or(0, csv::Position::line);
        values.push(number(record.get(place).unwrap_or_default(), line)?);
    }
    Ok(values)
}

fn of_json_lines(text: &str, column: Option<&str>) -> Result<Vec<f64>, Misread> {
    let Some(column) = column else {
        let message = "JSON objects have keys: write which by `column`";
        return Err(Misread::new(message, "expected `column` beside it"));
    };
    let mut values = Vec::new();
    for (line, text) in (1..).zip(text.lines()).filter(|(_, text)| !text.trim().is_empty()) {
        let object: serde_json::Value = serde_json::from_str(text)
            .map_err(|error| Misread::new(format!("line {line}: {error}"), "expected JSON"))?;
        let value = object.get(column).ok_or_else(|| Misread {
            of_column: true,
            ..Misread::new(format!("line {line} has no `{column}`"), "expected in every line")
        })?;
        let written = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        values.push(number(&written, line)?);
    }
    Ok(values)
}

fn of_lines(text: &str) -> Result<Vec<f64>, Misread> {
    let lines = (1..).zip(text.lines()).filter(|(_, text)| !text.trim().is_empty());
    lines.map(|(line, text)| number(text.trim(), line)).collect()
}

fn number(text: &str, line: u64) -> Result<f64, Misread> {
    let value = text.parse::<f64>().ok().filter(|value| value.is_finite() && *value >= 0.0);
    let message = || format!("line {line}: `{text}` is no number of at least 0");
    value.ok_or_else(|| Misread::new(message(), "expected numbers in the column"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_numpy() {
        // numpy.quantile([1, 2, 4, 8, 16], [0, 0.1, 0.25, 0.5, 0.9, 0.95, 1])
        let values = [1.0, 2.0, 4.0, 8.0, 16.0];
        for (share, expected) in [
            (0.0, 1.0),
            (0.1, 1.4),
            (0.25, 2.0),
            (0.5, 4.0),
            (0.9, 12.8),
            (0.95, 14.4),
            (1.0, 16.0),
        ] {
            assert!(
                (at(&values, share) - expected).abs() < 1e-9,
                "{share}: {}",
                at(&values, share)
            );
        }
        assert!((at(&[7.0], 0.5) - 7.0).abs() < 1e-9, "of one value");
    }
}
