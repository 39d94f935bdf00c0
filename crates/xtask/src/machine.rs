//! What a machine needs before anything is built: Rust with its formatter and linter, and a C linker.
//! What apt can give is installed on Debian as root; anything else is asked for by name.

use std::path::Path;
use std::process::{Command, Stdio};

/// Makes sure that everything needed is there, or says what is missing and how to get it.
pub(crate) fn prepare() -> bool {
    let mut ready = true;
    if !answers("cc", &["--version"]) && !install("gcc") {
        eprintln!("missing: a C linker (`cc`). On Debian: apt-get install gcc libc6-dev");
        ready = false;
    }
    for (component, tool) in [("rustfmt", "fmt"), ("clippy", "clippy")] {
        if !answers("cargo", &[tool, "--version"]) {
            eprintln!("missing: {component}. With rustup: rustup component add {component}");
            ready = false;
        }
    }
    ready
}

fn answers(program: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Installs a package if this is Debian and we are root.
fn install(package: &str) -> bool {
    let is_debian = Path::new("/etc/debian_version").exists();
    let is_root = Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout == b"0\n");
    if !is_debian || !is_root {
        return false;
    }
    println!("installing {package} by apt");
    answers("apt-get", &["update"]) && answers("apt-get", &["install", "-y", package, "libc6-dev"])
}
