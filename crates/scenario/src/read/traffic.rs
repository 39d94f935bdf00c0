//! Traffic: who asks, when, and how much.

use super::distribution::{self, DURATION_DISTRIBUTION, TOKEN_DISTRIBUTION};
use super::mix::{KIND, SHIFT};
use super::rate::{self, RATE};
use crate::diagnostic::Problem;
use crate::fields::Fields;
use crate::node::{Node, NodeKind};
use crate::schema::{Key, Least, Schema, Section};
use crate::value;
use core::time::Duration;
use squall_determinism::{Distribution, Share, Timestamp};
use squall_workload::{Arrivals, ClientConfig, Rate, WorkloadConfig};

/// Traffic.
pub(crate) static TRAFFIC: Section = Section {
    id: "traffic",
    phrase: "traffic",
    about: "The client traffic.",
    keys: &[&[
        Key::required("group", Schema::Reference("group"), "The model group that clients request."),
        Key::optional(
            "arrivals",
            Schema::Either(&[Schema::Word(&OPEN_WORDS), Schema::Section(&ARRIVALS)]),
            "poisson",
            "The arrival process: `poisson`, independent users; `even`, constant intervals; given times; \
             or a closed loop of clients.",
        ),
        Key::optional(
            "rate",
            RATE,
            "required unless closed loop or given times",
            "Requests per second: constant, or a list of segments.",
        ),
        Key::required("prompt_tokens", TOKEN_DISTRIBUTION, "Prompt tokens."),
        Key::required("output_tokens", TOKEN_DISTRIBUTION, "Output tokens."),
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
    ]],
};

static ARRIVALS: Section = Section {
    id: "arrivals",
    phrase: "arrivals",
    about: "An arrival process without a rate.",
    keys: &[&[
        Key::choice(
            "closed",
            Schema::Section(&CLOSED),
            "A fixed number of clients. Each sends its next request after an answer and a think time.",
        ),
        Key::choice(
            "at",
            Schema::List(&Schema::DURATION),
            "One request at each of these times, from the start of the run: `[0s, 500ms, 10s]`.",
        ),
    ]],
};

static CLOSED: Section = Section {
    id: "closed-loop",
    phrase: "a closed loop",
    about: "A closed loop of clients, which start evenly over the first second.",
    keys: &[&[
        Key::required("clients", Schema::COUNT, "How many."),
        Key::required(
            "think",
            DURATION_DISTRIBUTION,
            "Think time between an answer and the next request.",
        ),
    ]],
};

static CLIENT: Section = Section {
    id: "client",
    phrase: "a client",
    about: "Client behaviour.",
    keys: &[&[Key::optional(
        "timeout",
        Schema::SPAN,
        "60s",
        "The client disconnects if the answer is not complete within this time, counted from the \
         intended send time.",
    )]],
};

/// An arrival process that follows a rate.
struct OpenLoop {
    /// Its word.
    word: &'static str,
    /// What it is.
    of: fn(Rate) -> Arrivals,
}

/// Every process that follows a rate, the default first. A word here is in the schema and in the swarm's draw.
const OPEN: &[OpenLoop] = &[
    OpenLoop { word: "poisson", of: |rate| Arrivals::Poisson { rate } },
    OpenLoop { word: "even", of: |rate| Arrivals::Even { rate } },
];

static OPEN_WORDS: [&str; OPEN.len()] = {
    let mut words = [""; OPEN.len()];
    let mut place = 0;
    while place < words.len() {
        words[place] = OPEN[place].word;
        place += 1;
    }
    words
};

/// The words of the arrival processes that follow a rate, for `arrivals`.
#[must_use]
pub fn arrival_words() -> &'static [&'static str] {
    &OPEN_WORDS
}

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
        abort: None,
    }
}

fn arrivals(fields: &Fields<'_>, run: Option<Duration>) -> Arrivals {
    let node = fields.get("arrivals");
    let rate = rate::rate(fields, "rate", run);
    if let Some(node) = node.filter(|node| matches!(node.kind, NodeKind::Map(_))) {
        let read = Fields::open(node, &ARRIVALS, fields.problems);
        let listed = read.as_ref().filter(|read| read.get("at").is_some());
        if fields.get("rate").is_some() {
            let (message, paced) = match listed {
                Some(_) => ("arrivals at given times have no `rate`", "the times are given"),
                None => ("a closed loop has no `rate`", "the clients determine the rate"),
            };
            fields.problems.push(
                Problem::new(fields.key_span("rate"), message, "of no effect here")
                    .related(&node.span, paced),
            );
        }
        return match (listed, read.as_ref()) {
            (Some(read), _) => Arrivals::At { times: times(read, run) },
            (None, Some(read)) => closed(read),
            (None, None) => open_loop(OPEN[0].word, rate),
        };
    }
    if fields.get("rate").is_none() {
        fields.problems.push(
            Problem::new(fields.span, "traffic needs `rate`", "`rate` is missing")
                .help("write `rate: 20` for twenty requests per second"),
        );
    }
    match node.and_then(|node| value::word(node, &OPEN_WORDS, fields.problems)) {
        Some(word) => open_loop(word, rate),
        None => open_loop(OPEN[0].word, rate),
    }
}

fn closed(fields: &Fields<'_>) -> Arrivals {
    let closed = fields.section("closed");
    let clients = closed.as_ref().and_then(|closed| closed.small_count("clients"));
    let think = closed.and_then(|closed| distribution::durations(&closed, "think"));
    Arrivals::Closed {
        clients: clients.unwrap_or_default(),
        think: think.unwrap_or(Distribution::Fixed { value: 0 }),
    }
}

/// The times of arrivals, each within the run.
fn times(fields: &Fields<'_>, run: Option<Duration>) -> Vec<Timestamp> {
    let nodes = fields.list("at");
    if nodes.is_empty() {
        let problem = Problem::new(fields.span_of("at"), "arrivals need a time", "none here");
        fields.problems.push(problem.help("write `at: [0s]` for one request at the start"));
    }
    let read = |node: &Node| {
        let time = value::duration(node, Least::Zero, fields.problems)?;
        if let Some(run) = run.filter(|&run| time >= run) {
            let label = format!("the run ends at {}s", run.as_secs_f64());
            let message = "a request comes after the run has ended";
            fields.problems.push(Problem::new(&node.span, message, label));
        }
        Some(Timestamp::from(time))
    };
    nodes.iter().filter_map(read).collect()
}

/// The process of a word.
fn open_loop(word: &str, rate: Rate) -> Arrivals {
    let known = OPEN.iter().find(|open| open.word == word).unwrap_or(&OPEN[0]);
    (known.of)(rate)
}
