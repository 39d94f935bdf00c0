//! What a process holds, from `/proc`.

use std::fs;
use std::time::Duration;

const PAGE: u64 = 4_096;

/// Memory and descriptors at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    /// Resident memory, in bytes.
    pub(crate) resident: u64,
    /// Open descriptors.
    pub(crate) descriptors: u64,
}

/// Every five seconds, or as often as a short soak needs for its medians.
pub(crate) async fn sample(process: u32, lasts: Duration) -> Vec<Usage> {
    let every = (lasts / 36).min(Duration::from_secs(5));
    let mut samples = Vec::new();
    let mut ticks = tokio::time::interval(every);
    while every * u32::try_from(samples.len()).unwrap_or(u32::MAX) < lasts {
        ticks.tick().await;
        let Some(usage) = usage(process) else { break };
        samples.push(usage);
    }
    samples
}

/// `None` once the process is gone.
fn usage(process: u32) -> Option<Usage> {
    let statm = fs::read_to_string(format!("/proc/{process}/statm")).ok()?;
    let pages: u64 = statm.split(' ').nth(1)?.parse().ok()?;
    let descriptors = fs::read_dir(format!("/proc/{process}/fd")).ok()?.count() as u64;
    Some(Usage { resident: pages * PAGE, descriptors })
}

/// The median of the sixth with this number, from 0.
pub(crate) fn sixth(samples: &[Usage], number: usize, what: impl Fn(&Usage) -> u64) -> u64 {
    let part = &samples[samples.len() * number / 6..samples.len() * (number + 1) / 6];
    let mut values: Vec<_> = part.iter().map(what).collect();
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or_default()
}
