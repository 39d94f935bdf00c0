//! A stretch of traffic: the scenario that it is, the runs of it, and what they show.

use super::detect::{DetectedRise, ErrorCount};
use super::drain::DrainResult;
use super::{RehearseError, ScenarioSource, worst};
use crate::parallel::{self, BatchProgress, IsInterrupted};
use crate::{CampaignError, check};
use squall_determinism::{Seed, Share, Timestamp};
use squall_judge::{
    ItemEvidence, ItemOutcome, Judgement, Origin, SignOffItem, Verdict, judge, judge_seeds,
};
use squall_record::{Recording, RowRetention};
use squall_scenario::{
    Argument, Checklist, ChecklistItem, Expectation, ItemKind, MetricId, Override, RolloutStage,
    Scenario, StageFault,
};
use squall_sim::{SimOptions, simulate};
use std::num::NonZero;
use std::time::Duration;

/// The kind of the requests that take the old path, and of those that take the new one: as they stand in the mix.
const OLD: u16 = 0;
const NEW: u16 = 1;
/// How long a stage is that says nothing and detects nothing.
const DWELL: Duration = Duration::from_secs(240);

/// A stage that can be run.
#[derive(Clone, Debug)]
pub struct PreparedStage {
    /// Its line in the checklist.
    pub line: u32,
    /// What it is: `step to 5%`.
    pub title: String,
    /// What is done in it, in a sentence.
    pub does: String,
    /// The scenario that it is.
    pub scenario: Scenario,
    /// The file that the scenario is made from, and what is set otherwise.
    pub origin: Origin,
    /// The rise of errors on the new path that has to be noticed; `None` where nothing is to be detected.
    detect: Option<DetectedRise>,
    /// When all traffic goes back, and how soon the new path has to have ended.
    flip: Option<(Timestamp, Duration)>,
}

/// What one run of a stage gave.
#[derive(Clone, Debug)]
struct StageRun {
    verdict: Verdict,
    /// Requests that took the new path and ended.
    new: ErrorCount,
    drain: DrainResult,
}

/// Requests per second at the start of a scenario; `None` for a closed loop.
pub(super) fn rate_of(scenario: &Scenario) -> Option<f64> {
    scenario.workload.rate_at(Timestamp::ZERO)
}

/// What kind of stage an item is.
struct StagePlan<'c> {
    title: String,
    share: Share,
    stage: &'c RolloutStage,
    gate: Vec<String>,
    within: Option<Duration>,
    detects: bool,
}

impl<'c> StagePlan<'c> {
    fn of(checklist: &'c Checklist, item: &'c ChecklistItem) -> Option<Self> {
        let gate = |stage: &RolloutStage, default: &[String]| {
            stage.gate.clone().unwrap_or_else(|| default.to_vec())
        };
        Some(match &item.what {
            ItemKind::Baseline(stage) => Self {
                title: format!("baseline: all traffic through {}", checklist.from),
                share: Share::NONE,
                stage,
                gate: gate(stage, &["success_rate(old) >= 99%".to_owned()]),
                within: None,
                detects: false,
            },
            ItemKind::Step { share, stage } => Self {
                title: format!("step to {}", percent(*share)),
                share: *share,
                stage,
                gate: gate(stage, &checklist.gate),
                within: None,
                detects: true,
            },
            ItemKind::Rollback { share, stage, within } => Self {
                title: format!("rollback from {}", percent(*share)),
                share: *share,
                stage,
                gate: gate(stage, &["success_rate >= 99% during back".to_owned()]),
                within: Some(*within),
                detects: false,
            },
            ItemKind::Manual { .. } | ItemKind::Static { .. } => return None,
        })
    }

    /// For how long: as the checklist says, or as long as it takes to detect, and the fault fits.
    fn dwell(&self, (rate, dispersion): (f64, f64), needed: Option<u64>) -> Duration {
        let fault = self.stage.fault.as_ref().map_or(Duration::ZERO, |fault| fault.fault.lasts * 3);
        self.stage.dwell.unwrap_or_else(|| match needed {
            // Arrivals are a draw: four deviations more, so that hardly any run falls short.
            Some(needed) => {
                let enough = needed as f64 + 4.0 * (needed as f64 * dispersion).sqrt();
                let seconds = enough / (rate * self.share.as_f64());
                Duration::from_secs(seconds.ceil() as u64).max(fault)
            }
            None => DWELL.max(fault),
        })
    }
}

pub(super) fn prepare(
    checklist: &Checklist,
    world: &ScenarioSource<'_>,
    scenario: &Scenario,
    rate: f64,
    item: &ChecklistItem,
) -> Result<PreparedStage, RehearseError> {
    let Some(plan) = StagePlan::of(checklist, item) else {
        return Err(RehearseError::NoGroup(checklist.to.clone()));
    };
    let detect = plan.detects.then(|| DetectedRise::of(checklist.detect));
    let dispersion = scenario.workload.dispersion().max(1.0);
    let dwell = plan.dwell((rate, dispersion), detect.map(|detect| detect.needed));
    let flip = plan.within.map(|within| (Timestamp::from(dwell / 2), within));
    let fault = match &plan.stage.fault {
        Some(fault) => Some((fault_at(fault, dwell, flip.is_some(), item.line)?, fault)),
        None => None,
    };
    let settings = settings(checklist, scenario, &plan, dwell, fault, flip.map(|(at, _)| at));
    let mut text = world.text.to_owned();
    for setting in &settings {
        text = setting
            .apply(&text)
            .map_err(|source| RehearseError::Path { line: item.line, source })?;
    }
    let unreadable = |source| RehearseError::Item { line: item.line, source: Box::new(source) };
    let scenario = (world.read)(&text).map_err(unreadable)?;
    Ok(PreparedStage {
        line: item.line,
        does: does(&plan, rate, dwell, fault, flip),
        title: plan.title,
        scenario,
        origin: Origin {
            path: world.path.to_owned(),
            variables: world.variables.clone(),
            settings: world
                .settings
                .iter()
                .cloned()
                .chain(settings.iter().map(Override::to_string))
                .collect(),
        },
        detect,
        flip,
    })
}

/// When the fault is injected: in the middle, or for a rollback after a quarter, so that it is there at the
/// flip.
fn fault_at(
    fault: &StageFault,
    dwell: Duration,
    rollback: bool,
    line: u32,
) -> Result<Duration, RehearseError> {
    let lasts = fault.fault.lasts;
    let at = if rollback { dwell / 4 } else { dwell.saturating_sub(lasts) / 2 };
    if at + lasts > dwell || lasts >= dwell {
        let (lasts, dwell) = (lasts.as_secs(), dwell.as_secs());
        return Err(RehearseError::Fault { line, lasts, dwell });
    }
    Ok(at)
}

/// What is other in this stage than in the scenario's file.
fn settings(
    checklist: &Checklist,
    scenario: &Scenario,
    plan: &StagePlan<'_>,
    dwell: Duration,
    fault: Option<(Duration, &StageFault)>,
    flip: Option<Timestamp>,
) -> Vec<Override> {
    let set = |path: &str, value: String| Override { path: path.to_owned(), value };
    let seconds = |time: Duration| match time.subsec_millis() {
        0 => format!("{}s", time.as_secs()),
        _ => format!("{}ms", time.as_millis()),
    };
    let old = Share::from_ppm(1_000_000 - plan.share.ppm()).unwrap_or(Share::NONE);
    let mut settings = vec![set("duration", seconds(dwell))];
    settings.push(match (flip, fault) {
        (Some(flip), _) => {
            let (flip, end) = (seconds(flip.since(Timestamp::ZERO)), seconds(dwell));
            set("phases", format!("{{ before: 0s..{flip}, back: {flip}..{end} }}"))
        }
        (None, Some((at, fault))) => {
            let (from, to) = (seconds(at), seconds(at + fault.fault.lasts));
            let end = seconds(dwell);
            set(
                "phases",
                format!("{{ before: 0s..{from}, fault: {from}..{to}, after: {to}..{end} }}"),
            )
        }
        (None, None) => set("phases", format!("{{ all: 0s..{} }}", seconds(dwell))),
    });
    settings.push(set(
        "traffic.mix",
        format!(
            "{{ old: {{ share: {}, group: {} }}, new: {{ share: {}, group: {} }} }}",
            percent(old),
            checklist.from,
            percent(plan.share),
            checklist.to
        ),
    ));
    if let Some(rate) = checklist.rate {
        settings.push(set("traffic.rate", rate.to_string()));
    }
    if let Some(flip) = flip {
        let at = seconds(flip.since(Timestamp::ZERO));
        settings.push(set(
            "traffic.shifts",
            format!("[ {{ at: {at}, mix: {{ old: 100%, new: 0% }} }} ]"),
        ));
    }
    let healthy = scenario.providers.iter().filter(|each| !each.written.faults.is_empty());
    for provider in
        healthy.filter(|each| fault.is_none_or(|(_, fault)| fault.provider != each.name))
    {
        settings.push(set(&format!("providers.{}.faults", provider.name), "[]".to_owned()));
    }
    if let Some((at, fault)) = fault {
        let text = format!("[ {{ at: {}, {} }} ]", seconds(at), fault.text);
        settings.push(set(&format!("providers.{}.faults", fault.provider), text));
    }
    let expect: Vec<_> = plan.gate.iter().map(|each| format!("\"{each}\"")).collect();
    settings.push(set("expect", format!("[ {} ]", expect.join(", "))));
    settings
}

/// What is done, in a sentence.
fn does(
    plan: &StagePlan<'_>,
    rate: f64,
    dwell: Duration,
    fault: Option<(Duration, &StageFault)>,
    flip: Option<(Timestamp, Duration)>,
) -> String {
    let mut does = match plan.share {
        Share::NONE => format!("All of {rate} requests per second take the old path"),
        share => format!("{} of {rate} requests per second take the new path", percent(share)),
    };
    does += &format!(" for {}", length(dwell));
    if let Some((at, fault)) = fault {
        does += &format!("; after {} {} fails ({})", length(at), fault.provider, fault.text);
    }
    if let Some((at, _)) = flip {
        does += &format!(
            "; after {} all traffic returns to the old path",
            length(at.since(Timestamp::ZERO))
        );
    }
    does + "."
}

impl PreparedStage {
    /// Runs it in virtual time with many seeds, and says what they show. True if it was interrupted before all
    /// of them were run: it has then not passed.
    ///
    /// # Errors
    /// When the router refuses the configuration.
    pub fn simulate(
        &self,
        seeds: usize,
        workers: NonZero<usize>,
        is_interrupted: &IsInterrupted<'_>,
        told: impl FnMut(BatchProgress),
    ) -> Result<(SignOffItem, bool), CampaignError> {
        let first = self.scenario.seed.value();
        let seeds: Vec<_> = self.scenario.seed.following(seeds).collect();
        let runs =
            parallel::do_in_parallel(&seeds, workers, is_interrupted, |seed| self.run(*seed), told);
        let runs = runs.into_iter().collect::<Result<Vec<_>, _>>()?;
        let verdicts: Vec<_> = runs.iter().map(|run| run.verdict.clone()).collect();
        let verdict = judge_seeds(&self.scenario, self.origin.clone(), &verdicts, None);
        let verdict = verdict.of_asked(seeds.len());
        let interrupted = verdict.interrupted();
        if runs.is_empty() {
            return Ok((self.not_reached(), interrupted.is_some()));
        }
        let rows = verdict.rows.iter();
        let rows = rows.map(|row| evidence(&row.text, row.judgement, &row.reason));
        let mut evidence: Vec<_> = rows.collect();
        let worst_seed = verdict.rows.iter().find(|row| row.judgement == Judgement::Missed);
        let seed = worst_seed.and_then(|row| row.spread).map_or(first, |spread| spread.worst);
        let enough = runs.len() >= squall_judge::least_seeds(check::RUNS) && interrupted.is_none();
        evidence.extend(self.drained(&runs, enough));
        evidence.extend(
            interrupted
                .as_ref()
                .map(|reason| self::evidence("all seeds ran", Judgement::Inconclusive, reason)),
        );
        Ok((self.item(evidence, &runs, self.origin.command(seed)), interrupted.is_some()))
    }

    /// What a single run shows, as a live one.
    #[must_use]
    pub fn judge(&self, recording: &Recording) -> SignOffItem {
        let run = self.measured(recording);
        let rows = run.verdict.rows.iter();
        let rows = rows.map(|row| evidence(&row.text, row.judgement, &row.reason));
        let trusted = "the run is valid";
        let validity_problems = run.verdict.validity_problems.iter();
        let validity_problems =
            validity_problems.map(|problem| evidence(trusted, Judgement::Inconclusive, problem));
        let mut evidence: Vec<_> = rows.chain(validity_problems).collect();
        let runs = [run];
        evidence.extend(self.drained(&runs, true));
        let command = self.origin.command(self.scenario.seed.value()).replace(" --sim", "");
        self.item(evidence, &runs, command)
    }

    fn run(&self, seed: Seed) -> Result<StageRun, CampaignError> {
        let mut scenario = self.scenario.clone();
        scenario.set_seed(seed);
        // Who was under way at the flip is known from rows alone.
        let keep = if self.flip.is_some() { RowRetention::Rows } else { RowRetention::Cells };
        let recording = simulate(&scenario, SimOptions { keep, journal: false })?;
        Ok(self.measured(&recording))
    }

    fn measured(&self, recording: &Recording) -> StageRun {
        let all = Timestamp::ZERO..Timestamp::MAX;
        let new = recording.cells.kinds.get(usize::from(NEW));
        let new = new.map(|cells| cells.sum(all)).unwrap_or_default();
        let ended = new.arrived - new.unfinished;
        StageRun {
            verdict: judge(&self.scenario, recording),
            new: ErrorCount { requests: ended.into(), failed: (ended - new.succeeded).into() },
            drain: match self.flip {
                Some((flip, _)) => DrainResult::of(recording, NEW, flip),
                None => DrainResult::default(),
            },
        }
    }

    /// Whether the new path had ended in time in every run; `None` where nothing was flipped.
    fn drained(&self, runs: &[StageRun], enough: bool) -> Option<ItemEvidence> {
        let (_, within) = self.flip?;
        let worst = runs.iter().map(|run| run.drain).max_by_key(|drain| drain.ended)?;
        let sent = runs.iter().map(|run| run.drain.sent).max().unwrap_or_default();
        let judgement = match (worst.ended <= within, enough) {
            (false, _) => Judgement::Missed,
            (true, true) => Judgement::Met,
            (true, false) => Judgement::Inconclusive,
        };
        Some(ItemEvidence {
            text: format!("the new path is drained within {}", length(within)),
            judgement,
            reason: format!(
                "worst seed: the last request was sent {} and ended {} after the rollback; of {} \
                 in flight at the rollback, {} got no complete answer",
                length(sent),
                length(worst.ended),
                worst.under_way,
                worst.lost
            ),
        })
    }

    /// The stage where it was not come to.
    pub(super) fn not_reached(&self) -> SignOffItem {
        SignOffItem {
            line: self.line,
            title: self.title.clone(),
            outcome: ItemOutcome::NotReached,
            notes: Vec::new(),
            evidence: Vec::new(),
            command: None,
        }
    }

    fn item(&self, evidence: Vec<ItemEvidence>, runs: &[StageRun], command: String) -> SignOffItem {
        // A gate without expectations, and nothing else that was looked at, shows nothing.
        let mut outcome = match (evidence.is_empty(), self.detect) {
            (true, None) => ItemOutcome::Inconclusive,
            _ => ItemOutcome::from(worst(&evidence)),
        };
        let mut notes = vec![self.does.clone()];
        notes.extend(self.gate_without_errors());
        let mut evidence = evidence;
        if let Some(detect) = self.detect {
            let (no_rise, detectable) =
                detect.judge(&runs.iter().map(|run| run.new).collect::<Vec<_>>());
            if no_rise.judgement == Judgement::Missed {
                outcome = ItemOutcome::Failed;
            } else if detectable.judgement != Judgement::Met && outcome == ItemOutcome::Passed {
                outcome = ItemOutcome::CannotDetect;
                notes.push(
                    "The gate held, but the step is too short to detect the rise of the error \
                     rate at this request rate."
                        .to_owned(),
                );
            }
            evidence.extend([no_rise, detectable]);
        }
        let (line, title) = (self.line, self.title.clone());
        SignOffItem { line, title, outcome, notes, evidence, command: Some(command) }
    }

    /// A note for a gate that no number of failed requests would miss.
    fn gate_without_errors(&self) -> Option<String> {
        let mut gate = self.scenario.hard_expectations();
        // What is said of the old path says nothing of the new one.
        let counts = |each| counts_errors(each) && !(self.detect.is_some() && is_old(each));
        let note = match (gate.any(counts), self.detect) {
            (true, _) => return None,
            (false, Some(_)) => {
                "No expectation of the gate is about errors on the new path: the test of the rise \
                 alone looks at them."
            }
            (false, None) => {
                "No expectation of the gate is about errors: whatever share of the requests fails, \
                 this item passes."
            }
        };
        Some(note.to_owned())
    }
}

/// Whether requests that fail make a difference to an expectation.
fn counts_errors(expectation: &Expectation) -> bool {
    matches!(
        expectation.metric,
        MetricId::SuccessRate
            | MetricId::AnsweredWithin
            | MetricId::AnswerTimeP50
            | MetricId::AnswerTimeP95
            | MetricId::AnswerTimeP99
            | MetricId::ErrorBudgetSpent
            | MetricId::UsersLost
            | MetricId::Answered
            | MetricId::GaveUp
    )
}

/// Whether it is about the old path alone.
fn is_old(expectation: &Expectation) -> bool {
    expectation.argument == Some(Argument::Kind(OLD))
}

fn evidence(text: &str, judgement: Judgement, reason: &str) -> ItemEvidence {
    ItemEvidence { text: text.to_owned(), judgement, reason: reason.to_owned() }
}

fn percent(share: Share) -> String {
    format!("{}%", f64::from(share.ppm()) / 10_000.0)
}

/// `2 h 14 min`, `40 s`, `1.5 s`.
fn length(time: Duration) -> String {
    let seconds = time.as_secs();
    match (seconds / 3_600, seconds / 60 % 60, seconds % 60) {
        (0, 0, _) => format!("{} s", (time.as_secs_f64() * 10.0).round() / 10.0),
        (0, minutes, 0) => format!("{minutes} min"),
        (0, minutes, rest) => format!("{minutes} min {rest} s"),
        (hours, 0, _) => format!("{hours} h"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}
