//! Short live runs through gateways that are installed quickly: a separate gateway process of our own, nginx and
//! HAProxy. `cargo xtask targets` has them all.

use serde_json::Value;
use squall_tests::valid_run::{Run, valid_run};
use std::path::Path;
use std::process::Command;

/// One of two deployments answers 503 for a second: whoever tries again elsewhere has no failed request. It is well again
/// before the first probe of a circuit that it opened, so that a probe's moment decides nothing.
const SCENARIO: &str = "
name: gateways
seed: 5
phases: { healthy: 0s..2s, fault: 2s..3s, after: 3s..6s }
traffic:
  group: chat
  arrivals: even
  rate: 60
  prompt_tokens: 40
  output_tokens: 10
  stream: 50%
  client: { timeout: 10s }
providers:
  well: { ttft: 40ms, itl: 2ms }
  bad: { ttft: 40ms, itl: 2ms, faults: [ { at: 2s, for: 1s, error: 503 } ] }
router:
  groups:
    chat:
      deployments:
        - { name: well, provider: well, weight: 7 }
        - { name: bad, provider: bad, weight: 3 }
expect: [ success_rate >= 99%, weight_adherence(chat) >= 90% during healthy ]
";

/// The summary of a run: through the built-in gateway, or through a target.
fn summary(target: Option<&str>) -> Run<Value> {
    let name = target.unwrap_or("built-in");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("gateways").join(name);
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join("short.yaml"), SCENARIO).expect("a file");
    let mut command = Command::new(env!("CARGO_BIN_EXE_squall"));
    command.args(["run", "short.yaml", "--out", "out"]).current_dir(&folder).env("NO_COLOR", "1");
    command.args(target.iter().flat_map(|target| ["--target", target]));
    let ended = command.output().expect("the binary can be run");
    let told = String::from_utf8_lossy(&ended.stderr);
    // A target that is not there, does not come up or dies is no matter of the machine's.
    assert!(matches!(ended.status.code(), Some(0 | 1 | 3)), "{name}: {told}");
    let out = String::from_utf8_lossy(&ended.stdout);
    let findings =
        out.contains("what the target did as a client of its providers:\nseverity  finding");
    assert_eq!(findings, target.is_some(), "{name}: {out}");
    let text = std::fs::read_to_string(folder.join("out/summary.json")).expect("a summary");
    let summary: Value = serde_json::from_str(&text).expect("JSON");
    let problems = summary["validity_problems"].as_array().cloned().unwrap_or_default();
    Run {
        problems: problems.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        result: summary,
    }
}

fn number(summary: &Value, of: &str) -> f64 {
    summary.pointer(of).and_then(Value::as_f64).unwrap_or_else(|| panic!("{of} in {summary:#}"))
}

/// What holds of every gateway that passes requests on as they are and tries again elsewhere.
fn assert_carried(target: &str) {
    let Some(summary) = valid_run(target, || summary(Some(target))) else { return };
    assert_eq!(summary["target"]["name"], target);
    let attempts = number(&summary, "/target/attempts");
    assert_eq!(number(&summary, "/target/joined"), attempts, "{:#}", summary["target"]);
    assert_eq!(number(&summary, "/target/joined_by_prompt"), attempts);
    assert_eq!(number(&summary, "/totals/requests"), 360.0);
    let failed_over = number(&summary, "/totals/attempts") - 360.0;
    assert!(failed_over >= 1.0, "nobody met the fault: {:#}", summary["deployments"]);
    for expectation in summary["expectations"].as_array().expect("a list") {
        assert_eq!(expectation["verdict"], "met", "{expectation:#}");
    }
}

#[test]
fn nginx_carries_a_run() {
    assert_carried("nginx");
}

#[test]
fn haproxy_carries_a_run() {
    assert_carried("haproxy");
}

#[test]
fn a_gateway_process_of_our_own_does_as_the_built_in_one() {
    assert_carried("squall");
    let Some(process) = valid_run("a process", || summary(Some("squall"))) else { return };
    let Some(built_in) = valid_run("the built-in gateway", || summary(None)) else { return };
    for (of, band) in [("/totals/success_rate", 0.02), ("/totals/retry_amplification", 0.05)] {
        let (one, other) = (number(&process, of), number(&built_in, of));
        assert!((one - other).abs() <= band, "{of}: {one} and {other}");
    }
    // A circuit is open for 2 s, give or take a tenth: that is up to 8 of 360 attempts.
    let share = |summary: &Value| number(summary, "/deployments/0/share");
    let (one, other) = (share(&process), share(&built_in));
    assert!((one - other).abs() <= 0.05, "the share of the first deployment: {one} and {other}");
}

#[test]
fn a_check_runs_every_scenario_against_a_target_and_reports_each() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("gateways/check");
    std::fs::create_dir_all(folder.join("scenarios")).expect("a folder");
    let short = "{ healthy: 0s..1s, fault: 1s..1500ms, after: 1500ms..2s }";
    let short = SCENARIO.replace("{ healthy: 0s..2s, fault: 2s..3s, after: 3s..6s }", short);
    for name in ["one", "two"] {
        let text = short.replace("at: 2s, for: 1s", "at: 1s, for: 500ms");
        let text = text.replace("name: gateways", &format!("name: {name}"));
        std::fs::write(folder.join("scenarios").join(format!("{name}.yaml")), text)
            .expect("a file");
    }
    let told = valid_run("a check against a target", || {
        let ended = Command::new(env!("CARGO_BIN_EXE_squall"))
            .args(["check", "scenarios", "--target", "squall", "--out", "out"])
            .current_dir(&folder)
            .env("NO_COLOR", "1")
            .output()
            .expect("the binary can be run");
        let told = String::from_utf8_lossy(&ended.stdout).into_owned();
        let error = String::from_utf8_lossy(&ended.stderr);
        assert!(matches!(ended.status.code(), Some(0 | 1 | 3)), "{told}{error}");
        let junit = std::fs::read_to_string(folder.join("out/junit.xml")).expect("JUnit");
        assert!(junit.contains("name=\"one\"") && junit.contains("name=\"two\""), "{junit}");
        let problems = told.lines().filter(|line| line.starts_with("inconclusive: "));
        Run { problems: problems.map(str::to_owned).collect(), result: told }
    });
    let Some(told) = told else { return };
    assert_eq!(told.matches("target: squall ").count(), 2, "{told}");
    assert!(told.contains(" of 2 scenarios met their expectations"), "{told}");
}
