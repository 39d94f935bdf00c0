//! A client that hides nothing: one socket, HTTP/1.1 by hand, and how each answer ended.

use squall_wire::chat::StreamEvent;
use squall_wire::{SseDecoder, TOKEN_HEADER};
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// One connection.
#[derive(Debug)]
pub(crate) struct Client {
    socket: TcpStream,
    unread: Vec<u8>,
}

/// An answer, as far as it came.
#[derive(Debug)]
pub(crate) struct Answer {
    /// 0 if no head came.
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
    pub(crate) end: End,
}

/// How an answer ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum End {
    /// As HTTP wants it.
    Complete,
    /// The connection was closed before.
    Closed,
    /// The connection was reset before.
    Reset,
}

impl Client {
    pub(crate) async fn connect(addr: SocketAddr) -> io::Result<Self> {
        Ok(Self { socket: TcpStream::connect(addr).await?, unread: Vec::new() })
    }

    /// Asks for a completion.
    pub(crate) async fn ask(&mut self, body: &str) -> Answer {
        self.send(body).await;
        self.answer().await
    }

    /// Sends a request for a completion, and does not wait.
    pub(crate) async fn send(&mut self, body: &str) {
        self.send_with(body, "").await;
    }

    /// Sends a request for a completion that carries `token` in its header.
    pub(crate) async fn send_with(&mut self, body: &str, token: &str) {
        let length = body.len();
        let request = format!(
            "POST /v1/chat/completions HTTP/1.1\r\nhost: mock\r\ncontent-type: application/json\r\n\
             {TOKEN_HEADER}: {token}\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        self.write(&request).await;
    }

    /// Sends a request for a completion under a key.
    pub(crate) async fn send_with_key(&mut self, body: &str, key: &str) {
        let length = body.len();
        let request = format!(
            "POST /v1/chat/completions HTTP/1.1\r\nhost: mock\r\nauthorization: Bearer {key}\r\n\
             content-length: {length}\r\n\r\n{body}"
        );
        self.write(&request).await;
    }

    /// Posts a body to a path, and reads the answer.
    pub(crate) async fn post(&mut self, path: &str, body: &str) -> Answer {
        let length = body.len();
        self.write(&format!(
            "POST {path} HTTP/1.1\r\nhost: mock\r\ncontent-length: {length}\r\n\r\n{body}"
        ))
        .await;
        self.answer().await
    }

    /// Gets a path.
    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.write(&format!("GET {path} HTTP/1.1\r\nhost: mock\r\n\r\n")).await;
        self.answer().await
    }

    /// Reads one answer.
    pub(crate) async fn answer(&mut self) -> Answer {
        let mut answer =
            Answer { status: 0, headers: BTreeMap::new(), body: Vec::new(), end: End::Complete };
        if let Err(end) = self.read_answer(&mut answer).await {
            answer.end = end;
        }
        answer
    }

    /// Reads until `count` events with content have come.
    pub(crate) async fn content(&mut self, count: usize) {
        let contents =
            |bytes: &[u8]| String::from_utf8_lossy(bytes).matches("\"content\":\" ").count();
        while contents(&self.unread) < count {
            self.fill().await.expect("the stream goes on");
        }
    }

    /// What the next read brings: bytes, or an end.
    pub(crate) async fn next(&mut self) -> Result<(), End> {
        self.fill().await
    }

    /// Whether the connection stays silent for so long.
    pub(crate) async fn is_silent_for(&mut self, duration: Duration) -> bool {
        tokio::time::timeout(duration, self.fill()).await.is_err()
    }

    /// Writes bytes if the other side still takes them.
    pub(crate) async fn try_write(&mut self, bytes: &str) -> bool {
        let wrote = self.socket.write_all(bytes.as_bytes());
        matches!(tokio::time::timeout(Duration::from_secs(60), wrote).await, Ok(Ok(())))
    }

    pub(crate) async fn write(&mut self, request: &str) {
        self.socket.write_all(request.as_bytes()).await.expect("the request is sent");
    }

    async fn read_answer(&mut self, answer: &mut Answer) -> Result<(), End> {
        let status = self.line().await?;
        answer.status = status.split(' ').nth(1).and_then(|n| n.parse().ok()).expect("a status");
        loop {
            let line = self.line().await?;
            let Some((name, value)) = line.split_once(": ") else {
                break;
            };
            answer.headers.insert(name.to_ascii_lowercase(), value.to_owned());
        }
        if let Some(length) = answer.headers.get("content-length") {
            let length = length.parse().expect("a length");
            return self.take(length, &mut answer.body).await;
        }
        loop {
            let size = usize::from_str_radix(&self.line().await?, 16).expect("a chunk size");
            self.take(size, &mut answer.body).await?;
            self.line().await?;
            if size == 0 {
                return Ok(());
            }
        }
    }

    async fn line(&mut self) -> Result<String, End> {
        loop {
            if let Some(end) = self.unread.windows(2).position(|bytes| bytes == b"\r\n") {
                let line = self.unread.drain(..end + 2).take(end).collect();
                return Ok(String::from_utf8(line).expect("UTF-8"));
            }
            self.fill().await?;
        }
    }

    async fn take(&mut self, length: usize, into: &mut Vec<u8>) -> Result<(), End> {
        while self.unread.len() < length {
            self.fill().await?;
        }
        into.extend(self.unread.drain(..length));
        Ok(())
    }

    async fn fill(&mut self) -> Result<(), End> {
        match self.socket.read_buf(&mut self.unread).await {
            Ok(0) => Err(End::Closed),
            Ok(_) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => Err(End::Reset),
            Err(error) => panic!("{error}"),
        }
    }
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("UTF-8")
    }

    /// The events of a stream.
    pub(crate) fn events(&self) -> Vec<StreamEvent> {
        let mut decoder = SseDecoder::new();
        decoder.push(&self.body);
        let mut events = Vec::new();
        while let Some(event) = decoder.next_event().expect("events are short") {
            events.push(StreamEvent::read(event.data));
        }
        events
    }

    /// How many of its events have content.
    pub(crate) fn tokens(&self) -> usize {
        let is_content =
            |event: &&StreamEvent| matches!(event, StreamEvent::Chunk(chunk) if chunk.content);
        self.events().iter().filter(is_content).count()
    }
}
