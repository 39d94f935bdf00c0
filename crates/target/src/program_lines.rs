//! The lines that go to a program under test and come from it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{ChildStdin, ChildStdout};
use std::sync::mpsc;
use std::thread;
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// So many answers wait to be taken; a program that writes more of them waits.
const MOST_WAITING: usize = 256;

/// A longer line is no answer, and ends the program's output.
const MOST_BYTES: u64 = 64 << 20;

/// The two ends of a program under test. Dropping the requests ends its input.
#[derive(Debug)]
pub struct ProgramLines {
    /// Lines with their ends, written in this order. A program that does not read keeps nobody waiting.
    pub requests: mpsc::Sender<String>,
    /// Lines without their ends, as they come; closed when the program's output is.
    pub answers: Receiver<String>,
}

impl ProgramLines {
    /// Reads and writes on threads of their own, which end with the program.
    pub(crate) fn over(stdin: ChildStdin, stdout: ChildStdout) -> Self {
        let (requests, written) = mpsc::channel();
        let (read, answers) = channel(MOST_WAITING);
        thread::spawn(move || write(stdin, &written));
        thread::spawn(move || read_lines(stdout, &read));
        Self { requests, answers }
    }
}

fn write(mut stdin: ChildStdin, lines: &mpsc::Receiver<String>) {
    // A program that has gone is told by the end of its answers.
    while let Ok(line) = lines.recv() {
        if stdin.write_all(line.as_bytes()).and_then(|()| stdin.flush()).is_err() {
            return;
        }
    }
}

fn read_lines(stdout: ChildStdout, answers: &Sender<String>) {
    let mut lines = BufReader::new(stdout);
    loop {
        let mut line = Vec::new();
        match lines.by_ref().take(MOST_BYTES).read_until(b'\n', &mut line) {
            Ok(read) if read > 0 && (read as u64) < MOST_BYTES => {}
            Ok(_) | Err(_) => return,
        }
        let line = String::from_utf8_lossy(&line).trim_end().to_owned();
        if answers.blocking_send(line).is_err() {
            return;
        }
    }
}
