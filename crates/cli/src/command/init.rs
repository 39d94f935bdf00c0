//! `squall init`: a blueprint for a mix of providers, or a scenario around another router's configuration.

mod blueprint;
mod prompt;
mod write_all;

use crate::args::{DrillArgs, InitArgs, InitFrom};
use crate::error::{CliError, Exit};
use crate::{command, terminal};
use squall_litellm::InitOptions;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Component, Path, PathBuf};

pub(crate) fn init(args: &InitArgs) -> Result<Exit, CliError> {
    match (&args.drill.from, &args.drill.file) {
        (Some(InitFrom::Litellm), Some(path)) => drill(args, &args.drill, path),
        // clap has seen to it that they come together.
        _ => blueprint::blueprint(args),
    }
}

/// A scenario around a LiteLLM file.
fn drill(args: &InitArgs, drill: &DrillArgs, path: &Path) -> Result<Exit, CliError> {
    let file = command::litellm::read(path)?;
    let name = path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into());
    let out = args.out.clone();
    let out = out.unwrap_or_else(|| Path::new("scenarios").join(format!("{name}-drill.yaml")));
    let reference = if drill.inline { None } else { Some(relative(path, &out)?) };
    let name = out.file_stem().map_or(name, |stem| stem.to_string_lossy().into());
    let unknown = |group: &&String| !file.group_names().contains(&group.as_str());
    if let Some(group) = args.group.as_ref().filter(unknown) {
        let known = file.group_names().join(", ");
        return Err(CliError::NoSuchGroup { group: group.clone(), known });
    }
    let profile = drill.profile.into();
    let options = InitOptions {
        reference,
        group: args.group.clone(),
        rps: drill.rps,
        ttft: drill.ttft,
        ..InitOptions::new(name, profile)
    };
    let findings = file.findings(profile);
    terminal::status(command::litellm::table(&findings));
    terminal::field("findings", || findings.iter().map(command::litellm::finding_json).collect());
    write(&out, &squall_scenario::litellm_scenario_yaml(&file, &options), args.force)?;
    let out = out.display();
    terminal::field("scenario", || out.to_string().into());
    terminal::data(format_args!("wrote {out}"));
    terminal::status(format_args!("next: squall run --sim {out}"));
    Ok(Exit::Met)
}

fn write(out: &Path, text: &str, force: bool) -> Result<(), CliError> {
    let failed =
        |source| CliError::Io { what: format!("cannot write `{}`", out.display()), source };
    if let Some(folder) = out.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).create_new(!force);
    match options.open(out) {
        Ok(mut file) => file.write_all(text.as_bytes()).map_err(failed),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            Err(CliError::Exists(out.to_owned()))
        }
        Err(error) => Err(failed(error)),
    }
}

/// The path of `file` as seen from the folder that `from` is in.
fn relative(file: &Path, from: &Path) -> Result<String, CliError> {
    let absolute = |path: &Path| {
        let what = || format!("cannot find `{}`", path.display());
        std::path::absolute(path).map_err(|source| CliError::Io { what: what(), source })
    };
    let (file, from) = (plain(&absolute(file)?), plain(&absolute(from)?));
    let folder = from.parent().unwrap_or(&from);
    let shared = file.components().zip(folder.components()).take_while(|(a, b)| a == b).count();
    let up = folder.components().skip(shared).map(|_| Component::ParentDir);
    let path: PathBuf = up.chain(file.components().skip(shared)).collect();
    Ok(path.to_string_lossy().into_owned())
}

/// The path without `.` and `..`.
fn plain(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                out.pop();
            }
            Component::CurDir => {}
            part => out.push(part),
        }
    }
    out
}
