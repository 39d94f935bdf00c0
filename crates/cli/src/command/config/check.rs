//! `squall config check`: the worst case of a configuration, and what is wrong with it.

use crate::args::ConfigCheckArgs;
use crate::command::config_text;
use crate::error::{CliError, Exit};
use crate::{files, terminal};
use serde_json::{Value, json};
use squall_router::{GroupId, Money, WorstCase, WorstCaseRequest};
use squall_scenario::{CheckedConfig, ConfigCheckOptions, Diagnostics, LINTS};
use std::path::Path;
use std::time::Duration;

pub(crate) fn check(args: &ConfigCheckArgs) -> Result<Exit, CliError> {
    let path = &args.file;
    let folder = path.parent().unwrap_or_else(|| Path::new(""));
    let load = |other: &str| files::referred(folder, other);
    let allow: Vec<_> = args.allow.iter().map(|lint| lint.0).collect();
    let options = ConfigCheckOptions {
        allow: &allow,
        client_retries: args.client_retries,
        most_calls: args.most_calls,
        request: WorstCaseRequest {
            stream: true,
            input_tokens: args.prompt_tokens,
            output_tokens: args.answer_tokens,
        },
        profile: args.profile.into(),
        load: &load,
    };
    let file = config_text(path, &args.variables.set)?;
    let checked = CheckedConfig::read(&file.name, &file.text, &options)?;
    let clients = u64::from(args.client_retries) + 1;
    for (place, (name, worst)) in checked.groups.iter().enumerate() {
        let lines = group(&checked, place, name, worst, clients, &options.request);
        terminal::data(lines.join("\n"));
    }
    let found = checked.diagnostics();
    if let Some(diagnostics) = &found {
        terminal::data(format_args!("\n{}", diagnostics.styled()));
    }
    terminal::data(conclusion(&checked));
    terminal::field("groups", || {
        let groups = checked.groups.iter();
        groups.map(|(name, worst)| group_json(&checked, name, worst, clients)).collect()
    });
    terminal::field("findings", || findings_json(&checked, found.as_ref()));
    terminal::field("allowed", || checked.allowed.into());
    Ok(if found.is_none() { Exit::Met } else { Exit::Missed })
}

/// The worst case of a group, in lines.
fn group(
    checked: &CheckedConfig,
    place: usize,
    name: &str,
    worst: &WorstCase,
    clients: u64,
    request: &WorstCaseRequest,
) -> Vec<String> {
    let way =
        worst.way.iter().map(|(group, calls)| format!("{calls} at `{}`", called(checked, *group)));
    let way = way.collect::<Vec<_>>().join(", ");
    let least = if worst.complete { "at most" } else { "more than" };
    let mut lines = Vec::new();
    if place == 0 {
        lines.push("The worst case of one request, if everything fails:".to_owned());
    }
    let calls = worst.attempts.saturating_mul(clients);
    lines.push(format!("group `{name}`"));
    lines.push(format!(
        "  calls   {least} {} ({way}); {calls} if its client asks {clients} times",
        worst.attempts
    ));
    let unbounded = worst.time_without_deadline.is_none();
    let by = if unbounded { ", which is its deadline: nothing else bounds a stream" } else { "" };
    lines.push(format!(
        "  time    {} until the answer begins or the error; {} until the last byte{by}",
        seconds(worst.first_token),
        seconds(worst.time)
    ));
    let each = format!("{} + {} tokens", request.input_tokens, request.output_tokens);
    let money = if worst.money == Money::default() {
        "no price is configured".to_owned()
    } else {
        dollars(worst.money)
    };
    lines.push(format!("  tokens  {} for a request of {each}; {money}", worst.tokens));
    lines
}

fn conclusion(checked: &CheckedConfig) -> String {
    let found = match checked.findings.len() {
        0 => "nothing found".to_owned(),
        1 => "1 finding".to_owned(),
        more => format!("{more} findings"),
    };
    let lints = LINTS.len();
    match checked.allowed {
        0 => format!("\n{found} by {lints} lints"),
        allowed => format!("\n{found} by {lints} lints; {allowed} more allowed"),
    }
}

fn group_json(checked: &CheckedConfig, name: &str, worst: &WorstCase, clients: u64) -> Value {
    let way = worst.way.iter();
    let way: Vec<_> = way
        .map(|(group, calls)| json!({ "group": called(checked, *group), "calls": calls }))
        .collect();
    json!({
        "group": name,
        "calls": worst.attempts,
        "calls_with_client_retries": worst.attempts.saturating_mul(clients),
        "complete": worst.complete,
        "way": way,
        "seconds_to_first_token": worst.first_token.as_secs_f64(),
        "seconds": worst.time.as_secs_f64(),
        "seconds_without_deadline": worst.time_without_deadline.map(|time| time.as_secs_f64()),
        "tokens": worst.tokens,
        "dollars": worst.money.0 as f64 / Money::DOLLAR.0 as f64,
    })
}

fn findings_json(checked: &CheckedConfig, diagnostics: Option<&Diagnostics>) -> Value {
    let Some(diagnostics) = diagnostics else { return json!([]) };
    let findings = checked.findings.iter().map(|finding| {
        // Places within the text, as the excerpts have them.
        let (line, column) = diagnostics.position(&finding.problem);
        json!({
            "lint": finding.lint.id,
            "message": finding.problem.message,
            "line": line,
            "column": column,
            "label": finding.problem.label,
            "why": finding.lint.why,
            "help": finding.lint.help,
        })
    });
    findings.collect()
}

fn called(checked: &CheckedConfig, group: GroupId) -> &str {
    checked.groups.get(group.index()).map_or("", |(name, _)| name)
}

/// `90s`, `2h`.
fn seconds(time: Duration) -> String {
    match time.as_secs() {
        0..600 => format!("{}s", (time.as_secs_f64() * 10.0).round() / 10.0),
        more if more.is_multiple_of(3_600) => format!("{}h", more / 3_600),
        more => format!("{}m", more.div_ceil(60)),
    }
}

fn dollars(money: Money) -> String {
    let text = format!("{:.6}", money.0 as f64 / Money::DOLLAR.0 as f64);
    format!("${}", text.trim_end_matches('0').trim_end_matches('.'))
}
