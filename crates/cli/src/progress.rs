//! Runs, watched: one line that changes on a terminal; elsewhere a line every five seconds of a live run.

use crate::error::CliError;
use crate::live_shells::LiveShells;
use crate::signals::{self, Hangup};
use crate::terminal;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use squall_campaign::BatchProgress;
use squall_determinism::Shard;
use squall_live::{Backends, LiveStatus, RunOptions, TargetOptions};
use squall_record::{Recording, RunEnd};
use squall_scenario::Scenario;
use squall_sim::{RowRetention, SimOptions};
use std::path::Path;
use std::time::{Duration, Instant};

/// Between two lines where nobody watches.
const PLAIN_EVERY: u64 = 5;

/// Runs a scenario over real sockets until its end, or until a signal ends it.
///
/// Rows are written into `folder` as they come, if there is one.
/// Another gateway is tested where a `target` is given. Without a `shells`' screen there is a line that changes, or lines.
pub(crate) fn run_live(
    scenario: &Scenario,
    keep: RowRetention,
    folder: Option<&Path>,
    target: Option<TargetOptions>,
    backends: Backends,
    shells: &LiveShells,
) -> Result<Recording, CliError> {
    let folder = folder.map(Path::to_owned);
    let options = RunOptions { keep, folder, target, backends, ..RunOptions::default() };
    run_live_with(scenario, options, shells)
}

/// The same with all that such a run can be told. What watches it is that of the `shells`.
pub(crate) fn run_live_with(
    scenario: &Scenario,
    options: RunOptions,
    shells: &LiveShells,
) -> Result<Recording, CliError> {
    let waiter = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(|source| CliError::Io { what: "failed to start a runtime".to_owned(), source })?;
    let options = RunOptions { feed: shells.feed(), ..options };
    let stop = options.stop.clone();
    let told = signals::take_over(1, Hangup::Stop);
    waiter.spawn(async move {
        told.stop(1).await;
        stop.stop();
    });
    let screen = shells.take_screen()?;
    let view = if screen.is_some() { View::Screen } else { View::new(scenario) };
    let mut told = false;
    let recording = squall_live::run(scenario, &options, |status| {
        view.show(status);
        shells.show(status);
        if let (Some(why), false) = (&status.unwritten, told) {
            told = true;
            terminal::status(format_args!(
                "{why}: the run continues; rows written so far are kept, and the rest stays in \
                 memory until the end"
            ));
        }
    });
    view.clear();
    drop(screen);
    waiter.shutdown_background();
    let recording = recording?;
    if let Some(at) = recording.header.ended.cut_at() {
        let how = match recording.header.ended {
            RunEnd::Aborted { .. } => "aborted, since too many requests failed,",
            RunEnd::BrokenTrace { .. } => "cut short, since a trace could not be read on,",
            RunEnd::Complete | RunEnd::Interrupted { .. } | RunEnd::Killed { .. } => "interrupted",
        };
        terminal::status(format_args!("{how} at {at}: keeping the results so far"));
    }
    Ok(recording)
}

/// Runs a scenario in virtual time until its end, or until a signal ends it: a bar on a terminal, and a line every five
/// seconds elsewhere. From then on the first signal leaves files that are being written alone.
pub(crate) fn run_simulated(
    scenario: &Scenario,
    keep: RowRetention,
    shard: Option<Shard>,
) -> Result<Recording, CliError> {
    let options = SimOptions { keep, journal: keep == RowRetention::Rows };
    let signals = signals::take_over(1, Hangup::Stop);
    let lasts = scenario.duration.as_secs();
    let bar = terminal::is_watched().then(|| {
        let bar = ProgressBar::with_draw_target(Some(lasts), ProgressDrawTarget::stderr());
        if let Ok(style) =
            ProgressStyle::with_template("{bar:40} {pos}s of {len}s simulated  {eta}")
        {
            bar.set_style(style);
        }
        bar
    });
    let mut told = now();
    let recording = squall_sim::simulate_shard(scenario, options, shard, &mut |time| {
        let time = time.as_nanos() / 1_000_000_000;
        match &bar {
            Some(bar) => bar.set_position(time.min(lasts)),
            None if told.elapsed() >= Duration::from_secs(PLAIN_EVERY) => {
                told = now();
                terminal::status(format_args!("{time}s of {lasts}s simulated"));
            }
            None => {}
        }
        !signals.is_stopped()
    });
    if let Some(bar) = &bar {
        bar.finish_and_clear();
    }
    let recording = recording?;
    if let Some(at) = recording.header.ended.cut_at().filter(|_| signals.is_stopped()) {
        terminal::status(format_args!("interrupted at {at}: keeping the results so far"));
    }
    Ok(recording)
}

/// When something was told. It decides nothing but when the next line is.
#[expect(clippy::disallowed_methods, reason = "a person wants a line every few seconds")]
fn now() -> Instant {
    Instant::now()
}

/// Many runs on their way: a bar on a terminal, nothing elsewhere.
pub(crate) struct Runs(Option<ProgressBar>);

impl Runs {
    pub(crate) fn new() -> Self {
        if !terminal::is_watched() {
            return Self(None);
        }
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos} of {len} runs  {eta}") {
            bar.set_style(style);
        }
        Self(Some(bar))
    }

    pub(crate) fn show(&self, progress: BatchProgress) {
        if let Some(bar) = &self.0 {
            bar.set_length(progress.of as u64);
            bar.set_position(progress.done as u64);
        }
    }

    pub(crate) fn clear(&self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

/// What is being tried: a line that changes on a terminal, a line for each elsewhere.
pub(crate) struct Trying(Option<ProgressBar>);

impl Trying {
    pub(crate) fn new() -> Self {
        if !terminal::is_watched() {
            return Self(None);
        }
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
            bar.set_style(style);
        }
        Self(Some(bar))
    }

    pub(crate) fn show(&self, what: String) {
        match &self.0 {
            Some(bar) => {
                bar.set_message(what);
                bar.tick();
            }
            None => terminal::status(what),
        }
    }

    pub(crate) fn clear(&self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

enum View {
    Terminal(ProgressBar),
    Plain,
    /// Panels, which show more.
    Screen,
}

impl View {
    fn new(scenario: &Scenario) -> Self {
        if !terminal::is_watched() {
            return Self::Plain;
        }
        let bar = ProgressBar::with_draw_target(
            Some(scenario.duration.as_secs()),
            ProgressDrawTarget::stderr(),
        );
        if let Ok(style) = ProgressStyle::with_template("{bar:20} {msg}") {
            bar.set_style(style);
        }
        Self::Terminal(bar)
    }

    fn show(&self, status: &LiveStatus) {
        match self {
            Self::Terminal(bar) => {
                bar.set_position(status.elapsed.as_secs());
                bar.set_message(line(status));
            }
            Self::Plain if status.elapsed.as_secs().is_multiple_of(PLAIN_EVERY) => {
                terminal::status(line(status));
            }
            Self::Plain | Self::Screen => {}
        }
    }

    fn clear(&self) {
        if let Self::Terminal(bar) = self {
            bar.finish_and_clear();
        }
    }
}

/// Elapsed, offered and answered, in flight, success so far, and what is wrong at the moment.
fn line(status: &LiveStatus) -> String {
    let mut line = format!(
        "{:>3}s of {}s  offered {:>3.0} rps  answered {:>3.0} rps  in flight {:>3}",
        status.elapsed.as_secs(),
        status.duration.as_secs(),
        status.offered_rps,
        status.answered_rps,
        status.in_flight,
    );
    if let Some(success) = status.success() {
        // Rounded down: one lost request must not read as none.
        line.push_str(&format!("  success {:.1}%", (success * 1_000.0).floor() / 10.0));
    }
    let mut failing: Vec<_> = status
        .failures
        .iter()
        .map(|(class, count)| format!("{count} {}", class.as_str()))
        .collect();
    if status.gave_up > 0 {
        failing.push(format!("{} timed out", status.gave_up));
    }
    for (what, names) in [("failing", &failing), ("cooling down", &status.cooling)] {
        if !names.is_empty() {
            line.push_str(&format!("  {what}: {}", names.join(", ")));
        }
    }
    line
}
