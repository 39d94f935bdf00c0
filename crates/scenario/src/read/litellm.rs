//! A scenario whose router is a LiteLLM file: the file is loaded, and its deployments run at the
//! scenario's providers of the same names.

use super::names::{Providers, RouterSection};
use super::router::ROUTER;
use crate::diagnostic::{Problem, Severity};
use crate::fields::Fields;
use crate::model::DeploymentLink;
use squall_litellm::LitellmFile;
use squall_router::Profile;
use std::io;

/// What loads a file that another names, or a variable by `os.environ/NAME`.
pub(crate) type LoadFile<'l> = &'l dyn Fn(&str) -> io::Result<String>;

/// What stands between a scenario and the LiteLLM file that it was read with, in its recording.
const EMBEDDED: &str = "\n# The LiteLLM file that this was read with:\n";
const EMBEDDED_LINE: &str = "#| ";

/// A router that was loaded.
#[derive(Debug)]
pub(crate) struct Loaded {
    /// The router.
    pub(crate) router: RouterSection,
    /// The file's text, with its secrets hidden.
    pub(crate) text: String,
}

/// Loads the router that the section names, if it names one; `None` too if that fails.
pub(crate) fn router(fields: &Fields<'_>, known: &Providers, load: LoadFile<'_>) -> Option<Loaded> {
    let path = fields.text("litellm")?;
    let span = fields.span_of("litellm");
    refuse_others(fields);
    let text = load(path).map_err(|error| {
        let message = format!("`{path}` cannot be loaded here: {error}");
        let problem = Problem::new(
            span,
            message,
            "expected a LiteLLM configuration, relative to \
             this file",
        );
        fields.problems.push(problem);
    });
    let text = text.ok()?;
    let folder = path.rsplit_once('/').map(|(folder, _)| folder);
    let beside = |other: &str| match folder {
        Some(folder) if !other.starts_with("os.environ/") => load(&format!("{folder}/{other}")),
        _ => load(other),
    };
    let file = LitellmFile::read_with(path, &text, &beside).map_err(|diagnostics| {
        let errors = diagnostics.problems().iter();
        let error = errors.clone().find(|problem| problem.severity == Severity::Error);
        let first = error.unwrap_or_else(|| &diagnostics.problems()[0]);
        let (line, column) = diagnostics.position(first);
        let message = format!("`{path}` is not a valid LiteLLM configuration");
        let label = format!("line {line}, column {column}: {}", first.message);
        let problem = Problem::new(span, message, label);
        let help = format!("`squall import litellm {path}` shows all errors in it");
        fields.problems.push(problem.help(help));
    });
    let file = file.ok()?;
    let profile = fields.word("profile").and_then(Profile::from_word).unwrap_or_default();
    Some(loaded(fields, known, &file, profile, &text))
}

fn loaded(
    fields: &Fields<'_>,
    known: &Providers,
    file: &LitellmFile,
    profile: Profile,
    text: &str,
) -> Loaded {
    let span = fields.span_of("litellm");
    let mut router = RouterSection::empty();
    router.config = file.router(profile);
    for group in &router.config.groups {
        router.groups.add(&group.name, span, fields.problems);
    }
    let mut missing = Vec::new();
    for deployment in file.deployments() {
        router.deployments.add(deployment.name, span, fields.problems);
        let place = known.names.position(deployment.name);
        let Some(copies) = place.and_then(|place| known.copies.get(place)) else {
            missing.push(format!("`{}`", deployment.name));
            continue;
        };
        let model = deployment.model.to_owned();
        router.links.push(DeploymentLink { provider: copies.first, model, key: None });
    }
    if !missing.is_empty() {
        let message = format!("no provider for {}", missing.join(", "));
        let label = "its deployments use the providers of the same names";
        let problem = Problem::new(span, message, label);
        fields.problems.push(problem.help("add providers with these names to the scenario"));
    } else if let Err(error) = router.config.validate() {
        let label = "the router rejects this configuration";
        fields.problems.push(Problem::new(span, error.to_string(), label));
    }
    router.labels.tags = file.tags().to_vec();
    router.labels.regions = file.regions().to_vec();
    router.labels.spend_budgets.clone_from(&router.config.spend_budgets);
    Loaded { router, text: file.standalone_text(text) }
}

/// The LiteLLM file says everything but the profile.
fn refuse_others(fields: &Fields<'_>) {
    for key in ROUTER.keys().filter(|key| !["litellm", "profile", "groups"].contains(&key.name)) {
        if fields.get(key.name).is_some() {
            let message = format!("`{}` beside `litellm`", key.name);
            let label = "set by the LiteLLM file";
            fields.problems.push(Problem::new(fields.key_span(key.name), message, label));
        }
    }
}

/// The text of a scenario with the LiteLLM file that it was read with, so that it can be read again
/// without.
pub(crate) fn embed(text: &str, file: &str) -> String {
    if text.contains(EMBEDDED) {
        return text.to_owned();
    }
    let mut out = format!("{text}{EMBEDDED}");
    for line in file.split('\n') {
        out.push_str(EMBEDDED_LINE);
        out.push_str(line);
        out.push('\n');
    }
    out
}

/// The LiteLLM file in the text of a scenario.
pub(crate) fn embedded(text: &str, name: &str) -> io::Result<String> {
    let missing = || io::Error::new(io::ErrorKind::NotFound, "other files cannot be read here");
    if name.starts_with("os.environ/") {
        // What the file says was written out when it was recorded.
        return Err(missing());
    }
    let (_, file) = text.split_once(EMBEDDED).ok_or_else(missing)?;
    let lines: Vec<_> =
        file.lines().map(|line| line.strip_prefix(EMBEDDED_LINE).unwrap_or_default()).collect();
    Ok(lines.join("\n"))
}
