//! Installs ready-made targets, each into a folder of its own: `$SQUALL_TARGETS/NAME-VERSION`, else
//! `~/.cache/squall/targets/NAME-VERSION`.

use crate::install_recipe::InstallRecipe;
use crate::ready_made::ReadyMade;
use std::env;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Why a target cannot be installed, or used.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// Neither `$SQUALL_TARGETS` nor a home folder.
    #[error("there is no folder to install targets into: set SQUALL_TARGETS to one")]
    NoFolder,
    /// A tool is missing.
    #[error("{target} needs `{tool}`, which is not there: {help}")]
    NoTool {
        /// The target.
        target: &'static str,
        /// The program that is missing.
        tool: &'static str,
        /// Where to have it from.
        help: &'static str,
    },
    /// A package that only root can install.
    #[error(
        "{target} is a package of Debian, which root alone can install: run `sudo apt-get install {package}`"
    )]
    NotRoot {
        /// The target.
        target: &'static str,
        /// The package.
        package: &'static str,
    },
    /// It cannot be installed from a registry.
    #[error("{target} {why}")]
    Elsewhere {
        /// The target.
        target: &'static str,
        /// What to do instead.
        why: &'static str,
    },
    /// The installer failed.
    #[error("{target} could not be installed: `{command}` failed. {help}\n{output}")]
    Failed {
        /// The target.
        target: &'static str,
        /// What was run.
        command: String,
        /// What may be the matter.
        help: &'static str,
        /// The end of what it printed.
        output: String,
    },
    /// It is not installed.
    #[error("{target} is not installed: run `squall target install {target}`")]
    NotInstalled {
        /// The target.
        target: &'static str,
    },
    /// Something of the machine's.
    #[error("cannot {what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// Why it failed.
        source: io::Error,
    },
}

/// The file that says what is installed in a folder; without it, an installation did not come to its end.
const INSTALLED: &str = "installed.txt";

/// Lines of an installer's output that an error shows.
const SHOWN_LINES: usize = 15;

/// Where the program of a target is: the folder with it.
///
/// # Errors
/// If there is no folder for targets.
pub fn installed(target: &dyn ReadyMade) -> Result<Option<PathBuf>, InstallError> {
    let contents = match target.install() {
        InstallRecipe::ThisProgram => {
            let program = env::current_exe().map_err(io_error("find this program"))?;
            return Ok(program.parent().map(Path::to_owned));
        }
        InstallRecipe::Debian { .. } | InstallRecipe::Elsewhere { .. } => {
            return Ok(folder_in_path(target.program()));
        }
        InstallRecipe::Python { requirements } => requirements.join("\n"),
        InstallRecipe::Node { manifest } => manifest.to_owned(),
    };
    let folder = folder(target)?;
    let is_there = fs::read_to_string(folder.join(INSTALLED)).is_ok_and(|text| text == contents);
    Ok(is_there.then(|| folder.join(programs(target.install()))))
}

/// Installs a target, unless it is installed; the folder of its program.
///
/// # Errors
/// If a tool is missing, an installer fails, or files cannot be written.
pub fn install(target: &dyn ReadyMade) -> Result<PathBuf, InstallError> {
    if let Some(folder) = installed(target)? {
        return Ok(folder);
    }
    match target.install() {
        InstallRecipe::ThisProgram => {}
        InstallRecipe::Debian { package } => debian(target, package)?,
        InstallRecipe::Python { requirements } => python(target, requirements)?,
        InstallRecipe::Node { manifest } => node(target, manifest)?,
        InstallRecipe::Elsewhere { why } => {
            return Err(InstallError::Elsewhere { target: target.name(), why });
        }
    }
    require_installed(target)
}

/// The folder of a target's program.
///
/// # Errors
/// If it is not installed.
pub fn require_installed(target: &dyn ReadyMade) -> Result<PathBuf, InstallError> {
    let not_installed = || match target.install() {
        InstallRecipe::Elsewhere { why } => InstallError::Elsewhere { target: target.name(), why },
        InstallRecipe::ThisProgram
        | InstallRecipe::Debian { .. }
        | InstallRecipe::Python { .. }
        | InstallRecipe::Node { .. } => InstallError::NotInstalled { target: target.name() },
    };
    installed(target)?.ok_or_else(not_installed)
}

/// The folder of a target's own.
fn folder(target: &dyn ReadyMade) -> Result<PathBuf, InstallError> {
    let own = variable("SQUALL_TARGETS").map(PathBuf::from);
    let cache = || variable("XDG_CACHE_HOME").map(PathBuf::from);
    let home = || variable("HOME").map(|home| Path::new(&home).join(".cache"));
    let usual = || cache().or_else(home).map(|cache| cache.join("squall/targets"));
    let targets = own.or_else(usual).ok_or(InstallError::NoFolder)?;
    Ok(targets.join(format!("{}-{}", target.name(), target.version())))
}

#[expect(
    clippy::disallowed_methods,
    reason = "where a person keeps caches stands in the environment"
)]
fn variable(name: &str) -> Option<std::ffi::OsString> {
    env::var_os(name).filter(|value| !value.is_empty())
}

/// Where an installation has its programs.
fn programs(recipe: InstallRecipe) -> &'static str {
    match recipe {
        InstallRecipe::Python { .. } => "bin",
        InstallRecipe::Node { .. } => "node_modules/.bin",
        InstallRecipe::ThisProgram
        | InstallRecipe::Debian { .. }
        | InstallRecipe::Elsewhere { .. } => "",
    }
}

/// The folder of a program of the machine. Those for administrators are looked through as well: not everybody has them
/// in `PATH`.
fn folder_in_path(program: &str) -> Option<PathBuf> {
    let path = variable("PATH").unwrap_or_default();
    let usual = ["/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from);
    env::split_paths(&path).chain(usual).find(|folder| folder.join(program).is_file())
}

fn debian(target: &dyn ReadyMade, package: &'static str) -> Result<(), InstallError> {
    let help = "it is installed by apt, on Debian and Ubuntu; elsewhere, install it by hand";
    need(target, "apt-get", help)?;
    let is_root = Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout == b"0\n");
    if !is_root {
        return Err(InstallError::NotRoot { target: target.name(), package });
    }
    let help = "Are Debian's mirrors in reach?";
    // Nothing is to be started: a service of the machine's would take its ports.
    let environment = [("DEBIAN_FRONTEND", "noninteractive"), ("RUNLEVEL", "1")];
    run(target, Path::new("/"), "apt-get", &["update"], &environment, help)?;
    let arguments = ["install", "-y", "--no-install-recommends", package];
    run(target, Path::new("/"), "apt-get", &arguments, &environment, help)
}

fn python(target: &dyn ReadyMade, requirements: &[&str]) -> Result<(), InstallError> {
    need(target, "python3", "on Debian: apt-get install python3 python3-venv")?;
    let folder = fresh(target)?;
    let help = "Python 3.10 or later with venv is needed; on Debian: apt-get install python3-venv";
    run(target, &folder, "python3", &["-m", "venv", "."], &[], help)?;
    let mut arguments = vec!["-m", "pip", "install", "--disable-pip-version-check"];
    arguments.extend(requirements);
    let python = folder.join("bin/python3").display().to_string();
    run(target, &folder, &python, &arguments, &[], "Is PyPI in reach?")?;
    write(&folder.join(INSTALLED), &requirements.join("\n"))
}

fn node(target: &dyn ReadyMade, manifest: &str) -> Result<(), InstallError> {
    let help = "Node.js 20 or later with npm is needed; on Debian: apt-get install nodejs npm";
    need(target, "npm", help)?;
    need(target, "node", help)?;
    let folder = fresh(target)?;
    write(&folder.join("package.json"), manifest)?;
    let arguments = ["install", "--no-audit", "--no-fund", "--ignore-scripts"];
    run(target, &folder, "npm", &arguments, &[], "Is the npm registry in reach?")?;
    write(&folder.join(INSTALLED), manifest)
}

/// The folder of a target, empty.
fn fresh(target: &dyn ReadyMade) -> Result<PathBuf, InstallError> {
    let folder = folder(target)?;
    if folder.exists() {
        let what = format!("remove what is left of an installation in {}", folder.display());
        fs::remove_dir_all(&folder).map_err(io_error(what))?;
    }
    fs::create_dir_all(&folder).map_err(io_error(format!("make {}", folder.display())))?;
    Ok(folder)
}

fn need(
    target: &dyn ReadyMade,
    tool: &'static str,
    help: &'static str,
) -> Result<(), InstallError> {
    match folder_in_path(tool) {
        Some(_) => Ok(()),
        None => Err(InstallError::NoTool { target: target.name(), tool, help }),
    }
}

/// Runs an installer; what it prints is shown if it fails.
fn run(
    target: &dyn ReadyMade,
    folder: &Path,
    program: &str,
    arguments: &[&str],
    environment: &[(&str, &str)],
    help: &'static str,
) -> Result<(), InstallError> {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder).stdin(Stdio::null());
    command.envs(environment.iter().copied());
    let done = command.output().map_err(io_error(format!("run {program}")))?;
    if done.status.success() {
        return Ok(());
    }
    let printed = [done.stdout, done.stderr].concat();
    let printed = String::from_utf8_lossy(&printed);
    let lines: Vec<_> = printed.lines().collect();
    let shown = lines[lines.len().saturating_sub(SHOWN_LINES)..].join("\n");
    let name = Path::new(program).file_name().and_then(OsStr::to_str).unwrap_or(program);
    let command = format!("{name} {}", arguments.join(" "));
    Err(InstallError::Failed { target: target.name(), command, help, output: shown })
}

fn write(path: &Path, text: &str) -> Result<(), InstallError> {
    fs::write(path, text).map_err(io_error(format!("write {}", path.display())))
}

fn io_error(what: impl Into<String>) -> impl FnOnce(io::Error) -> InstallError {
    let what = what.into();
    move |source| InstallError::Io { what, source }
}
