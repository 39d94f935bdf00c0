//! Replaces errors of the HTTP library, which have an empty body, with ones that say what is wrong.
//!
//! A head that cannot be read, or is too large, reaches no handler: hyper answers it with a status and no body,
//! and closes. Its clients are told what is wrong in the format of every other refusal.

use crate::local_reply;
use bytes::Bytes;
use http::StatusCode;

/// An error in place of an empty one.
#[derive(Debug)]
pub(super) struct ReplacedError {
    /// What is still to be written.
    pub(super) rest: Bytes,
    /// How long the other one was.
    pub(super) replaces: usize,
}

impl ReplacedError {
    /// The answer in place of these bytes, if they are a refusal without a body. The gateway's own refusals
    /// all have one.
    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        let status = bytes.strip_prefix(b"HTTP/1.1 ")?.get(..3)?;
        let status = StatusCode::from_bytes(status).ok().filter(StatusCode::is_client_error)?;
        let head = std::str::from_utf8(bytes.strip_suffix(b"\r\n\r\n")?).ok()?;
        let is_empty = head.lines().any(|line| line.eq_ignore_ascii_case("content-length: 0"));
        if !is_empty || head.contains("\r\n\r\n") {
            return None;
        }
        let body = local_reply::cannot_be_read(status).body();
        let mut answer = String::new();
        for line in head.lines() {
            match line.split_once(':') {
                Some((name, _)) if name.eq_ignore_ascii_case("content-length") => {
                    answer.push_str(&format!(
                        "content-type: application/json\r\ncontent-length: {}\r\n",
                        body.len()
                    ));
                }
                _ => {
                    answer.push_str(line);
                    answer.push_str("\r\n");
                }
            }
        }
        answer.push_str("\r\n");
        let rest = [answer.as_bytes(), &body].concat().into();
        Some(Self { rest, replaces: bytes.len() })
    }
}
