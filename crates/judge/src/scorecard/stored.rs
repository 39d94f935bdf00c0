//! Runs of a scorecard on disk, each in a file of its own: a scorecard takes hours, and what was measured is kept when it
//! is interrupted.

use super::{FIGURES, ScoreSample};
use crate::file::{FileError, put_json};
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::Path;

#[derive(Deserialize, Serialize)]
struct StoredSample {
    /// All that the sample depends on.
    run: String,
    sample: ScoreSample,
}

/// Writes a run. `run` says all that it depends on: systems, versions, situation, seed.
///
/// # Errors
/// When the file cannot be written.
pub fn store_sample(path: &Path, run: &str, sample: &ScoreSample) -> Result<(), FileError> {
    put_json(path, &StoredSample { run: run.to_owned(), sample: sample.clone() })
}

/// A run that was written, if it is the same `run` and is not in doubt.
#[must_use]
pub fn stored_sample(path: &Path, run: &str) -> Option<ScoreSample> {
    let stored: StoredSample = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
    let StoredSample { run: of, sample } = stored;
    let is_whole = sample.figures.len() == FIGURES.len() && sample.doubts.is_empty();
    (of == run && is_whole).then_some(sample)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scorecard::ScoreValue;

    #[test]
    fn a_run_is_read_again_unless_it_is_another_or_in_doubt() {
        let folder = tempfile::TempDir::new().expect("a folder");
        let path = folder.path().join("one.json");
        assert_eq!(stored_sample(&path, "one"), None, "there is none");
        let mut figures = vec![ScoreValue::Value(0.1 + 0.2); FIGURES.len()];
        figures[1] = ScoreValue::Never;
        figures[2] = ScoreValue::AtLeast(1e-9);
        figures[3] = ScoreValue::Unknown("why".to_owned());
        let sample = ScoreSample { figures, doubts: Vec::new() };
        store_sample(&path, "one", &sample).expect("it can be written");
        assert_eq!(stored_sample(&path, "one"), Some(sample.clone()));
        assert_eq!(stored_sample(&path, "another"), None);
        let doubted = ScoreSample { doubts: vec!["the driver lagged".to_owned()], ..sample };
        store_sample(&path, "one", &doubted).expect("it can be written");
        assert_eq!(stored_sample(&path, "one"), None, "it is to be made again");
        fs::write(&path, "{").expect("it can be written");
        assert_eq!(stored_sample(&path, "one"), None, "half a file is none");
    }
}
