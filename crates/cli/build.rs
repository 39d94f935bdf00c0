//! The commit that a release build is of, as `SQUALL_COMMIT`: that of the environment, where packagers set it, or git's.
//! A build without either has none. Debug builds have none from git, so that a commit compiles nothing again.

#![expect(clippy::disallowed_methods, reason = "cargo tells build scripts in the environment")]

use std::env;
use std::path::Path;
use std::process::Command;

/// Letters of a commit's name.
const SHORT: &str = "--short=12";

fn main() {
    println!("cargo::rerun-if-env-changed=SQUALL_COMMIT");
    println!("cargo::rerun-if-changed=build.rs");
    let is_release = env::var("PROFILE").is_ok_and(|profile| profile == "release");
    let named = env::var("SQUALL_COMMIT").ok().filter(|commit| !commit.is_empty());
    if let Some(commit) = named.or_else(|| is_release.then(of_git).flatten()) {
        println!("cargo::rustc-env=SQUALL_COMMIT={commit}");
    }
}

/// The commit that is checked out, and whether the sources differ from it. Only of our own repository: a source tree
/// may have been unpacked within another one.
fn of_git() -> Option<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    if !root.join(".git").exists() {
        return None;
    }
    for place in ["HEAD", "logs/HEAD"] {
        if let Some(path) =
            git(&root, &["rev-parse", "--path-format=absolute", "--git-path", place])
        {
            println!("cargo::rerun-if-changed={path}");
        }
    }
    println!("cargo::rerun-if-changed={}", root.join("crates").display());
    let commit = git(&root, &["rev-parse", SHORT, "HEAD"])?;
    let sources = ["status", "--porcelain", "--untracked-files=no", "--", "crates", "Cargo.lock"];
    let is_changed = git(&root, &sources).is_some_and(|changes| !changes.is_empty());
    Some(if is_changed { format!("{commit}, changed") } else { commit })
}

/// What git prints, without the end of the line; `None` where there is no git, or it refuses.
fn git(root: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").arg("-C").arg(root).args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim_end().to_owned())
}
