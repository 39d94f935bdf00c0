//! The monitoring baseline of `deploy/monitoring`, held against the gateway's metrics, the runbook, and Prometheus' own tools.

use squall_tests::root;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

const FOLDER: &str = "deploy/monitoring";
const RULES: &str = "deploy/monitoring/squall-rules.yml";
const DASHBOARD: &str = "deploy/monitoring/gateway-dashboard.json";
/// The external label with the address of the runbook.
const RUNBOOK_LABEL: &str = "squall_runbook";
const FAMILIES: &str = "crates/gateway/src/metrics/families.rs";

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The alerts by name, each with the lines of its rule.
fn alerts() -> Vec<(String, String)> {
    let rules = read(RULES);
    let alerts = rules.split("- alert: ").skip(1).map(|rule| {
        let (name, rest) = rule.split_once('\n').expect("a name, then the rule");
        let end = rest.find("- alert: ").unwrap_or(rest.len());
        (name.to_owned(), rest[..end].to_owned())
    });
    alerts.collect()
}

/// The words of a text that look like metrics of the gateway.
fn metrics(text: &str) -> BTreeSet<String> {
    let is_in_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let words = text.split(|c: char| !is_in_name(c));
    let words = words.filter(|word| *word != RUNBOOK_LABEL);
    let names = words.filter(|word| word.starts_with("squall_") && !word.contains(':'));
    names.map(str::to_owned).collect()
}

/// The families that a source names.
fn families_of(source: &str, prefix: &str) -> BTreeSet<String> {
    let text = read(source);
    let quoted = text.split('"').filter(|text| text.starts_with(prefix));
    quoted.map(str::to_owned).collect()
}

/// The families that the gateway exposes.
fn families() -> BTreeSet<String> {
    let all = families_of(FAMILIES, "squall_");
    assert!(all.len() > 30, "the families are where they were: {all:?}");
    all
}

#[test]
fn every_alert_has_a_section_in_the_runbook_and_every_section_an_alert() {
    let runbook = read("docs/RUNBOOK.md");
    let sections: Vec<_> = runbook.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    let alerts = alerts();
    let names: Vec<_> = alerts.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(sections, names, "in the order of {RULES}");
    for (name, rule) in &alerts {
        let link = format!(
            "runbook_url: '{{{{ or $externalLabels.{RUNBOOK_LABEL} \"docs/RUNBOOK.md\" }}}}#{}'\n",
            name.to_lowercase()
        );
        assert!(rule.contains(&link), "{name} has no link to its section: {link}");
        let severity = if rule.contains("severity: page }") { "Page. " } else { "Ticket. " };
        let (_, section) = runbook.split_once(&format!("## {name}\n\n")).expect("its section");
        assert!(section.starts_with(severity), "{name} is a {severity} in the rules");
        for part in ["\n- **Users**: ", "\n- **First look**: ", "\n- **Do**: "] {
            let end = section.find("\n## ").unwrap_or(section.len());
            assert!(section[..end].contains(part), "{name} has no{part}");
        }
    }
}

#[test]
fn every_alert_waits_has_a_severity_and_a_summary() {
    for (name, rule) in alerts() {
        for part in ["        for: ", "        labels: { severity: ", "          summary: "] {
            assert!(rule.contains(part), "{name} has no `{}`", part.trim());
        }
        let severities = ["severity: page }", "severity: ticket }"];
        assert!(severities.iter().any(|word| rule.contains(word)), "{name}: {rule}");
    }
}

#[test]
fn every_alert_has_a_unit_test_in_which_it_fires_and_one_in_which_it_does_not() {
    let tests = read("deploy/monitoring/squall-rules.test.yml");
    let (_, calm) = tests.split_once("nothing fires on a calm day").expect("a calm day");
    let calm = calm.split("  - name: ").next().unwrap_or_default();
    for (name, _) in alerts() {
        assert!(calm.contains(&format!("alertname: {name},")), "{name} is not in the calm day");
        let fires =
            format!("        alertname: {name}\n        exp_alerts:\n          - exp_labels");
        assert!(tests.contains(&fires), "{name} fires in no test");
    }
}

/// Whether a family has this series: a counter of OpenMetrics is named without its `_total`.
fn is_of(families: &BTreeSet<String>, name: &str) -> bool {
    let ends = ["_bucket", "_sum", "_count", "_total", "_info"];
    let family = ends.iter().find_map(|end| name.strip_suffix(end));
    families.contains(name) || family.is_some_and(|family| families.contains(family))
}

#[test]
fn whatever_rules_and_dashboards_ask_for_is_exposed() {
    let of_the_gateway = families();
    for name in metrics(&read(RULES)).iter().chain(&metrics(&read(DASHBOARD))) {
        assert!(is_of(&of_the_gateway, name), "the gateway does not expose {name}");
    }
    let of_a_run = families_of("crates/report/src/openmetrics/families.rs", "squall_run");
    let asked = metrics(&read("deploy/runs/run-dashboard.json"));
    assert!(asked.len() > 5, "{asked:?}");
    for name in &asked {
        assert!(is_of(&of_a_run, name), "a run has no {name}");
    }
}

/// The recording rules that dashboards use are there: Prometheus says nothing of one that is not.
#[test]
fn every_recorded_series_that_is_asked_for_is_recorded() {
    let is_in_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let rules = read(RULES);
    let records = rules.split("- record: ").skip(1);
    let recorded: BTreeSet<_> = records.filter_map(|rule| rule.split_whitespace().next()).collect();
    let dashboard = read(DASHBOARD);
    let asked: BTreeSet<_> = [&rules, &dashboard]
        .into_iter()
        .flat_map(|text| text.split(|c: char| !is_in_name(c)))
        .filter(|word| word.contains(":squall_") || word.starts_with("squall:"))
        .collect();
    assert!(recorded.len() > 20 && asked.len() > 20, "{recorded:?} {asked:?}");
    for name in asked {
        assert!(recorded.contains(name.trim_end_matches(':')), "{name} is not recorded");
    }
}

#[test]
fn the_gateways_page_lists_every_family_and_no_other() {
    let page = read("docs/GATEWAY.md");
    let (_, table) = page.split_once("| family | labels |").expect("the table");
    let (table, _) = table.split_once("\n\n").expect("its end");
    let first_cells = table.lines().skip(1).filter_map(|line| line.split('|').nth(1));
    let listed: BTreeSet<_> = first_cells.flat_map(metrics).collect();
    assert_eq!(listed, families());
}

/// Asserts that a program of Prometheus accepts a file. `cargo xtask test` installs them.
fn accepted(program: &str, arguments: &[&str]) {
    let ended = Command::new(program)
        .args(arguments)
        .current_dir(root().join(FOLDER))
        .output()
        .unwrap_or_else(|error| panic!("{program}, which the gate installs: {error}"));
    let (out, err) =
        (String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
    assert!(ended.status.success(), "{program} {}: {out}{err}", arguments.join(" "));
}

#[test]
fn promtool_accepts_the_rules_and_the_configuration() {
    accepted("promtool", &["check", "rules", "--lint=all", "--lint-fatal", "squall-rules.yml"]);
    accepted("promtool", &["check", "config", "prometheus.yml"]);
}

#[test]
fn promtool_passes_the_unit_tests_of_the_rules() {
    accepted("promtool", &["test", "rules", "squall-rules.test.yml"]);
}

#[test]
fn amtool_accepts_the_configuration_of_alertmanager() {
    accepted("amtool", &["check-config", "alertmanager.yml"]);
}

#[test]
fn the_pages_name_what_is_there() {
    let page = read("docs/MONITORING.md");
    let count = format!("recording rules and {} alerts", alerts().len());
    assert!(page.contains(&count), "docs/MONITORING.md should say `{count}`");
    assert!(page.contains(&format!("    {RUNBOOK_LABEL}: https://")), "and where the runbook is");
    for entry in fs::read_dir(root().join(FOLDER)).expect("the folder").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if Path::new(&name).extension().is_some() {
            assert!(page.contains(&format!("`{name}`")), "docs/MONITORING.md does not name {name}");
        }
    }
}
