//! Gateways to test in place of the built-in one: the `target` of a scenario, or a file of its own.

use super::file;
use crate::diagnostic::{Diagnostics, Problem, Problems};
use crate::fields::Fields;
use crate::model::{Scenario, ScenarioProvider};
use crate::node::{Node, NodeKind};
use crate::schema::Schema;
use crate::settings::{
    In, Maybe, Required, Span, Text, Told, ValueKind, Word, Written, settings, vocabulary,
};
use crate::target::{ReadyCheck, TargetConfig, TargetFormat, TargetStart, TargetStop};
use crate::template::{Placeholder, Template};
use crate::{unit::Misfit, value};

settings! {
    /// A target.
    pub(crate) static TARGET: TargetConfig = (
        "target",
        "a target",
        "A gateway to test in place of the built-in one, in live runs. Texts may hold placeholders: `${port}`, a \
         free port for it to listen at (`${port.NAME}`, another one); `${dir}`, its own folder; \
         `${provider.NAME.url}`, the base URL of a mock provider with the version, and `.origin`, `.host`, \
         `.port`, `.key`; `${env.NAME}`, an environment variable. A literal `${` is written `$${`.",
        check
    );
    /// The base URL that clients use, including the version: `http://127.0.0.1:4000/v1`. A target has `url` or
    /// `exec`.
    url: Told(UrlTemplate, "none: a program");
    /// A program that reads a request from each line of its standard input and writes an answer to a line of its
    /// standard output, both JSON: an SDK, or a router in process (docs/TARGETS.md).
    exec: Maybe(In(&EXEC), "none");
    /// The format that clients speak.
    format: Word(&CLIENT_FORMATS);
    /// Headers of every request, such as `authorization: "Bearer ${env.KEY}"`.
    headers: Templates("none");
    /// The model name that clients send, by group.
    models: Templates("the names of the groups");
    /// How to start it.
    start: Maybe(In(&START), "it runs already");
}

settings! {
    /// How a target is started.
    static START: TargetStart = (
        "target-start",
        "the start of a target",
        "How to start a target. It runs in a process group of its own, in a folder of its own, and is stopped \
         with everything that it started."
    );
    /// The program and its arguments.
    command: Required(TemplateList);
    /// Files to write into its folder first: text by path.
    files: Templates("none");
    /// Environment variables, in addition to those of this process.
    env: Templates("none");
    /// When it is ready. In any case its port has to accept connections, and a chat of each group has to be
    /// answered.
    ready: In(&READY);
    /// The signal that stops it. What is left of it after 10 s is killed.
    stop: Word(&SIGNALS);
    /// The file of its folder for its standard output and error.
    log: Text;
}

settings! {
    /// A program as a target.
    static EXEC: TargetStart = (
        "target-exec",
        "a program as a target",
        "How to start a program that is a target itself. It ends when its standard input does."
    );
    /// The program and its arguments.
    command: Required(TemplateList);
    /// Files to write into its folder first: text by path.
    files: Templates("none");
    /// Environment variables, in addition to those of this process.
    env: Templates("none");
    /// The file of its folder for its standard error.
    log: Text;
}

settings! {
    /// When a target is ready.
    static READY: ReadyCheck = ("target-ready", "a readiness check", "When a target is ready.");
    /// A path that has to answer 200, such as `/health/readiness`.
    get: Maybe(Text, "none");
    /// How long that may take.
    within: Span;
}

vocabulary! {
    static CLIENT_FORMATS: TargetFormat =
        "openai" => TargetFormat::OpenAi,
        "anthropic" => TargetFormat::Anthropic,
    ;
}

vocabulary! {
    static SIGNALS: TargetStop =
        "SIGTERM" => TargetStop::Term,
        "SIGINT" => TargetStop::Interrupt,
        "SIGQUIT" => TargetStop::Quit,
        "SIGKILL" => TargetStop::Kill,
    ;
}

/// A URL with placeholders.
struct UrlTemplate;

impl ValueKind for UrlTemplate {
    type Value = Template;

    fn shape(&self) -> Schema {
        Schema::Url
    }

    fn read(&self, node: &Node, _: &Template, problems: &Problems) -> Option<Template> {
        value::parsed(node, &Schema::Url, problems, |text| {
            let behind = |scheme| text.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty());
            if !(behind("http://") || behind("https://")) || text.contains(' ') {
                return Err(Misfit::new(
                    format!("`{text}` is not the URL of a target"),
                    "expected a URL such as `http://127.0.0.1:4000/v1`",
                )
                .help("gateways under test are called by plain HTTP on this machine, and systems that `squall load` calls by HTTP or HTTPS"));
            }
            text.trim_end_matches('/').parse()
        })
    }

    fn write(&self, url: &Template) -> Written {
        if url.parts().is_empty() { Written::Unset } else { Written::text(url.to_string()) }
    }
}

/// A list of templates.
struct TemplateList;

impl ValueKind for TemplateList {
    type Value = Vec<Template>;

    fn shape(&self) -> Schema {
        Schema::List(&Schema::Text)
    }

    fn read(&self, node: &Node, _: &Self::Value, problems: &Problems) -> Option<Self::Value> {
        let NodeKind::List(items) = &node.kind else {
            value::wrong_type(node, &self.shape(), problems);
            return None;
        };
        if items.is_empty() {
            let label = "expected the program to start, and its arguments";
            problems.push(Problem::new(&node.span, "a command without a program", label));
        }
        items.iter().map(|item| template(item, problems)).collect()
    }

    fn write(&self, templates: &Self::Value) -> Written {
        Written::List(templates.iter().map(|text| Written::text(text.to_string())).collect())
    }
}

/// Templates by name; what holds without them, for a person.
struct Templates(&'static str);

impl ValueKind for Templates {
    type Value = Vec<(String, Template)>;

    fn shape(&self) -> Schema {
        Schema::Named(&Schema::Text)
    }

    fn read(&self, node: &Node, _: &Self::Value, problems: &Problems) -> Option<Self::Value> {
        let NodeKind::Map(entries) = &node.kind else {
            value::wrong_type(node, &self.shape(), problems);
            return None;
        };
        let entries = entries.iter();
        entries.map(|entry| Some((entry.key.clone(), template(&entry.value, problems)?))).collect()
    }

    fn write(&self, templates: &Self::Value) -> Written {
        let entries = templates.iter();
        let entries =
            entries.map(|(name, text)| (name.clone(), Written::text(text.to_string()))).collect();
        Written::Map(entries)
    }

    fn default_text(&self, _: &Self::Value) -> String {
        self.0.to_owned()
    }
}

fn template(node: &Node, problems: &Problems) -> Option<Template> {
    value::parsed(node, &Schema::Text, problems, str::parse)
}

/// What a target may not have.
fn check(fields: &Fields<'_>, target: &TargetConfig) {
    for (name, _) in &target.headers {
        let fits = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
        if name.is_empty() || !name.chars().all(fits) {
            let message = format!("`{name}` is not the name of a header");
            let label = "expected a name such as `authorization`";
            fields.problems.push(Problem::new(fields.span_of("headers"), message, label));
        }
    }
    check_kind(fields, target);
    for start in [&target.start, &target.exec].into_iter().flatten() {
        check_paths(fields, start);
    }
    if target.start.is_none() {
        let listens =
            |part: &Placeholder| matches!(part, Placeholder::Port(_) | Placeholder::Folder);
        if target.url.placeholders().any(listens) {
            let message = "`${port}` and `${dir}` are of a target that is started";
            let problem = Problem::new(fields.span_of("url"), message, "this one runs already");
            fields.problems.push(problem.help("write its port, or add `start`"));
        }
    }
}

/// A target is a URL or a program.
fn check_kind(fields: &Fields<'_>, target: &TargetConfig) {
    let has = |key: &str| fields.get(key).is_some();
    if has("url") == has("exec") {
        let (message, label) = match has("url") {
            true => ("a target has `url` or `exec`, not both", "one too many"),
            false => ("a target needs `url` or `exec`", "it has neither"),
        };
        fields.problems.push(Problem::new(fields.key_span("exec"), message, label));
    }
    for key in ["start", "headers"] {
        if target.exec.is_some() && has(key) {
            let message = format!("a program has no `{key}`");
            let problem = Problem::new(fields.key_span(key), message, "of no effect here");
            fields.problems.push(problem.help("`exec` starts it, and its own code makes requests"));
        }
    }
}

/// Files of a target stay in its folder.
fn check_paths(fields: &Fields<'_>, start: &TargetStart) {
    for path in start.files.iter().map(|(path, _)| path).chain([&start.log]) {
        let leaves = path.split(['/', '\\']).any(|part| part == "..") || path.starts_with('/');
        if leaves || path.is_empty() {
            let message = format!("`{path}` is not a path within the target's folder");
            let label = "expected a relative path such as `litellm.yaml`";
            let key = if fields.get("exec").is_some() { "exec" } else { "start" };
            fields.problems.push(Problem::new(fields.span_of(key), message, label));
        }
    }
}

impl TargetConfig {
    /// Reads a file that is a target and nothing else; `path` is what diagnostics call it.
    ///
    /// # Errors
    /// All the problems of the file, each with its place.
    pub fn read(path: &str, text: &str) -> Result<Self, Diagnostics> {
        file(path, text, &TARGET.section, |fields| Some(TARGET.read(&fields, &Self::default())))
    }

    /// The target as the text of such a file.
    #[must_use]
    pub fn to_yaml(&self) -> String {
        let mut text = String::new();
        yaml_block(&TARGET.write(self), 0, &mut text);
        text
    }
}

/// A mapping over lines; texts of several lines as blocks.
fn yaml_block(written: &Written, depth: usize, out: &mut String) {
    let Written::Map(entries) = written else { return };
    let indent = "  ".repeat(depth);
    for (key, value) in entries {
        let key = crate::settings::quoted(key);
        match value {
            Written::Unset => {}
            Written::Map(inner) if inner.is_empty() => {}
            Written::Map(_) => {
                out.push_str(&format!("{indent}{key}:\n"));
                yaml_block(value, depth + 1, out);
            }
            Written::Text(text) if text.contains('\n') && is_plain_block(text) => {
                let chomp = if text.ends_with('\n') { "" } else { "-" };
                out.push_str(&format!("{indent}{key}: |{chomp}\n"));
                for line in text.lines() {
                    let line =
                        if line.is_empty() { String::new() } else { format!("{indent}  {line}") };
                    out.push_str(&line);
                    out.push('\n');
                }
            }
            Written::Plain(_) | Written::Text(_) | Written::Secret(_) | Written::List(_) => {
                out.push_str(&format!("{indent}{key}: {value}\n"));
            }
        }
    }
}

/// Whether a text of several lines can be written as a block that needs no other signs.
fn is_plain_block(text: &str) -> bool {
    let ends_once = !text.ends_with("\n\n");
    ends_once && !text.starts_with([' ', '\n']) && !text.contains(['\t', '\r', '\u{feff}'])
}

/// The target of a scenario, which may name the scenario's providers.
pub(super) fn of_scenario(
    fields: &Fields<'_>,
    providers: &[ScenarioProvider],
) -> Option<TargetConfig> {
    let section = fields.section("target")?;
    let target = TARGET.read(&section, &TargetConfig::default());
    let known: Vec<_> = providers.iter().map(|each| each.name.as_str()).collect();
    for name in unknown_providers(&target, &known) {
        let message = format!("the target names the provider `{name}`, which is not there");
        let problem = Problem::new(fields.key_span("target"), message, "no such provider");
        fields.problems.push(problem.help(format!("this scenario has {}", known.join(", "))));
    }
    Some(target)
}

/// The providers that a target names and that are not known, each once.
fn unknown_providers<'t>(target: &'t TargetConfig, known: &[&str]) -> Vec<&'t str> {
    let mut unknown = Vec::new();
    for placeholder in target.templates().flat_map(Template::placeholders) {
        if let Placeholder::Provider { name, .. } = placeholder
            && !known.contains(&name.as_str())
            && !unknown.contains(&name.as_str())
        {
            unknown.push(name.as_str());
        }
    }
    unknown
}

impl TargetConfig {
    /// All its texts.
    pub fn templates(&self) -> impl Iterator<Item = &Template> {
        let named = [&self.headers, &self.models].into_iter().flatten().map(|(_, text)| text);
        let starts = self.start.iter().chain(&self.exec);
        let start = starts.flat_map(|start| {
            let named = [&start.files, &start.env].into_iter().flatten().map(|(_, text)| text);
            start.command.iter().chain(named)
        });
        core::iter::once(&self.url).chain(named).chain(start)
    }

    /// The providers that it names and that a scenario does not have, each once.
    #[must_use]
    pub fn providers_missing_in<'t>(&'t self, scenario: &Scenario) -> Vec<&'t str> {
        let known: Vec<_> = scenario.providers.iter().map(|each| each.name.as_str()).collect();
        unknown_providers(self, &known)
    }
}
