//! The mock provider as a process.

use crate::process::{Server, file};
use std::error::Error;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

impl Server {
    /// `squall mock` with these providers.
    pub(crate) fn mock(providers: &str) -> Result<Self, Box<dyn Error>> {
        let path = file("mock.yaml", &format!("providers:\n{providers}"))?;
        let mut child = Command::new(env!("CARGO_BIN_EXE_squall"))
            .args(["mock", "--log", "off", "--config"])
            .arg(path)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let lines = BufReader::new(child.stderr.take().ok_or("a pipe")?).lines();
        let mut addrs = Vec::new();
        for line in lines.take(providers.lines().count()) {
            let line = line?;
            let addr = line.split("http://").nth(1).and_then(|url| url.split('/').next());
            addrs.push(addr.ok_or_else(|| line.clone())?.parse()?);
        }
        Ok(Self { child, addrs })
    }

    /// The memory that it holds, in bytes.
    pub(crate) fn resident(&self) -> Result<u64, Box<dyn Error>> {
        let statm = fs::read_to_string(format!("/proc/{}/statm", self.child.id()))?;
        let pages: u64 = statm.split(' ').nth(1).ok_or("two fields")?.parse()?;
        Ok(pages * 4_096)
    }
}
