//! What instruction counts depend on beside the code: compiler, architecture, C library, and the vector instructions that
//! the C library chooses by the processor.

use serde_json::{Value, json};
use std::env;
use std::fs;
use std::process::Command;

/// The conditions of a count: two counts are compared only if they are the same.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct CountConditions {
    rustc: String,
    target: String,
    libc: String,
    vectors: String,
}

/// Variables that change what the compiler makes.
const FLAGS: [&str; 4] =
    ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "RUSTC_WRAPPER", "CARGO_BUILD_TARGET"];

impl CountConditions {
    /// Those of this machine.
    ///
    /// # Errors
    /// What of it cannot be told, or why what is built here is not what is committed.
    pub(super) fn here() -> Result<Self, String> {
        if let Some(flag) = changed_build() {
            return Err(format!("{flag} is set, which changes what the compiler makes"));
        }
        let version = printed("rustc", &["-vV"]).ok_or("rustc does not tell its version")?;
        let line = |key: &str| {
            let mut lines = version.lines();
            lines.find_map(|line| line.strip_prefix(key)).map(str::to_owned)
        };
        let libc = printed("getconf", &["GNU_LIBC_VERSION"]);
        Ok(Self {
            rustc: line("rustc ").ok_or("rustc does not tell its version")?,
            target: line("host: ").ok_or("rustc does not tell its target")?,
            libc: libc.ok_or("the C library is not glibc")?.trim().to_owned(),
            vectors: vectors(),
        })
    }

    /// As they stand in the file of counts.
    pub(super) fn read(file: &Value) -> Option<Self> {
        let text = |key: &str| file[key].as_str().map(str::to_owned);
        let (rustc, target) = (text("rustc")?, text("target")?);
        Some(Self { rustc, target, libc: text("libc")?, vectors: text("vectors")? })
    }

    /// Puts them into the file of counts.
    pub(super) fn to_json(&self) -> Value {
        json!({ "rustc": self.rustc, "target": self.target, "libc": self.libc, "vectors": self.vectors })
    }

    /// In words.
    pub(super) fn told(&self) -> String {
        format!("rustc {} for {}, {}, {}", self.rustc, self.target, self.libc, self.vectors)
    }
}

/// The first variable that makes another build than the committed profile.
#[expect(clippy::disallowed_methods, reason = "a build depends on them")]
fn changed_build() -> Option<String> {
    let set = FLAGS.iter().find(|name| env::var_os(name).is_some_and(|value| !value.is_empty()));
    let profile = || {
        env::vars_os()
            .find(|(name, _)| name.to_string_lossy().starts_with("CARGO_PROFILE_RELEASE_"))
    };
    set.map(|name| (*name).to_owned())
        .or_else(|| profile().map(|(name, _)| name.to_string_lossy().into_owned()))
}

/// What of the processor's vectors valgrind passes on.
fn vectors() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let has = |flag: &str| text.split_whitespace().any(|word| word == flag);
    if has("avx2") { "avx2" } else { "baseline" }.to_owned()
}

/// What a program prints, if it succeeds.
fn printed(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}
