//! What was asked of streams against what came.

use crate::process::Server;
use squall_clock::Clock;
use squall_determinism::Timestamp;
use std::error::Error;
use std::io::Write;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// So many streams at once of 60 tokens with this gap.
const ROWS: [(u32, u64); 5] = [(10, 200), (100, 200), (1_000, 200), (5_000, 200), (1_000, 20)];

const TOKENS: u32 = 60;
const TTFT: Duration = Duration::from_millis(300);

/// What one stream was like.
#[derive(Clone, Copy, Debug)]
struct Seen {
    first: Duration,
    total: Duration,
}

pub(crate) fn run(out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    rlimit::increase_nofile_limit(u64::MAX)?;
    let (token, row) = ("token ms", "streams");
    writeln!(
        out,
        "{row:>8}{token:>10}{:>20}{:>16}{:>22}{:>16}{:>14}",
        "total p50 off by", "p99 off by", "first byte late p50", "p99", "KB a stream"
    )?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    for (streams, gap_ms) in ROWS {
        let file = format!("  paced: {{ ttft: 300ms, itl: {gap_ms}ms }}\n");
        let mock = Server::mock(&file)?;
        let asked = TTFT + Duration::from_millis(gap_ms) * (TOKENS - 1);
        // All are open when the last begins.
        let begun_over = asked * 7 / 10;
        let (seen, memory) = runtime.block_on(streams_of(&mock, streams, begun_over))?;
        let mut off: Vec<f64> = seen
            .iter()
            .map(|seen| (seen.total.as_secs_f64() / asked.as_secs_f64() - 1.0) * 100.0)
            .collect();
        let mut late: Vec<f64> =
            seen.iter().map(|seen| (seen.first.as_secs_f64() - TTFT.as_secs_f64()) * 1e3).collect();
        let (off, late) =
            ((at(&mut off, 0.5), at(&mut off, 0.99)), (at(&mut late, 0.5), at(&mut late, 0.99)));
        writeln!(
            out,
            "{streams:>8}{gap_ms:>10}{:>18.3} %{:>14.3} %{:>19.2} ms{:>13.2} ms{:>14.1}",
            off.0, off.1, late.0, late.1, memory
        )?;
    }
    Ok(())
}

/// The value below which this share lies.
fn at(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values[((values.len() - 1) as f64 * share).round() as usize]
}

/// Runs so many, one after the other; gives what each was like and the memory of one, in KB.
async fn streams_of(
    mock: &Server,
    streams: u32,
    begun_over: Duration,
) -> Result<(Vec<Seen>, f64), Box<dyn Error>> {
    let addr = mock.addrs[0];
    // The first answers warm up what is made once.
    stream(addr).await?;
    let before = mock.resident()?;
    let clock = Clock::start_now();
    let mut running = Vec::with_capacity(streams as usize);
    for n in 0..streams {
        let at = begun_over * n / streams;
        clock.sleep_until(at.into()).await;
        running.push(tokio::spawn(
            async move { stream(addr).await.map_err(|error| error.to_string()) },
        ));
    }
    let held = mock.resident()?.saturating_sub(before);
    let mut seen = Vec::with_capacity(running.len());
    for each in running {
        seen.push(each.await??);
    }
    Ok((seen, held as f64 / 1_024.0 / f64::from(streams)))
}

/// One stream, timed from the moment its request left.
async fn stream(addr: SocketAddr) -> Result<Seen, Box<dyn Error>> {
    let mut socket = TcpStream::connect(addr).await?;
    socket.set_nodelay(true)?;
    let body = format!(
        r#"{{"model":"m","messages":[{{"role":"user","content":"Tell me of the sea."}}],"max_tokens":{TOKENS},"stream":true}}"#
    );
    let request = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    socket.write_all(request.as_bytes()).await?;
    let sent = Clock::start_now();
    let mut buffer = vec![0; 4_096];
    let (mut first, mut last) = (None, Duration::ZERO);
    let mut tail: Vec<u8> = Vec::new();
    loop {
        let read = socket.read(&mut buffer).await?;
        let now = sent.now().since(Timestamp::ZERO);
        if read == 0 {
            return Err("the stream was cut".into());
        }
        first.get_or_insert(now);
        last = last.max(now);
        tail.extend_from_slice(&buffer[..read]);
        if tail.windows(12).any(|bytes| bytes == b"data: [DONE]") {
            return Ok(Seen { first: first.unwrap_or_default(), total: last });
        }
        let kept = tail.len().saturating_sub(16);
        tail.drain(..kept);
    }
}
