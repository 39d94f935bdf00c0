//! What a simulated run takes of the machine, estimated before it begins: requests, memory, disk and time.
//!
//! The constants were measured in November 2026 on x86-64 Linux, in optimised builds, as the slope between runs of
//! different sizes. An estimate is of requests with one attempt each; retries take a part more.

use squall_judge::text;
use squall_provider::ProviderConfig;
use squall_scenario::Scenario;
use squall_sim::RowRetention;
use squall_workload::ExpectedRequests;
use std::time::Duration;

/// The process itself, with what it draws charts by.
const BASE_MEMORY: f64 = 30e6;
/// Memory of a request whose rows are kept, journal and report included: 2.9 GB at 10 million requests.
const ROW_MEMORY: f64 = 290.0;
/// Files of such a request, of a recording: 283 MB at a million, plain; above 100,000 requests they are compressed.
const ROW_DISK: f64 = 283.0;
const COMPRESSED_ROW_DISK: f64 = 90.0;
const PLAIN_REQUESTS: f64 = 1e5;
/// The files of a report.
const REPORT_DISK: f64 = 6e6;
/// Memory of a request in flight, with the room that tables grow by: 164 MB at 90,000.
const FLIGHT_MEMORY: f64 = 1_900.0;
/// Memory of the histograms of the last minute: of a group or a kind, by the second, and of a deployment, by five.
const GROUP_MEMORY: f64 = 2.4e6;
const DEPLOYMENT_MEMORY: f64 = 5e5;
/// Memory of the cells of a group, a kind or a deployment is this by the root of requests × seconds, with the room that it
/// grows by: what happens often happens in the same ticks and at the same values. 45 MB of four, 1.68 million requests and
/// a day; 25 MB of 10 million in 10,000 s. Where little happens it is not more than so much for a request.
const CELLS_MEMORY: f64 = 30.0;
const SPARSE_MEMORY: f64 = 100.0;
/// The same in `timeseries.bin`: 10.2 MB and 8.8 MB.
const CELLS_DISK: f64 = 6.6;
const SPARSE_DISK: f64 = 30.0;
/// Requests that a core simulates in a second: 866,000 where cells alone are kept, and 300,000 with rows, compressed
/// files and report.
const CELLS_RATE: f64 = 866_000.0;
const ROW_RATE: f64 = 300_000.0;

/// Below this nothing is refused: the estimate is not that exact, and no machine that runs this has less.
const SMALL_BYTES: f64 = 100e6;
/// From here on a run is told to be large.
const LARGE_REQUESTS: f64 = 5e6;
const LARGE_BYTES: f64 = 1e9;

/// What runs take, about.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RunSize {
    /// How many requests, on average over seeds.
    pub requests: f64,
    /// Whether there may be fewer, since answers decide how many there are.
    pub is_bound: bool,
    /// Bytes of memory at the most.
    pub memory: f64,
    /// Bytes of files, of a recording and its report.
    pub disk: f64,
    /// Seconds of an idle machine.
    pub seconds: f64,
}

/// What a machine has to spare, in bytes; `None` where that is not known.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct MachineRoom {
    /// Memory that can be had without swapping, and within the limit of its control group.
    pub memory: Option<u64>,
    /// Space on the disk that files go to.
    pub disk: Option<u64>,
}

/// What a machine has too little of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RoomLack {
    /// Memory, or space on disk.
    pub of: &'static str,
    /// How many bytes are needed.
    pub needed: f64,
    /// How many there are.
    pub available: u64,
}

impl RunSize {
    /// Rows of runs of so many requests are kept unless somebody says otherwise: a recording of so many takes about
    /// 90 MB of disk.
    pub const ROWS_KEPT: f64 = 1e6;

    /// What a run of a scenario takes, with its recording and its report.
    #[must_use]
    pub fn of(scenario: &Scenario, keep: RowRetention) -> Self {
        let answers =
            || scenario.providers.iter().map(|provider| answer(scenario, &provider.config));
        let fastest = answers().min().unwrap_or_default();
        let slowest = answers().max().unwrap_or_default().min(scenario.workload.longest_wait());
        let expected = scenario.workload.expected_requests(fastest);
        let requests = expected.count();
        // As Little's law has it, at the highest rate and in a burst; no more than there are at all.
        let in_flight =
            scenario.workload.most_within(slowest).map_or(requests, |most| most.min(requests));
        let kinds = if scenario.kinds.len() > 1 { scenario.kinds.len() } else { 0 };
        let (groups, deployments) =
            ((scenario.topology().groups.len() + kinds) as f64, scenario.deployments.len() as f64);
        let busy = (groups + deployments) * (requests * scenario.duration.as_secs_f64()).sqrt();
        let cells_memory = (CELLS_MEMORY * busy).min(SPARSE_MEMORY * requests);
        let cells_disk = (CELLS_DISK * busy).min(SPARSE_DISK * requests);
        let memory = BASE_MEMORY
            + FLIGHT_MEMORY * in_flight
            + GROUP_MEMORY * groups
            + DEPLOYMENT_MEMORY * deployments
            + cells_memory;
        let disk = REPORT_DISK + cells_disk;
        let row_disk = if requests > PLAIN_REQUESTS { COMPRESSED_ROW_DISK } else { ROW_DISK };
        let (memory, disk, rate) = match keep {
            RowRetention::Rows => {
                (memory + ROW_MEMORY * requests, disk + row_disk * requests, ROW_RATE)
            }
            RowRetention::Cells => (memory, disk, CELLS_RATE),
        };
        let is_bound = matches!(expected, ExpectedRequests::AtMost(_));
        Self { requests, is_bound, memory, disk, seconds: requests / rate }
    }

    /// The same of a run that leaves no files.
    #[must_use]
    pub const fn unwritten(self) -> Self {
        Self { disk: 0.0, ..self }
    }

    /// What so many such runs take, of which so many are made at once.
    #[must_use]
    pub fn times(self, runs: usize, at_once: usize) -> Self {
        let (runs, at_once) = (runs as f64, at_once.min(runs).max(1) as f64);
        Self {
            requests: self.requests * runs,
            memory: BASE_MEMORY + (self.memory - BASE_MEMORY) * at_once,
            disk: self.disk * runs,
            seconds: self.seconds * runs / at_once,
            ..self
        }
    }

    /// What these runs and others take, one after the other.
    #[must_use]
    pub const fn then(self, other: Self) -> Self {
        Self {
            requests: self.requests + other.requests,
            is_bound: self.is_bound || other.is_bound,
            memory: self.memory.max(other.memory),
            disk: self.disk + other.disk,
            seconds: self.seconds + other.seconds,
        }
    }

    /// Whether a person should know before it begins.
    #[must_use]
    pub fn is_large(&self) -> bool {
        self.requests > LARGE_REQUESTS || self.memory > LARGE_BYTES || self.disk > LARGE_BYTES
    }

    /// What a machine with this room has too little of for it; memory first.
    #[must_use]
    pub fn lacks(&self, room: MachineRoom) -> Option<RoomLack> {
        let parts = [("memory", self.memory, room.memory), ("space on disk", self.disk, room.disk)];
        parts.into_iter().find_map(|(of, needed, available)| {
            let too_large = |available: &u64| needed > (*available as f64).max(SMALL_BYTES);
            let available = available.filter(too_large)?;
            Some(RoomLack { of, needed, available })
        })
    }

    /// `about 12,000,000 requests`, `at most 500,000 requests`.
    #[must_use]
    pub fn requests_told(&self) -> String {
        let word = if self.is_bound { "at most" } else { "about" };
        format!("{word} {} requests", text::count(self.requests.round() as u64))
    }

    /// `about 12,000,000 requests: 3.5 GB of memory, 3.4 GB of disk and 28 s`.
    #[must_use]
    pub fn told(&self) -> String {
        let disk = match self.disk {
            0.0 => String::new(),
            disk => format!(", {} of disk", bytes(disk)),
        };
        let (memory, time) = (bytes(self.memory), time(self.seconds));
        format!("{}: {memory} of memory{disk} and {time}", self.requests_told())
    }
}

/// The mean of a whole answer of a provider without faults.
fn answer(scenario: &Scenario, provider: &ProviderConfig) -> Duration {
    let sources = scenario.workload.sources.iter();
    let tokens = sources.map(|source| source.output_tokens.mean()).max().unwrap_or_default();
    let between = provider.itl.mean().saturating_mul(tokens.saturating_sub(1));
    Duration::from_nanos(provider.ttft.mean().saturating_add(between))
}

/// `3.5 GB`, `290 MB`.
#[must_use]
pub fn bytes(bytes: f64) -> String {
    const UNITS: [(&str, f64); 4] = [("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)];
    let (unit, scale) =
        UNITS.into_iter().find(|(_, scale)| bytes >= *scale).unwrap_or(("bytes", 1.0));
    let number = bytes / scale;
    match number {
        0.0..10.0 if scale > 1.0 => format!("{} {unit}", (number * 10.0).round() / 10.0),
        number => format!("{} {unit}", text::count(number.round() as u64)),
    }
}

fn time(seconds: f64) -> String {
    match seconds {
        0.0..120.0 => format!("{} s", seconds.ceil()),
        0.0..7_200.0 => format!("{} min", (seconds / 60.0).ceil()),
        seconds => format!("{} h", text::count((seconds / 3_600.0).ceil() as u64)),
    }
}

#[cfg(test)]
mod tests;
