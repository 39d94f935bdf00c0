//! The process of a target: the head of a group of its own, its log in a file, stopped with everything that it
//! started.

use crate::TargetError;
use crate::error::LogTail;
use crate::process_tree::ProcessTree;
use crate::usage::{ResourceUsage, UsageSampler};
use squall_scenario::TargetStop;
use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// What to start.
#[derive(Debug)]
pub(crate) struct ProcessSetup<'a> {
    pub(crate) command: &'a [String],
    pub(crate) env: &'a [(String, String)],
    /// Its folder, in which it is started.
    pub(crate) folder: &'a Path,
    /// Folders in which its program is looked for before those of `PATH`.
    pub(crate) path: &'a [PathBuf],
    pub(crate) log: PathBuf,
    pub(crate) stop: TargetStop,
    /// Whether its standard input and output are for requests and answers.
    pub(crate) speaks: bool,
}

/// A target that runs. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct TargetProcess {
    child: Mutex<Child>,
    tree: ProcessTree,
    usage: Option<UsageSampler>,
    log: PathBuf,
    stop: TargetStop,
}

/// How long a target may take to stop when it is told to.
const STOP_WITHIN: Duration = Duration::from_secs(10);

/// How often it is looked for after it was killed.
const GONE_AFTER_LOOKS: u32 = 100;

/// How often it is looked at meanwhile.
const LOOK_EVERY: Duration = Duration::from_millis(20);

impl TargetProcess {
    pub(crate) fn start(setup: &ProcessSetup<'_>) -> Result<Self, TargetError> {
        let (program, arguments) = setup
            .command
            .split_first()
            .ok_or_else(|| TargetError::NoProgram { program: String::new() })?;
        let cannot_write = |source| TargetError::Write { path: setup.log.clone(), source };
        let log = File::create(&setup.log).map_err(cannot_write)?;
        let errors = log.try_clone().map_err(cannot_write)?;
        let mut command = Command::new(program);
        command
            .args(arguments)
            .envs(setup.env.iter().map(|(name, value)| (name, value)))
            .env("PATH", search_path(setup.path))
            .current_dir(setup.folder)
            .stderr(errors);
        if setup.speaks {
            command.stdin(Stdio::piped()).stdout(Stdio::piped());
        } else {
            command.stdin(Stdio::null()).stdout(log);
        }
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let child = command.spawn().map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => TargetError::NoProgram { program: program.clone() },
            _ => TargetError::Spawn { program: program.clone(), source },
        })?;
        let tree = ProcessTree::of(child.id());
        let usage = Some(UsageSampler::start(tree.clone()));
        Ok(Self { child: Mutex::new(child), tree, usage, log: setup.log.clone(), stop: setup.stop })
    }

    /// Its standard input and output, if they are for requests and answers; once.
    pub(crate) fn take_pipes(&self) -> Option<(ChildStdin, ChildStdout)> {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        Some((child.stdin.take()?, child.stdout.take()?))
    }

    /// How it ended, if it has.
    pub(crate) fn ended(&self) -> Option<String> {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        child.try_wait().ok().flatten().map(told)
    }

    /// What it has used since the last call.
    pub(crate) fn usage(&self) -> Option<ResourceUsage> {
        self.usage.as_ref().and_then(UsageSampler::take)
    }

    /// The end of its log.
    pub(crate) fn log_tail(&self) -> LogTail {
        LogTail { path: self.log.clone(), lines: last_lines(&self.log).unwrap_or_default() }
    }

    /// Stops it with everything that it started: first by its signal, then by force.
    pub(crate) fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        // The sampler stops first: it would keep alive the picture of a tree that is being taken down.
        drop(self.usage.take());
        self.tree.look();
        if self.ended().is_none() {
            self.tree.signal(self.stop);
            let mut left = STOP_WITHIN;
            while !left.is_zero() && self.ended().is_none() {
                thread::sleep(LOOK_EVERY);
                left = left.saturating_sub(LOOK_EVERY);
            }
            self.tree.look();
        }
        self.tree.signal(TargetStop::Kill);
        // What was killed is gone a moment later.
        for _ in 0..GONE_AFTER_LOOKS {
            self.tree.look();
            if self.tree.is_gone() {
                break;
            }
            thread::sleep(LOOK_EVERY);
        }
        // Nothing is left of it but its status.
        let _ = self.child.get_mut().unwrap_or_else(PoisonError::into_inner).wait();
    }
}

impl Drop for TargetProcess {
    fn drop(&mut self) {
        if self.usage.is_some() {
            self.end();
        }
    }
}

/// How a process ended, for a person.
fn told(status: ExitStatus) -> String {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return format!("it was killed by signal {signal}");
    }
    match status.code() {
        Some(code) => format!("it exited with code {code}"),
        None => "it ended".to_owned(),
    }
}

/// `PATH` with folders in front of it.
#[expect(clippy::disallowed_methods, reason = "a target's program is looked for as by a shell")]
fn search_path(first: &[PathBuf]) -> std::ffi::OsString {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let all = first.iter().cloned().chain(std::env::split_paths(&path));
    std::env::join_paths(all).unwrap_or(path)
}

/// The last lines of a file, without control characters.
fn last_lines(path: &Path) -> io::Result<Vec<String>> {
    const BYTES: u64 = 8 << 10;
    const LINES: usize = 15;
    const WIDTH: usize = 240;
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(BYTES)))?;
    let mut bytes = Vec::new();
    file.take(BYTES).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<_> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let last = &lines[lines.len().saturating_sub(LINES)..];
    let plain = |line: &&str| line.chars().filter(|c| !c.is_control()).take(WIDTH).collect();
    Ok(last.iter().map(plain).collect())
}

/// The file by which a folder is known to be a target's.
const MARK: &str = ".squall-target";

/// Makes the folder of a target, empty but for its mark. An older one of a target's is removed.
///
/// # Errors
/// When it cannot be made, or is somebody else's.
pub(crate) fn fresh_folder(folder: &Path) -> Result<(), TargetError> {
    let cannot = |source| TargetError::Write { path: folder.to_owned(), source };
    if folder.join(MARK).is_file() {
        fs::remove_dir_all(folder).map_err(cannot)?;
    } else if fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some()) {
        let message = "it is there, and is not the folder of a target: name another `--out`";
        return Err(cannot(io::Error::new(io::ErrorKind::AlreadyExists, message)));
    }
    fs::create_dir_all(folder).map_err(cannot)?;
    fs::write(folder.join(MARK), "").map_err(cannot)
}
