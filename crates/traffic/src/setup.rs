//! What the driver is given, and what it leaves.

use crate::TrafficKind;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, HeaderValue, Uri};
use squall_clock::Clock;
use squall_determinism::{Seed, Shard, Timestamp};
use squall_record::{NoteRow, RequestRow, RowSender};
use squall_wire::{Format, dialect};
use squall_workload::{TraceFault, WorkloadConfig};
use std::str::FromStr;
use std::sync::mpsc;
use tokio::sync::mpsc::Receiver;

/// All that a driver needs.
#[derive(Debug)]
pub struct TrafficSetup {
    /// What is sent, and when.
    pub workload: WorkloadConfig,
    /// The seed of the run.
    pub seed: Seed,
    /// Which part of it this driver sends.
    pub shard: Shard,
    /// The run's time.
    pub clock: Clock,
    /// Where requests go, unless they go to a program: at least one, and in turn where there are several.
    pub targets: Vec<ApiTarget>,
    /// A program to ask in place of the targets.
    pub program: Option<ProgramPipes>,
    /// The kinds of requests, by the kinds of the workload; one alone where those are none.
    pub kinds: Vec<TrafficKind>,
    /// Headers of every request besides its own: a key, for instance.
    pub headers: HeaderMap,
    /// The models that answers may name, each with its deployment, by its place in the header of the recording.
    pub models: Vec<(String, u16)>,
    /// Where rows go besides, as requests end.
    pub rows: Option<RowSender>,
}

/// A program that is asked by lines of JSON.
#[derive(Debug)]
pub struct ProgramPipes {
    /// Takes lines with their ends.
    pub requests: mpsc::Sender<String>,
    /// Gives lines without their ends, and is closed when the program has gone.
    pub answers: Receiver<String>,
}

/// An API for chats, by its base URL: `http://127.0.0.1:8080/v1`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ApiTarget {
    authority: Authority,
    host: HeaderValue,
    path: PathAndQuery,
    format: Format,
    is_secure: bool,
}

impl ApiTarget {
    /// Host and port: what is connected to.
    pub(crate) fn address(&self) -> (&str, u16) {
        let host = self.authority.host().trim_start_matches('[').trim_end_matches(']');
        let usual = if self.is_secure { 443 } else { 80 };
        (host, self.authority.port_u16().unwrap_or(usual))
    }

    /// Whether it is called by TLS.
    pub(crate) const fn is_secure(&self) -> bool {
        self.is_secure
    }

    /// Host and port, as the `Host` header has them.
    pub(crate) const fn host(&self) -> &HeaderValue {
        &self.host
    }

    /// The path of chats.
    pub(crate) const fn path(&self) -> &PathAndQuery {
        &self.path
    }

    /// The format that it speaks.
    pub(crate) const fn format(&self) -> Format {
        self.format
    }

    /// The API of this base URL that speaks this format.
    ///
    /// # Errors
    /// When the text is no such URL.
    pub fn new(text: &str, format: Format) -> Result<Self, BaseUrlError> {
        let error = || BaseUrlError { text: text.to_owned() };
        let uri: Uri = text.parse().map_err(|_| error())?;
        let is_secure = uri.scheme() == Some(&Scheme::HTTPS);
        let is_http = is_secure || uri.scheme() == Some(&Scheme::HTTP);
        let authority = uri.authority().filter(|_| is_http && uri.query().is_none());
        let authority = authority.ok_or_else(error)?.clone();
        // Of the formats that a target speaks, none has the model in its path.
        let below = dialect(format).chat_path("", false);
        let path = format!("{}{below}", uri.path().trim_end_matches('/'));
        let host = HeaderValue::from_str(authority.as_str()).map_err(|_| error())?;
        Ok(Self { authority, host, path: path.parse().map_err(|_| error())?, format, is_secure })
    }
}

impl FromStr for ApiTarget {
    type Err = BaseUrlError;

    /// An API that speaks OpenAI's chat completions.
    fn from_str(text: &str) -> Result<Self, BaseUrlError> {
        Self::new(text, Format::OpenAi)
    }
}

/// A text is no base URL.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("`{text}` is not a base URL such as `http://127.0.0.1:8080/v1`")]
pub struct BaseUrlError {
    /// What was given.
    pub text: String,
}

/// What the clients saw.
#[derive(Clone, Debug, Default)]
pub struct DriverLog {
    /// One row per request, in the order of their ends.
    pub requests: Vec<RequestRow>,
    /// When clients decided to call again, and why.
    pub notes: Vec<NoteRow>,
    /// When too many failures ended the traffic early, if they did.
    pub aborted: Option<Timestamp>,
    /// When a trace could not be read on, which, and why, if so.
    pub broken_trace: Option<TraceFault>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_url_is_read_with_and_without_a_port_and_a_slash() {
        for (text, address) in [
            ("http://127.0.0.1:8080/v1", ("127.0.0.1", 8080)),
            ("http://gateway.test/v1/", ("gateway.test", 80)),
            ("http://[::1]:9/v1", ("::1", 9)),
            ("https://gateway.test/v1", ("gateway.test", 443)),
        ] {
            let target: ApiTarget = text.parse().expect(text);
            assert_eq!(
                (target.address(), target.path().as_str()),
                (address, "/v1/chat/completions")
            );
        }
    }

    #[test]
    fn anything_else_is_refused_by_name() {
        for text in ["", "127.0.0.1:8080", "/v1", "ftp://gateway.test/v1", "http://a/v1?b"] {
            let error = text.parse::<ApiTarget>().expect_err(text);
            assert!(error.to_string().contains(text), "{error}");
        }
    }
}
