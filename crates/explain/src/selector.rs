//! Which request is asked about.

use crate::ExplainError;
use core::str::FromStr;
use squall_determinism::Timestamp;
use squall_record::{Recording, RequestOutcome, RequestRow};

/// Which request of a recording.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RequestSelector {
    /// The one with this place in the run, as `requests.csv` has it.
    Number(u64),
    /// The first that failed or whose client gave up, by when it ended.
    FirstFailed,
    /// The one that took longest from its intended time to its end.
    Slowest,
}

impl FromStr for RequestSelector {
    type Err = String;

    /// A number, or the token of a request as it stands in `x-squall-token`: `squall-17-420-60`.
    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let number = match text.strip_prefix("squall-") {
            Some(token) => token.split('-').next().unwrap_or_default(),
            None => text.strip_prefix('#').unwrap_or(text),
        };
        number.parse().map(Self::Number).map_err(|_| {
            format!(
                "`{text}` names no request: write its number in `requests.csv`, or its token \
                 (`x-squall-token`), such as `squall-17-420-60`"
            )
        })
    }
}

impl RequestSelector {
    /// The place in the run of the request that is meant. One that is named need not have a row: it may have
    /// been under way when the recording ended.
    ///
    /// # Errors
    /// When there is none.
    pub fn resolve(self, recording: &Recording) -> Result<u64, ExplainError> {
        let rows = &recording.requests;
        let found = match self {
            Self::Number(number) => return Ok(number),
            _ if rows.is_empty() => return Err(ExplainError::NoRows),
            Self::FirstFailed => rows
                .iter()
                .filter(|row| failed(row))
                .min_by_key(|row| (row.ended, row.request))
                .ok_or(ExplainError::NoneFailed)?,
            Self::Slowest => {
                let lasted = |row: &RequestRow| row.ended.since(row.intended);
                let ranked = rows.iter().max_by_key(|row| (lasted(row), u64::MAX - row.request));
                ranked.ok_or(ExplainError::NoRows)?
            }
        };
        Ok(found.request)
    }
}

const fn failed(row: &RequestRow) -> bool {
    match row.outcome {
        RequestOutcome::Failed { .. } | RequestOutcome::GaveUp => true,
        RequestOutcome::Succeeded | RequestOutcome::Unfinished => false,
    }
}

/// Which requests there are, for whoever named another.
pub(crate) fn known(recording: &Recording, journal: Option<(u64, u64)>) -> String {
    let rows = recording.requests.first().zip(recording.requests.last());
    match (rows, journal) {
        (Some((first, last)), _) => format!("it has {} to {}", first.request, last.request),
        (None, Some((first, last))) => format!("its journal has {first} to {last}"),
        (None, None) => "it has none".to_owned(),
    }
}

/// Up to when a recording knows anything.
pub(crate) fn ends(recording: &Recording, journal: Timestamp) -> Timestamp {
    recording.header.ended.cut_at().map_or(journal, |cut| cut.max(journal))
}
