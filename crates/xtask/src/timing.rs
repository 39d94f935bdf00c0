//! How long each suite took, read from what cargo and the suites print.

use std::io::{BufRead, BufReader, pipe};
use std::process::{Command, Stdio};

/// How many of the slowest are told.
const TOLD: usize = 10;

/// The suites that ran, and how many seconds each took.
#[derive(Debug, Default)]
pub(crate) struct SuiteTimes {
    /// The suite whose result has not come yet.
    running: Option<String>,
    done: Vec<(String, f64)>,
}

impl SuiteTimes {
    /// Runs cargo, passes on what it prints, and keeps how long each suite took. False if it failed.
    pub(crate) fn cargo(&mut self, arguments: &[&str], variables: &[(&str, &str)]) -> bool {
        // One pipe for both: cargo names a suite on standard error, and the suite's result comes on standard output.
        let Ok((reader, writer)) = pipe() else { return false };
        let Ok(errors) = writer.try_clone() else { return false };
        let mut command = Command::new(env!("CARGO"));
        command.args(arguments).envs(variables.iter().copied());
        command.stdin(Stdio::null()).stdout(writer).stderr(errors);
        let Ok(mut child) = command.spawn() else { return false };
        // Our ends of the pipe are closed, so that it ends with the child.
        drop(command);
        let mut reader = BufReader::new(reader);
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
            let text = String::from_utf8_lossy(&line);
            print!("{text}");
            self.read(&text);
            line.clear();
        }
        child.wait().is_ok_and(|status| status.success())
    }

    /// Takes a line: of cargo, which names a suite, or of a suite, which tells its result.
    fn read(&mut self, line: &str) {
        if let Some(name) = named(line) {
            self.running = Some(name);
        } else if line.starts_with("test result: ")
            && let Some((_, seconds)) = line.trim_end().rsplit_once("finished in ")
            && let Ok(seconds) = seconds.trim_end_matches('s').parse()
            && let Some(name) = self.running.take()
        {
            self.done.push((name, seconds));
        }
    }

    /// Prints the slowest suites.
    pub(crate) fn tell(mut self) {
        if self.done.is_empty() {
            return;
        }
        self.done.sort_by(|(_, left), (_, right)| right.total_cmp(left));
        println!("\nthe slowest suites:");
        for (name, seconds) in self.done.iter().take(TOLD) {
            println!("{seconds:>6.1}s  {name}");
        }
    }
}

/// The suite that a line of cargo names: `Running tests/run.rs (target/debug/deps/run-0123456789abcdef)`.
fn named(line: &str) -> Option<String> {
    let line = line.trim();
    if let Some(package) = line.strip_prefix("Doc-tests ") {
        return Some(format!("{package} (documentation)"));
    }
    let (what, path) = line.strip_prefix("Running ")?.trim_end_matches(')').split_once(" (")?;
    let file = path.rsplit(['/', '\\']).next()?;
    let (name, _) = file.rsplit_once('-')?;
    let kind = if what.starts_with("unittests") { " (unit tests)" } else { "" };
    Some(format!("{name}{kind}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suite_has_the_time_that_its_result_tells() {
        let mut times = SuiteTimes::default();
        for line in [
            "     Running unittests src/lib.rs (target/debug/deps/squall_wire-a3de6a490c957189)",
            "test result: ok. 5 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 5.87s\n",
            "     Running tests/walls/main.rs (target/debug/deps/walls-a3de6a490c957189)",
            "test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.50s",
            "   Doc-tests squall_router",
            "test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.00s",
            "test result: ok. what nobody has named; finished in 9.00s",
        ] {
            times.read(line);
        }
        let expected = [
            ("squall_wire (unit tests)", 5.87),
            ("walls", 0.5),
            ("squall_router (documentation)", 1.0),
        ];
        let done: Vec<_> = times.done.iter().map(|(name, secs)| (name.as_str(), *secs)).collect();
        assert_eq!(done, expected);
    }
}
