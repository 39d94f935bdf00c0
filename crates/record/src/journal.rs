//! A journal as bytes: a mark, then frames, each behind its length. What a frame holds is the router's
//! business, which writes it and reads it again.

use crate::RecordError;

/// What a journal begins with: a name and the version of its form.
const MARK: &[u8; 8] = b"squallJ1";

/// The longest frame: an input is a few dozen bytes.
const FRAME_MAX: usize = 1 << 20;

/// Writes a journal into memory.
#[derive(Clone, Debug)]
pub struct JournalWriter {
    bytes: Vec<u8>,
}

impl JournalWriter {
    /// An empty journal.
    #[must_use]
    pub fn new() -> Self {
        Self { bytes: MARK.to_vec() }
    }

    /// Writes one frame behind the others.
    ///
    /// # Panics
    /// When it is longer than a mebibyte: no frame of a router is.
    pub fn frame(&mut self, frame: &[u8]) {
        let length = u32::try_from(frame.len()).ok().filter(|_| frame.len() <= FRAME_MAX);
        let length = length.expect("a frame of a router is shorter than a mebibyte");
        self.bytes.extend_from_slice(&length.to_le_bytes());
        self.bytes.extend_from_slice(frame);
    }

    /// How many bytes it has come to.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether no frame was written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.len() == MARK.len()
    }

    /// The journal.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

impl Default for JournalWriter {
    fn default() -> Self {
        Self::new()
    }
}

/// Reads a journal.
#[derive(Clone, Copy, Debug)]
pub struct JournalReader<'a> {
    frames: &'a [u8],
}

impl<'a> JournalReader<'a> {
    /// Begins to read.
    ///
    /// # Errors
    /// When these bytes are no journal, or one of another version.
    pub fn new(bytes: &'a [u8]) -> Result<Self, RecordError> {
        match bytes.strip_prefix(MARK) {
            Some(frames) => Ok(Self { frames }),
            None => Err(RecordError::NotAJournal),
        }
    }

    /// Every frame, in order.
    ///
    /// # Errors
    /// When the journal ends in the middle of a frame.
    pub fn frames(self) -> Result<Vec<&'a [u8]>, RecordError> {
        let mut frames = Vec::new();
        let mut rest = self.frames;
        while !rest.is_empty() {
            let torn = RecordError::TornJournal { frame: frames.len() };
            let Some((length, after)) = rest.split_first_chunk::<4>() else { return Err(torn) };
            let length = u32::from_le_bytes(*length) as usize;
            let Some((frame, after)) = after.split_at_checked(length) else { return Err(torn) };
            frames.push(frame);
            rest = after;
        }
        Ok(frames)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn journal() -> Vec<u8> {
        let mut writer = JournalWriter::new();
        [&b"one"[..], b"", b"three"].iter().for_each(|frame| writer.frame(frame));
        writer.into_bytes()
    }

    #[test]
    fn frames_come_back_in_order() {
        let bytes = journal();
        let frames = JournalReader::new(&bytes).unwrap().frames().unwrap();
        assert_eq!(frames, [&b"one"[..], b"", b"three"]);
    }

    #[test]
    fn a_torn_journal_names_the_frame_that_is_not_whole() {
        let bytes = journal();
        for cut in [1, 5, 8] {
            let torn = &bytes[..bytes.len() - cut];
            let error = JournalReader::new(torn).unwrap().frames().unwrap_err();
            assert!(matches!(error, RecordError::TornJournal { frame: 2 }), "{error}");
        }
    }

    #[test]
    fn other_bytes_are_no_journal() {
        assert!(matches!(JournalReader::new(b"squallJ9").unwrap_err(), RecordError::NotAJournal));
        assert!(matches!(JournalReader::new(b"").unwrap_err(), RecordError::NotAJournal));
    }
}
