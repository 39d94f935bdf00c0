//! Traffic: who asks, when, and how much.

use super::distribution::{self, DURATION_LAW, TOKEN_LAW};
use super::mix::{KIND, SHIFT};
use super::rate::{self, RATE};
use crate::diagnostic::Problem;
use crate::fields::Fields;
use crate::node::NodeKind;
use crate::schema::{Key, Schema, Section};
use crate::value;
use core::time::Duration;
use squall_determinism::{Distribution, Share, Timestamp};
use squall_workload::{Arrivals, ClientConfig, Rate, WorkloadConfig};

/// Traffic.
pub(crate) static TRAFFIC: Section = Section {
    id: "traffic",
    phrase: "traffic",
    about: "Who asks, when, and how much.",
    keys: &[&[
        Key::required("group", Schema::Reference("group"), "The model group that clients ask for."),
        Key::optional(
            "arrivals",
            Schema::Either(&[Schema::Word(OPEN), Schema::Section(&ARRIVALS)]),
            "poisson",
            "`poisson`: users come one by one, each independent of all others. `even`: at even \
             distances. Or a closed loop of clients.",
        ),
        Key::optional(
            "rate",
            RATE,
            "required, but for a closed loop",
            "Requests per second: a number, or segments.",
        ),
        Key::required("prompt_tokens", TOKEN_LAW, "Tokens of a prompt."),
        Key::required("output_tokens", TOKEN_LAW, "Tokens of an answer."),
        Key::optional(
            "stream",
            Schema::Percent,
            "0%",
            "How many ask for a stream, drawn for each request.",
        ),
        Key::optional("client", Schema::Section(&CLIENT), "as below", "How clients behave."),
        Key::optional(
            "mix",
            Schema::Named(&Schema::Section(&KIND)),
            "one kind that asks for nothing more",
            "Kinds of requests, one of which is drawn for each by its share.",
        ),
        Key::optional(
            "shifts",
            Schema::List(&Schema::Section(&SHIFT)),
            "none",
            "When the shares of the mix become others.",
        ),
    ]],
};

static ARRIVALS: Section = Section {
    id: "arrivals",
    phrase: "arrivals",
    about: "Arrivals that are not open loop.",
    keys: &[&[Key::required(
        "closed",
        Schema::Section(&CLOSED),
        "A fixed number of clients, each of which asks again when it was answered and has thought.",
    )]],
};

static CLOSED: Section = Section {
    id: "closed-loop",
    phrase: "a closed loop",
    about: "So many clients. They start evenly over the first second.",
    keys: &[&[
        Key::required("clients", Schema::COUNT, "How many."),
        Key::required("think", DURATION_LAW, "Between an answer and the next question."),
    ]],
};

static CLIENT: Section = Section {
    id: "client",
    phrase: "a client",
    about: "How clients behave.",
    keys: &[&[Key::optional(
        "timeout",
        Schema::SPAN,
        "60s",
        "A client that has no whole answer by then, from its intended time, hangs up.",
    )]],
};

const OPEN: &[&str] = &["poisson", "even"];
const TIMEOUT: Duration = Duration::from_secs(60);

/// Reads traffic for a run of this length, if that is known.
pub(crate) fn traffic(fields: &Fields<'_>, run: Option<Duration>) -> WorkloadConfig {
    let nothing = Distribution::Fixed { value: 0 };
    let timeout = fields.section("client").and_then(|client| client.duration("timeout"));
    WorkloadConfig {
        arrivals: arrivals(fields, run),
        until: run.map_or(Timestamp::ZERO, Timestamp::from),
        prompt_tokens: distribution::tokens(fields, "prompt_tokens").unwrap_or(nothing),
        output_tokens: distribution::tokens(fields, "output_tokens").unwrap_or(nothing),
        stream: fields.share("stream").unwrap_or(Share::NONE),
        client: ClientConfig { timeout: timeout.unwrap_or(TIMEOUT) },
        kinds: Vec::new(),
        shifts: Vec::new(),
    }
}

fn arrivals(fields: &Fields<'_>, run: Option<Duration>) -> Arrivals {
    let node = fields.get("arrivals");
    let rate = rate::rate(fields, "rate", run);
    if let Some(node) = node.filter(|node| matches!(node.kind, NodeKind::Map(_))) {
        if fields.get("rate").is_some() {
            let message = "a closed loop has no `rate`";
            fields.problems.push(
                Problem::new(fields.key_span("rate"), message, "of no effect here")
                    .related(&node.span, "the clients set the pace"),
            );
        }
        let closed = Fields::open(node, &ARRIVALS, fields.problems)
            .and_then(|fields| fields.section("closed"));
        let clients = closed.and_then(|closed| closed.small_count("clients"));
        let think = closed.and_then(|closed| distribution::durations(&closed, "think"));
        return Arrivals::Closed {
            clients: clients.unwrap_or_default(),
            think: think.unwrap_or(Distribution::Fixed { value: 0 }),
        };
    }
    if fields.get("rate").is_none() {
        fields.problems.push(
            Problem::new(fields.span, "traffic needs `rate`", "`rate` is missing")
                .help("write `rate: 20` for twenty requests per second"),
        );
    }
    match node.and_then(|node| value::word(node, OPEN, fields.problems)) {
        Some("even") => Arrivals::Even { rate },
        _ => open_loop(rate),
    }
}

/// The default: users who know nothing of each other.
const fn open_loop(rate: Rate) -> Arrivals {
    Arrivals::Poisson { rate }
}
