//! Clients that hardly read: half of them take a byte a second, half of them nothing at all. Each hangs up after a while,
//! or is hung up on, and comes again.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

const READERS: usize = 20;
/// How long one stays.
const SECONDS: u32 = 20;

#[derive(Debug)]
pub(crate) struct Readers {
    stop: Arc<AtomicBool>,
    came: Arc<AtomicU64>,
    tasks: Vec<JoinHandle<()>>,
}

pub(crate) fn start(addr: SocketAddr) -> Readers {
    let (stop, came) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let tasks = (0..READERS)
        .map(|place| {
            let (stop, came) = (Arc::clone(&stop), Arc::clone(&came));
            tokio::spawn(async move {
                while !stop.load(Relaxed) {
                    // A connection that ends early is the gateway's patience, which has its own tests.
                    let _ = once(addr, place % 2 == 0, &stop).await;
                    came.fetch_add(1, Relaxed);
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
            })
        })
        .collect();
    Readers { stop, came, tasks }
}

async fn once(addr: SocketAddr, reads: bool, stop: &AtomicBool) -> std::io::Result<()> {
    let body = r#"{"model":"long","stream":true,"messages":[{"role":"user","content":"on"}]}"#;
    let mut stream = TcpStream::connect(addr).await?;
    let head = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: {addr}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all((head + body).as_bytes()).await?;
    for _ in 0..SECONDS {
        tokio::time::sleep(Duration::from_secs(1)).await;
        if stop.load(Relaxed) {
            break;
        }
        if reads {
            stream.read_u8().await?;
        }
    }
    Ok(())
}

impl Readers {
    /// How many came, in all.
    pub(crate) async fn stop(self) -> u64 {
        self.stop.store(true, Relaxed);
        for task in self.tasks {
            // One that panicked has been told of.
            let _ = task.await;
        }
        self.came.load(Relaxed)
    }
}
