//! `report.html`: one file that opens from disk, needs no network, and prints. Its script adds what a still picture cannot do;
//! without it nothing is missing from the page.

use crate::charts::{DrawnChart, REGULAR, SEMIBOLD, dark_rules};
use crate::page_data::page_data;
use crate::timeline::timeline;
use crate::{ReportError, RunOrigin};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use minijinja::Environment;
use minijinja::value::Serde;
use serde::Serialize;
use squall_failure::FailureClass;
use squall_judge::{
    GroupSummary, Judgement, Percentiles, RowOutcome, Summary, Verdict, VerdictRow, summary, text,
};
use squall_record::{GroupCells, Latencies, Mode, Recording, RequestCell};
use squall_scenario::{GatewayCost, Phase, Scenario};
use std::time::Duration;

/// Every template, and what they share.
const TEMPLATES: [(&str, &str); 8] = [
    ("style.html", include_str!("../templates/style.html")),
    ("report.html", include_str!("../templates/report.html")),
    ("report.js", include_str!("../templates/report.js")),
    ("plan.html", include_str!("../templates/plan.html")),
    ("trace.html", include_str!("../templates/trace.html")),
    ("compare.html", include_str!("../templates/compare.html")),
    ("sign-off.html", include_str!("../templates/sign-off.html")),
    ("scorecard.html", include_str!("../templates/scorecard.html")),
];

/// The typeface, as it stands in a page.
#[derive(Serialize)]
pub(crate) struct Fonts {
    regular: String,
    semibold: String,
}

impl Default for Fonts {
    fn default() -> Self {
        Self { regular: STANDARD.encode(REGULAR), semibold: STANDARD.encode(SEMIBOLD) }
    }
}

/// Fills a template.
///
/// # Errors
/// When the template fails, which is a defect.
pub(crate) fn render(template: &str, page: impl Serialize) -> Result<String, ReportError> {
    let mut templates = Environment::new();
    for (name, text) in TEMPLATES {
        templates.add_template(name, text)?;
    }
    Ok(templates.get_template(template)?.render(Serde(page))?)
}

/// Writes the page.
///
/// # Errors
/// When the template fails, which is a defect.
pub(crate) fn page(
    (scenario, recording): (&Scenario, &Recording),
    verdict: &Verdict,
    charts: &[DrawnChart],
    origin: &RunOrigin,
) -> Result<String, ReportError> {
    let summary = summary(scenario, recording, verdict);
    let page = ReportPage {
        fonts: Fonts::default(),
        dark_rules: dark_rules(charts),
        data: page_data(scenario, recording),
        mark: mark(RowOutcome::of(verdict.overall, false)),
        headline: headline(verdict.overall),
        tally: verdict.tally(),
        worst: worst(verdict),
        description: scenario.description.as_deref(),
        facts: facts(&summary, scenario, recording, verdict),
        moments: moments(scenario, recording),
        rows: verdict.shown().map(ReportRow::of).collect(),
        validity_problems: &verdict.validity_problems,
        warnings: &verdict.warnings,
        charts: charts.iter().map(Figure::of).collect(),
        changes: &verdict.changes,
        groups: groups(&summary.groups, &recording.cells.groups, scenario),
        kinds: groups(&summary.kinds, &recording.cells.kinds, scenario),
        deployments: deployments(recording, scenario),
        throttled: &verdict.throttled,
        honesty: honesty(scenario, recording, verdict),
        phases: phases(scenario, recording),
        command: if origin.command.is_empty() {
            command(recording)
        } else {
            origin.command.clone()
        },
        origin,
        has_rows: !recording.requests.is_empty(),
        summary,
    };
    render("report.html", page)
}

/// What the template shows.
#[derive(Serialize)]
struct ReportPage<'a> {
    #[serde(flatten)]
    fonts: Fonts,
    dark_rules: String,
    data: String,
    mark: &'static str,
    headline: &'static str,
    tally: String,
    worst: Option<String>,
    description: Option<&'a str>,
    facts: Vec<(&'static str, String)>,
    moments: Vec<Moment>,
    rows: Vec<ReportRow<'a>>,
    validity_problems: &'a [String],
    warnings: &'a [String],
    charts: Vec<Figure<'a>>,
    changes: &'a [String],
    groups: Vec<GroupRow>,
    kinds: Vec<GroupRow>,
    deployments: Vec<DeploymentRow<'a>>,
    throttled: &'a [String],
    honesty: Vec<String>,
    phases: Vec<GroupRow>,
    command: String,
    origin: &'a RunOrigin,
    has_rows: bool,
    summary: Summary,
}

/// A line of what happened.
#[derive(Serialize)]
struct Moment {
    /// In seconds.
    at: f64,
    time: String,
    text: String,
    tone: &'static str,
}

fn moments(scenario: &Scenario, recording: &Recording) -> Vec<Moment> {
    let lines = timeline(scenario, recording).into_iter().map(|line| Moment {
        at: line.at.as_secs_f64(),
        time: text::moment(line.at),
        text: line.text,
        tone: line.tone.as_str(),
    });
    lines.collect()
}

#[derive(Serialize)]
struct ReportRow<'a> {
    judgement: &'static str,
    mark: &'static str,
    text: String,
    measured: &'a str,
    limit: &'a str,
    n: String,
    reason: &'a str,
    detail: Vec<&'a str>,
}

impl<'a> ReportRow<'a> {
    fn of(row: &'a VerdictRow) -> Self {
        Self {
            judgement: row.outcome().as_str(),
            mark: mark(row.outcome()),
            text: row.written(),
            measured: &row.measured,
            limit: &row.limit,
            n: row.n().map_or_else(|| "–".to_owned(), text::count),
            reason: &row.reason,
            // A miss already tells in its reason what stands in its details.
            detail: row
                .detail()
                .iter()
                .map(String::as_str)
                .filter(|line| !row.reason.contains(line))
                .collect(),
        }
    }
}

#[derive(Serialize)]
struct Figure<'a> {
    id: &'a str,
    title: &'a str,
    reading: &'a str,
    svg: &'a str,
    narrow: &'a str,
    is_tall: bool,
}

impl<'a> Figure<'a> {
    fn of(chart: &'a DrawnChart) -> Self {
        Self {
            id: chart.id,
            title: &chart.title,
            reading: chart.reading,
            svg: &chart.page_svg,
            is_tall: chart.is_tall,
            narrow: chart.narrow_svg.as_deref().unwrap_or_default(),
        }
    }
}

#[derive(Serialize)]
struct GroupRow {
    name: String,
    requests: String,
    succeeded: String,
    lost: String,
    latency: [String; 3],
    ttft: [String; 3],
}

#[derive(Serialize)]
struct DeploymentRow<'a> {
    name: &'a str,
    provider: &'a str,
    weight: String,
    attempts: String,
    first: String,
    succeeded: String,
    failed: String,
    output_tokens: String,
}

/// A shape beside the word, so that no meaning hangs on a colour.
pub(crate) const fn mark(outcome: RowOutcome) -> &'static str {
    match outcome {
        RowOutcome::Met => "✓",
        RowOutcome::Missed => "✗",
        RowOutcome::Inconclusive => "≈",
        RowOutcome::Warned => "!",
    }
}

const fn headline(judgement: Judgement) -> &'static str {
    match judgement {
        Judgement::Met => "Met:",
        Judgement::Missed => "Missed:",
        Judgement::Inconclusive => "Inconclusive:",
    }
}

/// The first expectation that was not met, or the first problem.
fn worst(verdict: &Verdict) -> Option<String> {
    let not_met = |judgement| verdict.rows.iter().find(move |row| row.judgement == judgement);
    let row = not_met(Judgement::Missed).or_else(|| not_met(Judgement::Inconclusive));
    row.map(|row| format!("{}: {}", row.text, row.reason))
        .or_else(|| verdict.validity_problems.first().cloned())
}

fn facts(
    summary: &Summary,
    scenario: &Scenario,
    recording: &Recording,
    verdict: &Verdict,
) -> Vec<(&'static str, String)> {
    let (mut arrived, mut succeeded, mut unfinished) = (0_u64, 0_u64, 0_u64);
    for group in &recording.cells.groups {
        let cell = group.sum(scenario.measured());
        arrived += u64::from(cell.arrived);
        succeeded += u64::from(cell.succeeded);
        unfinished += u64::from(cell.unfinished);
    }
    let judged = arrived - unfinished;
    let success = if judged == 0 { 0.0 } else { succeeded as f64 / judged as f64 };
    let attempts = summary.totals.attempts.map(|attempts| ("attempts", text::count(attempts)));
    let how = match recording.header.mode {
        Mode::Live => "live, real sockets",
        Mode::Simulated => "virtual time",
    };
    let target = summary.target.as_ref().map(|target| ("target", target.name.clone()));
    let users = [
        ("requests", text::count(arrived)),
        ("success", text::percent(success)),
        ("failed", text::count(judged - succeeded)),
    ];
    let run = [
        ("duration", text::duration(verdict.duration)),
        ("run", how.to_owned()),
        ("seed", summary.seed.to_string()),
    ];
    let start = scenario.start.map(|start| ("start", start.to_string()));
    let warm_up = text::warm_up(scenario.warm_up).map(|warm_up| ("warm-up", warm_up));
    target.into_iter().chain(users).chain(attempts).chain(run).chain(start).chain(warm_up).collect()
}

/// The model groups, or the kinds of requests, of which there were any, as their clients saw them.
fn groups(summaries: &[GroupSummary], cells: &[GroupCells], scenario: &Scenario) -> Vec<GroupRow> {
    let rows = summaries.iter().zip(cells);
    let rows = rows.filter(|(group, _)| group.requests > 0).map(|(group, cells)| {
        let sum = cells.sum(scenario.measured());
        GroupRow {
            name: group.name.clone(),
            requests: text::count(group.requests),
            succeeded: text::count(group.succeeded),
            lost: losses(&sum.failed, sum.gave_up),
            latency: percentiles(&group.latency),
            ttft: percentiles(&group.ttft),
        }
    });
    rows.collect()
}

/// The phases, as clients saw them, all groups together.
fn phases(scenario: &Scenario, recording: &Recording) -> Vec<GroupRow> {
    let groups = &recording.cells.groups;
    let of = |phase: &Phase| {
        let window = phase.start..phase.end;
        let mut sum = RequestCell::default();
        for cell in groups.iter().map(|group| group.sum(window.clone())) {
            sum.arrived += cell.arrived;
            sum.succeeded += cell.succeeded;
            sum.gave_up += cell.gave_up;
            sum.failed.iter_mut().zip(cell.failed).for_each(|(sum, more)| *sum += more);
        }
        let times = |of: fn(&GroupCells) -> &Latencies| {
            let mut all = of(&GroupCells::default()).window(window.clone());
            groups.iter().for_each(|group| all += of(group).window(window.clone()));
            [0.5, 0.95, 0.99]
                .map(|quantile| time((!all.is_empty()).then(|| all.value_at_quantile(quantile))))
        };
        GroupRow {
            name: phase.name.clone(),
            requests: text::count(sum.arrived.into()),
            succeeded: text::count(sum.succeeded.into()),
            lost: losses(&sum.failed, sum.gave_up),
            latency: times(|group| &group.latency),
            ttft: times(|group| &group.ttft),
        }
    };
    scenario.phases.iter().map(of).collect()
}

fn percentiles(of: &Percentiles) -> [String; 3] {
    [of.p50_us, of.p95_us, of.p99_us].map(time)
}

/// A time in words, from microseconds.
fn time(micros: Option<u64>) -> String {
    micros.map_or_else(
        || "–".to_owned(),
        // To the millisecond: the distributions hold two digits.
        |micros| text::duration(Duration::from_millis(micros.div_ceil(1_000))),
    )
}

/// Failures by class and those given up, in words.
fn losses(failed: &[u32; FailureClass::ALL.len()], given_up: u32) -> String {
    let classes = FailureClass::ALL.map(|class| class.as_str().replace('_', " "));
    let all = classes.into_iter().zip(failed.iter().copied());
    let all = all.chain([("abandoned".to_owned(), given_up)]);
    let words: Vec<_> = all
        .filter(|&(_, count)| count > 0)
        .map(|(class, count)| format!("{} {class}", text::count(count.into())))
        .collect();
    if words.is_empty() { "none".to_owned() } else { words.join(", ") }
}

fn deployments<'r>(recording: &'r Recording, scenario: &Scenario) -> Vec<DeploymentRow<'r>> {
    let header = &recording.header;
    if !header.knows_attempts() {
        return Vec::new();
    }
    let cells = header.deployments.iter().zip(&recording.cells.deployments).enumerate();
    let rows = cells.map(|(place, (info, cells))| {
        let sum = cells.sum(scenario.measured());
        DeploymentRow {
            name: &info.name,
            provider: &header.providers[usize::from(info.provider)],
            weight: text::weights(header, place).trim_start_matches("weight ").to_owned(),
            attempts: text::count(sum.started.into()),
            first: text::count(sum.first.into()),
            succeeded: text::count(sum.succeeded.into()),
            failed: losses(&sum.failed, sum.abandoned),
            output_tokens: text::count(sum.output_tokens),
        }
    });
    rows.collect()
}

fn honesty(scenario: &Scenario, recording: &Recording, verdict: &Verdict) -> Vec<String> {
    let header = &recording.header;
    let cost = scenario.gateway_cost.iter().map(|cost| cost_of(header.mode, cost));
    let shards = verdict.shards.iter().map(|line| format!("Shards: {line}."));
    let target = verdict.target.iter().map(|line| format!("Target: {line}."));
    let mut lines: Vec<_> = shards.chain(target).chain(cost).collect();
    match header.lag {
        Some(lag) => lines.push(format!(
            "Send lag of the driver (actual minus intended send time): p50 {}, p99 {}, maximum \
             {}.",
            text::duration(lag.p50),
            text::duration(lag.p99),
            text::duration(lag.max),
        )),
        None => lines.push(
            match scenario.gateway_cost {
                None => {
                    "In virtual time, the network, the kernel and the gateway add no \
                     latency, and the driver never lags."
                }
                Some(_) => {
                    "In virtual time, the network and the kernel add no latency, and the \
                     driver never lags."
                }
            }
            .to_owned(),
        ),
    }
    lines.extend(header.server_lag.iter().map(|server| {
        format!(
            "Scheduling lag of the {} (how late its timers fired): p99 {}, maximum {}.",
            server.part,
            text::duration(server.lag.p99),
            text::duration(server.lag.max),
        )
    }));
    if let Some(at) = header.ended.cut_at() {
        lines.push(format!(
            "The run was interrupted at {at}. Measurements up to that time are valid."
        ));
    }
    let sources = match &header.target {
        None => {
            "The verdict is based on what clients saw and on the providers' logs. Refused \
             connections do not reach a provider; those attempts are taken from the gateway. \
             Cooldowns and waits are reported by the router and only annotate the charts."
        }
        Some(target) if target.has_own_providers => {
            "The verdict is based on what clients saw alone: the target's providers are its own, and what it asked \
             of them is unknown."
        }
        Some(_) => {
            "The verdict is based on what clients saw and on the providers' logs; the target tells \
             nothing of itself. Connections that a provider refused are in no log: while one does, \
             numbers of attempts are lower bounds. Cooldowns are unknown."
        }
    };
    lines.push(sources.to_owned());
    lines
}

/// What a gateway's work costs, which holds in virtual time alone: a real gateway has its real cost.
fn cost_of(mode: Mode, cost: &GatewayCost) -> String {
    let (attempt, failed) = (cost.cpu_per_attempt, cost.cpu_per_failed_attempt);
    let (attempt, failed) = (text::duration(attempt), text::duration(failed));
    let workers = match cost.workers {
        1 => "one worker".to_owned(),
        workers => format!("{workers} workers"),
    };
    match mode {
        Mode::Simulated => format!(
            "The simulated gateway has {workers}. An attempt costs {attempt} of CPU time, a \
             failed attempt {failed} in total."
        ),
        Mode::Live => format!(
            "The scenario sets a CPU cost for the gateway ({workers}, {attempt} per attempt, \
             {failed} per failed attempt). It applies in virtual time only; this run used a real \
             gateway with its real cost."
        ),
    }
}

/// What repeats the run, from the project's root.
fn command(recording: &Recording) -> String {
    let header = &recording.header;
    let sim = match header.mode {
        Mode::Live => "",
        Mode::Simulated => " --sim",
    };
    let target = header.target.as_ref();
    let command = if header.knows_attempts() { "run" } else { "load" };
    let target = target.map(|target| format!(" --target {}", target.name)).unwrap_or_default();
    format!("squall {command} {}.yaml{sim}{target} --seed {}", header.scenario, header.seed)
}

#[cfg(test)]
mod tests {
    use crate::{RunOrigin, draw_charts};
    use squall_failure::ProviderLimitKind;
    use squall_judge::{judge, markdown, terminal_table};
    use squall_record::{AttemptRow, Mode, RequestOutcome};
    use squall_scenario::GatewayCost;
    use squall_testkit::by_hand::{Fixture, at, throttled};
    use std::time::Duration;

    fn page() -> String {
        page_of(&Fixture::new())
    }

    fn page_of(run: &Fixture) -> String {
        let recording = run.recording();
        let verdict = judge(&run.scenario, &recording);
        let charts = draw_charts(&run.scenario, &recording).unwrap();
        let origin = RunOrigin {
            started: "2026-11-30T10:00:00.000Z".to_owned(),
            written: "2026-11-29T08:00:00Z".to_owned(),
            host: "drill-1".to_owned(),
            commit: "0123456789ab".to_owned(),
            command: "squall run by-hand.yaml --set traffic.rps=30".to_owned(),
            settings: vec!["traffic.rps=30".to_owned()],
        };
        super::page((&run.scenario, &recording), &verdict, &charts, &origin).unwrap()
    }

    #[test]
    fn the_page_loads_nothing_from_anywhere() {
        let page = page();
        for loading in
            ["<script src", "<link", "<img", "@import", "src=\"http", "url(http", "href=\"http"]
        {
            assert!(!page.contains(loading), "{loading}");
        }
        assert!(page.len() < 1_500_000, "{} bytes", page.len());
    }

    #[test]
    fn the_page_says_where_the_run_was_made_and_how_it_is_made_again() {
        let page = page();
        for told in [
            "2026-11-29T08:00:00Z",
            "drill-1",
            "(0123456789ab)",
            "Again: <code>squall run by-hand.yaml --set traffic.rps=30</code>",
            "<code>traffic.rps=30</code>",
            "<td>outage</td>",
        ] {
            assert!(page.contains(told), "{told}");
        }
    }

    #[test]
    fn every_expectation_and_every_chart_is_on_the_page() {
        let run = Fixture::new();
        let page = page();
        for expectation in &run.scenario.expectations {
            let escaped = expectation.text.replace('<', "&lt;").replace('>', "&gt;");
            assert!(page.contains(&escaped), "{}", expectation.text);
        }
        assert_eq!(page.matches("<figure").count(), 8, "and none that has nothing to say");
    }

    #[test]
    fn changes_and_kinds_are_on_the_page_where_there_are_any() {
        let mut run = Fixture::new();
        assert!(!page_of(&run).contains("kind of request"));
        run.changed(50, "weights a 1, b 9", [1, 9, 1, 1]);
        run.of_kind(1).requests(0..10_000, 30, RequestOutcome::Succeeded);
        let page = page_of(&run);
        for told in
            ["Configuration changed at 50 s: weights a 1, b 9", "kind of request", "<td>free</td>"]
        {
            assert!(page.contains(told), "{told}");
        }
        let verdict = judge(&run.scenario, &run.recording());
        assert!(terminal_table(&verdict).contains("changed at 50 s: weights a 1, b 9"));
        assert!(markdown(&verdict).contains("- changed at 50 s: weights a 1, b 9"));
    }

    #[test]
    fn which_limit_throttled_a_deployment_stands_below_the_providers() {
        let mut run = Fixture::new();
        let limit = Some(ProviderLimitKind::Requests);
        let row = throttled(0, at(3_000), Duration::from_secs(2));
        run.attempt(AttemptRow { limit, ..row });
        let page = page_of(&run);
        assert!(page.contains("Throttled: a: 1 attempt over rpm, at 3 s, Retry-After 2 s"));
    }

    #[test]
    fn what_a_gateways_work_costs_is_said_to_hold_in_virtual_time() {
        let mut run = Fixture::new();
        run.scenario.gateway_cost = Some(GatewayCost {
            workers: 1,
            cpu_per_attempt: Duration::from_millis(8),
            cpu_per_failed_attempt: Duration::from_millis(18),
        });
        assert!(page_of(&run).contains("has one worker. An attempt costs 8 ms of CPU time"));
        run.header.mode = Mode::Live;
        assert!(page_of(&run).contains("It applies in virtual time only"));
    }
}
