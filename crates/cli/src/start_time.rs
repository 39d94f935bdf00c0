//! When the traffic of a run begins: a time of day on which all shards have agreed.

use crate::args::StartArgs;
use crate::error::CliError;
use crate::signals::{self, Hangup};
use crate::terminal;
use chrono::{DateTime, Utc};
use squall_determinism::Shard;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, SystemTime};

const START_AT: &str = "SQUALL_START_AT";
const START_FILE: &str = "SQUALL_START_FILE";

/// Between two looks for a file.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// When the traffic is to begin; `None` for as soon as everything is ready. Waits for the file that tells it, where there
/// is one to come.
///
/// # Errors
/// When what is told is no time, or one that has passed.
pub(crate) fn agreed(
    args: &StartArgs,
    part: Option<Shard>,
) -> Result<Option<SystemTime>, CliError> {
    let typed = args.start_at.as_ref().map(|text| ("--start-at".to_owned(), text.clone()));
    let file = args.start_file.as_ref().map(|path| ("--start-file", path.clone()));
    let told = match (typed, file) {
        (Some(typed), _) => Some(typed),
        (None, Some((flag, path))) => Some(awaited(flag, &path)?),
        (None, None) => match (environment(START_AT), environment(START_FILE)) {
            (Some(text), _) => Some((START_AT.to_owned(), text)),
            (None, Some(path)) => Some(awaited(START_FILE, &PathBuf::from(path))?),
            (None, None) => None,
        },
    };
    let Some((by, text)) = told else {
        if part.is_some() {
            terminal::status(
                "warning: no start is agreed with the other shards (`--start-at`): this one begins as soon as it is ready",
            );
        }
        return Ok(None);
    };
    let start = parsed(&by, &text)?;
    let wait =
        start.duration_since(now()).map_err(|passed| passed_by(&by, start, passed.duration()))?;
    terminal::status(format_args!(
        "the traffic begins at {}, in {:.1} s by the clock of this machine; where the clocks of machines differ, shards \
         begin as far apart",
        humantime::format_rfc3339_millis(start),
        wait.as_secs_f64()
    ));
    Ok(Some(start))
}

/// What a file tells, as soon as there is one with something in it.
fn awaited(by: &str, path: &Path) -> Result<(String, String), CliError> {
    let by = format!("{by} `{}`", path.display());
    let signals = signals::take_over(1, Hangup::Stop);
    let mut is_told = false;
    loop {
        match fs::read_to_string(path) {
            Ok(text) if !text.trim().is_empty() => return Ok((by, text)),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(source) => return Err(CliError::Read { path: path.to_owned(), source }),
        }
        if signals.is_stopped() {
            return Err(CliError::StoppedWaiting(by));
        }
        if !is_told {
            terminal::status(format_args!("waiting for a time in {by}"));
            is_told = true;
        }
        thread::sleep(LOOK_EVERY);
    }
}

fn parsed(by: &str, text: &str) -> Result<SystemTime, CliError> {
    let text = text.trim();
    let wrong = || {
        CliError::Start(format!(
            "{by}: `{text}` is no time of day: write it by RFC 3339, as in `2026-12-01T14:00:00Z`"
        ))
    };
    let time = DateTime::parse_from_rfc3339(text).map_err(|_| wrong())?.with_timezone(&Utc);
    let seconds = u64::try_from(time.timestamp()).map_err(|_| wrong())?;
    let since = Duration::new(seconds, time.timestamp_subsec_nanos().min(999_999_999));
    SystemTime::UNIX_EPOCH.checked_add(since).ok_or_else(wrong)
}

fn passed_by(by: &str, start: SystemTime, late: Duration) -> CliError {
    CliError::Start(format!(
        "{by}: the agreed start {} passed {:.1} s ago by the clock of this machine: agree on a later one; if it has not \
         passed elsewhere, set the clocks of the machines by NTP",
        humantime::format_rfc3339_millis(start),
        late.as_secs_f64()
    ))
}

#[expect(
    clippy::disallowed_methods,
    reason = "a scheduler tells all tasks of a job the same by the environment"
)]
fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

#[expect(clippy::disallowed_methods, reason = "the start is a time of day")]
fn now() -> SystemTime {
    SystemTime::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_of_day_is_read_wherever_it_was_written() {
        let at = |text| parsed("--start-at", text).map_err(|error| error.to_string());
        let noon = SystemTime::UNIX_EPOCH + Duration::from_secs(1_796_126_400);
        assert_eq!(at("2026-12-01T12:00:00Z"), Ok(noon));
        assert_eq!(at("2026-12-01T13:00:00+01:00\n"), Ok(noon));
        assert_eq!(at("2026-12-01T12:00:00.250Z"), Ok(noon + Duration::from_millis(250)));
        for text in ["", "noon", "2026-12-01", "12:00", "1796126400", "1066-10-14T09:00:00Z"] {
            let error = at(text).expect_err(text);
            assert!(error.contains("by RFC 3339, as in `2026-"), "{error}");
        }
    }

    #[test]
    fn a_start_that_has_passed_is_refused_with_how_late_it_is() {
        let error = passed_by("--start-at", SystemTime::UNIX_EPOCH, Duration::from_millis(12_340));
        let told = "--start-at: the agreed start 1970-01-01T00:00:00.000Z passed 12.3 s ago";
        assert!(error.to_string().starts_with(told), "{error}");
    }
}
