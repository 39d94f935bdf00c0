//! A recording that grows while its run goes on, so that a process that is killed leaves what it had measured.
//!
//! Rows are appended in the order in which they come, at most [`FLUSH_EVERY`] late; `run.json` says that the
//! run is under way and how far it has come. At the end [`Recording::write`](crate::Recording::write) puts
//! the same rows in their order, and `run.json` last.

use super::checked::{self, FileInfo};
use super::header::HeaderFile;
use super::{
    ATTEMPTS, AttemptLine, JOURNAL, NOTES, NoteLine, REQUESTS, RUN, RecordError, RequestLine,
};
use crate::journal::JournalWriter;
use crate::{AttemptRow, FeedRow, FeedSender, NoteRow, RequestRow, RunHeader};
use serde::Serialize;
use squall_determinism::Timestamp;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::Duration;

/// How long a row may wait before it is handed to the system: what a kill can cost.
const FLUSH_EVERY: Duration = Duration::from_millis(250);

/// Writes the rows of a run as they come, on a thread of its own.
#[derive(Debug)]
pub struct LiveWriter {
    sender: RowSender,
    trouble: Arc<OnceLock<String>>,
    thread: Option<JoinHandle<()>>,
}

/// Hands rows to a [`LiveWriter`], to a [feed](crate::row_feed) or to both, from any thread and without waiting. What
/// waits for the writer is bounded by the rows of the run, which are kept in memory besides.
#[derive(Clone, Debug)]
pub struct RowSender {
    writer: Option<Sender<PendingEntry>>,
    feed: Option<FeedSender>,
}

#[derive(Debug)]
enum PendingEntry {
    Request(RequestRow),
    Attempt(AttemptRow),
    Note(NoteRow),
    Frame(Vec<u8>),
    Finish,
}

impl RowSender {
    /// Hands rows to these; `None` if there is neither.
    #[must_use]
    pub fn to(writer: Option<&LiveWriter>, feed: Option<&FeedSender>) -> Option<Self> {
        let writer = writer.and_then(|writer| writer.sender.writer.clone());
        let feed = feed.cloned();
        (writer.is_some() || feed.is_some()).then_some(Self { writer, feed })
    }

    /// A request has ended.
    pub fn request(&self, row: &RequestRow) {
        self.send(PendingEntry::Request(*row));
        self.feed(FeedRow::Request(*row));
    }

    /// An attempt has ended.
    pub fn attempt(&self, row: &AttemptRow) {
        self.send(PendingEntry::Attempt(*row));
        self.feed(FeedRow::Attempt(*row));
    }

    /// Something was noted.
    pub fn note(&self, row: &NoteRow) {
        self.send(PendingEntry::Note(*row));
        self.feed(FeedRow::Note(*row));
    }

    /// A frame of the journal.
    pub fn frame(&self, frame: &[u8]) {
        if self.writer.is_some() {
            self.send(PendingEntry::Frame(frame.to_vec()));
        }
    }

    fn send(&self, entry: PendingEntry) {
        if let Some(writer) = &self.writer {
            // Nobody receives once the run is over: then the rows are written from memory.
            let _ = writer.send(entry);
        }
    }

    fn feed(&self, row: FeedRow) {
        if let Some(feed) = &self.feed {
            feed.send(row);
        }
    }
}

impl LiveWriter {
    /// Begins a recording in a folder that was prepared for it; `now` tells the time of the run.
    ///
    /// # Errors
    /// When a file cannot be made.
    pub fn begin(
        dir: &Path,
        header: RunHeader,
        now: impl Fn() -> Timestamp + Send + 'static,
    ) -> Result<Self, RecordError> {
        let mut files = Files::begin(dir, header)?;
        let (sender, receiver) = mpsc::channel();
        let trouble = Arc::clone(&files.trouble);
        let thread = std::thread::Builder::new()
            .name("recording".to_owned())
            .spawn(move || files.run(&receiver, &now))
            .map_err(|source| super::cannot_write(dir, source))?;
        let sender = RowSender { writer: Some(sender), feed: None };
        Ok(Self { sender, trouble, thread: Some(thread) })
    }

    /// Where rows go.
    #[must_use]
    pub fn rows(&self) -> RowSender {
        self.sender.clone()
    }

    /// Why rows are no longer written, if they are not: the disk is full, or gone. The run goes on.
    #[must_use]
    pub fn trouble(&self) -> Option<&str> {
        self.trouble.get().map(String::as_str)
    }

    /// Writes out what has come so far, and ends.
    pub fn finish(mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.sender.send(PendingEntry::Finish);
        if let Some(thread) = self.thread.take() {
            // A panic there is a defect; what it had written stands.
            let _ = thread.join();
        }
    }
}

impl Drop for LiveWriter {
    fn drop(&mut self) {
        self.end();
    }
}

struct Files {
    dir: PathBuf,
    header: RunHeader,
    requests: RowStream,
    attempts: RowStream,
    notes: RowStream,
    journal: Appended,
    trouble: Arc<OnceLock<String>>,
}

impl Files {
    fn begin(dir: &Path, header: RunHeader) -> Result<Self, RecordError> {
        // First of all: whatever else is there is a recording's from now on.
        put_header(dir, &header, Timestamp::ZERO)?;
        let mut journal = Appended::create(&dir.join(JOURNAL))?;
        journal.waiting = JournalWriter::default().into_bytes();
        let rows = |name| Ok::<_, RecordError>(RowStream::new(Appended::create(&dir.join(name))?));
        let mut this = Self {
            requests: rows(REQUESTS)?,
            attempts: rows(ATTEMPTS)?,
            notes: rows(NOTES)?,
            journal,
            dir: dir.to_owned(),
            header,
            trouble: Arc::default(),
        };
        this.journal.flush().map_err(|source| super::cannot_write(&dir.join(JOURNAL), source))?;
        Ok(this)
    }

    fn run(&mut self, receiver: &Receiver<PendingEntry>, now: &impl Fn() -> Timestamp) {
        let mut flushed = now();
        loop {
            let paused = match receiver.recv_timeout(FLUSH_EVERY) {
                Ok(PendingEntry::Finish) | Err(RecvTimeoutError::Disconnected) => break,
                Ok(entry) => {
                    self.take(entry);
                    false
                }
                Err(RecvTimeoutError::Timeout) => true,
            };
            let time = now();
            if paused || time.since(flushed) >= FLUSH_EVERY {
                self.flush(time);
                flushed = time;
            }
        }
        self.flush(now());
    }

    fn take(&mut self, entry: PendingEntry) {
        let header = &self.header;
        match entry {
            PendingEntry::Request(row) => self.requests.add(RequestLine::of(&row, header)),
            // A stranger's attempt is none of the run's.
            PendingEntry::Attempt(row)
                if usize::from(row.deployment) >= header.deployments.len() => {}
            PendingEntry::Attempt(row) => self.attempts.add(AttemptLine::of(&row, header)),
            PendingEntry::Note(row) => self.notes.add(NoteLine::of(&row, header)),
            PendingEntry::Frame(frame) => JournalWriter::append(&frame, &mut self.journal.waiting),
            PendingEntry::Finish => {}
        }
    }

    /// Hands everything to the system, then says how far the run has come. A file that cannot be written is
    /// left as it is, and the time stands still: nothing is claimed that is not there.
    fn flush(&mut self, now: Timestamp) {
        let files = [
            (REQUESTS, self.requests.flush()),
            (ATTEMPTS, self.attempts.flush()),
            (NOTES, self.notes.flush()),
            (JOURNAL, self.journal.flush()),
        ];
        for (name, flushed) in files {
            if let Err(source) = flushed {
                let error = super::cannot_write(&self.dir.join(name), source);
                self.trouble.get_or_init(|| error.to_string());
            }
        }
        if self.trouble.get().is_some() {
            return;
        }
        match put_header(&self.dir, &self.header, now) {
            // A moment without a descriptor: the next time is soon, and the rows have files of their own.
            Err(RecordError::Write { source, .. }) if lacks_descriptors(&source) => {}
            Err(error) => drop(self.trouble.set(error.to_string())),
            Ok(_) => {}
        }
    }
}

fn lacks_descriptors(error: &io::Error) -> bool {
    const ENFILE: i32 = 23;
    const EMFILE: i32 = 24;
    cfg!(unix) && matches!(error.raw_os_error(), Some(ENFILE | EMFILE))
}

fn put_header(dir: &Path, header: &RunHeader, at: Timestamp) -> Result<FileInfo, RecordError> {
    let bytes = HeaderFile::running(header, at).sealed()?;
    checked::put(&dir.join(RUN), |file| file.write_all(&bytes).map(|()| None))
}

/// Rows of one file.
struct RowStream {
    csv: csv::Writer<Vec<u8>>,
    file: Appended,
}

impl RowStream {
    fn new(file: Appended) -> Self {
        Self { csv: csv::Writer::from_writer(Vec::new()), file }
    }

    fn add(&mut self, line: impl Serialize) {
        if !self.file.stopped && self.csv.serialize(line).is_err() {
            unreachable!("rows are flat, and memory takes them");
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.csv.flush()?;
        if self.csv.get_ref().is_empty() {
            return Ok(());
        }
        // Only the first writer writes the names of the columns.
        let next = csv::WriterBuilder::new().has_headers(false).from_writer(Vec::new());
        let full = std::mem::replace(&mut self.csv, next);
        let bytes = full.into_inner().map_err(|error| error.into_error())?;
        self.file.waiting.extend_from_slice(&bytes);
        self.file.flush()
    }
}

/// A file that only grows, by whole pieces.
struct Appended {
    file: File,
    /// What is there for certain.
    length: u64,
    waiting: Vec<u8>,
    /// Whether a write has failed: nothing follows a gap.
    stopped: bool,
}

impl Appended {
    fn create(path: &Path) -> Result<Self, RecordError> {
        let file = OpenOptions::new().write(true).create_new(true).open(path);
        let file = file.map_err(|source| super::cannot_write(path, source))?;
        Ok(Self { file, length: 0, waiting: Vec::new(), stopped: false })
    }

    fn flush(&mut self) -> io::Result<()> {
        let waiting = std::mem::take(&mut self.waiting);
        if self.stopped || waiting.is_empty() {
            return Ok(());
        }
        let written = self.file.write_all(&waiting);
        if written.is_err() {
            self.stopped = true;
            // What was written of the piece is cut off again; a reader would do the same.
            let _ = self.file.set_len(self.length);
        }
        self.length += waiting.len() as u64;
        written
    }
}
