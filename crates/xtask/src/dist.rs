//! `cargo xtask dist`: the archive of a release and its checksum, in `target/dist`.

use crate::step::{self, Steps};
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What stands in an archive beside the binary.
const DOCUMENTS: [&str; 4] = ["README.md", "CHANGELOG.md", "LICENSE-MIT", "LICENSE-APACHE"];

/// The shells that get completions.
const SHELLS: [&str; 5] = ["bash", "elvish", "fish", "powershell", "zsh"];

/// Builds for `--target`, or for this machine, and packs `squall-TARGET.tar.gz`.
pub(crate) fn run(arguments: &[String]) -> bool {
    let Some(target) = step::values(arguments, "--target").pop().or_else(host) else {
        eprintln!("error: rustc does not say what machine this is: give `--target`");
        return false;
    };
    let mut steps = Steps::default();
    let build = ["build", "--release", "--locked", "--package", "squall", "--target", &target];
    let passed = steps.cargo(&build, &[])
        && steps.step("pack", || match pack(&target) {
            Ok(archive) => {
                println!("{}", archive.display());
                true
            }
            Err(problem) => {
                eprintln!("error: {problem}");
                false
            }
        });
    steps.tell();
    passed
}

/// The target triple of this machine.
fn host() -> Option<String> {
    let output = Command::new("rustc").arg("-vV").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.lines().find_map(|line| line.strip_prefix("host: ")).map(str::to_owned)
}

fn pack(target: &str) -> Result<PathBuf, String> {
    let built = Path::new("target").join(target).join("release/squall");
    let dist = Path::new("target/dist");
    let name = format!("squall-{target}");
    let folder = dist.join(&name);
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(|error| told(&folder, &error))?;
    }
    fs::create_dir_all(folder.join("completions")).map_err(|error| told(&folder, &error))?;
    copy(&built, &folder.join("squall"))?;
    for document in DOCUMENTS {
        copy(Path::new(document), &folder.join(document))?;
    }
    for shell in SHELLS {
        let script = output(&built, &["completions", shell])?;
        let path = folder.join("completions").join(format!("squall.{shell}"));
        fs::write(&path, script).map_err(|error| told(&path, &error))?;
    }
    let man = folder.join("man").display().to_string();
    output(&built, &["man", "--out", &man])?;
    let archive = dist.join(format!("{name}.tar.gz"));
    let file = format!("{name}.tar.gz");
    let mut tar = Command::new("tar");
    tar.current_dir(dist).args(["-czf", &file, &name]).stdin(Stdio::null());
    if !tar.status().is_ok_and(|status| status.success()) {
        return Err(format!("tar could not write {}", archive.display()));
    }
    checksum(&archive, &file)?;
    Ok(archive)
}

/// Writes the checksum beside the archive, as `sha256sum --check` reads it.
fn checksum(archive: &Path, name: &str) -> Result<(), String> {
    let bytes = fs::read(archive).map_err(|error| told(archive, &error))?;
    let mut line = String::new();
    for byte in Sha256::digest(&bytes) {
        write!(line, "{byte:02x}").map_err(|error| error.to_string())?;
    }
    let path = archive.with_file_name(format!("{name}.sha256"));
    fs::write(&path, format!("{line}  {name}\n")).map_err(|error| told(&path, &error))
}

/// What the binary prints; only a binary of this machine can be asked.
fn output(binary: &Path, arguments: &[&str]) -> Result<Vec<u8>, String> {
    let output = Command::new(binary).args(arguments).stdin(Stdio::null()).output();
    let output = output.map_err(|error| told(binary, &error))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("{} {}: {said}", binary.display(), arguments.join(" ")))
}

fn copy(from: &Path, to: &Path) -> Result<(), String> {
    fs::copy(from, to).map(|_| ()).map_err(|error| told(from, &error))
}

fn told(path: &Path, error: &std::io::Error) -> String {
    format!("{}: {error}", path.display())
}
