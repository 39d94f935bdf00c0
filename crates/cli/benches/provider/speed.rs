//! Requests per CPU-second of the server, under one client.

use crate::process::{Server, file, free_port};
use std::error::Error;
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Limits that let all in, so that every request is counted against them.
const LIMITED: &str =
    "  limited: { ttft: 0s, itl: 0s, output_tokens: 48, limits: { rpm: 1000M, tpm: 100000M } }\n";

/// A prompt of some 800 bytes, as the canned figures of other mocks were measured with.
const PROMPT_REPEATS: usize = 40;

pub(crate) fn run(out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    if Command::new("wrk").arg("-v").output().is_err() {
        writeln!(out, "speed: wrk is not installed (apt-get install wrk nginx)")?;
        return Ok(());
    }
    let chat = script("chat", false)?;
    let stream = script("stream", true)?;
    writeln!(out, "{:<44}{:>12}{:>20}", "", "req/s", "per server CPU-s")?;
    let mock = Server::mock(LIMITED)?;
    let addr = mock.addrs[0];
    measure(out, "squall mock, rpm and tpm counted", &mock, &chat, &url(addr))?;
    measure(out, "squall mock, streams of 48 tokens", &mock, &stream, &url(addr))?;
    drop(mock);
    if let Some(nginx) = nginx()? {
        let addr = nginx.addrs[0];
        measure(out, "nginx, canned answer", &nginx, &chat, &url(addr))?;
        let events = format!("http://{addr}/stream");
        measure(out, "nginx, canned stream", &nginx, &stream, &events)?;
    }
    for (name, path, peer) in peers()? {
        let url = format!("http://{}{path}/chat/completions", peer.addrs[0]);
        measure(out, name, &peer, &chat, &url)?;
        measure(out, &format!("{name}, streams"), &peer, &stream, &url)?;
    }
    Ok(())
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

fn measure(
    out: &mut impl Write,
    name: &str,
    server: &Server,
    script: &Path,
    url: &str,
) -> Result<(), Box<dyn Error>> {
    let before = server.cpu_secs()?;
    let wrk =
        Command::new("wrk").args(["-t1", "-c32", "-d6s", "-s"]).arg(script).arg(url).output()?;
    let used = server.cpu_secs()? - before;
    let text = String::from_utf8_lossy(&wrk.stdout);
    let number = |marker: &str, place: usize| -> Option<f64> {
        let line = text.lines().find(|line| line.contains(marker))?;
        line.split_whitespace().nth(place)?.parse().ok()
    };
    let (Some(requests), Some(rate)) = (number("requests in", 0), number("Requests/sec", 1)) else {
        return Err(format!("wrk said: {text}").into());
    };
    let failed = number("Non-2xx", 4).map_or(String::new(), |count| format!("  {count} failed"));
    writeln!(out, "{name:<44}{rate:>12.0}{:>20.0}{failed}", requests / used.max(0.01))?;
    Ok(())
}

/// nginx as one process, with an answer as long as ours.
fn nginx() -> Result<Option<Server>, Box<dyn Error>> {
    let found = ["nginx", "/usr/sbin/nginx"]
        .into_iter()
        .find(|path| Command::new(path).arg("-v").output().is_ok());
    let Some(path) = found else { return Ok(None) };
    let port = free_port()?;
    let text = "the sea ".repeat(24);
    let answer = format!(
        r#"{{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"gpt-4o","choices":[{{"index":0,"message":{{"role":"assistant","content":"{text}"}},"finish_reason":"stop"}}],"usage":{{"prompt_tokens":200,"completion_tokens":48,"total_tokens":248}}}}"#
    );
    let event = r#"data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"gpt-4o","choices":[{"index":0,"delta":{"content":" sea"},"finish_reason":null}]}"#;
    let stream = format!("{}data: [DONE]\n\n", format!("{event}\n\n").repeat(50));
    // It takes no longer text in its configuration, and answers a POST to a file with 405.
    file("stream", &stream)?;
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let config = format!(
        "daemon off; master_process off; pid {folder}/nginx.pid; error_log /dev/null;\n\
         events {{ worker_connections 256; }}\n\
         http {{ access_log off; client_body_buffer_size 64k; client_body_temp_path {folder}/nginx-body;\n\
         proxy_temp_path {folder}/nginx-proxy; fastcgi_temp_path {folder}/nginx-fastcgi;\n\
         uwsgi_temp_path {folder}/nginx-uwsgi; scgi_temp_path {folder}/nginx-scgi;\n\
         server {{ listen 127.0.0.1:{port};\n\
         location /v1/ {{ default_type application/json; return 200 '{answer}'; }}\n\
         location /stream {{ root {folder}; default_type text/event-stream; error_page 405 =200 /stream; }} }} }}\n",
        folder = folder.display(),
    );
    let config = file("nginx.conf", &config)?;
    let mut command = Command::new(path);
    command.arg("-c").arg(config);
    Server::other(command, port).map(Some)
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
