//! A server that answers every chat at once, and keeps when each request came: nothing of ours but the clock.

use squall_clock::Clock;
use squall_determinism::Timestamp;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

const WHOLE: &str = r#"{"id":"x","object":"chat.completion","created":0,"model":"chat","choices":[{"index":0,"message":{"role":"assistant","content":"one two three four"},"finish_reason":"stop"}],"usage":{"prompt_tokens":20,"completion_tokens":4,"total_tokens":24}}"#;

/// A server; its threads end with the process.
pub(crate) struct Receiver {
    address: SocketAddr,
    arrived: Arc<Mutex<Vec<Timestamp>>>,
}

impl Receiver {
    pub(crate) fn start(clock: Clock) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let arrived = Arc::<Mutex<Vec<Timestamp>>>::default();
        let kept = Arc::clone(&arrived);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let kept = Arc::clone(&kept);
                std::thread::spawn(move || serve(stream, clock, &kept));
            }
        });
        Self { address, arrived }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// When each request arrived, in order.
    pub(crate) fn arrived(&self) -> Vec<Timestamp> {
        let mut all = self.arrived.lock().unwrap_or_else(PoisonError::into_inner).clone();
        all.sort_unstable();
        all
    }
}

/// Serves a connection until it is closed.
fn serve(mut stream: TcpStream, clock: Clock, arrived: &Mutex<Vec<Timestamp>>) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let streamed = streamed();
    let (mut bytes, mut piece) = (Vec::new(), [0; 8_192]);
    loop {
        let mut first = None;
        let length = loop {
            if let Some(length) = request_length(&bytes) {
                break length;
            }
            let read = stream.read(&mut piece).ok().filter(|read| *read > 0)?;
            first.get_or_insert_with(|| clock.now());
            bytes.extend_from_slice(&piece[..read]);
        };
        // One that came together with the one before is of now.
        let at = first.unwrap_or_else(|| clock.now());
        arrived.lock().unwrap_or_else(PoisonError::into_inner).push(at);
        let wants_stream = bytes[..length].windows(13).any(|part| part == b"\"stream\":true");
        bytes.drain(..length);
        let answer = if wants_stream { streamed.as_str() } else { WHOLE };
        let kind = if wants_stream { "text/event-stream" } else { "application/json" };
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n{answer}",
            answer.len()
        );
        stream.write_all(head.as_bytes()).ok()?;
    }
}

/// A stream of four tokens.
fn streamed() -> String {
    let words = ["one", " two", " three", " four"];
    let chunk = |delta: &str, finish: &str| {
        format!(
            "data: {{\"id\":\"x\",\"object\":\"chat.completion.chunk\",\"created\":0,\"model\":\"chat\",\"choices\":[{{\"index\":0,\
             \"delta\":{delta},\"finish_reason\":{finish}}}]}}\n\n"
        )
    };
    let tokens = words.map(|word| chunk(&format!("{{\"content\":\"{word}\"}}"), "null"));
    format!("{}{}data: [DONE]\n\n", tokens.concat(), chunk("{}", "\"stop\""))
}

/// How long a request is with its body, once all of it has come.
fn request_length(bytes: &[u8]) -> Option<usize> {
    let head = bytes.windows(4).position(|part| part == b"\r\n\r\n")? + 4;
    let text = String::from_utf8_lossy(&bytes[..head]);
    let body = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    let length = head + body.unwrap_or(0);
    (bytes.len() >= length).then_some(length)
}
