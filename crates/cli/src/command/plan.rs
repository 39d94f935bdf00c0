//! `squall plan`: how far a value can go, and what it takes.

use crate::args::PlanArgs;
use crate::command::{self, github};
use crate::error::{CliError, Exit};
use crate::progress::Trying;
use crate::run_room::{self, SizedRuns};
use crate::signals::{self, Hangup};
use crate::terminal;
use squall_campaign::{
    Case, MetRange, PlanQuestion, ProviderNeed, SearchBounds, TriedValue, needs, sweep, workers,
};
use squall_judge::{Judgement, Origin};
use squall_record::OutFolder;
use squall_report::{CurvePoint, PlanAnswer, PlanCurve, PlanNeed, PlanRange, PlanReport, Varied};
use squall_scenario::{Override, Scenario, VariableSetting, value_at};
use squall_sim::RowRetention;
use std::path::Path;

/// How near the two ends of an answer are brought.
const WITHIN: f64 = 0.02;
/// How often the value is doubled or halved in search of the other side: a thousandfold.
const DOUBLINGS: u32 = 10;
/// How many seeds a point of a curve takes: enough for a band.
const CURVE_SEEDS: usize = 12;
/// Where the points of a curve lie that nobody named, as parts of the answer.
const ALONG: [f64; 9] = [0.25, 0.5, 0.75, 0.9, 1.0, 1.1, 1.3, 1.6, 2.0];

pub(crate) fn plan(args: &PlanArgs) -> Result<Exit, CliError> {
    let asked = PlanQuery::read(args)?;
    let out = args.out.clone();
    let out = out.unwrap_or_else(|| Path::new("reports").join(&asked.scenario.name).join("plan"));
    let jobs = args.runs.jobs.unwrap_or_else(workers);
    // How many values are tried is not known before; one takes as much memory as they all.
    let sized = SizedRuns {
        path: &args.scenario,
        scenario: &asked.scenario,
        keep: RowRetention::Cells,
        runs: args.runs.seeds as usize,
        at_once: jobs.get(),
        are_written: false,
    };
    run_room::ensure(&[sized], &out, args.runs.allow_large)?;
    let folder = OutFolder::for_report(&out)?;
    let scenario_at = |value: f64| asked.scenario_at(args, value);
    let signals = signals::take_over(1, Hangup::Stop);
    let is_interrupted = || signals.is_stopped();
    let question = PlanQuestion {
        scenario_at: &scenario_at,
        start: args.target.unwrap_or(asked.varied.written),
        limits: SearchBounds { lower_is_harder: args.lowest, within: WITHIN, doublings: DOUBLINGS },
        seeds: args.runs.seeds as usize,
        workers: jobs,
        is_interrupted: &is_interrupted,
    };
    let trying = Trying::new();
    let worlds = asked.worlds(args);
    let answers = answers(args, &question, &worlds, &trying)?;
    let values = values(args, &question, &answers);
    let curves = curves(&question, &worlds, &values, &answers, &trying)?;
    let needs = limits(&asked, args, &question, &worlds, &trying)?;
    trying.clear();
    let report = PlanReport {
        scenario: asked.scenario.name.clone(),
        origin: Origin {
            path: args.scenario.display().to_string(),
            variables: args.runs.variables.set.iter().map(VariableSetting::to_string).collect(),
            settings: args.runs.settings.iter().map(Override::to_string).collect(),
        },
        until: asked.scenario.hard_expectations().map(|each| each.text.clone()).collect(),
        seeds: question.seeds,
        answers: answers.iter().map(answer).collect(),
        curves,
        target: question.start,
        needs,
        varied: asked.varied,
        interrupted: is_interrupted(),
    };
    let paths = squall_report::write_plan(folder.path(), &report)?;
    squall_report::plan_lines(&report).into_iter().for_each(terminal::data);
    terminal::data(format_args!("report: {}", paths.html.display()));
    terminal::field("report", || paths.html.display().to_string().into());
    terminal::field_of_file("plan", &paths.json)?;
    github::summary(&squall_report::plan_markdown(&report))?;
    Ok(args.inconclusive.exit(exit(args, &report), !report.interrupted))
}

/// What is asked, read and checked.
struct PlanQuery {
    /// The text of the file, with what was set otherwise.
    text: String,
    /// As it stands there, with the expectations that are to hold.
    scenario: Scenario,
    varied: Varied,
}

impl PlanQuery {
    fn read(args: &PlanArgs) -> Result<Self, CliError> {
        let refused = |source| CliError::Setting { path: args.scenario.clone(), source };
        let variables = &args.runs.variables.set;
        let text = command::scenario_text(&args.scenario, variables, &args.runs.settings)?;
        let mut scenario = command::scenario_of(&args.scenario, &text)?;
        let path = match (&args.vary, &args.sweep) {
            (Some(path), _) => path,
            (None, Some(sweep)) => &sweep.path,
            (None, None) => {
                return Err(CliError::Varied("`--vary` is required".to_owned()));
            }
        };
        let found = value_at(&text, path).map_err(refused)?;
        let (number, unit) = split(&found.text);
        let Some(written) = number.filter(|written| *written > 0.0) else {
            let (path, text) = (&found.path, &found.text);
            let problem = format!("`{path}` is `{text}`: only a number above zero can be varied");
            return Err(CliError::Varied(problem));
        };
        expect(&mut scenario, args)?;
        let known = |name: &String| scenario.providers.iter().any(|each| each.name == *name);
        if let Some(unknown) = args.keep.iter().find(|name| !known(name)) {
            return Err(CliError::Varied(format!("no provider is called `{unknown}`")));
        }
        if scenario.hard_expectations().next().is_none() {
            let problem = "the scenario has no expectations that decide anything: add `--until`, such as `--until \
                 'success_rate >= 99.5%'`";
            return Err(CliError::Varied(problem.to_owned()));
        }
        Ok(Self { text, scenario, varied: Varied { path: found.path, written, unit } })
    }

    /// The scenario with a value; `None` if no file may hold it. Where a whole number must stand, the
    /// nearest does.
    fn scenario_at(&self, args: &PlanArgs, value: f64) -> Option<Scenario> {
        let written = |value: f64| {
            let (path, value) = (self.varied.path.clone(), format!("{value}{}", self.varied.unit));
            let text = Override { path, value }.apply(&self.text).ok()?;
            command::scenario_of(&args.scenario, &text).ok()
        };
        let mut scenario = written(value).or_else(|| written(value.round()))?;
        expect(&mut scenario, args).ok()?;
        Some(scenario)
    }

    /// The world as it is, then without each provider.
    fn worlds(&self, args: &PlanArgs) -> Vec<Option<String>> {
        let providers = &self.scenario.providers;
        let each = providers.iter().map(|provider| Some(provider.name.clone()));
        let each = each.filter(|_| !args.as_it_is && providers.len() > 1);
        std::iter::once(None).chain(each).collect()
    }
}

fn expect(scenario: &mut Scenario, args: &PlanArgs) -> Result<(), CliError> {
    if !args.until.is_empty() {
        scenario.expect_instead(&args.until)?;
    }
    Ok(())
}

/// `3000` and its unit, `20` and `s`.
fn split(text: &str) -> (Option<f64>, String) {
    let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == '_'));
    let (number, unit) = text.split_at(end.unwrap_or(text.len()));
    let number = number.replace('_', "").parse();
    match unit {
        "k" => (number.ok().map(|number: f64| number * 1e3), String::new()),
        "M" => (number.ok().map(|number: f64| number * 1e6), String::new()),
        _ => (number.ok(), unit.to_owned()),
    }
}

fn in_world(gone: Option<&str>) -> String {
    gone.map_or_else(String::new, |gone| format!(" without {gone}"))
}

fn answers(
    args: &PlanArgs,
    question: &PlanQuestion<'_>,
    worlds: &[Option<String>],
    trying: &Trying,
) -> Result<Vec<Case>, CliError> {
    if args.sweep.is_some() {
        return Ok(Vec::new());
    }
    let mut cases: Vec<Case> = Vec::with_capacity(worlds.len());
    for gone in worlds {
        if (question.is_interrupted)() {
            break;
        }
        let gone = gone.as_deref();
        let told = |value| trying.show(format!("testing {value}{}", in_world(gone)));
        cases.push(squall_campaign::plan(question, gone, told)?);
    }
    Ok(cases)
}

/// The values of the curves: those that were named, or some around the answer.
fn values(args: &PlanArgs, question: &PlanQuestion<'_>, answers: &[Case]) -> Vec<f64> {
    if let Some(sweep) = &args.sweep {
        return sweep.values.clone();
    }
    let met = answers.first().and_then(|case| case.bracket.met).unwrap_or(question.start);
    ALONG.iter().map(|part| squall_campaign::rounded(met * part)).collect()
}

fn curves(
    question: &PlanQuestion<'_>,
    worlds: &[Option<String>],
    values: &[f64],
    answers: &[Case],
    trying: &Trying,
) -> Result<Vec<PlanCurve>, CliError> {
    let few = PlanQuestion { seeds: CURVE_SEEDS.min(question.seeds), ..*question };
    let mut curves = Vec::with_capacity(worlds.len());
    for (place, gone) in worlds.iter().enumerate() {
        if (question.is_interrupted)() {
            break;
        }
        // What was tried for the answer is drawn with it, as far as the curve goes.
        let tried = answers.get(place).map_or(&[][..], |case| &case.points[..]);
        let (least, most) = span(values, answers.get(place));
        let tried = || tried.iter().filter(|tried| (least..=most).contains(&tried.value));
        let missing: Vec<_> = values
            .iter()
            .copied()
            .filter(|value| !tried().any(|tried| tried.value == *value))
            .collect();
        let named = gone.as_deref();
        let told = |value| trying.show(format!("sweeping {value}{}", in_world(named)));
        let swept = sweep(&few, named, &missing, told)?;
        let mut points: Vec<_> = tried().chain(&swept).map(point).collect();
        points.sort_by(|a, b| a.value.total_cmp(&b.value));
        curves.push(PlanCurve { gone: gone.clone(), points });
    }
    Ok(curves)
}

/// From where to where a curve goes: as far as its values do, and to what is not met beside the ranges that are.
fn span(values: &[f64], case: Option<&Case>) -> (f64, f64) {
    let beside = case.iter().flat_map(|case| &case.ranges).flat_map(|range| {
        [range.below.map(|below| below / 2.0), range.above.map(|above| above * 2.0)]
    });
    values
        .iter()
        .copied()
        .chain(beside.flatten())
        .fold((f64::INFINITY, 0.0), |(least, most), each| (least.min(each), most.max(each)))
}

fn point(tried: &TriedValue) -> CurvePoint {
    let sorted = |of: fn(&squall_campaign::PeakLoad) -> f64| {
        let mut values: Vec<_> = tried.loads.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        let at = |part: f64| {
            let place = (values.len().saturating_sub(1)) as f64 * part;
            values.get(place.round() as usize).copied().unwrap_or_default()
        };
        [at(0.0), at(0.5), at(1.0)]
    };
    CurvePoint {
        value: tried.value,
        offered: sorted(|load| load.offered)[1],
        goodput: sorted(|load| load.goodput),
        met: tried.judgement != Judgement::Missed && tried.gave.is_none(),
    }
}

/// What the target asks of each limit, with every provider there and with any one of the others gone.
fn limits(
    asked: &PlanQuery,
    args: &PlanArgs,
    question: &PlanQuestion<'_>,
    worlds: &[Option<String>],
    trying: &Trying,
) -> Result<Vec<PlanNeed>, CliError> {
    let Some(scenario) = asked.scenario_at(args, question.start) else { return Ok(Vec::new()) };
    let mut all: Vec<Vec<ProviderNeed>> = Vec::with_capacity(worlds.len());
    for gone in worlds {
        let gone = gone.as_deref();
        trying.show(format!("demand at {}{}", question.start, in_world(gone)));
        let seeds = CURVE_SEEDS.min(question.seeds);
        let (workers, is_interrupted) = (question.workers, question.is_interrupted);
        all.push(needs(&scenario, gone, &args.keep, seeds, workers, is_interrupted)?);
        // The most that is asked is unknown until every world was looked at.
        if is_interrupted() {
            return Ok(Vec::new());
        }
    }
    let most = |place: usize, of: fn(&ProviderNeed) -> u64| {
        let name = Some(scenario.providers[place].name.as_str());
        let others = worlds.iter().zip(&all).filter(|(gone, _)| gone.as_deref() != name);
        others.filter_map(|(_, needs)| needs.get(place)).map(of).max().unwrap_or(0)
    };
    let mut rows = Vec::new();
    for (place, need) in all[0].iter().enumerate() {
        let mut row = |limit, now, healthy, of: fn(&ProviderNeed) -> u64| {
            let provider = need.provider.clone();
            let (kept, without_any) = (args.keep.contains(&provider), most(place, of));
            rows.push(PlanNeed { provider, limit, now, kept, healthy, without_any });
        };
        row("rpm", need.rpm_limit, need.rpm, |need| need.rpm);
        // Tokens and places are told where somebody limits them.
        if need.tpm_limit.is_some() {
            row("tpm", need.tpm_limit, need.tpm, |need| need.tpm);
        }
        if need.concurrent_limit.is_some() {
            row("concurrent", need.concurrent_limit, need.concurrent, |need| need.concurrent);
        }
    }
    Ok(rows)
}

fn answer(case: &Case) -> PlanAnswer {
    let missed = case.points.iter().find(|tried| Some(tried.value) == case.bracket.missed);
    PlanAnswer {
        gone: case.gone.clone(),
        met: case.bracket.met,
        missed: case.bracket.missed,
        gave: missed.and_then(|tried| tried.gave.clone()),
        ranges: case
            .ranges
            .iter()
            .map(|range| {
                let MetRange { below, from, to, above } = *range;
                PlanRange { below, from, to, above }
            })
            .collect(),
        interrupted: case.interrupted,
    }
}

/// 1 when the target is not met, or nothing is; a curve alone decides nothing. An interrupted plan meets
/// nothing, and misses its target only where that was surely missed already.
fn exit(args: &PlanArgs, report: &PlanReport) -> Exit {
    if report.interrupted {
        let missed = report.answers.first().and_then(|first| first.missed);
        let is_missed = args.target.zip(missed).is_some_and(|(target, missed)| {
            if args.lowest { missed >= target } else { missed <= target }
        });
        return if is_missed { Exit::Missed } else { Exit::Inconclusive };
    }
    let Some(first) = report.answers.first() else { return Exit::Met };
    let Some(met) = first.met else {
        let missed = first.missed.is_some();
        return command::checked::exit(if missed {
            Judgement::Missed
        } else {
            Judgement::Inconclusive
        });
    };
    let reached = |target: f64| match &first.ranges[..] {
        [] if args.lowest => met <= target,
        [] => met >= target,
        ranges => ranges.iter().any(|range| range.holds(target)),
    };
    if args.target.is_none_or(reached) { Exit::Met } else { Exit::Missed }
}
