//! Reading streams as the gateway does, 48 events each: as the mock provider writes them, as OpenAI pads them, with an
//! escape in every text, and with chunks that have nothing in common. `cargo bench -p squall-wire --bench stream`; under
//! `valgrind --tool=callgrind` one name and a count of streams after `--` give instructions that repeat.

#![expect(clippy::print_stdout, clippy::disallowed_methods, reason = "a benchmark reads the clock")]

use squall_wire::SseDecoder;
use squall_wire::chat::{Operation, StreamEvent};
use std::hint::black_box;
use std::time::Instant;

/// The tokens of a stream; the role, the end, the usage and the mark make 48 events of them.
const TOKENS: usize = 44;
const STREAMS: usize = 20_000;

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let only = arguments.next();
    let streams = arguments.next().and_then(|count| count.parse().ok()).unwrap_or(STREAMS);
    println!("{:<10} {:>12} {:>12}", "stream", "ns a stream", "ns an event");
    for (name, chunk) in [
        ("plain", plain as fn(usize) -> String),
        ("padded", padded),
        ("escaped", escaped),
        ("unlike", unlike),
    ] {
        if only.as_deref().is_some_and(|only| only != name) {
            continue;
        }
        let stream = stream(chunk);
        let pieces: Vec<_> = stream.split_inclusive("\n\n").map(str::as_bytes).collect();
        let started = Instant::now();
        for _ in 0..streams {
            black_box(read(black_box(&pieces)));
        }
        let nanos = started.elapsed().as_nanos() as f64 / streams as f64;
        println!("{name:<10} {nanos:>12.0} {:>12.1}", nanos / (TOKENS + 4) as f64);
    }
}

/// Reads a stream event by event, as it would come: the bytes that a client gets.
fn read(pieces: &[&[u8]]) -> usize {
    let mut reader = Operation::Chat.reader(true);
    let mut decoder = SseDecoder::new();
    let (mut out, mut content) = (Vec::new(), 0);
    for piece in pieces {
        decoder.push(piece);
        while let Ok(Some(event)) = decoder.next_event() {
            if let StreamEvent::Chunk(chunk) = reader.read(event, &mut out) {
                content += usize::from(chunk.content);
            }
        }
    }
    assert_eq!(content, TOKENS, "every token is content");
    out.len()
}

fn stream(chunk: fn(usize) -> String) -> String {
    let head = r#"data: {"id":"chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT","object":"chat.completion.chunk","created":1741569952,"model":"gpt-4.1-2025-04-14","service_tier":"default","system_fingerprint":"fp_44709d6fcb","choices":["#;
    let role = r#"{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null}],"usage":null}"#;
    let end = r#"{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}],"usage":null}"#;
    let usage = r#"],"usage":{"prompt_tokens":19,"completion_tokens":44,"total_tokens":63}}"#;
    let mut stream = format!("{head}{role}\n\n");
    for token in 0..TOKENS {
        stream.push_str(&format!("{head}{}\n\n", chunk(token)));
    }
    stream.push_str(&format!("{head}{end}\n\n{head}{usage}\n\ndata: [DONE]\n\n"));
    stream
}

fn delta(content: &str, more: &str) -> String {
    format!(
        r#"{{"index":0,"delta":{{"content":"{content}"}},"logprobs":null,"finish_reason":null}}],"usage":null{more}}}"#
    )
}

fn plain(token: usize) -> String {
    delta(squall_wire::word(token as u32), "")
}

fn padded(token: usize) -> String {
    let padding = "aB3xYz9QkLmN".get(..token % 12).unwrap_or_default();
    delta(squall_wire::word(token as u32), &format!(r#","obfuscation":"{padding}""#))
}

fn escaped(token: usize) -> String {
    delta(&format!("{}\\n", squall_wire::word(token as u32)), "")
}

fn unlike(token: usize) -> String {
    delta(squall_wire::word(token as u32), &format!(r#","number":{token}"#))
}
