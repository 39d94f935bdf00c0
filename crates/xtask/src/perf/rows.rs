//! The table of what is measured: a row each, with its goal and what it was in November 2026.

use super::goals::Goal;

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub(super) struct PerfRow {
    /// Its name, for `--only`, and the first field of a figure's line.
    pub(super) name: &'static str,
    pub(super) what: &'static str,
    pub(super) unit: &'static str,
    /// What it was in November 2026, on another machine with two cores.
    pub(super) november: &'static str,
    pub(super) goal: Goal,
    pub(super) source: FigureSource,
    /// How the lines of what is judged begin.
    pub(super) ours: &'static str,
    /// How many cores it needs: with fewer the load generator takes the time of what it measures.
    pub(super) cores: usize,
}

/// What measures it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum FigureSource {
    /// A benchmark of a package, which takes turns itself.
    Bench { package: &'static str, bench: &'static str, arguments: &'static [&'static str] },
    /// A benchmark with servers, which takes turns itself, and is told the row by `--only`.
    Servers { bench: &'static str },
    /// A program of the instruction counts, which is run once for each turn.
    Example { program: &'static str, arguments: &'static [&'static str] },
    /// The size of the binary as it is installed.
    InstalledSize,
    /// A build of it from nothing, which takes minutes and is asked for by `--cold`.
    ColdBuild,
}

/// The simulator, by scenarios beside its benchmark.
const fn simulator(arguments: &'static [&'static str]) -> FigureSource {
    FigureSource::Bench { package: "squall-sim", bench: "hour", arguments }
}

/// A benchmark with servers: a row of it has the same name.
const fn servers(bench: &'static str) -> FigureSource {
    FigureSource::Servers { bench }
}

/// Three rows of one run.
const TEN_MILLION: FigureSource =
    FigureSource::Bench { package: "squall", bench: "long_runs", arguments: &["--figures"] };

const fn row(
    name: &'static str,
    what: &'static str,
    unit: &'static str,
    november: &'static str,
    goal: Goal,
    source: FigureSource,
) -> PerfRow {
    let cores = match source {
        FigureSource::Servers { .. } => 2,
        FigureSource::Bench { .. }
        | FigureSource::Example { .. }
        | FigureSource::InstalledSize
        | FigureSource::ColdBuild => 1,
    };
    PerfRow { name, what, unit, november, goal, source, ours: "squall", cores }
}

impl PerfRow {
    /// With another contender that is judged.
    const fn of(self, ours: &'static str) -> Self {
        Self { ours, ..self }
    }
}

/// All rows, in the order of the page.
#[rustfmt::skip]
pub(super) const ROWS: &[PerfRow] = &[
    row("sim-hour", "simulator: an hour at 1,000 requests per second, answers of a second", "requests/s", "866,000", Goal::AtLeast(2e6), simulator(&["hour", "--figures", "sim-hour"])),
    row("sim-long-answers", "simulator: answers of a minute", "requests/s", "365,000", Goal::AtLeast(1.5e6), simulator(&["long-answers", "--figures", "sim-long-answers"])),
    row("sim-many-deployments", "simulator: 64 deployments", "requests/s", "668,000", Goal::AtLeast(1.2e6), simulator(&["many-deployments", "--figures", "sim-many-deployments"])),
    row("sim-queue", "simulator: a tenant's queue, 240 requests per second too many; beside it 60 and 120: linear if alike", "requests/s", "quadratic", Goal::ShareOf(0.7, "traffic.rate=160"), simulator(&["tenant-queue", "traffic.rate=160", "traffic.rate=220", "traffic.rate=340", "--figures", "sim-queue"])).of("traffic.rate=340"),
    row("ten-million-seconds", "`run --sim` of 10 million requests, with its report", "s", "22.7", Goal::AtMost(12.0), TEN_MILLION),
    row("ten-million-memory", "the same: the most memory", "MB", "2,900", Goal::AtMost(300.0), TEN_MILLION),
    row("ten-million-files", "the same: files", "MB", "2,800", Goal::None, TEN_MILLION),
    row("stream-32", "gateway: a stream of 48 events, 32 connections", "CPU-µs", "69", Goal::AtMost(30.0), servers("gateway")),
    row("whole-1", "gateway: a whole answer, 1 connection", "CPU-µs", "63", Goal::TimesPeer(1.3, "nginx"), servers("gateway")),
    row("whole-32", "gateway: a whole answer, 32 connections", "CPU-µs", "33", Goal::TimesPeer(1.3, "nginx"), servers("gateway")),
    row("whole-128", "gateway: a whole answer, 128 connections", "CPU-µs", "46", Goal::TimesPeer(1.3, "nginx"), servers("gateway")),
    row("crowd-2000", "gateway: 2,000 connections at once, p99 of whole answers", "ms", "1,300 to 2,300", Goal::TimesPeer(1.0, "Envoy"), servers("gateway")),
    row("driver-500", "driver: whole answers, 500 requests per second", "requests/CPU-s", "18,000", Goal::AtLeast(40e3), servers("driver")),
    row("driver-6000", "driver: whole answers, 6,000 requests per second", "requests/CPU-s", "54,000", Goal::AtLeast(80e3), servers("driver")),
    row("driver-streams", "driver: streams of 48 events, 1,000 requests per second", "requests/CPU-s", "11,000 to 17,000", Goal::AtLeast(40e3), servers("driver")),
    row("send-lag", "driver: p99 of its lag at 500 requests per second", "ms", "2.0", Goal::AtMost(0.5), servers("driver")),
    row("mock-whole", "mock: whole answers, 32 connections", "requests/CPU-s", "88,000", Goal::AtLeast(110e3), servers("provider")),
    row("decision-1000", "router: all decisions for a request at 1,000 deployments, least_busy", "ns", "1,100", Goal::AtMost(300.0), FigureSource::Example { program: "decision", arguments: &["time", "1000", "least_busy", "limits"] }),
    row("binary-size", "`squall` as it is installed", "MB", "78.6", Goal::AtMost(15.0), FigureSource::InstalledSize),
    row("cold-build", "its build from nothing, in release", "s", "-", Goal::AtMost(150.0), FigureSource::ColdBuild),
];
