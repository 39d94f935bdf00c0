//! The files of a scorecard.

use crate::ReportError;
use crate::page::{Fonts, render};
use serde::Serialize;
use squall_judge::{
    CrashVerdict, FIGURES, Scorecard, ScoredSystem, put, put_json, scorecard_interval,
    scorecard_json, scorecard_markdown,
};
use std::path::{Path, PathBuf};

/// Where the files of a scorecard are.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ScorecardPaths {
    /// `scorecard.html`.
    pub html: PathBuf,
    /// `scorecard.md`.
    pub markdown: PathBuf,
    /// `scorecard.json`.
    pub json: PathBuf,
}

/// Writes `scorecard.html`, `scorecard.md` and `scorecard.json` into a folder, which is made if it is not there.
///
/// # Errors
/// When a file cannot be written.
pub fn write_scorecard(dir: &Path, card: &Scorecard) -> Result<ScorecardPaths, ReportError> {
    let paths = ScorecardPaths {
        html: dir.join("scorecard.html"),
        markdown: dir.join("scorecard.md"),
        json: dir.join("scorecard.json"),
    };
    put(&paths.html, render("scorecard.html", page(card))?.as_bytes())?;
    put(&paths.markdown, scorecard_markdown(card).as_bytes())?;
    put_json(&paths.json, &scorecard_json(card))?;
    Ok(paths)
}

#[derive(Serialize)]
struct ScorecardPage<'c> {
    #[serde(flatten)]
    fonts: Fonts,
    made: &'c [String],
    headings: Vec<&'static str>,
    figures: Vec<(&'static str, &'static str)>,
    crash: Option<CrashPart>,
    situations: Vec<SituationPart<'c>>,
    systems: Vec<SystemPart<'c>>,
    doubted: usize,
    runs: usize,
}

#[derive(Serialize)]
struct CrashPart {
    systems: Vec<String>,
    rows: Vec<CrashLine>,
}

#[derive(Serialize)]
struct CrashLine {
    fault: String,
    cells: Vec<CrashCell>,
}

#[derive(Serialize)]
struct CrashCell {
    tone: &'static str,
    verdict: &'static str,
    figures: String,
    why: String,
}

#[derive(Serialize)]
struct SituationPart<'c> {
    name: &'c str,
    description: &'c str,
    rows: Vec<FigureRow>,
}

#[derive(Serialize)]
struct FigureRow {
    system: String,
    figures: Vec<String>,
    doubted: usize,
    runs: usize,
}

#[derive(Serialize)]
struct SystemPart<'c> {
    title: String,
    files: &'c [(String, String)],
    notes: &'c [String],
}

fn page(card: &Scorecard) -> ScorecardPage<'_> {
    let (doubted, runs) = card.doubted();
    let configured = card.systems.iter().filter(|system| !system.files.is_empty());
    ScorecardPage {
        fonts: Fonts::default(),
        made: &card.made,
        headings: FIGURES.iter().map(|figure| figure.name).collect(),
        figures: FIGURES.iter().map(|figure| (figure.name, figure.meaning)).collect(),
        crash: (!card.crashes.is_empty()).then(|| crash(card)),
        situations: (0..card.situations.len()).map(|place| situation(card, place)).collect(),
        systems: configured
            .map(|system| SystemPart {
                title: system.title(),
                files: &system.files,
                notes: &system.notes,
            })
            .collect(),
        doubted,
        runs,
    }
}

fn crash(card: &Scorecard) -> CrashPart {
    let faults = card.crashes.first().map(|crash| crash.rows.len()).unwrap_or_default();
    let rows = (0..faults).filter_map(|fault| {
        let rows = card.crashes.iter().filter_map(|crash| crash.rows.get(fault));
        let name = rows.clone().next().map(|row| format!("{} {}", row.id, row.fault))?;
        let cells = rows.map(|row| CrashCell {
            tone: tone(row.verdict),
            verdict: row.verdict.as_str(),
            figures: format!("{}/{} in {:.1} s", row.primary, row.fallback, row.seconds),
            why: row.why.clone(),
        });
        Some(CrashLine { fault: name, cells: cells.collect() })
    });
    CrashPart {
        systems: card.crashes.iter().map(|crash| card.systems[crash.system].title()).collect(),
        rows: rows.collect(),
    }
}

const fn tone(verdict: CrashVerdict) -> &'static str {
    match verdict {
        CrashVerdict::Pass => "met",
        CrashVerdict::Fail => "missed",
        CrashVerdict::Partial | CrashVerdict::Safe | CrashVerdict::Inconclusive => "inconclusive",
    }
}

fn situation(card: &Scorecard, place: usize) -> SituationPart<'_> {
    let systems = card.systems.iter().enumerate();
    let rows = systems.filter_map(|(system, scored): (usize, &ScoredSystem)| {
        let samples = card.samples(system, place);
        let figures = FIGURES.iter().enumerate();
        let row = FigureRow {
            system: scored.title(),
            figures: figures
                .map(|(figure, spec)| scorecard_interval(spec, samples, figure))
                .collect(),
            doubted: samples.iter().filter(|sample| !sample.doubts.is_empty()).count(),
            runs: samples.len(),
        };
        (!samples.is_empty()).then_some(row)
    });
    let about = &card.situations[place];
    SituationPart { name: &about.name, description: &about.description, rows: rows.collect() }
}
