//! A Redis for tests.

use redis::Connection;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A Redis of our own, at a socket in a folder of our own; stopped when it is dropped.
pub(super) struct RedisServer {
    child: Child,
    socket: PathBuf,
}

impl RedisServer {
    pub(super) fn start(name: &str) -> Self {
        // A path of a socket has little more than a hundred bytes.
        let socket = std::env::temp_dir().join(format!("squall-{}-{name}", std::process::id()));
        Self::at(socket, &[])
    }

    /// The same at a socket where one was before, with more of its settings.
    pub(super) fn at(socket: PathBuf, more: &[&str]) -> Self {
        let child = Command::new("redis-server")
            .args(["--port", "0", "--save", "", "--appendonly", "no", "--unixsocket"])
            .arg(&socket)
            .args(more)
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server is installed: `cargo xtask test` does so");
        Self { child, socket }
    }

    pub(super) fn url(&self) -> String {
        format!("redis+unix://{}", self.socket.display())
    }

    pub(super) fn socket(&self) -> PathBuf {
        self.socket.clone()
    }

    pub(super) fn connect(&self) -> Connection {
        let client = redis::Client::open(self.url()).expect("a URL");
        for _ in 0..1_000 {
            if let Ok(connection) = client.get_connection() {
                return connection;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("redis-server does not listen at {}", self.socket.display());
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_file(&self.socket);
    }
}
