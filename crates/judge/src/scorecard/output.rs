//! A scorecard as tables on a terminal, as Markdown and as JSON.

use super::{FIGURES, FigureSpec, ScoreSample, ScoreValue, Scorecard, ScoredSystem};
use crate::crash::CrashVerdict;
use crate::table::{ColumnSide, align};
use serde_json::{Value, json};

/// A cell for people: the interval over the runs, or why there is none.
#[must_use]
pub fn scorecard_interval(spec: &FigureSpec, samples: &[ScoreSample], place: usize) -> String {
    let values: Vec<_> = samples.iter().filter_map(|sample| sample.figures.get(place)).collect();
    let numbers: Vec<_> = (values.iter())
        .filter_map(|value| match value {
            ScoreValue::Value(number) | ScoreValue::AtLeast(number) => Some(*number),
            ScoreValue::Never | ScoreValue::Unknown(_) => None,
        })
        .collect();
    let never = values.iter().filter(|value| ***value == ScoreValue::Never).count();
    let is_bound = values.iter().any(|value| matches!(value, ScoreValue::AtLeast(_)));
    let least = numbers.iter().copied().reduce(f64::min).map(spec.write);
    let most = numbers.iter().copied().reduce(f64::max).map(spec.write);
    let of = |text: String| if is_bound { format!("≥ {text}") } else { text };
    match (least, most, never) {
        (None, _, 0) | (_, None, 0) => "–".to_owned(),
        (None, ..) | (_, None, _) => "never".to_owned(),
        (Some(least), Some(_), 1..) => of(format!("{least} to never")),
        (Some(least), Some(most), 0) if least == most => of(least),
        (Some(least), Some(most), 0) => of(format!("{least} to {most}")),
    }
}

/// The marks of a row: how many of its runs are in doubt.
fn doubts(samples: &[ScoreSample]) -> String {
    match samples.iter().filter(|sample| !sample.doubts.is_empty()).count() {
        0 => String::new(),
        doubted => format!("{doubted} of {} in doubt", samples.len()),
    }
}

/// The table of a situation: a row for each system that was run in it.
fn rows(card: &Scorecard, situation: usize) -> Vec<Vec<String>> {
    let systems = card.systems.iter().enumerate();
    let rows = systems.filter_map(|(place, system)| {
        let samples = card.samples(place, situation);
        let figures = FIGURES.iter().enumerate();
        let figures = figures.map(|(figure, spec)| scorecard_interval(spec, samples, figure));
        let row = std::iter::once(system.title()).chain(figures).chain([doubts(samples)]);
        (!samples.is_empty()).then(|| row.collect())
    });
    rows.collect()
}

fn headings() -> Vec<String> {
    let names = FIGURES.iter().map(|figure| figure.name.to_owned());
    [String::new()].into_iter().chain(names).chain([String::new()]).collect()
}

/// The tables as a terminal shows them.
#[must_use]
pub fn scorecard_lines(card: &Scorecard) -> Vec<String> {
    const COLUMNS: usize = FIGURES.len() + 2;
    let fixed = |row: Vec<String>| -> Option<[String; COLUMNS]> { row.try_into().ok() };
    let mut lines = Vec::new();
    for (place, situation) in card.situations.iter().enumerate() {
        lines.push(format!("{}: {}", situation.name, situation.description));
        let table: Vec<_> =
            std::iter::once(headings()).chain(rows(card, place)).filter_map(fixed).collect();
        let mut sides = [ColumnSide::Right; COLUMNS];
        sides[0] = ColumnSide::Left;
        lines.extend(align(&table, &sides));
        lines.push(String::new());
    }
    for crash in &card.crashes {
        let system = card.systems.get(crash.system).map(ScoredSystem::title);
        let letters: Vec<_> =
            crash.rows.iter().map(|row| format!("{} {}", row.id, row.verdict)).collect();
        lines.push(format!("crash test, {}: {}", system.unwrap_or_default(), letters.join(", ")));
    }
    let (doubted, of) = card.doubted();
    if doubted > 0 {
        lines
            .push(format!("{doubted} of {of} runs are in doubt: the machine was not quiet enough"));
    }
    lines
}

/// The scorecard as Markdown, configurations included.
#[must_use]
pub fn scorecard_markdown(card: &Scorecard) -> String {
    let mut out = "# Scorecard\n\n".to_owned();
    for line in &card.made {
        out += &format!("- {line}\n");
    }
    out += "\nA figure is the interval of its values over the runs. `≥` marks a lower bound: connections that a \
            provider refused are in no log. `–`: it cannot be known; `scorecard.json` says why.\n";
    if !card.crashes.is_empty() {
        out += &crash_table(card);
    }
    for (place, situation) in card.situations.iter().enumerate() {
        out += &format!("\n## {}\n\n{}\n\n", situation.name, situation.description);
        out += &markdown_row(&headings());
        out += &markdown_row(&headings().iter().map(|_| "---".to_owned()).collect::<Vec<_>>());
        for row in rows(card, place) {
            out += &markdown_row(&row);
        }
    }
    out += "\n## Figures\n\n";
    for figure in FIGURES {
        out += &format!("- {}: {}\n", figure.name, figure.meaning);
    }
    out + &configurations(card)
}

fn markdown_row(cells: &[String]) -> String {
    format!("| {} |\n", cells.join(" | "))
}

/// The faults in rows, the systems in columns.
fn crash_table(card: &Scorecard) -> String {
    let titles = card.crashes.iter().map(|crash| card.systems[crash.system].title());
    let head: Vec<_> = [String::new()].into_iter().chain(titles).collect();
    let mut out =
        "\n## Crash test\n\nVerdict, attempts at primary/fallback, seconds for the caller.\n\n"
            .to_owned();
    out += &markdown_row(&head);
    out += &markdown_row(&head.iter().map(|_| "---".to_owned()).collect::<Vec<_>>());
    let faults = card.crashes.first().map(|crash| crash.rows.len()).unwrap_or_default();
    for fault in 0..faults {
        let cells = card.crashes.iter().filter_map(|crash| crash.rows.get(fault));
        let name = cells.clone().next().map(|row| format!("{} {}", row.id, row.fault));
        let cells = cells.map(|row| {
            format!("{} {}/{} {:.1}", row.verdict, row.primary, row.fallback, row.seconds)
        });
        out += &markdown_row(&name.into_iter().chain(cells).collect::<Vec<_>>());
    }
    let tallies = card.crashes.iter().map(|crash| {
        let count = |verdict| crash.rows.iter().filter(|row| row.verdict == verdict).count();
        let [pass, partial, safe, fail, open] = CrashVerdict::ALL.map(count);
        format!("{pass} pass, {partial} partial, {safe} safe, {fail} fail, {open} inconclusive")
    });
    out + &markdown_row(&["**all**".to_owned()].into_iter().chain(tallies).collect::<Vec<_>>())
}

/// Every configuration, and what it cannot express.
fn configurations(card: &Scorecard) -> String {
    let mut out = "\n## Configurations\n".to_owned();
    for system in card.systems.iter().filter(|system| !system.files.is_empty()) {
        out += &format!("\n### {}\n", system.title());
        for (name, text) in &system.files {
            out += &format!("\n`{name}`:\n\n```\n{}\n```\n", text.trim_end());
        }
        if !system.notes.is_empty() {
            out += "\nNot expressed, or otherwise:\n\n";
            system.notes.iter().for_each(|note| out += &format!("- {note}\n"));
        }
    }
    out
}

/// The scorecard for programs: every run with every figure.
#[must_use]
pub fn scorecard_json(card: &Scorecard) -> Value {
    let value = |figure: &ScoreValue| match figure {
        ScoreValue::Value(value) => json!({ "value": value }),
        ScoreValue::AtLeast(value) => json!({ "at_least": value }),
        ScoreValue::Never => json!({ "never": true }),
        ScoreValue::Unknown(why) => json!({ "unknown": why }),
    };
    let sample = |sample: &ScoreSample| {
        let figures = FIGURES.iter().zip(&sample.figures);
        let figures: serde_json::Map<_, _> =
            figures.map(|(spec, figure)| (spec.name.to_owned(), value(figure))).collect();
        json!({ "figures": figures, "doubts": sample.doubts })
    };
    let cells = card.cells.iter().map(|cell| {
        json!({
            "system": card.systems[cell.system].title(),
            "situation": card.situations[cell.situation].name,
            "runs": cell.samples.iter().map(sample).collect::<Vec<_>>(),
        })
    });
    let crashes = card.crashes.iter().map(|crash| {
        let rows = crash.rows.iter().map(|row| {
            json!({
                "id": row.id, "verdict": row.verdict.as_str(), "primary": row.primary,
                "fallback": row.fallback, "seconds": row.seconds, "why": row.why,
            })
        });
        json!({ "system": card.systems[crash.system].title(), "faults": rows.collect::<Vec<_>>() })
    });
    let systems = card.systems.iter().map(|system| {
        json!({
            "title": system.title(), "name": system.name, "version": system.version,
            "variant": system.variant, "notes": system.notes,
        })
    });
    json!({
        "schema_version": 1,
        "made": card.made,
        "systems": systems.collect::<Vec<_>>(),
        "cells": cells.collect::<Vec<_>>(),
        "crashes": crashes.collect::<Vec<_>>(),
    })
}
