//! The journal on disk: frames that the router encodes and nobody here interprets.

use crate::error::{JOURNAL_VERSION, OLDEST_JOURNAL, RecordError};

const MAGIC: &[u8; 8] = b"squalljn";

/// Puts frames one behind the other.
#[derive(Clone, Debug)]
pub struct JournalWriter {
    bytes: Vec<u8>,
}

impl JournalWriter {
    /// Adds a frame.
    pub fn frame(&mut self, frame: &[u8]) {
        Self::append(frame, &mut self.bytes);
    }

    /// Adds a frame to what is already a journal.
    pub(crate) fn append(frame: &[u8], bytes: &mut Vec<u8>) {
        let length = u32::try_from(frame.len()).unwrap_or(u32::MAX);
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(frame);
    }

    /// The journal.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

impl Default for JournalWriter {
    fn default() -> Self {
        let mut bytes = MAGIC.to_vec();
        bytes.push(JOURNAL_VERSION);
        Self { bytes }
    }
}

/// Takes frames apart again.
#[derive(Clone, Copy, Debug)]
pub struct JournalReader<'a> {
    frames: &'a [u8],
}

impl<'a> JournalReader<'a> {
    /// A reader of a journal.
    ///
    /// # Errors
    /// When the bytes are no journal, or of another version.
    pub fn new(bytes: &'a [u8]) -> Result<Self, RecordError> {
        let Some(rest) = bytes.strip_prefix(MAGIC) else { return Err(RecordError::NotAJournal) };
        match rest.split_first() {
            Some((OLDEST_JOURNAL..=JOURNAL_VERSION, frames)) => Ok(Self { frames }),
            Some((&version, _)) => Err(RecordError::JournalVersion { version }),
            None => Err(RecordError::NotAJournal),
        }
    }

    /// How many bytes of a journal are whole frames, its head counted; 0 if not even that is whole.
    pub(crate) fn whole(bytes: &[u8]) -> usize {
        let head = MAGIC.len() + 1;
        let Some(mut rest) = bytes.get(head..) else { return 0 };
        while let Some((length, body)) = rest.split_first_chunk::<4>()
            && let Some((_, after)) = body.split_at_checked(u32::from_le_bytes(*length) as usize)
        {
            rest = after;
        }
        bytes.len() - rest.len()
    }

    /// All frames.
    ///
    /// # Errors
    /// When the journal ends in the middle of a frame.
    pub fn frames(self) -> Result<Vec<&'a [u8]>, RecordError> {
        let mut frames = Vec::new();
        let mut rest = self.frames;
        while !rest.is_empty() {
            let cut_short = RecordError::JournalCut { frame: frames.len() };
            let Some((length, body)) = rest.split_first_chunk::<4>() else { return Err(cut_short) };
            let length = u32::from_le_bytes(*length) as usize;
            let Some((frame, after)) = body.split_at_checked(length) else { return Err(cut_short) };
            frames.push(frame);
            rest = after;
        }
        Ok(frames)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_back_as_they_went_in() {
        let mut writer = JournalWriter::default();
        [&b"one"[..], b"", b"three"].into_iter().for_each(|frame| writer.frame(frame));
        let bytes = writer.into_bytes();
        let frames = JournalReader::new(&bytes).unwrap().frames().unwrap();
        assert_eq!(frames, [&b"one"[..], b"", b"three"]);
    }

    #[test]
    fn a_journal_that_was_cut_off_says_where() {
        let mut writer = JournalWriter::default();
        writer.frame(b"whole");
        writer.frame(b"cut");
        let mut bytes = writer.into_bytes();
        bytes.pop();
        let error = JournalReader::new(&bytes).unwrap().frames().unwrap_err();
        assert!(matches!(error, RecordError::JournalCut { frame: 1 }), "{error}");
    }

    #[test]
    fn other_bytes_are_no_journal() {
        assert!(matches!(JournalReader::new(b"hello"), Err(RecordError::NotAJournal)));
        assert!(matches!(
            JournalReader::new(b"squalljn\x09"),
            Err(RecordError::JournalVersion { version: 9 })
        ));
    }
}
