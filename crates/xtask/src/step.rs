//! A step of a task: a command that must succeed.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What a task did, and how long each step took.
#[derive(Debug, Default)]
pub(crate) struct Steps {
    done: Vec<(String, Duration)>,
}

impl Steps {
    /// Runs cargo with these arguments and variables; false if it failed, which has then been said.
    pub(crate) fn cargo(&mut self, arguments: &[&str], variables: &[(&str, &str)]) -> bool {
        let name = format!("cargo {}", arguments.join(" "));
        self.step(&name, || cargo(arguments, variables))
    }

    /// Runs anything as a step.
    #[expect(clippy::disallowed_methods, reason = "a task tells how long its steps took")]
    pub(crate) fn step(&mut self, name: &str, step: impl FnOnce() -> bool) -> bool {
        println!("\n== {name}");
        let started = Instant::now();
        let passed = step();
        self.done.push((name.to_owned(), started.elapsed()));
        if !passed {
            eprintln!("\nfailed: {name}");
        }
        passed
    }

    /// Prints how long each step took.
    pub(crate) fn tell(&self) {
        println!();
        for (name, took) in &self.done {
            println!("{:>5}s  {name}", took.as_secs());
        }
        let total: Duration = self.done.iter().map(|(_, took)| *took).sum();
        println!("{:>5}s  in all", total.as_secs());
    }
}

/// Runs cargo, and says whether it succeeded.
pub(crate) fn cargo(arguments: &[&str], variables: &[(&str, &str)]) -> bool {
    let mut command = Command::new(env!("CARGO"));
    command.args(arguments).envs(variables.iter().copied()).stdin(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// What stands behind each `name` among a task's arguments.
pub(crate) fn values(arguments: &[String], name: &str) -> Vec<String> {
    let pairs = arguments.windows(2).filter(|pair| pair[0] == name);
    pairs.map(|pair| pair[1].clone()).collect()
}

/// The number behind `name`, or the default where it is not given; `None`, once that is said, if it is none.
pub(crate) fn number(arguments: &[String], name: &str, default: u32) -> Option<u32> {
    let Some(text) = values(arguments, name).pop() else {
        if arguments.iter().any(|argument| argument == name) {
            eprintln!("error: {name} takes a number");
            return None;
        }
        return Some(default);
    };
    match text.parse() {
        Ok(number @ 1..) => Some(number),
        Ok(0) | Err(_) => {
            eprintln!("error: {name} takes a number from 1 on, not `{text}`");
            None
        }
    }
}
