//! Recordings of the shards of one run, joined into the recording of the run. Counts and distributions are added, and rows
//! put in order: nothing is averaged, and nothing is left out.

mod error;
mod header;

pub use error::MergeError;

use crate::{Lag, NoteRow, RecordedEvent, Recording};
use header::require_one_plan;
use std::collections::BTreeMap;

/// Takes in the recordings of shards, one after the other, in any order.
#[derive(Debug, Default)]
pub struct ShardMerge {
    merged: Option<Recording>,
    /// What was taken in first, as its errors call it.
    first: String,
    /// What each shard came from.
    from: BTreeMap<u32, String>,
    /// Whether each has rows, or none has.
    without_rows: Vec<String>,
    with_rows: usize,
}

/// The recording of a run, joined from those of its shards.
#[derive(Debug)]
pub struct MergedRun {
    /// The recording.
    pub recording: Recording,
    /// Recordings without rows, beside others that have some: then there are none in the joined one.
    pub without_rows: Vec<String>,
}

impl ShardMerge {
    /// Takes in what was read from `label`: the recording of a shard, or one of some shards that are joined already.
    ///
    /// # Errors
    /// When it is of no shard, of a shard that is there already, or of another plan.
    pub fn add(&mut self, label: &str, mut recording: Recording) -> Result<(), MergeError> {
        let Some(shards) = &mut recording.header.shards else {
            return Err(MergeError::NoShard { label: label.to_owned() });
        };
        if let [only] = &mut shards.members[..] {
            only.digest.get_or_insert_with(|| recording.header.digest.clone());
        }
        if let Some(merged) = &self.merged {
            require_one_plan((&self.first, &merged.header), (label, &recording.header))?;
        }
        for member in recording.header.shards.iter().flat_map(|shards| &shards.members) {
            if let Some(other) = self.from.insert(member.number, label.to_owned()) {
                let (number, label) = (member.number, label.to_owned());
                return Err(MergeError::Twice { number, label, other });
            }
        }
        match recording.has_rows() && !recording.requests.is_empty() {
            true => self.with_rows += 1,
            // One that had nothing to send is as good as any.
            false if recording.cells.counts() == (0, 0) => {}
            false => self.without_rows.push(label.to_owned()),
        }
        // A journal is that of one router.
        recording.journal = None;
        match &mut self.merged {
            None => {
                self.first = label.to_owned();
                self.merged = Some(recording);
            }
            Some(merged) => join(merged, recording),
        }
        Ok(())
    }

    /// The recording of them all. One of some shards alone is only made where that is `allowed`.
    ///
    /// # Errors
    /// When there is none, or shards are missing.
    pub fn finish(self, partial_allowed: bool) -> Result<MergedRun, MergeError> {
        let mut recording = self.merged.ok_or(MergeError::Nothing)?;
        let shards = recording.header.shards.as_ref().ok_or(MergeError::Nothing)?;
        let missing = shards.missing();
        if !missing.is_empty() && !partial_allowed {
            return Err(MergeError::Missing { missing, of: shards.of });
        }
        let is_mixed = self.with_rows > 0 && !self.without_rows.is_empty();
        if is_mixed {
            recording.requests.clear();
            recording.attempts.clear();
            recording.notes.retain(|row| row.note.is_of_state());
        }
        recording.requests.sort_by_key(|row| row.request);
        recording.attempts.sort_by_key(|row| (row.started, row.request, row.ordinal));
        recording.notes.sort_by_key(|row| row.at);
        once_each(&mut recording.notes);
        if recording.header.lag.is_some() && !recording.requests.is_empty() {
            recording.header.lag = Lag::of(&recording.requests);
        }
        let without_rows = if is_mixed { self.without_rows } else { Vec::new() };
        Ok(MergedRun { recording, without_rows })
    }
}

/// Adds a recording to another one of the same plan.
fn join(merged: &mut Recording, other: Recording) {
    merged.requests.extend(other.requests);
    merged.attempts.extend(other.attempts);
    merged.notes.extend(other.notes);
    merged.cells.add(&other.cells);
    merged.header.join(other.header);
}

/// A fault of the scenario begins and ends once, whoever tells of it.
fn once_each(notes: &mut Vec<NoteRow>) {
    notes.dedup_by(|later, earlier| {
        let is_fault = match later.note {
            RecordedEvent::FaultStarted { .. } | RecordedEvent::FaultEnded { .. } => true,
            RecordedEvent::Router(_) | RecordedEvent::ClientRetried { .. } => false,
        };
        is_fault && later == earlier
    });
}

#[cfg(test)]
mod tests;
