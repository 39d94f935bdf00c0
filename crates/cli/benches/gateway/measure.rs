//! One turn of one proxy under wrk.

use crate::process::file;
use crate::proxies::Proxy;
use std::error::Error;
use std::fmt;
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

/// What one turn cost, or the median of several.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    micros: f64,
    rate: f64,
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{:.1} ({:.0}/s)", self.micros, self.rate))
    }
}

pub(crate) fn turn(proxy: &Proxy, load: Load, connections: u32) -> Result<Cost, Box<dyn Error>> {
    let before = proxy.server.cpu_secs()?;
    let wrk = Command::new("wrk")
        .args(["-t1", "-d4s", &format!("-c{connections}"), "-s"])
        .arg(load.script()?)
        .arg(proxy.url(load))
        .output()?;
    let used = proxy.server.cpu_secs()? - before;
    let text = String::from_utf8_lossy(&wrk.stdout);
    let number = |marker: &str, place: usize| -> Option<f64> {
        let line = text.lines().find(|line| line.contains(marker))?;
        line.split_whitespace().nth(place)?.parse().ok()
    };
    let (Some(requests), Some(rate)) = (number("requests in", 0), number("Requests/sec", 1)) else {
        return Err(format!("{}: wrk said: {text}", proxy.name).into());
    };
    if let Some(failed) = number("Non-2xx", 4) {
        return Err(format!("{}: {failed} of {requests} requests failed", proxy.name).into());
    }
    Ok(Cost { micros: used / requests * 1e6, rate })
}

pub(crate) fn median(mut turns: Vec<Cost>) -> Cost {
    turns.sort_by(|a, b| a.micros.total_cmp(&b.micros));
    turns[turns.len() / 2]
}
