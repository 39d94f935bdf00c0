//! Faults of a provider. The kinds are a table: a new kind is a new line and a function.

use crate::diagnostic::{Problem, Problems};
use crate::fields::Fields;
use crate::node::{Kind as NodeKind, Node};
use crate::shape::{Key, Section, Shape};
use crate::{unit, value};
use core::time::Duration;
use squall_determinism::{Share, Timestamp};
use squall_failure::FailureClass;
use squall_provider::{FaultConfig, FaultKind};

/// A fault.
pub(crate) static FAULT: Section = Section {
    id: "fault",
    phrase: "a fault",
    about: "Something that goes wrong for a while, of exactly one kind.",
    keys: &[WHEN, &KIND_KEYS],
};

const WHEN: &[Key] = &[
    Key::required("at", Shape::DURATION, "From when, counted from the start of the run."),
    Key::required("for", Shape::SPAN, "For how long."),
    Key::optional(
        "share",
        Shape::Percent,
        "100%",
        "How many of the attempts that arrive it hits, drawn for each.",
    ),
];

/// A kind of fault: its key, and how what stands there is read.
#[derive(Clone, Copy)]
struct Kind {
    key: Key,
    read: fn(&Node, &Problems) -> Option<FaultKind>,
}

const KINDS: [Kind; 5] = [
    Kind {
        key: Key::choice(
            "error",
            Shape::Either(&STATUS_OR_ERROR),
            "Answers with this HTTP status, this class of failure, or this error, without serving.",
        ),
        read: error,
    },
    Kind {
        key: Key::choice(
            "outage",
            Shape::Word(OUTAGES),
            "`refuse`: refuses connections and resets those it has. `blackhole`: takes connections \
             and never answers.",
        ),
        read: outage,
    },
    Kind {
        key: Key::choice("slowdown", Shape::Factor, "Everything takes so many times as long."),
        read: slowdown,
    },
    Kind {
        key: Key::choice(
            "throttle",
            Shape::Section(&THROTTLE),
            "A 429 storm: answers 429, whatever the limits say.",
        ),
        read: throttle,
    },
    Kind {
        key: Key::choice(
            "cut",
            Shape::Section(&CUT),
            "Ends streams in the middle, without their end mark.",
        ),
        read: cut,
    },
];

static KIND_KEYS: [Key; KINDS.len()] = {
    let mut keys = [KINDS[0].key; KINDS.len()];
    let mut place = 0;
    while place < keys.len() {
        keys[place] = KINDS[place].key;
        place += 1;
    }
    keys
};

static STATUS_OR_ERROR: [Shape; 3] = [STATUS, Shape::Word(&ANSWER_WORDS), Shape::Section(&ERROR)];

static ERROR: Section = Section {
    id: "fault-error",
    phrase: "an error",
    about: "What a provider answers with. It needs `status` or `class`; each implies the other.",
    keys: &[&[
        Key::optional("status", STATUS, "that of the class", "The HTTP status."),
        Key::optional(
            "class",
            Shape::Word(&ANSWER_WORDS),
            "that of the status",
            "What class of failure it is, which chooses the error code of the body.",
        ),
        Key::optional("retry_after", Shape::DURATION, "not said", "What Retry-After says."),
    ]],
};

static THROTTLE: Section = Section {
    id: "fault-throttle",
    phrase: "a 429 storm",
    about: "A 429 storm. `throttle: {}` says nothing about when to come back.",
    keys: &[&[Key::optional("retry_after", Shape::DURATION, "not said", "What Retry-After says.")]],
};

static CUT: Section = Section {
    id: "fault-cut",
    phrase: "a cut",
    about: "A stream that ends in the middle.",
    keys: &[&[Key::required(
        "after",
        Shape::Count(0, u32::MAX as u64),
        "Tokens that are sent before the cut.",
    )]],
};

const STATUS: Shape = Shape::Count(400, 599);
const OUTAGES: &[&str] = &["refuse", "blackhole"];

/// The classes that a provider can answer with; the others are failures to answer.
const ANSWERS: [FailureClass; 9] = [
    FailureClass::Throttled,
    FailureClass::Overloaded,
    FailureClass::Server,
    FailureClass::Auth,
    FailureClass::NotFound,
    FailureClass::ContextWindow,
    FailureClass::ContentPolicy,
    FailureClass::BadRequest,
    FailureClass::QuotaSpent,
];

static ANSWER_WORDS: [&str; ANSWERS.len()] = {
    let mut words = [""; ANSWERS.len()];
    let mut place = 0;
    while place < words.len() {
        words[place] = ANSWERS[place].as_str();
        place += 1;
    }
    words
};

/// Reads one fault. `run` is how long the run lasts, if that is known.
pub(crate) fn fault(fields: &Fields<'_>, run: Option<Duration>) -> Option<FaultConfig> {
    let at = fields.time("at");
    let lasts = fields.duration("for");
    let share = fields.share("share").unwrap_or(Share::ALL);
    let kind = fields.choice().and_then(|(name, node)| {
        let kind = KINDS.iter().find(|kind| kind.key.name == name)?;
        (kind.read)(node, fields.problems)
    });
    let (at, lasts) = (at?, lasts?);
    if let Some(run) = run {
        within_run(fields, at, lasts, run);
    }
    Some(FaultConfig { at, lasts, share, kind: kind? })
}

fn within_run(fields: &Fields<'_>, at: Timestamp, lasts: Duration, run: Duration) {
    let end = Timestamp::from(run);
    let run = run.as_secs_f64();
    if at >= end {
        let message = "the fault begins after the run has ended";
        let label = format!("the run ends at {run}s");
        fields.problems.push(Problem::new(fields.span_of("at"), message, label));
    } else if at + lasts > end {
        let rest = end.since(at).as_secs_f64();
        fields.problems.push(
            Problem::new(
                fields.span_of("for"),
                "the fault lasts longer than the run",
                format!("the run ends at {run}s"),
            )
            .help(format!("write `{rest}s` for a fault that never heals")),
        );
    }
}

fn error(node: &Node, problems: &Problems) -> Option<FaultKind> {
    if let NodeKind::Scalar(text) = &node.kind {
        if text.starts_with(|first: char| first.is_ascii_alphabetic()) {
            let class = FailureClass::from_word(value::word(node, &ANSWER_WORDS, problems)?)?;
            return Some(FaultKind::Error { status: class.status(), class, retry_after: None });
        }
        let status = value::count(node, 400, 599, problems)?;
        let status = u16::try_from(status).ok()?;
        return Some(FaultKind::Error { status, class: class_of(status), retry_after: None });
    }
    let fields = Fields::open(node, &ERROR, problems)?;
    let status = fields.count("status").and_then(|status| u16::try_from(status).ok());
    let class = fields.word("class").and_then(FailureClass::from_word);
    let retry_after = fields.duration("retry_after");
    let (status, class) = match (status, class) {
        (Some(status), class) => (status, class.unwrap_or_else(|| class_of(status))),
        (None, Some(class)) => (class.status(), class),
        (None, None) => {
            if fields.get("status").is_none() && fields.get("class").is_none() {
                let message = "an error needs `status` or `class`";
                problems.push(
                    Problem::new(fields.span, message, "it has neither")
                        .help("write `error: 503` or `error: { class: overloaded }`"),
                );
            }
            return None;
        }
    };
    Some(FaultKind::Error { status, class, retry_after })
}

fn outage(node: &Node, problems: &Problems) -> Option<FaultKind> {
    match value::word(node, OUTAGES, problems)? {
        "blackhole" => Some(FaultKind::BlackHole),
        _ => Some(FaultKind::Refuse),
    }
}

fn slowdown(node: &Node, problems: &Problems) -> Option<FaultKind> {
    let factor_milli = value::parsed(node, &Shape::Factor, problems, unit::factor_milli)?;
    Some(FaultKind::Slowdown { factor_milli })
}

fn throttle(node: &Node, problems: &Problems) -> Option<FaultKind> {
    let fields = Fields::open(node, &THROTTLE, problems)?;
    Some(FaultKind::Throttle { retry_after: fields.duration("retry_after") })
}

fn cut(node: &Node, problems: &Problems) -> Option<FaultKind> {
    let fields = Fields::open(node, &CUT, problems)?;
    Some(FaultKind::Cut { after_tokens: fields.small_count("after")? })
}

/// The class that a bare status means.
const fn class_of(status: u16) -> FailureClass {
    match status {
        429 => FailureClass::Throttled,
        503 | 529 => FailureClass::Overloaded,
        401 | 403 => FailureClass::Auth,
        404 => FailureClass::NotFound,
        400..=499 => FailureClass::BadRequest,
        _ => FailureClass::Server,
    }
}
