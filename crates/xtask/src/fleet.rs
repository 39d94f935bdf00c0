//! `cargo xtask fleet`: what replicas with shared state cost as they become many, in virtual time: the tables and the chart
//! of docs/SCALE.md.

use crate::step::{cargo, values};
use serde_json::Value;
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::{env, fs};

/// How many replicas there are.
const REPLICAS: [u64; 5] = [1, 3, 10, 30, 100];
/// What of the store's faults a scenario is run with, in the middle of its four full minutes.
const VARIANTS: [&str; 5] =
    ["calm", "loss 10 %", "slow 300 ms", "a tenth cut off 60 s", "killed 20 s"];
/// Where what it writes begins and ends.
const MARKS: [&str; 2] = ["<!-- cargo xtask fleet -->", "<!-- end -->"];
const DIR: &str = "target/fleet";

/// Runs all, and writes docs/SCALE.md and docs/scale.svg anew. `--dev`: with a debug build;
/// `--squall FILE`: with this binary. `--big`: with 100,000
/// requests a second too, which takes minutes.
pub(crate) fn run(arguments: &[String]) -> bool {
    let has = |name: &str| arguments.iter().any(|argument| argument == name);
    let Some(squall) = values(arguments, "--squall").pop().or_else(|| built(has("--dev"))) else {
        return false;
    };
    fs::create_dir_all(DIR).is_ok() && Fleet { squall }.write(has("--big")).is_some()
}

/// Builds the binary, and says where it is.
fn built(is_dev: bool) -> Option<String> {
    let mut build = vec!["build", "--locked", "--package", "squall"];
    build.extend((!is_dev).then_some("--release"));
    let profile = if is_dev { "debug" } else { "release" };
    // Beside this program, which cargo has built: `target/debug/xtask`.
    let target = env::current_exe().ok()?.parent()?.parent()?.to_owned();
    cargo(&build, &[]).then(|| target.join(profile).join("squall").display().to_string())
}

struct Fleet {
    squall: String,
}

impl Fleet {
    fn write(&self, is_big: bool) -> Option<()> {
        let quota = self.quota()?;
        let failover = self.failover()?;
        let mut text = format!("{}\n\n{}\n{}", MARKS[0], quota.table(), failover.table());
        if is_big {
            text += &format!("\n{}\n", self.big()?);
        }
        let page = fs::read_to_string("docs/SCALE.md").ok()?;
        let (before, rest) = page.split_once(MARKS[0])?;
        let (_, after) = rest.split_once(MARKS[1])?;
        fs::write("docs/SCALE.md", format!("{before}{text}\n{}{after}", MARKS[1])).ok()?;
        fs::write("docs/scale.svg", chart(&quota)).ok()
    }

    /// The part of a limit that nobody used in four full minutes, in percent.
    fn quota(&self) -> Option<Table> {
        let mut table = Table::new("Quota left unused, at saturation", &VARIANTS);
        for replicas in REPLICAS {
            let rpm = 5_970 * replicas;
            let mut cells = Vec::new();
            for (variant, name) in VARIANTS.into_iter().enumerate() {
                let change = |text: String| {
                    let faults = faults(variant, replicas);
                    let store = format!("store: {{ latency: 2ms, faults: [ {faults} ] }}");
                    text.replace("store: { latency: 2ms }", &store)
                };
                let vars = [("replicas", replicas), ("rate", 100 * replicas), ("rpm", rpm)];
                let summary = self.simulate("quota", change, &vars, &[])?;
                let over = measured(&summary, "throttled")?;
                let lost = measured(&summary, "success_rate")?;
                if over > 0.0 || lost < 1.0 {
                    eprintln!("error: {replicas} replicas, {name}: {over} over the limit");
                    return None;
                }
                let used = measured(&summary, "attempts")? / (4 * rpm) as f64;
                cells.push((1.0 - used) * 100.0);
            }
            table.rows.push((replicas, cells));
        }
        Some(table)
    }

    /// An outage with and without shared state.
    fn failover(&self) -> Option<Table> {
        let heads = [
            "failover, shared (ms)",
            "alone (ms)",
            "attempts at the failing provider, shared",
            "alone",
        ];
        let mut table = Table::new("An outage of 30 s, 1,000 requests a second in all", &heads);
        for replicas in REPLICAS {
            let of = |is_shared: bool| {
                let change = |text: String| {
                    let kept = |line: &&str| is_shared || !line.contains("shared_state");
                    text.lines().filter(kept).collect::<Vec<_>>().join("\n")
                };
                let summary = self.simulate("failover", change, &[("replicas", replicas)], &[])?;
                let attempts = measured(&summary, "attempts")?;
                Some((measured(&summary, "failover_time")?, attempts))
            };
            let (shared, alone) = (of(true)?, of(false)?);
            table.rows.push((replicas, vec![shared.0, alone.0, shared.1, alone.1]));
        }
        Some(table)
    }

    /// A hundred replicas at 100,000 requests a second, for two minutes.
    fn big(&self) -> Option<String> {
        let vars = [("replicas", 100), ("rate", 100_000), ("rpm", 5_970_000)];
        let set = ["--set", "phases.full=60s..120s", "--allow-large"];
        let summary = self.simulate("quota", |text| text, &vars, &set)?;
        let (used, over) = (measured(&summary, "attempts")?, measured(&summary, "throttled")?);
        let unused = (1.0 - used / 5_970_000.0) * 100.0;
        Some(format!(
            "100 replicas at 100,000 requests a second for two minutes: {unused:.2} % of a full minute's 5,970,000 is left \
             unused, and {over} requests are over the limit."
        ))
    }

    /// Simulates a scenario of `scenarios/fleet`, changed, and returns its summary.
    fn simulate(
        &self,
        name: &str,
        change: impl Fn(String) -> String,
        vars: &[(&str, u64)],
        more: &[&str],
    ) -> Option<Value> {
        let text = change(fs::read_to_string(format!("scenarios/fleet/{name}.yaml")).ok()?);
        let path = format!("{DIR}/{name}.yaml");
        fs::write(&path, text).ok()?;
        let mut command = Command::new(&self.squall);
        command.args(["run", &path, "--sim", "--quiet", "--rows", "none", "--keep", "0"]);
        command.args(["--out", &format!("{DIR}/run")]).args(more);
        for (name, value) in vars {
            command.args(["--var", &format!("{name}={value}")]);
        }
        println!("{name} {vars:?}");
        // Its verdict is not the question here, but what it measured.
        command.stdout(Stdio::null()).stderr(Stdio::null()).status().ok()?;
        let summary = fs::read_to_string(Path::new(DIR).join("run/summary.json")).ok()?;
        serde_json::from_str(&summary).ok()
    }
}

/// The faults of a variant, as a list of YAML without its brackets.
fn faults(variant: usize, replicas: u64) -> String {
    match variant {
        0 => String::new(),
        1 => "{ at: 60s, for: 240s, loss: 10% }".to_owned(),
        2 => "{ at: 60s, for: 240s, slow: 300ms }".to_owned(),
        3 => {
            let cut: Vec<_> = (1..=replicas.div_ceil(10)).map(|place| place.to_string()).collect();
            format!("{{ at: 120s, for: 60s, unreachable: {{}}, replicas: [ {} ] }}", cut.join(", "))
        }
        _ => "{ at: 120s, for: 20s, down: {} }".to_owned(),
    }
}

/// What the expectation that begins so has measured.
fn measured(summary: &Value, metric: &str) -> Option<f64> {
    let all = summary["expectations"].as_array()?;
    let found =
        all.iter().find(|each| each["text"].as_str().is_some_and(|it| it.starts_with(metric)));
    let value = found.and_then(|each| each["value"].as_f64());
    if value.is_none() {
        eprintln!("error: nothing was measured for {metric}");
    }
    value
}

/// A table of figures by the number of replicas.
struct Table {
    title: &'static str,
    heads: Vec<&'static str>,
    rows: Vec<(u64, Vec<f64>)>,
}

impl Table {
    fn new(title: &'static str, heads: &[&'static str]) -> Self {
        Self { title, heads: heads.to_vec(), rows: Vec::new() }
    }

    fn table(&self) -> String {
        let mut text = format!("### {}\n\n| replicas | {} |\n", self.title, self.heads.join(" | "));
        text += &format!("| ---: |{}\n", " ---: |".repeat(self.heads.len()));
        for (replicas, cells) in &self.rows {
            let cell = |value: &f64| {
                if value.fract() == 0.0 { format!("{value}") } else { format!("{value:.2} %") }
            };
            let cells: Vec<_> = cells.iter().map(cell).collect();
            let _ = writeln!(text, "| {replicas} | {} |", cells.join(" | "));
        }
        text
    }
}

/// The unused quota by the number of replicas, a line for each variant.
fn chart(table: &Table) -> String {
    const COLOURS: [&str; 5] = ["#1f77b4", "#d95f02", "#7570b3", "#e7298a", "#66a61e"];
    let most =
        table.rows.iter().flat_map(|(_, cells)| cells).fold(1.0_f64, |most, &it| most.max(it));
    let x = |place: usize| 60.0 + place as f64 * 110.0;
    let y = |value: f64| 260.0 - value / most * 220.0;
    let mut svg = String::from(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 700 320\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"700\" height=\"320\" fill=\"white\"/>\n\
         <text x=\"60\" y=\"22\" font-size=\"14\">Quota left unused at saturation, % of the limit, by replicas</text>\n",
    );
    for step in 0..=4 {
        let value = most * f64::from(step) / 4.0;
        let at = y(value);
        let _ = writeln!(
            svg,
            "<line x1=\"60\" x2=\"500\" y1=\"{at:.1}\" y2=\"{at:.1}\" stroke=\"#ddd\"/>\
             <text x=\"54\" y=\"{:.1}\" text-anchor=\"end\">{value:.1}</text>",
            at + 4.0
        );
    }
    for (place, (replicas, _)) in table.rows.iter().enumerate() {
        let _ = writeln!(
            svg,
            "<text x=\"{}\" y=\"282\" text-anchor=\"middle\">{replicas}</text>",
            x(place)
        );
    }
    for (variant, head) in table.heads.iter().enumerate() {
        let points = table.rows.iter().enumerate();
        let points =
            points.map(|(place, (_, cells))| format!("{},{:.1}", x(place), y(cells[variant])));
        let (points, colour) = (points.collect::<Vec<_>>().join(" "), COLOURS[variant]);
        let at = 60 + 22 * variant;
        let _ = writeln!(
            svg,
            "<polyline points=\"{points}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>\
             <line x1=\"520\" x2=\"540\" y1=\"{at}\" y2=\"{at}\" stroke=\"{colour}\" stroke-width=\"2\"/>\
             <text x=\"546\" y=\"{}\">{head}</text>",
            at + 4
        );
    }
    svg + "</svg>\n"
}
