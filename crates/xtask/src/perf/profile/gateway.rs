//! Answers through a gateway that runs under callgrind, from a mock that answers at once.

use super::functions::FunctionProfile;
use super::work::ProfiledWork;
use crate::{machine, step};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

/// Connections, each of which asks so often before anything is counted, and so often after.
const CONNECTIONS: u64 = 4;
const WARM_UP: u64 = 50;
const COUNTED: u64 = 250;

/// How long a server may take to listen, and a client waits for a byte.
const PATIENCE: Duration = Duration::from_secs(60);

/// Profiles whole answers, or streams of 48 tokens, by a build of cargo's profile.
pub(super) fn answers(built: &str, name: &str, stream: bool) -> Result<ProfiledWork, String> {
    let build = ["build", "--quiet", "--locked", "--profile", built, "--package", "squall"];
    if !machine::has_valgrind() || !step::cargo(&build, &[]) {
        return Err("there is nothing to profile".to_owned());
    }
    let folder = machine::perf_folder()?;
    let squall = machine::target().join(built).join("squall");
    let mock = mock(&squall, &folder)?;
    let out = folder.join(format!("profile-{name}.out"));
    let gateway = gateway(&squall, &folder, mock.addr, &out)?;
    ask(gateway.addr, WARM_UP, stream)?;
    control(&gateway, "--zero")?;
    ask(gateway.addr, COUNTED, stream)?;
    control(&gateway, "--dump")?;
    // The first dump has its number behind the name.
    let dump = out.with_extension("out.1");
    let text = fs::read_to_string(&dump).map_err(|error| format!("{}: {error}", dump.display()))?;
    let (unit, what) =
        if stream { ("stream", "A stream of 48 tokens") } else { ("answer", "A whole answer") };
    let what = format!("{what} through the gateway, {CONNECTIONS} connections");
    Ok(ProfiledWork {
        profile: FunctionProfile::parse(&text),
        what,
        unit,
        units: CONNECTIONS * COUNTED,
    })
}

/// A server that is stopped when it is dropped.
struct ProfiledServer {
    child: Child,
    addr: SocketAddr,
}

impl Drop for ProfiledServer {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn mock(squall: &Path, folder: &Path) -> Result<ProfiledServer, String> {
    let addr = free_addr()?;
    let text =
        format!("providers:\n  mock: {{ listen: {addr}, ttft: 0s, itl: 0s, output_tokens: 48 }}\n");
    let config = write(&folder.join("profile-mock.yaml"), &text)?;
    let mut command = Command::new(squall);
    command.args(["mock", "--log", "off", "--config"]).arg(config);
    started(command, addr)
}

fn gateway(
    squall: &Path,
    folder: &Path,
    upstream: SocketAddr,
    out: &Path,
) -> Result<ProfiledServer, String> {
    let addr = free_addr()?;
    let text = format!(
        "listen: {addr}\nproviders:\n  mock: {{ base_url: \"http://{upstream}/v1\" }}\nrouter:\n  groups:\n    chat: {{ \
         deployments: [ {{ name: only, provider: mock }} ] }}\n"
    );
    let config = write(&folder.join("profile-gateway.yaml"), &text)?;
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--quiet"]);
    command.arg(format!("--callgrind-out-file={}", out.display()));
    command.arg(squall).args(["gateway", "--config"]).arg(config);
    started(command, addr)
}

fn write(path: &Path, text: &str) -> Result<PathBuf, String> {
    fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(path.to_owned())
}

fn free_addr() -> Result<SocketAddr, String> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(|error| error.to_string())?;
    listener.local_addr().map_err(|error| error.to_string())
}

/// Starts a server, and waits until it listens.
fn started(mut command: Command, addr: SocketAddr) -> Result<ProfiledServer, String> {
    let name = command.get_program().display().to_string();
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let child = command.spawn().map_err(|error| format!("{name}: {error}"))?;
    let server = ProfiledServer { child, addr };
    let step = Duration::from_millis(100);
    for _ in 0..PATIENCE.as_millis() / step.as_millis() {
        if TcpStream::connect(addr).is_ok() {
            return Ok(server);
        }
        thread::sleep(step);
    }
    Err(format!("{name} does not listen on {addr}"))
}

/// Has callgrind forget what it counted, or write it.
fn control(gateway: &ProfiledServer, what: &str) -> Result<(), String> {
    let pid = gateway.child.id().to_string();
    let output = Command::new("callgrind_control").args([what, &pid]).output();
    let output = output.map_err(|error| format!("callgrind_control: {error}"))?;
    let said = String::from_utf8_lossy(&output.stdout);
    if output.status.success() && !said.contains("Error") {
        return Ok(());
    }
    Err(format!("callgrind_control {what}: {said}"))
}

/// Asks on every connection, one request after the other.
fn ask(addr: SocketAddr, times: u64, stream: bool) -> Result<(), String> {
    thread::scope(|scope| {
        let clients: Vec<_> =
            (0..CONNECTIONS).map(|_| scope.spawn(move || client(addr, times, stream))).collect();
        clients.into_iter().try_for_each(|client| match client.join() {
            Ok(asked) => asked.map_err(|error| format!("a client of the gateway: {error}")),
            Err(_) => Err("a client of the gateway panicked".to_owned()),
        })
    })
}

fn client(addr: SocketAddr, times: u64, stream: bool) -> std::io::Result<()> {
    let connection = TcpStream::connect(addr)?;
    connection.set_read_timeout(Some(PATIENCE))?;
    let mut reader = BufReader::new(connection.try_clone()?);
    let mut connection = connection;
    let prompt = "Tell me of the sea. ".repeat(40);
    let body = format!(
        r#"{{"model":"chat","messages":[{{"role":"user","content":"{prompt}"}}],"max_tokens":48,"stream":{stream}}}"#
    );
    let length = body.len();
    let request = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: {addr}\r\ncontent-type: application/json\r\ncontent-length: \
         {length}\r\n\r\n{body}"
    );
    for _ in 0..times {
        connection.write_all(request.as_bytes())?;
        answer(&mut reader)?;
    }
    Ok(())
}

/// Reads an answer to its end: of so many bytes, or in chunks.
fn answer(reader: &mut impl BufRead) -> std::io::Result<()> {
    let problem = |what: &str| std::io::Error::other(what.trim_end().to_owned());
    let mut line = String::new();
    reader.read_line(&mut line)?;
    if !line.starts_with("HTTP/1.1 200") {
        return Err(problem(&line));
    }
    let mut length = None;
    while line.trim_end() != "" {
        line.clear();
        reader.read_line(&mut line)?;
        let header = line.to_ascii_lowercase();
        if let Some(value) = header.strip_prefix("content-length:") {
            length = value.trim().parse::<u64>().ok();
        }
    }
    let mut take =
        |bytes: u64| std::io::copy(&mut reader.by_ref().take(bytes), &mut std::io::sink());
    if let Some(length) = length {
        return take(length).map(|_| ());
    }
    loop {
        let mut size = String::new();
        reader.read_line(&mut size)?;
        let size =
            u64::from_str_radix(size.trim(), 16).map_err(|_| problem("no size of a chunk"))?;
        // With the line end behind it.
        std::io::copy(&mut reader.by_ref().take(size + 2), &mut std::io::sink())?;
        if size == 0 {
            return Ok(());
        }
    }
}
