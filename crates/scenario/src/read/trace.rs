//! Arrivals of a trace: where it is, how it is read, and what of it is replayed.

use super::distribution::{self, TOKEN_DISTRIBUTION};
use crate::diagnostic::{Problem, suggestion};
use crate::fields::Fields;
use crate::node::{Node, NodeKind};
use crate::schema::{Key, Schema, Section};
use crate::trace_source::{AbsentTrace, KindTable, TraceFile};
use core::time::Duration;
use squall_determinism::{Distribution, Timestamp};
use squall_trace::{PRESETS, TimeUnit, TraceColumns, TraceFormat, TraceInput, TraceOptions};
use squall_workload::{Arrivals, TraceIdentity, TraceReplay, TraceSizes, TraceSource, TraceWindow};
use std::path::Path;
use std::sync::Arc;

/// A trace.
pub(super) static TRACE: Section = Section {
    id: "trace",
    phrase: "a trace",
    about: "A trace of requests, or an access log, that is replayed: `docs/TRACES.md`. Requests have its times and, unless \
            the traffic or their kind says otherwise, its sizes.",
    keys: &[
        &[
            Key::choice(
                "file",
                Schema::Text,
                "The file, from the one that this stands in; it may be compressed by gzip.",
            ),
            Key::choice("preset", Schema::Word(&PRESET_NAMES), "A trace that comes with Squall."),
        ],
        &[
            Key::optional(
                "format",
                Schema::Word(&TraceFormat::WORDS),
                "as its first lines tell",
                "The format of the file.",
            ),
            Key::optional(
                "columns",
                Schema::Section(&COLUMNS),
                "those of the format",
                "Other columns than those of the format.",
            ),
            Key::optional(
                "time_unit",
                Schema::Word(&TimeUnit::WORDS),
                "that of the format",
                "The unit of times that are numbers.",
            ),
            Key::optional(
                "log_format",
                Schema::Text,
                "that of the format",
                "What a line of an access log looks like, as nginx (`$name`) or Envoy (`%NAME%`) write it.",
            ),
            Key::optional(
                "reorder",
                Schema::DURATION,
                "10s, 5m of access logs",
                "How much earlier a row may be than the latest one before it.",
            ),
            Key::optional(
                "sha256",
                Schema::Text,
                "any",
                "The SHA-256 that the file must have, in hexadecimal.",
            ),
        ],
        &[
            Key::optional(
                "time_scale",
                Schema::Number,
                "1",
                "How much longer everything takes: 0.1 is ten times as fast.",
            ),
            Key::optional(
                "rate_scale",
                Schema::Number,
                "1",
                "Requests for each one of the trace, on average: a part of them, or copies that come up to 100 ms later.",
            ),
            Key::optional(
                "jitter",
                Schema::DURATION,
                "0s",
                "Moves each request later by an even draw up to this, in the time of the trace: for times that were \
                 rounded.",
            ),
            Key::optional("loop", Schema::Flag, "false", "Begins again at the end."),
            Key::optional(
                "window",
                Schema::Section(&WINDOW),
                "all of it",
                "The part that is replayed, in the time of the trace.",
            ),
            Key::optional(
                "kinds",
                Schema::NamedOrPattern(&Schema::Reference("kind of the mix")),
                "drawn by share",
                "The kind of each request, by what its column `kind` says: a text, or a pattern with one `*`. The kinds of \
                 other requests are drawn.",
            ),
        ],
    ],
};

static COLUMNS: Section = Section {
    id: "trace-columns",
    phrase: "columns of a trace",
    about: "Columns by name: of a header, keys of JSON objects, or variables of a log format.",
    keys: &[&[
        Key::optional("time", Schema::Text, "that of the format", "When a request was made."),
        Key::optional("input_tokens", Schema::Text, "that of the format", "Tokens of its prompt."),
        Key::optional("output_tokens", Schema::Text, "that of the format", "Tokens of its answer."),
        Key::optional("kind", Schema::Text, "none", "What kind it is of: a model, a tenant."),
        Key::optional("session", Schema::Text, "none", "Its session."),
    ]],
};

static WINDOW: Section = Section {
    id: "trace-window",
    phrase: "a part of a trace",
    about: "A part of a trace, from the first request on.",
    keys: &[&[
        Key::optional("from", Schema::DURATION, "0s", "Where it begins."),
        Key::required("for", Schema::SPAN, "How long it is."),
    ]],
};

static PRESET_NAMES: [&str; PRESETS.len()] = {
    let mut names = [""; PRESETS.len()];
    let mut place = 0;
    while place < names.len() {
        names[place] = PRESETS[place].name;
        place += 1;
    }
    names
};

/// More is a mistake: a trace of a second would take a day.
const SCALE: core::ops::RangeInclusive<f64> = 1e-5..=1e5;
const RATE_SCALE_MAX: f64 = 1_000.0;

/// A trace that was read, and the sizes that its requests have, where the file has them.
struct ReadTrace {
    replay: TraceReplay,
    prompt_tokens: Option<Distribution>,
    output_tokens: Option<Distribution>,
    /// Whether the file was there: without it, nothing is known of its columns.
    is_known: bool,
}

/// Whether arrivals are those of a trace.
fn is_trace(arrivals: &Node) -> bool {
    let NodeKind::Map(entries) = &arrivals.kind else { return false };
    entries.iter().any(|entry| entry.key == "trace")
}

/// What a run asks of a trace.
#[derive(Clone, Copy, Debug)]
pub(super) struct TraceUse<'p> {
    /// How long it is.
    pub(super) run: Option<Duration>,
    /// How long clients wait.
    pub(super) timeout: Duration,
    /// Where the scenario is.
    pub(super) folder: Option<&'p Path>,
}

/// When requests come, and how large they are.
pub(super) struct TrafficShape {
    pub(super) arrivals: Arrivals,
    pub(super) prompt_tokens: Distribution,
    pub(super) output_tokens: Distribution,
}

/// The shape of this traffic, whose `arrivals` are of this section: those of a trace, or what `otherwise` reads.
pub(super) fn shape(
    traffic: &Fields<'_>,
    arrivals: &'static Section,
    of: TraceUse<'_>,
    otherwise: impl FnOnce() -> Arrivals,
) -> TrafficShape {
    let node = traffic.get("arrivals").filter(|node| is_trace(node));
    let read = node.and_then(|node| Fields::open(node, arrivals, traffic.problems));
    let traced = read.and_then(|read| trace(&read, traffic, of));
    if let Some(node) = node.filter(|_| traffic.get("rate").is_some()) {
        let message = "arrivals of a trace have no `rate`";
        let problem = Problem::new(traffic.key_span("rate"), message, "of no effect here")
            .related(&node.span, "the trace decides when requests come")
            .help("`rate_scale` of the trace makes them more or fewer");
        traffic.problems.push(problem);
    }
    let is_known = node.is_none() || traced.as_ref().is_some_and(|traced| traced.is_known);
    let tokens = |name: &str, of_trace: Option<Distribution>| {
        if traffic.get(name).is_none() && of_trace.is_none() && is_known {
            report_no_tokens(traffic, name);
        }
        let nothing = Distribution::Fixed { value: 0 };
        distribution::tokens(traffic, name).or(of_trace).unwrap_or(nothing)
    };
    let sizes = traced.as_ref().map(|traced| (traced.prompt_tokens, traced.output_tokens));
    let (prompt_tokens, output_tokens) = sizes.unwrap_or_default();
    let (prompt_tokens, output_tokens) =
        (tokens("prompt_tokens", prompt_tokens), tokens("output_tokens", output_tokens));
    let arrivals = match (node, traced) {
        (None, _) => otherwise(),
        (Some(_), Some(traced)) => Arrivals::Trace { replay: Box::new(traced.replay) },
        (Some(_), None) => Arrivals::At { times: Vec::new() },
    };
    TrafficShape { arrivals, prompt_tokens, output_tokens }
}

fn report_no_tokens(traffic: &Fields<'_>, name: &str) {
    let label = format!("`{name}` is missing");
    let problem = Problem::new(traffic.span, format!("traffic needs `{name}`"), label);
    let wanted = TOKEN_DISTRIBUTION.wanted();
    traffic.problems.push(problem.help(format!("add `{name}`: {wanted}")));
}

/// The trace of `arrivals`, for this traffic.
fn trace(arrivals: &Fields<'_>, traffic: &Fields<'_>, of: TraceUse<'_>) -> Option<ReadTrace> {
    let fields = arrivals.section("trace")?;
    let kinds = kinds(&fields, traffic);
    let replay = |source: Arc<dyn TraceSource>| TraceReplay {
        source,
        time_scale: scale(&fields, "time_scale", SCALE),
        rate_scale: scale(&fields, "rate_scale", 0.0..=RATE_SCALE_MAX),
        jitter: fields.duration("jitter").unwrap_or_default(),
        repeat: fields.flag("loop").unwrap_or(false),
        window: fields.section("window").and_then(|window| {
            let from = window.duration("from").unwrap_or_default();
            Some(TraceWindow { from, length: window.duration("for")? })
        }),
        sizes: TraceSizes {
            input: traffic.get("prompt_tokens").is_none(),
            output: traffic.get("output_tokens").is_none(),
        },
        counted: None,
    };
    let (name, input) = match fields.word("preset").and_then(squall_trace::preset) {
        Some(preset) => (preset.name, preset.input()),
        None => {
            let name = fields.text("file")?;
            let Some(folder) = of.folder else {
                let name = name.to_owned();
                let absent = AbsentTrace(TraceIdentity { name, sha256: None });
                return Some(ReadTrace {
                    replay: replay(Arc::new(absent)),
                    prompt_tokens: None,
                    output_tokens: None,
                    is_known: false,
                });
            };
            (name, TraceInput::file(&folder.join(name)))
        }
    };
    let span = fields.choice().map_or(fields.span, |(_, node)| &node.span);
    let refuse = |message: String| {
        fields.problems.push(Problem::new(span, message, "this trace"));
    };
    let file = TraceFile::new(name, input, options(&fields), kinds);
    let file = file.map_err(|error| refuse(error.to_string())).ok()?;
    check_digest(&fields, &file);
    let surveyed = file.survey().map_err(|error| refuse(error.to_string())).ok()?;
    let mut replay = replay(Arc::clone(&surveyed.source));
    let sizes = surveyed.sizes(replay.window);
    if sizes.requests == Some(0) {
        let span = fields.span_of("window");
        let message = "no request of the trace lies in this window";
        let label = format!("the last request is at {} s", surveyed.last as f64 / 1e9);
        fields.problems.push(Problem::new(span, message, label));
    }
    let until = of.run.map_or(Timestamp::ZERO, Timestamp::from);
    replay.counted = match surveyed.is_held {
        true => replay.count(until, of.timeout),
        false => surveyed.estimate(&replay, until, of.timeout),
    };
    Some(ReadTrace {
        replay,
        prompt_tokens: sizes.input,
        output_tokens: sizes.output,
        is_known: true,
    })
}

fn scale(fields: &Fields<'_>, name: &str, range: core::ops::RangeInclusive<f64>) -> f64 {
    let Some(scale) = fields.number(name) else { return 1.0 };
    if !range.contains(&scale) || scale <= 0.0 {
        let message = format!("`{name}` is out of range");
        let label = format!("expected more than 0, and {} at most", range.end());
        fields.problems.push(Problem::new(fields.span_of(name), message, label));
    }
    scale
}

fn options(fields: &Fields<'_>) -> TraceOptions {
    let columns = fields.section("columns");
    let column = |name: &str| columns.and_then(|columns| columns.text(name)).map(str::to_owned);
    TraceOptions {
        format: fields.word("format").and_then(|word| word.parse().ok()),
        columns: TraceColumns {
            time: column("time"),
            input_tokens: column("input_tokens"),
            output_tokens: column("output_tokens"),
            kind: column("kind"),
            session: column("session"),
        },
        time_unit: fields.word("time_unit").and_then(TimeUnit::of_word),
        log_format: fields.text("log_format").map(str::to_owned),
        reorder: fields.duration("reorder"),
    }
}

/// What the values of the column of kinds stand for.
fn kinds(fields: &Fields<'_>, traffic: &Fields<'_>) -> KindTable {
    let named = fields.named("kinds");
    let has_column = fields.section("columns").is_some_and(|columns| columns.get("kind").is_some());
    if !named.is_empty() && !has_column {
        let message = "`kinds` needs the column that they are read from";
        let problem = Problem::new(fields.key_span("kinds"), message, "no column is named");
        fields.problems.push(problem.help("add `columns: { kind: … }` beside it"));
    }
    let mix = traffic.named("mix");
    let mut table = KindTable::default();
    for entry in named {
        let NodeKind::Scalar(name) = &entry.value.kind else {
            let problem = Problem::new(
                &entry.value.span,
                "not the name of a kind",
                "expected one of the mix",
            );
            fields.problems.push(problem);
            continue;
        };
        match mix.iter().position(|kind| kind.key == *name) {
            Some(place) => table.add(&entry.key, u16::try_from(place).unwrap_or(u16::MAX)),
            None => {
                let message = format!("the mix has no kind `{name}`");
                let help = suggestion(name, mix.iter().map(|kind| kind.key.as_str()));
                let problem = Problem::new(&entry.value.span, message, "not defined");
                fields.problems.push(problem.maybe_help(help));
            }
        }
    }
    table
}

/// Another file than the one that the scenario was written for.
fn check_digest(fields: &Fields<'_>, file: &TraceFile) {
    let Some(wanted) = fields.text("sha256") else { return };
    let found = file.identity().sha256;
    if found.as_deref().is_none_or(|found| !found.eq_ignore_ascii_case(wanted)) {
        let label = match &found {
            Some(found) => format!("the file has {found}"),
            None => "the file is too large for its SHA-256 to be computed".to_owned(),
        };
        let message = "the trace is another one: its SHA-256 differs";
        fields.problems.push(Problem::new(fields.span_of("sha256"), message, label));
    }
}
