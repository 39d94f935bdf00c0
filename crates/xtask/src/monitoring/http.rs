//! Just enough HTTP for programs on loopback: one request per connection, by HTTP/1.0, so that bodies come in one piece.

use serde_json::Value;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

/// More than any answer on loopback takes.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The JSON at a path.
pub(super) fn get(port: u16, path: &str) -> Result<Value, String> {
    json(port, &head_of(port, path))
}

/// The text at a path.
pub(super) fn text(port: u16, path: &str) -> Result<String, String> {
    body(port, &head_of(port, path))
}

fn head_of(port: u16, path: &str) -> String {
    format!("GET {path} HTTP/1.0\r\nhost: 127.0.0.1:{port}\r\n\r\n")
}

/// The answer to a body of JSON.
pub(super) fn post(port: u16, path: &str, body: &Value) -> Result<Value, String> {
    let body = body.to_string();
    let length = body.len();
    let head = format!(
        "POST {path} HTTP/1.0\r\nhost: 127.0.0.1:{port}\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n"
    );
    json(port, &(head + &body))
}

fn json(port: u16, request: &str) -> Result<Value, String> {
    let body = body(port, request)?;
    serde_json::from_str(&body).map_err(|error| format!("127.0.0.1:{port}: {error}"))
}

fn body(port: u16, request: &str) -> Result<String, String> {
    let path = request.split(' ').nth(1).unwrap_or_default();
    let failed = |why: String| format!("127.0.0.1:{port}{path}: {why}");
    let answer = exchange(port, request).map_err(|error| failed(error.to_string()))?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.split(' ').nth(1).unwrap_or_default();
    match status {
        "200" => Ok(body.to_owned()),
        _ => Err(failed(format!("status {status}: {body}"))),
    }
}

fn exchange(port: u16, request: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address(port), TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

fn address(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

/// A port that nobody listens on, for a program that cannot choose one.
pub(super) fn free_port() -> Result<u16, String> {
    let listener = TcpListener::bind(address(0)).map_err(|error| error.to_string())?;
    Ok(listener.local_addr().map_err(|error| error.to_string())?.port())
}

/// A text as part of a query string.
pub(super) fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric();
    let each = text.bytes().map(|byte| match plain(byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    });
    each.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_encoded_byte_by_byte() {
        assert_eq!(encoded("up{a=\"é\"} > 1"), "up%7Ba%3D%22%C3%A9%22%7D%20%3E%201");
    }
}
