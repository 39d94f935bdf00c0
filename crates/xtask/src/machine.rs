//! What a machine needs before anything is built: Rust with its formatter and linter, and a C linker.
//! For some suites also Chromium, tmux, nginx, HAProxy, Prometheus, Redis, Python, and the vendors' clients from PyPI. What apt can
//! give is installed on Debian as root; anything else is asked for by name.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Makes sure that everything needed is there, or says what is missing and how to get it.
pub(crate) fn prepare() -> bool {
    let mut ready = prepare_to_build();
    if !answers("chromium", &["--version"]) && !install("chromium") {
        eprintln!("missing: Chromium, as `chromium`. On Debian: apt-get install chromium");
        ready = false;
    }
    if !answers("tmux", &["-V"]) && !install("tmux") {
        eprintln!("missing: tmux. On Debian: apt-get install tmux");
        ready = false;
    }
    for gateway in ["nginx", "haproxy"] {
        let path = format!("/usr/sbin/{gateway}");
        if !answers(gateway, &["-v"]) && !answers(&path, &["-v"]) && !install(gateway) {
            eprintln!("missing: {gateway}. On Debian: apt-get install {gateway}");
            ready = false;
        }
    }
    ready &= has_prometheus() && has_alertmanager() && has_redis();
    if ready && !clients() {
        ready = false;
    }
    ready
}

/// Prometheus, and promtool, which judges metrics, rules and configurations.
pub(crate) fn has_prometheus() -> bool {
    let both = || ["prometheus", "promtool"].iter().all(|tool| answers(tool, &["--version"]));
    let is_there = both() || (install("prometheus") && both());
    if !is_there {
        eprintln!("missing: Prometheus and promtool. On Debian: apt-get install prometheus");
    }
    is_there
}

/// The Alertmanager that alerts are sent to.
pub(crate) fn has_alertmanager() -> bool {
    let is_there =
        answers("prometheus-alertmanager", &["--version"]) || install("prometheus-alertmanager");
    if !is_there {
        eprintln!("missing: Alertmanager. On Debian: apt-get install prometheus-alertmanager");
    }
    is_there
}

/// The store that replicas share.
pub(crate) fn has_redis() -> bool {
    let is_there = answers("redis-server", &["--version"]) || install("redis-server");
    if !is_there {
        eprintln!("missing: Redis. On Debian: apt-get install redis-server");
    }
    is_there
}

/// The load generator, and the servers that ours are measured beside.
pub(crate) fn has_load_tools() -> bool {
    let mut all = is_installed("wrk") || install("wrk");
    for gateway in ["nginx", "haproxy"] {
        let path = format!("/usr/sbin/{gateway}");
        all &= answers(gateway, &["-v"]) || answers(&path, &["-v"]) || install(gateway);
    }
    all
}

/// What counts instructions.
pub(crate) fn has_valgrind() -> bool {
    let is_there = answers("valgrind", &["--version"]) || install("valgrind");
    if !is_there {
        eprintln!("missing: valgrind. On Debian: apt-get install valgrind");
    }
    is_there
}

/// The root of the workspace, if it is still where this task was built.
pub(crate) fn root() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize();
    if root.is_err() {
        eprintln!("error: the workspace is no longer where this task was built");
    }
    root.ok()
}

/// Where cargo builds: this program was built there too.
pub(crate) fn target() -> PathBuf {
    let own = env::current_exe().ok();
    let target = own.as_deref().and_then(|own| own.parent()?.parent());
    target.map_or_else(|| PathBuf::from("target"), PathBuf::from)
}

/// A folder of `cargo xtask perf` where cargo builds.
///
/// # Errors
/// When it cannot be made.
pub(crate) fn perf_folder() -> Result<PathBuf, String> {
    let folder = target().join("perf");
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    Ok(folder)
}

/// Where cargo puts a program, beside this task: we run in `debug` of the target folder.
pub(crate) fn built(program: &str, dev: bool) -> Option<PathBuf> {
    let exe = env::current_exe().ok()?;
    let target = exe.parent()?.parent()?;
    Some(target.join(if dev { "debug" } else { "release" }).join(program))
}

/// The same for what a build, the formatter and the linter need.
pub(crate) fn prepare_to_build() -> bool {
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

/// The vendors' own clients, for the suite that lets them judge.
fn clients() -> bool {
    environment("clients", "requirements.txt").is_some_and(|python| node_clients(&python))
}

/// Those for Node, beside the Node of that environment, made anew when their versions change.
#[expect(clippy::disallowed_methods, reason = "npm is given the PATH that we have")]
fn node_clients(python: &Path) -> bool {
    let wanted = Path::new(env!("CARGO_MANIFEST_DIR")).join("../cli/tests/clients/node");
    let (Some(bin), Some(environment)) = (python.parent(), python.ancestors().nth(2)) else {
        return false;
    };
    let folder = environment.join("node");
    let lock = "package-lock.json";
    let Ok(versions) = fs::read(wanted.join(lock)) else {
        eprintln!("missing: {}", wanted.join(lock).display());
        return false;
    };
    // npm leaves its own list of what it has installed at the end.
    let is_there = folder.join("node_modules/.package-lock.json").exists();
    if is_there && fs::read(folder.join(lock)).is_ok_and(|installed| installed == versions) {
        return true;
    }
    let copied = fs::create_dir_all(&folder).and_then(|()| {
        fs::copy(wanted.join("package.json"), folder.join("package.json"))?;
        fs::copy(wanted.join(lock), folder.join(lock))
    });
    println!("installing the clients for Node from npm into {}", folder.display());
    // Node stands beside its npm, whose first line looks for it in the path.
    let paths = env::var_os("PATH").unwrap_or_default();
    let path = env::join_paths([bin.to_owned()].into_iter().chain(env::split_paths(&paths)));
    let mut npm = Command::new(bin.join("npm"));
    npm.args(["ci", "--no-audit", "--no-fund", "--silent"]).current_dir(&folder);
    npm.env("PATH", path.unwrap_or(paths));
    let is_made = copied.is_ok() && npm.status().is_ok_and(|status| status.success());
    if !is_made {
        eprintln!("failed: npm ci in {}; is the registry of npm in reach?", folder.display());
    }
    is_made
}

/// What a file of requirements beside the suite of clients asks for, in a virtual environment of its own, made
/// anew when it changes; its Python.
pub(crate) fn environment(name: &str, requirements: &str) -> Option<PathBuf> {
    let wanted = format!("{}/../cli/tests/clients/{requirements}", env!("CARGO_MANIFEST_DIR"));
    // We run in `debug` of the target folder, where the suite will look.
    let exe = env::current_exe().ok();
    let target = exe.as_deref().and_then(|exe| exe.parent()?.parent());
    let (Ok(versions), Some(target)) = (fs::read(&wanted), target) else {
        eprintln!("missing: {wanted}");
        return None;
    };
    let folder = target.join(name);
    let python = folder.join("bin/python");
    if fs::read(folder.join("installed.txt")).is_ok_and(|installed| installed == versions) {
        return Some(python);
    }
    let path = folder.display().to_string();
    let made = || answers("python3", &["-m", "venv", "--clear", &path]);
    let is_made = made() || (install("python3-venv") && made());
    if !is_made {
        eprintln!(
            "missing: Python 3.10 or later with venv. On Debian: apt-get install python3-venv"
        );
        return None;
    }
    println!("installing {requirements} from PyPI into {path}");
    let program = python.display().to_string();
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", &wanted];
    if !answers(&program, &pip) {
        eprintln!("failed: {program} {}; is PyPI in reach?", pip.join(" "));
        return None;
    }
    fs::write(folder.join("installed.txt"), versions).ok()?;
    Some(python)
}

fn answers(program: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Whether a program can be run, whatever it answers: `wrk -v` fails.
fn is_installed(program: &str) -> bool {
    Command::new(program).arg("-v").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
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
