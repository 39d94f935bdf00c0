//! `cargo xtask litellm`: LiteLLM itself beside its simulation: three outages, at a constant rate and with clients that
//! ask again, by both versions. 1.110 is its proxy, 1.80 its router as a library. Rates are low, since one worker of it
//! needs 20 to 30 ms of CPU time for a request: what is compared is routing, not saturation.

mod figures;

use crate::machine;
use crate::step::{Steps, number, values};
use figures::Figures;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The scenarios, which `crates/sim/tests/litellm/measured.rs` simulates too.
const SCENARIOS: &str = "crates/sim/tests/litellm";
/// The figures that were measured last, which that test holds the simulation against.
const MEASURED: &str = "crates/sim/tests/litellm/measured.json";
const OUTAGES: [&str; 3] = ["errors", "hang", "throttled"];
const LOADS: [&str; 2] = ["open", "closed"];

/// An installed LiteLLM.
struct Installed {
    /// Its profile.
    profile: &'static str,
    /// What is run: the proxy, or the library in this process' Python.
    what: &'static str,
    program: PathBuf,
}

/// LitellmRuns every outage through each installed version, and compares.
pub(crate) fn run(arguments: &[String]) -> bool {
    let Some(seeds) = number(arguments, "--seeds", 20) else { return false };
    let only = values(arguments, "--only");
    let dev = arguments.iter().any(|word| word == "--dev");
    if !machine::prepare_to_build() {
        return false;
    }
    let Ok(root) = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize() else {
        eprintln!("error: the workspace is no longer where this task was built");
        return false;
    };
    let profile = if dev { "dev" } else { "release" };
    let mut steps = Steps::default();
    if !steps.cargo(&["build", "--quiet", "--locked", "--profile", profile, "-p", "squall"], &[]) {
        return false;
    }
    let squall = root.join("target").join(if dev { "debug" } else { "release" }).join("squall");
    let Some(installed) = installed(&root, &squall) else { return false };
    let folder = root.join("target/litellm");
    let mut rows = Vec::new();
    for version in &installed {
        for (outage, load) in OUTAGES.iter().flat_map(|outage| LOADS.map(|load| (outage, load))) {
            let name = format!("{outage}-{load}");
            if !only.is_empty() && !only.iter().any(|word| name.contains(word.as_str())) {
                continue;
            }
            let scenario = root.join(SCENARIOS).join(format!("{name}.yaml"));
            let runs = LitellmRuns { squall: &squall, scenario: &scenario, folder: &folder };
            let Some(live) = runs.live(version, &name) else { return false };
            let load = load_of_the_machine();
            let Some(simulated) = runs.simulated(version.profile, seeds) else { return false };
            let (profile, what) = (version.profile, version.what);
            rows.push(Row { name, profile, what, live, simulated, load });
        }
    }
    tell(&rows);
    if arguments.iter().any(|word| word == "--update") {
        return write(&root, &rows);
    }
    rows.iter().all(|row| row.live.doubts.is_some() || row.deviations().is_empty())
}

/// Both versions, installed where they are not.
fn installed(root: &Path, squall: &Path) -> Option<[Installed; 2]> {
    let targets = root.join("target/targets");
    let variables = [("SQUALL_TARGETS", targets.display().to_string())];
    let mut install = Command::new(squall);
    install.args(["target", "install", "litellm"]).envs(variables).stdin(Stdio::null());
    if !install.status().is_ok_and(|status| status.success()) {
        eprintln!("error: LiteLLM cannot be installed; is PyPI in reach?");
        return None;
    }
    let proxy = fs::read_dir(&targets).ok()?.flatten().map(|entry| entry.path()).find(|path| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("litellm-1.110"))
    })?;
    let library = machine::environment("litellm-1.80", "litellm-1.80.txt")?;
    Some([
        Installed { profile: "litellm-1.110", what: "proxy", program: proxy.join("bin/litellm") },
        Installed { profile: "litellm-1.80", what: "library", program: library },
    ])
}

/// How a scenario is run.
struct LitellmRuns<'r> {
    squall: &'r Path,
    scenario: &'r Path,
    folder: &'r Path,
}

impl LitellmRuns<'_> {
    /// Through the real one.
    fn live(&self, version: &Installed, name: &str) -> Option<Figures> {
        let out = self.folder.join(format!("{name}-{}", version.profile));
        fs::create_dir_all(&out).ok()?;
        let target = self.folder.join(format!("{name}-{}.target.yaml", version.profile));
        fs::write(&target, target_of(version, name)).ok()?;
        println!("\n== {name} through LiteLLM's {} ({})", version.what, version.profile);
        let target = target.display().to_string();
        self.squall(&["--target", &target], version.profile, &out)?;
        Figures::read(&out)
    }

    /// In virtual time, by seeds from 1 on.
    fn simulated(&self, profile: &str, seeds: u32) -> Option<Vec<Figures>> {
        let out = self.folder.join("simulated");
        let runs = (1..=seeds).map(|seed| {
            self.squall(&["--sim", "--seed", &seed.to_string()], profile, &out)?;
            Figures::read(&out)
        });
        runs.collect()
    }

    fn squall(&self, how: &[&str], profile: &str, out: &Path) -> Option<()> {
        let mut command = Command::new(self.squall);
        command.arg("run").arg(self.scenario).args(how);
        command.args(["--set", &format!("router.profile={profile}"), "--out"]).arg(out);
        let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../clients/python");
        command.env("PYTHONPATH", python).stdin(Stdio::null()).stdout(Stdio::null());
        // A busy machine makes a verdict inconclusive, and the figures are there all the same.
        let ran = command.status().is_ok_and(|status| matches!(status.code(), Some(0 | 1 | 3)));
        if !ran {
            eprintln!("failed: squall run {} {}", self.scenario.display(), how.join(" "));
        }
        ran.then_some(())
    }
}

/// The target file of an installed LiteLLM: two deployments, two retries, and a time-out where the outage is a hang.
fn target_of(version: &Installed, name: &str) -> String {
    let timeout = if name.starts_with("hang") { ", timeout: 2" } else { "" };
    let model = |deployment: &str, weight: u8| {
        format!(
            "        - model_name: chat\n          litellm_params: {{ model: openai/{deployment}, api_base: \
             \"${{provider.{deployment}.url}}\", api_key: \"${{provider.{deployment}.key}}\", weight: {weight} }}\n          \
             model_info: {{ id: {deployment} }}\n"
        )
    };
    let file = format!(
        "    litellm.yaml: |\n      model_list:\n{}{}      router_settings: {{ num_retries: 2{timeout} }}\n      \
         general_settings: {{ master_key: sk-squall-target-on-loopback-1, forward_client_headers_to_llm_api: true }}\n",
        model("large", 8),
        model("small", 2),
    );
    let program = version.program.display();
    let env = "  env: { LITELLM_LOCAL_MODEL_COST_MAP: \"True\", LITELLM_TELEMETRY: \"False\", LITELLM_LOG: ERROR }\n";
    if version.what == "library" {
        return format!(
            "exec:\n  command: [\"{program}\", \"-m\", squall_pytest.adapters.litellm_router, \"--config\", \
             \"${{dir}}/litellm.yaml\"]\n  files:\n{file}{env}"
        );
    }
    format!(
        "url: \"http://127.0.0.1:${{port}}/v1\"\nheaders: {{ authorization: \"Bearer sk-squall-target-on-loopback-1\" \
         }}\nstart:\n  command: [\"{program}\", \"--config\", \"${{dir}}/litellm.yaml\", \"--host\", 127.0.0.1, \
         \"--port\", \"${{port}}\"]\n  files:\n{file}{env}  ready: {{ get: /health/readiness, within: 180s }}\n"
    )
}

/// One outage through one version, and its simulations.
struct Row {
    name: String,
    profile: &'static str,
    what: &'static str,
    live: Figures,
    simulated: Vec<Figures>,
    /// Of the machine, right after the real run.
    load: f64,
}

impl Row {
    /// Where the real one is outside what is simulated, by more than the stated band.
    fn deviations(&self) -> Vec<&'static str> {
        let outside = figures::COMPARED.iter().filter(|compared| {
            let simulated: Vec<f64> = self.simulated.iter().map(|run| (compared.of)(run)).collect();
            !compared.holds((compared.of)(&self.live), &simulated)
        });
        outside.map(|compared| compared.name).collect()
    }
}

fn tell(rows: &[Row]) {
    println!("\nReal beside simulated (median and range over seeds). Bands: {}\n", figures::BANDS);
    println!(
        "{:<18} {:<14} {:>8} {:>18} {:>6} {:>18} {:>7} {:>18}  verdict",
        "outage", "version", "failed", "simulated", "calls", "simulated", "back", "simulated"
    );
    for row in rows {
        let cells = figures::COMPARED.iter().map(|compared| {
            let simulated: Vec<f64> = row.simulated.iter().map(|run| (compared.of)(run)).collect();
            let (low, middle, high) = figures::spread(&simulated);
            let range = format!("{middle:.2} [{low:.2}..{high:.2}]");
            format!("{:>7.2} {range:>18}", (compared.of)(&row.live))
        });
        let outside = row.deviations();
        let verdict = match (&row.live.doubts, outside.is_empty()) {
            (Some(doubts), true) => format!("within, in doubt: {doubts}"),
            (Some(doubts), false) => {
                format!("outside ({}), in doubt: {doubts}", outside.join(", "))
            }
            (None, true) => "within".to_owned(),
            (None, false) => format!("OUTSIDE: {}", outside.join(", ")),
        };
        let cells: Vec<_> = cells.collect();
        let version = format!("{} {}", row.profile.trim_start_matches("litellm-"), row.what);
        println!("{:<18} {version:<14} {}  {verdict}", row.name, cells.join(" "));
    }
}

/// Writes the figures that the gate holds the simulation against: those of these rows, beside those of the others.
fn write(root: &Path, rows: &[Row]) -> bool {
    let path = root.join(MEASURED);
    let before: Value = fs::read_to_string(&path)
        .ok()
        .and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or_default();
    let mut entries: Vec<Value> = before["rows"].as_array().cloned().unwrap_or_default();
    for row in rows {
        let mut entry = row.live.to_json();
        entry["outage"] = json!(row.name);
        entry["profile"] = json!(row.profile);
        entry["through"] = json!(row.what);
        entry["load_of_the_machine"] = json!(row.load);
        entries.retain(|known| {
            (&known["outage"], &known["profile"]) != (&entry["outage"], &entry["profile"])
        });
        entries.push(entry);
    }
    let facts = json!({ "bands": figures::BANDS, "rows": entries });
    let text = serde_json::to_string_pretty(&facts).unwrap_or_default();
    println!("\nwriting {MEASURED}");
    fs::write(path, format!("{text}\n")).is_ok()
}

/// How many programs wanted a processor at once, over the last minute.
fn load_of_the_machine() -> f64 {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split(' ').next().and_then(|load| load.parse().ok()).unwrap_or_default()
}
