//! What `--target` means: a ready-made target, a file, or a URL.

use crate::error::CliError;
use crate::files;
use squall_live::TargetOptions;
use squall_scenario::{Scenario, TargetConfig, Template};
use squall_target::{Tuning, ready_made, require_installed};
use std::path::Path;

/// The gateway to test, as it was named; a ready-made one tuned like the scenario or at its defaults.
pub(crate) fn target(
    text: &str,
    scenario: &Scenario,
    tuning: Tuning,
) -> Result<TargetOptions, CliError> {
    if is_url(text) {
        return of_url(text);
    }
    if let Some(known) = ready_made(text) {
        let exported = known.export(scenario, tuning);
        return Ok(TargetOptions {
            name: known.name().to_owned(),
            version: Some(known.version().to_owned()),
            config: exported.target,
            path: vec![require_installed(known)?],
        });
    }
    of_file(text)
}

/// A system that runs already.
pub(crate) fn system(text: &str) -> Result<TargetOptions, CliError> {
    if is_url(text) {
        return of_url(text);
    }
    if ready_made(text).is_some() {
        let told = format!(
            "--target: `{text}` is started by a run: use `squall run --target {text}`; a load test takes a URL or a file"
        );
        return Err(CliError::Target(told));
    }
    of_file(text)
}

fn is_url(text: &str) -> bool {
    text.starts_with("http://") || text.starts_with("https://")
}

/// A gateway that is running.
fn of_url(text: &str) -> Result<TargetOptions, CliError> {
    let url = text.trim_end_matches('/').parse::<Template>();
    let url =
        url.map_err(|misfit| CliError::Target(format!("{}: {}", misfit.message, misfit.label)))?;
    Ok(TargetOptions {
        name: text.to_owned(),
        version: None,
        config: TargetConfig { url, ..TargetConfig::default() },
        path: Vec::new(),
    })
}

fn of_file(text: &str) -> Result<TargetOptions, CliError> {
    let path = Path::new(text);
    let yaml = files::typed(path).map_err(|source| match source.kind() {
        std::io::ErrorKind::NotFound => CliError::Target(format!(
            "--target: `{text}` is neither a ready-made target ({}), nor a file, nor a URL",
            squall_target::names().collect::<Vec<_>>().join(", ")
        )),
        _ => CliError::Read { path: path.to_owned(), source },
    })?;
    let config = TargetConfig::read(text, &yaml)?;
    let name = path.file_stem().map_or_else(|| text.into(), |stem| stem.to_string_lossy());
    Ok(TargetOptions { name: name.into_owned(), version: None, config, path: Vec::new() })
}
