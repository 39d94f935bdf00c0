//! `cargo xtask monitoring`: the files of `deploy/monitoring` with a real Prometheus and Alertmanager, through an outage. Mock
//! providers, a gateway, another replica of it, their store and traffic run on loopback; each alert has to fire in its phase and to clear, none may fire in the
//! calm, and every panel of the dashboards has to show values.

mod dashboards;
mod http;
mod panels;
mod phases;
mod shortened;
mod stack;
mod watch;

use crate::machine;
use crate::step::Steps;
use panels::PanelValues;
use phases::{PHASES, RehearsalPhase};
use stack::{GATEWAY, REPLICA, RehearsalStack, STORE};
use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;
use watch::AlertWatch;

/// Where the files are, below the root.
const FOLDER: &str = "deploy/monitoring";

/// Where the dashboard of a run is: its queries are asked by `tests/openmetrics`.
const RUNS: &str = "deploy/runs";

/// How often alerts are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// How long the last alerts may take to clear: the longest short window, half a minute, and some more.
const CLEAR_WITHIN: Duration = Duration::from_secs(90);

/// False if an alert did not fire or clear, one fired in the calm, or a panel had no values.
pub(crate) fn run(arguments: &[String]) -> bool {
    let dev = arguments.iter().any(|word| word == "--dev");
    if let Some(unknown) = arguments.iter().find(|word| *word != "--dev") {
        eprintln!("error: `cargo xtask monitoring` takes `--dev`, and not `{unknown}`");
        return false;
    }
    if !(machine::prepare_to_build()
        && machine::has_prometheus()
        && machine::has_alertmanager()
        && machine::has_redis())
    {
        return false;
    }
    let Some(root) = machine::root() else { return false };
    let profile = if dev { "dev" } else { "release" };
    let mut steps = Steps::default();
    if !steps.cargo(&["build", "--quiet", "--locked", "--profile", profile, "-p", "squall"], &[]) {
        return false;
    }
    let Some(squall) = machine::built("squall", dev) else { return false };
    match rehearse(&root, &squall) {
        Ok(passed) => passed,
        Err(problem) => {
            eprintln!("error: {problem}");
            false
        }
    }
}

/// # Errors
/// When something does not start or cannot be asked.
fn rehearse(root: &Path, squall: &Path) -> Result<bool, String> {
    let rules = read(&root.join(FOLDER).join("squall-rules.yml"))?;
    let alerts = watch::alerts_of(&rules);
    phases::check(&alerts)?;
    let alerts: Vec<_> = alerts.into_iter().filter(|alert| phases::is_rehearsed(alert)).collect();
    let mut panels = PanelValues::read(&root.join(FOLDER))?;
    let folder = squall.with_file_name("monitoring");
    let types = squall.with_file_name("grafana-types");
    let typed = dashboards::check(&[root.join(FOLDER), root.join(RUNS)], &types)?;
    let mut stack = RehearsalStack::start(&root.join(FOLDER), squall, &folder)?;
    println!("\nWaiting until Prometheus has the gateway; logs are in {}", folder.display());
    let mut watch = AlertWatch::new();
    settle(&stack, &mut watch)?;
    stack.start_traffic()?;
    watch.start();
    for phase in PHASES {
        go_through(phase, &mut stack, &mut watch, &mut panels)?;
    }
    println!("{:>6}  waiting for the last alerts to clear", watch.seconds());
    let deadline = watch.now() + CLEAR_WITHIN;
    while watch.has_active() && watch.now() < deadline {
        look(&stack, &mut watch)?;
    }
    drop(stack);
    let fired = watch.tell(&alerts);
    let shown = panels.tell();
    Ok(fired && shown && typed)
}

/// Waits until the gateway is scraped and nothing is wrong: before the first scrape it counts as gone.
fn settle(stack: &RehearsalStack, watch: &mut AlertWatch) -> Result<(), String> {
    let deadline = watch.now() + CLEAR_WITHIN;
    loop {
        thread::sleep(LOOK_EVERY);
        let up = stack.query("up{job=\"squall\"} == 1").unwrap_or_default();
        let active = stack.active_alerts();
        if !up.is_empty() && active.is_ok_and(|alerts| alerts.is_empty()) {
            return Ok(());
        }
        if watch.now() > deadline {
            return Err("Prometheus does not scrape the gateway: see its log".to_owned());
        }
    }
}

fn go_through(
    phase: &'static RehearsalPhase,
    stack: &mut RehearsalStack,
    watch: &mut AlertWatch,
    panels: &mut PanelValues,
) -> Result<(), String> {
    println!("{:>6}  {}", watch.seconds(), phase.name);
    watch.begin(phase);
    for (provider, fault) in phase.faults {
        stack.inject(provider, &format!("{fault}, for: {}s", phase.seconds))?;
    }
    if phase.gateway_stops {
        stack.stop(GATEWAY);
    }
    if phase.store_stops {
        stack.stop(STORE);
    }
    if phase.replica_stops {
        stack.stop(REPLICA);
    }
    if phase.file_is_bad {
        stack.spoil_file(true)?;
    }
    let ends = watch.now() + Duration::from_secs(phase.seconds);
    while watch.now() < ends {
        look(stack, watch)?;
    }
    if phase.file_is_bad {
        stack.spoil_file(false)?;
    }
    if phase.is_fault() && !phase.gateway_stops {
        panels.ask(phase.name, stack)?;
        if !stack.promtool_accepts_metrics()? {
            return Err("promtool does not accept the metrics of the gateway".to_owned());
        }
    }
    if phase.gateway_stops {
        stack.start_gateway()?;
    }
    if phase.store_stops {
        stack.start_store()?;
    }
    if phase.replica_stops {
        stack.start_replica()?;
    }
    Ok(())
}

fn look(stack: &RehearsalStack, watch: &mut AlertWatch) -> Result<(), String> {
    thread::sleep(LOOK_EVERY);
    watch.see(&stack.active_alerts()?, &stack.notified()?);
    Ok(())
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}
