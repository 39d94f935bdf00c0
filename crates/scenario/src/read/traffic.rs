//! Traffic: who asks, when, and how much.

use super::arrivals::{ARRIVALS, SETTINGS, arrivals};
use super::client::{CLIENT, client};
use super::distribution::TOKEN_DISTRIBUTION;
use super::mix::{self, KIND, SHIFT};
use super::rate::RATE;
use super::trace::{self, TraceUse};
use crate::fields::Fields;
use crate::schema::{Key, Schema, Section};
use core::time::Duration;
use squall_determinism::Share;
use squall_workload::SourceConfig;
use std::path::Path;

/// Traffic of one source.
pub(crate) static TRAFFIC: Section = Section {
    id: "traffic",
    phrase: "traffic",
    about: "The client traffic: a source, or a list of several.",
    keys: &[&KEYS, mix::LABELS],
};

/// A source of traffic among others.
pub(crate) static SOURCE: Section = Section {
    id: "source",
    phrase: "a source",
    about: "A source of traffic among several. Its requests are drawn apart from those of the others: a source that is \
            added, changed or taken away changes no request of another one.",
    keys: &[NAME, &KEYS, mix::LABELS],
};

const NAME: &[Key] = &[Key::required(
    "name",
    Schema::Name,
    "Its name, for metrics, charts and `--set traffic.NAME.rate=…`; no two sources have the same.",
)];

static KEYS: [Key; 9] = [
    Key::required("group", Schema::Reference("group"), "The model group that clients request."),
    Key::optional(
        "arrivals",
        ARRIVALS,
        "poisson",
        "The arrival process: `poisson`, independent users; `even`, constant intervals; bursts (`gamma`, \
             `weibull`, `on_off`, `hawkes`); given times; a trace; or a closed loop of clients.",
    ),
    Key::optional(
        "rate",
        RATE,
        "required unless closed loop, given times or a trace",
        "Requests per second: constant, a shape or preset, or a list of segments.",
    ),
    Key::optional(
        "prompt_tokens",
        TOKEN_DISTRIBUTION,
        "required unless a trace has them",
        "Prompt tokens.",
    ),
    Key::optional(
        "output_tokens",
        TOKEN_DISTRIBUTION,
        "required unless a trace has them",
        "Output tokens.",
    ),
    Key::optional("stream", Schema::Percent, "0%", "Share of requests that ask for a stream."),
    Key::optional("client", Schema::Section(&CLIENT), "as below", "Client behaviour."),
    Key::optional(
        "mix",
        Schema::Named(&Schema::Section(&KIND)),
        "one kind without extras",
        "Kinds of requests, drawn by share.",
    ),
    Key::optional(
        "shifts",
        Schema::List(&Schema::Section(&SHIFT)),
        "none",
        "Changes of the mix during the run.",
    ),
];

/// Reads the traffic of a source, for a run of this length if that is known. Its key and its kinds are to come. Traces are
/// looked for from `folder`, that of the scenario; without one they are not read.
pub(crate) fn source(
    fields: &Fields<'_>,
    run: Option<Duration>,
    folder: Option<&Path>,
) -> SourceConfig {
    let client = client(fields);
    let of = TraceUse { run, timeout: client.timeout, folder };
    let shape = trace::shape(fields, &SETTINGS, of, || arrivals(fields, run));
    SourceConfig {
        key: 0,
        arrivals: shape.arrivals,
        prompt_tokens: shape.prompt_tokens,
        output_tokens: shape.output_tokens,
        stream: fields.share("stream").unwrap_or(Share::NONE),
        client,
        kinds: Vec::new(),
        shifts: Vec::new(),
    }
}
