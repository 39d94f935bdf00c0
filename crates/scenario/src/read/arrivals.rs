//! Arrival processes: a word for one with its defaults, or a mapping with its settings. Those that follow a rate are in
//! one table, from which the reader, the schema, the reference and the swarm's draw are made.

mod hawkes;
mod on_off;
mod presets;
mod renewal;

use super::distribution::{self, DURATION_DISTRIBUTION};
use super::rate;
use super::trace::TRACE;
use crate::diagnostic::Problem;
use crate::fields::Fields;
use crate::node::{Node, NodeKind};
use crate::schema::{Key, Least, Schema, Section};
use crate::value;
use core::time::Duration;
use squall_determinism::{Distribution, Timestamp};
use squall_workload::{Arrivals, Rate};

/// An arrival process.
pub(super) const ARRIVALS: Schema =
    Schema::Either(&[Schema::Word(&OPEN_WORDS), Schema::Section(&SETTINGS)]);

/// An arrival process that follows a rate.
struct OpenProcess {
    /// Its word, and its key where it has settings.
    word: &'static str,
    /// Its settings, and what it is; a process without settings is a word only.
    settings: Option<(&'static Section, &'static str)>,
    /// Reads it; without settings it has its defaults.
    read: fn(Option<&Fields<'_>>, Rate) -> Option<Arrivals>,
}

/// Every process that follows a rate, the default first.
const OPEN: &[OpenProcess] = &[
    OpenProcess {
        word: "poisson",
        settings: None,
        read: |_, rate| Some(Arrivals::Poisson { rate }),
    },
    OpenProcess { word: "even", settings: None, read: |_, rate| Some(Arrivals::Even { rate }) },
    OpenProcess {
        word: "gamma",
        settings: Some((&renewal::GAMMA, renewal::ABOUT_GAMMA)),
        read: renewal::gamma,
    },
    OpenProcess {
        word: "weibull",
        settings: Some((&renewal::WEIBULL, renewal::ABOUT_WEIBULL)),
        read: renewal::weibull,
    },
    OpenProcess {
        word: "on_off",
        settings: Some((&on_off::SETTINGS, on_off::ABOUT)),
        read: on_off::read,
    },
    OpenProcess {
        word: "hawkes",
        settings: Some((&hawkes::SETTINGS, hawkes::ABOUT)),
        read: hawkes::read,
    },
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

/// How many have settings.
const WITH_SETTINGS: usize = {
    let (mut count, mut place) = (0, 0);
    while place < OPEN.len() {
        count += OPEN[place].settings.is_some() as usize;
        place += 1;
    }
    count
};

static OPEN_KEYS: [Key; WITH_SETTINGS] = {
    let mut keys = [CLOSED_KEY; WITH_SETTINGS];
    let (mut count, mut place) = (0, 0);
    while place < OPEN.len() {
        if let Some((section, about)) = OPEN[place].settings {
            keys[count] = Key::choice(OPEN[place].word, Schema::Section(section), about);
            count += 1;
        }
        place += 1;
    }
    keys
};

/// The words of the arrival processes that follow a rate, for `arrivals`.
#[must_use]
pub fn arrival_words() -> &'static [&'static str] {
    &OPEN_WORDS
}

pub(super) static SETTINGS: Section = Section {
    id: "arrivals",
    phrase: "arrivals",
    about: "An arrival process with settings. All but a closed loop, given times and a trace follow `rate`, whose mean they keep.",
    keys: &[
        &OPEN_KEYS,
        &[
            Key::choice(
                "preset",
                Schema::Word(&presets::NAMES),
                "A process fitted to a published trace. Its bursts are those of the trace at any `rate`.",
            ),
            CLOSED_KEY,
            Key::choice(
                "at",
                Schema::List(&Schema::DURATION),
                "One request at each of these times, from the start of the run: `[0s, 500ms, 10s]`.",
            ),
            Key::choice("trace", Schema::Section(&TRACE), "Requests as they came in a trace."),
        ],
    ],
};

const CLOSED_KEY: Key = Key::choice(
    "closed",
    Schema::Section(&CLOSED),
    "A fixed number of clients. Each sends its next request after an answer and a think time.",
);

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

/// Who asks, and when, for a run of this length, if that is known.
pub(super) fn arrivals(fields: &Fields<'_>, run: Option<Duration>) -> Arrivals {
    let rate = rate::rate(fields, "rate", run);
    let usual = Arrivals::Poisson { rate: rate.clone() };
    let Some(node) = fields.get("arrivals") else {
        require_rate(fields);
        return usual;
    };
    if let NodeKind::Map(_) = node.kind {
        let Some(settings) = Fields::open(node, &SETTINGS, fields.problems) else { return usual };
        let Some((word, _)) = settings.choice() else { return usual };
        if matches!(word, "closed" | "at") {
            refuse_rate(fields, word);
            return if word == "at" { at_times(&settings, run) } else { closed(&settings) };
        }
        require_rate(fields);
        if word == "preset" {
            let name = settings.word(word);
            return name.and_then(|name| presets::of_name(name, rate)).unwrap_or(usual);
        }
        let inner = settings.section(word);
        return inner.and_then(|inner| open(word, Some(&inner), rate)).unwrap_or(usual);
    }
    require_rate(fields);
    let word = value::word(node, &OPEN_WORDS, fields.problems);
    word.and_then(|word| open(word, None, rate)).unwrap_or(usual)
}

/// The process of a word; `None` where its settings cannot be, which was told.
fn open(word: &str, settings: Option<&Fields<'_>>, rate: Rate) -> Option<Arrivals> {
    let process = OPEN.iter().find(|open| open.word == word)?;
    (process.read)(settings, rate)
}

fn require_rate(fields: &Fields<'_>) {
    if fields.get("rate").is_none() {
        fields.problems.push(
            Problem::new(fields.span, "traffic needs `rate`", "`rate` is missing")
                .help("write `rate: 20` for twenty requests per second"),
        );
    }
}

/// Says that a rate has no effect, if there is one.
fn refuse_rate(fields: &Fields<'_>, word: &str) {
    if fields.get("rate").is_none() {
        return;
    }
    let (message, paced) = match word {
        "at" => ("arrivals at given times have no `rate`", "the times are given"),
        _ => ("a closed loop has no `rate`", "the clients determine the rate"),
    };
    fields.problems.push(
        Problem::new(fields.key_span("rate"), message, "of no effect here")
            .related(fields.span_of("arrivals"), paced),
    );
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

/// One at each of these times, each within the run.
fn at_times(fields: &Fields<'_>, run: Option<Duration>) -> Arrivals {
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
    Arrivals::At { times: nodes.iter().filter_map(read).collect() }
}
