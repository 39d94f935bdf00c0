//! Requests per CPU-second of the server, under one client.

use crate::canned;
use crate::options::{BenchOptions, figure, left_out};
use crate::process::{Server, file, free_port};
use std::error::Error;
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::rc::Rc;

/// Limits that let all in, so that every request is counted against them.
const LIMITED: &str =
    "  limited: { ttft: 0s, itl: 0s, output_tokens: 48, limits: { rpm: 1000M, tpm: 100000M } }\n";

/// A prompt of some 800 bytes, as the canned figures of other mocks were measured with.
const PROMPT_REPEATS: usize = 40;

/// A server under test: the row that it stands in, its name, the process, what is sent to it, and where.
struct Contender {
    row: &'static str,
    name: String,
    server: Rc<Server>,
    script: PathBuf,
    url: String,
}

pub(crate) fn run(out: &mut impl Write, options: &BenchOptions) -> Result<(), Box<dyn Error>> {
    if Command::new("wrk").arg("-v").output().is_err() {
        let why = "wrk is not installed (apt-get install wrk nginx)";
        writeln!(out, "{}", left_out("all", "all", why))?;
        return Ok(());
    }
    let contenders = contenders()?;
    let measured = || contenders.iter().filter(|contender| options.measures(contender.row));
    let mut turns: Vec<_> = measured().map(|_| Vec::new()).collect();
    for _ in 0..options.turns {
        for (contender, turns) in measured().zip(&mut turns) {
            turns.push(measure(contender, options.seconds)?);
        }
    }
    if !options.figures {
        writeln!(out, "{:<44}{:>12}{:>20}", "", "req/s", "per server CPU-s")?;
    }
    for (contender, mut turns) in measured().zip(turns) {
        let failed = turns.iter().map(|turn| turn.failed).sum::<u64>();
        let Contender { row, name, .. } = contender;
        if options.figures {
            for turn in turns.iter().filter(|_| failed == 0) {
                writeln!(out, "{}", figure(row, name, turn.per_cpu_second))?;
            }
            if failed > 0 {
                writeln!(out, "{}", left_out(row, name, &format!("{failed} requests failed")))?;
            }
            continue;
        }
        turns.sort_by(|a, b| a.per_cpu_second.total_cmp(&b.per_cpu_second));
        let SpeedTurn { rate, per_cpu_second, .. } = turns[turns.len() / 2];
        let failed = if failed > 0 { format!("  {failed} failed") } else { String::new() };
        writeln!(out, "{name:<44}{rate:>12.0}{per_cpu_second:>20.0}{failed}")?;
    }
    Ok(())
}

/// All servers that are there, with what each is asked for.
fn contenders() -> Result<Vec<Contender>, Box<dyn Error>> {
    let chat = script("chat", false)?;
    let stream = script("stream", true)?;
    let both = |name: [&str; 2], server: Server, urls: [String; 2]| {
        let server = Rc::new(server);
        let [whole, streamed] = urls;
        let contender = |row, name: &str, script: &PathBuf, url| Contender {
            row,
            name: name.to_owned(),
            server: Rc::clone(&server),
            script: script.clone(),
            url,
        };
        [
            contender("mock-whole", name[0], &chat, whole),
            contender("mock-stream", name[1], &stream, streamed),
        ]
    };
    let mut all = Vec::new();
    let mock = Server::mock(LIMITED)?;
    let addr = mock.addrs[0];
    let names = ["squall mock, rpm and tpm counted", "squall mock, streams of 48 tokens"];
    all.extend(both(names, mock, [url(addr), url(addr)]));
    if canned::nginx_program().is_some() {
        let nginx = canned::upstream()?;
        let addr = nginx.addrs[0];
        let urls =
            ["whole", "stream"].map(|kind| format!("http://{addr}/{kind}/v1/chat/completions"));
        all.extend(both(["nginx, canned answer", "nginx, canned stream"], nginx, urls));
    }
    for (name, path, peer) in peers()? {
        let url = format!("http://{}{path}/chat/completions", peer.addrs[0]);
        all.extend(both([name, &format!("{name}, streams")], peer, [url.clone(), url]));
    }
    Ok(all)
}

fn url(addr: SocketAddr) -> String {
    format!("http://{addr}/v1/chat/completions")
}

/// What wrk sends.
fn script(name: &str, stream: bool) -> Result<PathBuf, Box<dyn Error>> {
    let prompt = "Tell me of the sea. ".repeat(PROMPT_REPEATS);
    let script = format!(
        "wrk.method='POST'\nwrk.headers['content-type']='application/json'\n\
         wrk.headers['authorization']='Bearer sk-bench'\n\
         wrk.body='{{\"model\":\"gpt-4o\",\"messages\":[{{\"role\":\"user\",\"content\":\"{prompt}\"}}],\
         \"max_tokens\":48,\"stream\":{stream}}}'\n"
    );
    file(&format!("{name}.lua"), &script)
}

/// What one turn of a server was like.
struct SpeedTurn {
    rate: f64,
    per_cpu_second: f64,
    failed: u64,
}

fn measure(contender: &Contender, seconds: u64) -> Result<SpeedTurn, Box<dyn Error>> {
    let before = contender.server.cpu_secs()?;
    let wrk = Command::new("wrk")
        .args(["-t1", "-c32", &format!("-d{seconds}s"), "-s"])
        .arg(&contender.script)
        .arg(&contender.url)
        .output()?;
    let used = contender.server.cpu_secs()? - before;
    let text = String::from_utf8_lossy(&wrk.stdout);
    let number = |marker: &str, place: usize| -> Option<f64> {
        let line = text.lines().find(|line| line.contains(marker))?;
        line.split_whitespace().nth(place)?.parse().ok()
    };
    let (Some(requests), Some(rate)) = (number("requests in", 0), number("Requests/sec", 1)) else {
        return Err(format!("wrk said: {text}").into());
    };
    let failed = number("Non-2xx", 4).unwrap_or_default() as u64;
    Ok(SpeedTurn { rate, per_cpu_second: requests / used.max(0.01), failed })
}

/// Another mock: its name, where its API is, and the process.
type Peer = (&'static str, &'static str, Server);

/// Other mocks, if they are installed.
fn peers() -> Result<Vec<Peer>, Box<dyn Error>> {
    let mut found = Vec::new();
    for (name, program, path) in [
        ("llmsim 0.6.0, no latency", "llmsim", "/openai/v1"),
        ("VidaiMock 0.3.1, benchmark mode", "vidaimock", "/v1"),
    ] {
        if Command::new(program).arg("--version").output().is_err() {
            continue;
        }
        let port = free_port()?;
        let mut command = Command::new(program);
        if program == "llmsim" {
            let config = file(
                "llmsim.toml",
                "[latency]\nprofile = \"instant\"\n[response]\ntarget_tokens = 48\n",
            )?;
            command.args(["serve", "--target-tokens", "48", "--config"]).arg(config);
        } else {
            command.args(["--mode", "benchmark"]);
        }
        command.args(["--port", &port.to_string()]);
        found.push((name, path, Server::other(command, port)?));
    }
    Ok(found)
}
