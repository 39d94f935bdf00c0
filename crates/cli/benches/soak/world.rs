//! The servers: mocks, of which one is dead, and the gateway that is looked at.

use crate::process::{Server, file, free_port};
use std::error::Error;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Seek};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// One that streams for as long as anybody reads, for the slow readers; two that are well.
const MOCK: &str = "
providers:
  eu: { listen: 127.0.0.1:0, ttft: { lognormal: { median: 150ms, p95: 400ms } }, itl: 5ms }
  us: { listen: 127.0.0.1:0, ttft: 200ms, itl: 5ms }
  long: { listen: 127.0.0.1:0, ttft: 50ms, itl: 1ms, output_tokens: 200000 }
";

/// How long the gateway may take to say where it listens, and to end.
const PATIENCE: Duration = Duration::from_secs(60);

/// The servers, stopped when they are dropped.
#[derive(Debug)]
pub(crate) struct World {
    _mocks: Server,
    gateway: Server,
    /// Where the gateway listens.
    pub(crate) addr: SocketAddr,
    upstreams: Vec<SocketAddr>,
    config: PathBuf,
    log: PathBuf,
    reloads: u64,
}

/// What is known of the gateway once it has ended.
#[derive(Debug)]
pub(crate) struct End {
    /// Its exit code; `None` if it had to be killed.
    pub(crate) code: Option<i32>,
    /// How often it was told to read its file again.
    pub(crate) reloads: u64,
    /// What it said.
    pub(crate) log: PathBuf,
}

impl World {
    pub(crate) fn start() -> Result<Self, Box<dyn Error>> {
        let mock = file("soak-mock.yaml", MOCK)?;
        let mut child = Command::new(env!("CARGO_BIN_EXE_squall"))
            .args(["mock", "--log", "off", "--config"])
            .arg(mock)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let mut said = BufReader::new(child.stderr.take().ok_or("a pipe")?);
        let mut upstreams = Vec::new();
        let mut line = String::new();
        while upstreams.len() < 3 {
            line.clear();
            if said.read_line(&mut line)? == 0 {
                return Err("the mock has ended".into());
            }
            upstreams.extend(address(&line));
        }
        // Whatever else it says is read, so that it never waits for us.
        std::thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));
        let mocks = Server { child, addrs: upstreams.clone() };
        // Nobody listens there: every connection is refused.
        upstreams.push(SocketAddr::from(([127, 0, 0, 1], free_port()?)));
        let config = file("soak-gateway.yaml", &gateway(&upstreams, 0))?;
        let log = config.with_file_name("soak-gateway.log");
        let child = Command::new(env!("CARGO_BIN_EXE_squall"))
            .args(["gateway", "--drain", "10s", "--config"])
            .arg(&config)
            .stdout(Stdio::null())
            .stderr(File::create(&log)?)
            .spawn()?;
        let mut gateway = Server { child, addrs: Vec::new() };
        let addr = listens(&mut gateway, &log)?;
        Ok(Self { _mocks: mocks, gateway, addr, upstreams, config, log, reloads: 0 })
    }

    /// The gateway's number.
    pub(crate) fn process(&self) -> u32 {
        self.gateway.child.id()
    }

    /// Writes another file, and has it read at once.
    pub(crate) fn reload(&mut self) -> Result<(), Box<dyn Error>> {
        self.reloads += 1;
        let text = gateway(&self.upstreams, self.reloads);
        // In one piece: what is half written is another test's.
        let new = self.config.with_extension("new");
        fs::write(&new, text)?;
        fs::rename(&new, &self.config)?;
        self.signal("HUP")
    }

    fn signal(&self, signal: &str) -> Result<(), Box<dyn Error>> {
        let pid = self.process().to_string();
        let sent = Command::new("kill").args([&format!("-{signal}"), &pid]).status()?;
        if sent.success() { Ok(()) } else { Err("the gateway has ended by itself".into()) }
    }

    /// What the gateway counts.
    pub(crate) async fn metrics(&self) -> Result<String, Box<dyn Error>> {
        let mut stream = TcpStream::connect(self.addr).await?;
        let host = self.addr;
        let request = format!("GET /metrics HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut text = String::new();
        stream.read_to_string(&mut text).await?;
        Ok(text)
    }

    /// Ends the gateway as a service manager does.
    pub(crate) async fn end(mut self) -> Result<End, Box<dyn Error>> {
        self.signal("TERM")?;
        let mut code = None;
        for _ in 0..PATIENCE.as_millis() / 50 {
            if let Some(status) = self.gateway.child.try_wait()? {
                code = status.code();
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(End { code, reloads: self.reloads, log: self.log.clone() })
    }
}

/// The gateway's file, of which each is another: weights turn, and a deployment comes and goes.
fn gateway(upstreams: &[SocketAddr], number: u64) -> String {
    let [eu, us, long, dead] = upstreams else { unreachable!("three live and one dead") };
    let weight = 2 + number % 5;
    let guest = if number % 2 == 1 { ", { name: guest, provider: eu }" } else { "" };
    format!(
        "listen: 127.0.0.1:0\nproviders:\n  eu: {{ base_url: http://{eu}/v1 }}\n  us: {{ base_url: \
         http://{us}/v1 }}\n  long: {{ base_url: http://{long}/v1 }}\n  dead: {{ base_url: \
         http://{dead}/v1 }}\nrouter:\n  groups:\n    chat:\n      deployments: [ {{ name: eu, provider: \
         eu, weight: {weight} }}, {{ name: us, provider: us, weight: 3 }}, {{ name: dead, provider: \
         dead, weight: 2 }}{guest} ]\n    long: {{ deployments: [ {{ name: long, provider: long }} ] }}\n"
    )
}

/// Waits until the gateway has said where it listens.
fn listens(gateway: &mut Server, log: &Path) -> Result<SocketAddr, Box<dyn Error>> {
    let mut said = File::open(log)?;
    for _ in 0..PATIENCE.as_millis() / 20 {
        let mut text = String::new();
        said.rewind()?;
        said.read_to_string(&mut text)?;
        if let Some(addr) = text.lines().find_map(address) {
            return Ok(addr);
        }
        if gateway.child.try_wait()?.is_some() {
            return Err(format!("the gateway has ended: {text}").into());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Err("the gateway does not say where it listens".into())
}

/// The address in a line that names a URL.
fn address(line: &str) -> Option<SocketAddr> {
    let (_, rest) = line.split_once("http://")?;
    let end = rest.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == ':'));
    rest[..end.unwrap_or(rest.len())].parse().ok()
}
