//! Servers as processes: where they listen, what they have used. Each benchmark uses a part of it.

use std::error::Error;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A server that is stopped when it is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) child: Child,
    /// Where its providers listen, in the order of its file.
    pub(crate) addrs: Vec<SocketAddr>,
}

impl Server {
    /// Another program that listens on `port` of the loopback.
    pub(crate) fn other(mut command: Command, port: u16) -> Result<Self, Box<dyn Error>> {
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let server = Self { child, addrs: vec![addr] };
        for _ in 0..100 {
            if TcpStream::connect(addr).is_ok() {
                return Ok(server);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Err(format!("nothing listens on {addr}").into())
    }

    /// The time that it has used, in seconds.
    pub(crate) fn cpu_secs(&self) -> Result<f64, Box<dyn Error>> {
        cpu_secs(&self.child.id().to_string())
    }
}

/// The time that this process has used, in seconds.
pub(crate) fn own_cpu_secs() -> Result<f64, Box<dyn Error>> {
    cpu_secs("self")
}

fn cpu_secs(process: &str) -> Result<f64, Box<dyn Error>> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The second field is a name, which may hold spaces.
    let fields = stat.rsplit(") ").next().ok_or("a name in parentheses")?;
    let ticks = fields.split(' ').skip(11).take(2).map(str::parse::<f64>);
    Ok(ticks.sum::<Result<f64, _>>()? / 100.0)
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A file of the benchmark's own.
pub(crate) fn file(name: &str, text: &str) -> Result<PathBuf, Box<dyn Error>> {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    fs::create_dir_all(&folder)?;
    let path = folder.join(name);
    fs::write(&path, text)?;
    Ok(path)
}

/// A port that is free now.
pub(crate) fn free_port() -> Result<u16, Box<dyn Error>> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
