//! The decision log of a gateway: a line for each request of a sample, in a file or in the log of the process.
//!
//! Requests hand their trails on and never wait: a thread turns them into lines and writes those. What comes faster than
//! that is dropped, what cannot be written is lost, and both are counted. That writing fails is said once, and that it
//! works again.

use squall_gateway::{DecisionLogCounts, DecisionSink, KeptTrail};
use squall_scenario::DecisionLogSettings;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

/// Trails that may wait to be written. One takes some kilobytes, and 64 KiB at most.
const WAITING_MAX: usize = 1_024;

/// How long a gateway that ends waits for its last lines to be written.
const CLOSE_WAIT: Duration = Duration::from_secs(1);

/// A decision log that is written.
#[derive(Debug)]
pub(crate) struct DecisionLogWriter {
    queue: SyncSender<Queued>,
    counts: Arc<LineCounts>,
    reopen: Arc<AtomicBool>,
}

/// What the thread is told.
#[derive(Debug)]
enum Queued {
    Trail(Arc<KeptTrail>),
    /// The file is to be opened anew.
    Reopen,
    /// Everything before this is to be written; then it is told.
    End(SyncSender<()>),
}

#[derive(Debug, Default)]
struct LineCounts {
    written: AtomicU64,
    dropped: AtomicU64,
    failed: AtomicU64,
}

impl DecisionLogWriter {
    /// Opens the file, which is beside `folder` unless its path is whole, and starts to write.
    ///
    /// # Errors
    /// When the file cannot be opened, or the thread not be started.
    pub(crate) fn start(settings: &DecisionLogSettings, folder: &Path) -> io::Result<Self> {
        let path = settings.path.as_ref().map(|path| folder.join(path));
        let file = path.map(|path| LogFile::open(path, settings)).transpose()?;
        let (queue, queued) = sync_channel(WAITING_MAX);
        let log = Self { queue, counts: Arc::default(), reopen: Arc::default() };
        let writer = DecisionLineWriter {
            file,
            counts: Arc::clone(&log.counts),
            reopen: Arc::clone(&log.reopen),
            fails: false,
        };
        thread::Builder::new()
            .name("decisions".to_owned())
            .spawn(move || writer.write_all_of(&queued))?;
        Ok(log)
    }

    /// The file is opened anew before the next line: somebody has moved it away.
    pub(crate) fn reopen(&self) {
        self.reopen.store(true, Ordering::Relaxed);
        // Where the queue is full there is a next line at once.
        let _ = self.queue.try_send(Queued::Reopen);
    }

    /// Writes what is left, for a second at most.
    pub(crate) fn close(&self) {
        let (written, ended) = sync_channel(1);
        if self.queue.try_send(Queued::End(written)).is_ok() {
            let _ = ended.recv_timeout(CLOSE_WAIT);
        }
    }
}

impl DecisionSink for DecisionLogWriter {
    fn write(&self, trail: &Arc<KeptTrail>) {
        if self.queue.try_send(Queued::Trail(Arc::clone(trail))).is_err() {
            self.counts.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn counts(&self) -> DecisionLogCounts {
        let LineCounts { written, dropped, failed } = &*self.counts;
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        DecisionLogCounts { written: of(written), dropped: of(dropped), failed: of(failed) }
    }
}

/// The thread's part.
struct DecisionLineWriter {
    file: Option<LogFile>,
    counts: Arc<LineCounts>,
    reopen: Arc<AtomicBool>,
    /// The last line could not be written, which was said.
    fails: bool,
}

impl DecisionLineWriter {
    fn write_all_of(mut self, queued: &Receiver<Queued>) {
        while let Ok(next) = queued.recv() {
            if self.reopen.swap(false, Ordering::Relaxed)
                && let Some(file) = &mut self.file
            {
                let opened = file.reopen();
                self.told(opened, false);
            }
            match next {
                Queued::Trail(trail) => self.write(&trail.to_line()),
                Queued::Reopen => {}
                Queued::End(written) => {
                    let _ = written.send(());
                }
            }
        }
    }

    fn write(&mut self, line: &str) {
        let written = match &mut self.file {
            Some(file) => file.write(line.as_bytes()),
            None => {
                let decisions = line.trim_end();
                tracing::info!(target: "squall_gateway::decisions", decisions, "decisions");
                Ok(())
            }
        };
        let count = if written.is_ok() { &self.counts.written } else { &self.counts.failed };
        count.fetch_add(1, Ordering::Relaxed);
        self.told(written, true);
    }

    /// Says that writing fails, or works again, when that has changed.
    fn told(&mut self, done: io::Result<()>, was_line: bool) {
        let path = self.file.as_ref().map(|file| file.path.display().to_string());
        match done {
            Err(error) if !self.fails => {
                self.fails = true;
                tracing::warn!(
                    target: "squall_gateway::decisions", path, %error,
                    "the decision log cannot be written: lines are lost until it can"
                );
            }
            Ok(()) if self.fails && was_line => {
                self.fails = false;
                let lost = self.counts.failed.load(Ordering::Relaxed);
                tracing::info!(
                    target: "squall_gateway::decisions", path, lost,
                    "the decision log is written again"
                );
            }
            Ok(()) | Err(_) => {}
        }
    }
}

/// A file of lines that is put aside when it has become large.
#[derive(Debug)]
struct LogFile {
    path: PathBuf,
    file: File,
    /// How large it is.
    size: u64,
    /// What stands last in it is no whole line.
    is_torn: bool,
    max_size: u64,
    keep: u32,
}

impl LogFile {
    fn open(path: PathBuf, settings: &DecisionLogSettings) -> io::Result<Self> {
        let (file, size) = appending(&path)?;
        let max_size = settings.max_size as u64;
        Ok(Self { path, file, size, is_torn: false, max_size, keep: settings.keep })
    }

    fn reopen(&mut self) -> io::Result<()> {
        (self.file, self.size) = appending(&self.path)?;
        self.is_torn = false;
        Ok(())
    }

    /// Writes a line, which has its end.
    fn write(&mut self, line: &[u8]) -> io::Result<()> {
        if self.size > 0 && self.size + line.len() as u64 > self.max_size {
            self.put_aside()?;
        }
        if self.is_torn {
            self.write_bytes(b"\n")?;
            self.is_torn = false;
        }
        self.write_bytes(line)
    }

    fn write_bytes(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.file.write(bytes) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => {
                    bytes = &bytes[written..];
                    self.size += written as u64;
                    self.is_torn = !bytes.is_empty();
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Renames the file, and those that were put aside before, and begins another.
    fn put_aside(&mut self) -> io::Result<()> {
        let numbered = |number: u32| {
            let mut name = self.path.clone().into_os_string();
            name.push(format!(".{number}"));
            PathBuf::from(name)
        };
        for number in (1..self.keep).rev() {
            let from = numbered(number);
            if from.exists() {
                std::fs::rename(from, numbered(number + 1))?;
            }
        }
        if self.keep > 0 {
            std::fs::rename(&self.path, numbered(1))?;
        } else {
            std::fs::remove_file(&self.path)?;
        }
        self.reopen()
    }
}

fn appending(path: &Path) -> io::Result<(File, u64)> {
    let file = OpenOptions::new().create(true).append(true).open(path)?;
    let size = file.metadata()?.len();
    Ok((file, size))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("squall-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).expect("a folder");
        folder
    }

    fn text(path: &Path) -> String {
        std::fs::read_to_string(path).unwrap_or_default()
    }

    #[test]
    fn a_large_file_is_put_aside_and_the_oldest_goes() {
        let path = folder("decisions-rotation").join("log");
        let settings = DecisionLogSettings { max_size: 8, keep: 2, ..Default::default() };
        let mut file = LogFile::open(path.clone(), &settings).expect("it opens");
        for line in ["one\n", "two\n", "three\n", "a line that is longer than a file\n", "four\n"] {
            file.write(line.as_bytes()).expect("it is written");
        }
        let aside = |number: u32| path.with_extension(number.to_string());
        assert_eq!(text(&path), "four\n");
        assert_eq!(text(&aside(1)), "a line that is longer than a file\n");
        assert_eq!(text(&aside(2)), "three\n");
        assert!(!aside(3).exists(), "no more than two are kept");
    }

    #[test]
    fn a_file_that_was_moved_away_is_opened_anew() {
        let path = folder("decisions-reopen").join("log");
        let settings = DecisionLogSettings::default();
        let mut file = LogFile::open(path.clone(), &settings).expect("it opens");
        file.write(b"before\n").expect("it is written");
        let moved = path.with_extension("moved");
        std::fs::rename(&path, &moved).expect("it is there");
        file.write(b"still there\n").expect("it is written");
        file.reopen().expect("it opens");
        file.write(b"after\n").expect("it is written");
        assert_eq!(
            (text(&moved), text(&path)),
            ("before\nstill there\n".to_owned(), "after\n".to_owned())
        );
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_an_error_each_time_and_no_panic() {
        let settings = DecisionLogSettings::default();
        let mut file = LogFile::open("/dev/full".into(), &settings).expect("it opens");
        for _ in 0..3 {
            let error = file.write(b"line\n").expect_err("there is no room");
            assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        }
    }
}
