//! nginx with canned answers: the upstream behind every proxy, what the driver calls, and what the mock is measured beside.

use crate::process::{Server, file, free_port};
use std::error::Error;
use std::path::PathBuf;
use std::process::Command;

/// Events of the canned stream.
const EVENTS: usize = 48;

/// nginx with both answers, each at every path below its name: `/whole/v1/chat/completions`, `/stream/v1/chat/completions`.
pub(crate) fn upstream() -> Result<Server, Box<dyn Error>> {
    let port = free_port()?;
    let text = "the sea ".repeat(24);
    let answer = format!(
        r#"{{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"gpt-4o","choices":[{{"index":0,"message":{{"role":"assistant","content":"{text}"}},"finish_reason":"stop"}}],"usage":{{"prompt_tokens":200,"completion_tokens":48,"total_tokens":248}}}}"#
    );
    let event = r#"data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"gpt-4o","choices":[{"index":0,"delta":{"content":" sea"},"finish_reason":null}]}"#;
    let end = r#"data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"gpt-4o","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;
    let stream = format!("{}{end}\n\ndata: [DONE]\n\n", format!("{event}\n\n").repeat(EVENTS));
    // nginx answers a POST to a file with 405, and takes no longer text than this in its configuration.
    file("canned-stream", &stream)?;
    let folder = env!("CARGO_TARGET_TMPDIR");
    let http = format!(
        "server {{ listen 127.0.0.1:{port}; keepalive_requests 100000000;\n\
         location /whole {{ default_type application/json; return 200 '{answer}'; }}\n\
         location /stream {{ root {folder}; default_type text/event-stream;\n\
         error_page 404 405 =200 /canned-stream; }}\n\
         location = /canned-stream {{ root {folder}; default_type text/event-stream; }} }}"
    );
    nginx("upstream", port, &http)
}

pub(crate) fn nginx_program() -> Option<&'static str> {
    installed(["nginx", "/usr/sbin/nginx"])
}

/// The first of these that runs.
pub(crate) fn installed(paths: [&'static str; 2]) -> Option<&'static str> {
    paths.into_iter().find(|path| Command::new(path).arg("-v").output().is_ok())
}

/// nginx as one process.
pub(crate) fn nginx(name: &str, port: u16, http: &str) -> Result<Server, Box<dyn Error>> {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("nginx-{name}"));
    std::fs::create_dir_all(&folder)?;
    let config = format!(
        "daemon off; master_process off; pid {folder}/pid; error_log /dev/null;\n\
         events {{ worker_connections 16384; }}\n\
         http {{ access_log off; client_body_buffer_size 64k; client_body_temp_path {folder}/body;\n\
         proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;\n\
         uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;\n{http} }}\n",
        folder = folder.display(),
    );
    let config = file(&format!("nginx-{name}.conf"), &config)?;
    let mut command = Command::new(nginx_program().ok_or("nginx is not installed")?);
    command.arg("-c").arg(config);
    Server::other(command, port)
}
