//! One turn of one proxy under wrk.

use crate::process::file;
use crate::proxies::Proxy;
use std::error::Error;
use std::path::PathBuf;
use std::process::Command;

/// What is asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Load {
    /// An answer in one piece.
    Whole,
    /// A stream of 48 events.
    Stream,
}

impl Load {
    pub(crate) const ALL: [Self; 2] = [Self::Whole, Self::Stream];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::Stream => "stream",
        }
    }

    /// What wrk sends: a prompt of some 800 bytes.
    fn script(self) -> Result<PathBuf, Box<dyn Error>> {
        let prompt = "Tell me of the sea. ".repeat(40);
        let stream = self == Self::Stream;
        let script = format!(
            "wrk.method='POST'\nwrk.headers['content-type']='application/json'\n\
             wrk.body='{{\"model\":\"{}\",\"messages\":[{{\"role\":\"user\",\"content\":\"{prompt}\"}}],\
             \"max_tokens\":48,\"stream\":{stream}}}'\n",
            self.name()
        );
        file(&format!("gateway-{}.lua", self.name()), &script)
    }
}

/// What one turn cost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TurnCost {
    /// CPU time of the proxy for each request, in µs.
    pub(crate) micros: f64,
    /// Requests a second.
    pub(crate) rate: f64,
    /// The 99th percentile of the time to the whole answer, in ms.
    pub(crate) p99_millis: f64,
    /// Answers that are no success, and errors of sockets.
    pub(crate) failed: u64,
}

pub(crate) fn turn(
    proxy: &Proxy,
    load: Load,
    connections: u32,
    seconds: u64,
) -> Result<TurnCost, Box<dyn Error>> {
    let before = proxy.server.cpu_secs()?;
    let wrk = Command::new("wrk")
        .args(["-t1", "--latency", "--timeout", "20s"])
        .args([format!("-d{seconds}s"), format!("-c{connections}")])
        .arg("-s")
        .arg(load.script()?)
        .arg(proxy.url(load))
        .output()?;
    let used = proxy.server.cpu_secs()? - before;
    let text = String::from_utf8_lossy(&wrk.stdout);
    read(&text, used).ok_or_else(|| format!("{}: wrk said: {text}", proxy.name).into())
}

/// What wrk prints: `12345 requests in 4.00s`, `99%   1.23ms`, `Socket errors: connect 0, read 0, write 0, timeout 0`.
fn read(text: &str, used: f64) -> Option<TurnCost> {
    let number = |marker: &str, place: usize| -> Option<f64> {
        let line = text.lines().find(|line| line.contains(marker))?;
        line.split_whitespace().nth(place)?.parse().ok()
    };
    let requests = number("requests in", 0)?;
    let p99 = text.lines().find_map(|line| Some(line.trim().strip_prefix("99%")?.trim()));
    let sockets = text.lines().find_map(|line| line.trim().strip_prefix("Socket errors:"));
    let sockets = sockets.into_iter().flat_map(|line| line.split([' ', ',']));
    let sockets: u64 = sockets.filter_map(|word| word.parse::<u64>().ok()).sum();
    Some(TurnCost {
        micros: used / requests * 1e6,
        rate: number("Requests/sec", 1)?,
        p99_millis: p99.and_then(millis)?,
        failed: number("Non-2xx", 4).unwrap_or_default() as u64 + sockets,
    })
}

/// A time as wrk prints it: `250.00us`, `1.23ms`, `2.50s`.
fn millis(text: &str) -> Option<f64> {
    let place = text.find(|c: char| c.is_ascii_alphabetic())?;
    let (number, unit) = text.split_at(place);
    let scale = match unit {
        "us" => 1e-3,
        "ms" => 1.0,
        "s" => 1e3,
        "m" => 60e3,
        _ => return None,
    };
    Some(number.parse::<f64>().ok()? * scale)
}
