//! Faults of a provider: when, how often, and whom they hit.

mod kind;
mod overlap;
mod random;
mod shared;

pub use kind::{FaultSample, fault_samples};
pub(crate) use overlap::report as report_overlaps;
pub(crate) use random::{OUTAGES, outages};
pub(crate) use shared::{SHARED, shared};

use crate::diagnostic::Problem;
use crate::fields::Fields;
use crate::node::NodeKind;
use crate::schema::{Key, Schema, Section};
use crate::value;
use core::time::Duration;
use kind::{KIND_KEYS, KINDS};
use squall_determinism::{Share, Timestamp};
use squall_provider::{
    CountScope, FaultConfig, FaultKind, FaultTarget, FirstAttempts, ProbeHealth, name_hash,
};

/// A fault.
pub(crate) static FAULT: Section = Section {
    id: "fault",
    phrase: "a fault",
    about: "A fault of exactly one kind.",
    keys: &[WHEN, WHOM, &KIND_KEYS],
};

/// A fault that begins when it is asked for.
pub(crate) static FAULT_NOW: Section = Section {
    id: "fault-now",
    phrase: "a fault",
    about: "A fault of exactly one kind, starting now.",
    keys: &[
        &[Key::optional("at", Schema::DURATION, "now", "Start, counted from now.")],
        LASTS,
        WHOM,
        &KIND_KEYS,
    ],
};

/// A fault of a stage of a checklist.
pub(crate) static STAGE_FAULT: Section = Section {
    id: "stage-fault",
    phrase: "a fault of a stage",
    about: "A fault of a provider during a rollout stage.",
    keys: &[
        &[
            Key::required("provider", Schema::Reference("provider"), "The provider."),
            Key::optional(
                "at",
                Schema::DURATION,
                "in the middle",
                "Start, from the start of the \
                 item.",
            ),
        ],
        LASTS,
        WHOM,
        &KIND_KEYS,
    ],
};

const WHEN: &[Key] = &[
    Key::required("at", Schema::DURATION, "Start, counted from the start of the run."),
    LASTS[0],
    LASTS[1],
    LASTS[2],
    Key::optional("repeat", Schema::Section(&REPEAT), "once", "Repetitions."),
    Key::optional(
        "jitter",
        Schema::DURATION,
        "0s",
        "Maximum random delay of the start, drawn once from the seed.",
    ),
];

const LASTS: &[Key] = &[
    Key::required("for", Schema::SPAN, "Duration, including `onset` and `tail`."),
    Key::optional(
        "onset",
        Schema::DURATION,
        "0s",
        "Ramp-up time of the fault's share; for slowdowns and cuts of limits or capacity, of its \
         size.",
    ),
    Key::optional("tail", Schema::DURATION, "0s", "Ramp-down time at the end, likewise."),
];

/// Whom a fault hits: of every fault, the random ones included.
pub(super) const WHOM: &[Key] = &[
    Key::optional(
        "share",
        Schema::Percent,
        "100%",
        "Share of attempts affected, drawn per attempt.",
    ),
    Key::optional(
        "sticky",
        Schema::Flag,
        "false",
        "Whether the share is drawn per session instead of per attempt, so that the same users \
         are always affected.",
    ),
    Key::optional(
        "model",
        Schema::Text,
        "every model",
        "The affected model, by its upstream name.",
    ),
    Key::optional("key", Schema::Text, "every key", "The affected key."),
    Key::optional(
        "first",
        Schema::Either(&COUNT_OR_FIRST),
        "every attempt",
        "Affects only the first attempts that arrive while it lasts, and none after them. A number counts \
         all attempts that `model`, `key` and `share` leave.",
    ),
    Key::optional(
        "health",
        Schema::Word(&["usual", "lies", "honest"]),
        "usual",
        "How health checks are affected. `usual`: checks succeed unless connections are refused \
         or never answered; `lies`: checks succeed even in a black hole; `honest`: checks fail \
         with the error too.",
    ),
];

const FIRST_ATTEMPTS: Schema = Schema::Count(1, u32::MAX as u64);
static COUNT_OR_FIRST: [Schema; 2] = [FIRST_ATTEMPTS, Schema::Section(&FIRST)];

static FIRST: Section = Section {
    id: "fault-first",
    phrase: "a count of attempts",
    about: "The first attempts, counted separately per model, key or request.",
    keys: &[&[
        Key::required("attempts", FIRST_ATTEMPTS, "Number of attempts affected."),
        Key::optional(
            "of",
            Schema::Word(&CountScope::WORDS),
            "provider",
            "The scope of the count: `provider`, all attempts together; `model`, `key` or `request`, \
             separately for each.",
        ),
    ]],
};

static REPEAT: Section = Section {
    id: "fault-repeat",
    phrase: "a repetition",
    about: "Repetitions of a fault, as of a flapping provider.",
    keys: &[&[
        Key::required("every", Schema::SPAN, "From one start to the next; longer than `for`."),
        Key::required("times", Schema::Count(2, 1_000), "Total number of occurrences."),
    ]],
};

/// The faults that `fields` stand for: one, or as many as it comes again. `run` is how long the run lasts,
/// if that is known.
pub(crate) fn faults(fields: &Fields<'_>, run: Option<Duration>) -> Vec<FaultConfig> {
    let (at, lasts) = (fields.time("at"), fields.duration("for"));
    let fault = fault(fields, at.unwrap_or_default(), lasts.unwrap_or(Duration::MAX));
    let jitter = fields.duration("jitter").unwrap_or_default();
    let (Some(at), Some(lasts), Some(fault)) = (at, lasts, fault) else { return Vec::new() };
    let first = FaultConfig { jitter, ..fault };
    let (every, times) = repeat(fields, lasts).unwrap_or((Duration::ZERO, 1));
    let last = at + every * (times - 1);
    if let Some(run) = run {
        within_run(fields, at, last, lasts + jitter, run);
    }
    (0..times).map(|nth| FaultConfig { at: at + every * nth, ..first }).collect()
}

/// The fault that `fields` stand for, from `now` on.
pub(crate) fn fault_now(fields: &Fields<'_>, now: Timestamp) -> Option<FaultConfig> {
    let later = fields.get("at").map_or(Some(Duration::ZERO), |_| fields.duration("at"));
    let lasts = fields.duration("for");
    let fault = fault(fields, now, lasts.unwrap_or(Duration::MAX));
    Some(FaultConfig { at: now + later?, lasts: lasts?, ..fault? })
}

/// How far apart a fault comes again, and how often it comes in all.
fn repeat(fields: &Fields<'_>, lasts: Duration) -> Option<(Duration, u32)> {
    let repeat = fields.section("repeat")?;
    let (every, times) = (repeat.duration("every"), repeat.small_count("times"));
    let every = every?;
    if every <= lasts {
        let message = "the fault repeats before it has ended";
        let problem = Problem::new(repeat.span_of("every"), message, "expected more than `for`");
        fields.problems.push(problem.related(fields.span_of("for"), "it lasts so long"));
    }
    Some((every, times?))
}

/// What goes wrong for whom, at these times.
pub(super) fn fault(fields: &Fields<'_>, at: Timestamp, lasts: Duration) -> Option<FaultConfig> {
    let kind = fields.choice().and_then(|(name, node)| {
        let kind = KINDS.iter().find(|kind| kind.key.name == name)?;
        (kind.read)(node, fields.problems)
    });
    let ramp = |name: &str| {
        // Faults at random times have none.
        let may = fields.has_key(name) && fields.get(name).is_some();
        may.then(|| fields.duration(name)).flatten().unwrap_or_default()
    };
    let (onset, tail) = (ramp("onset"), ramp("tail"));
    let target = FaultTarget {
        model: fields.text("model").map(name_hash),
        key: fields.text("key").map(name_hash),
        sticky: fields.flag("sticky").unwrap_or(false),
        first: first(fields),
    };
    let share = fields.share("share").unwrap_or(Share::ALL);
    let kind = kind?;
    let health = health(fields, &kind);
    if target.first.is_some() {
        counts(fields, &kind);
    }
    if onset + tail > lasts {
        let (name, other) = if tail > onset { ("tail", "onset") } else { ("onset", "tail") };
        let message = "`onset` and `tail` are longer than the fault";
        let problem = Problem::new(fields.span_of(name), message, "expected less");
        let problem = match fields.get(other) {
            Some(_) => problem.related(fields.span_of(other), "together with this"),
            None => problem,
        };
        fields.problems.push(problem.related(fields.span_of("for"), "it lasts so long"));
    }
    Some(FaultConfig { onset, tail, share, target, health, ..FaultConfig::new(at, lasts, kind) })
}

/// How many attempts it hits.
fn first(fields: &Fields<'_>) -> Option<FirstAttempts> {
    let node = fields.get("first")?;
    if !matches!(node.kind, NodeKind::Map(_)) {
        let attempts = value::count(node, 1, u32::MAX.into(), fields.problems)?;
        let attempts = u32::try_from(attempts).unwrap_or(u32::MAX);
        return Some(FirstAttempts { attempts, of: CountScope::Provider });
    }
    let first = Fields::open(node, &FIRST, fields.problems)?;
    let of = first.word("of").and_then(CountScope::from_word).unwrap_or_default();
    Some(FirstAttempts { attempts: first.small_count("attempts")?, of })
}

/// A count of attempts needs a kind that hits attempts.
fn counts(fields: &Fields<'_>, kind: &FaultKind) {
    if kind.hits_attempts() {
        return;
    }
    let help = if *kind == FaultKind::Refuse {
        "connections that are refused bring no attempt to count: write `reset: {}` for attempts whose \
         connection is reset at once"
    } else {
        "it changes what the provider has, and hits no attempt: leave `first` out"
    };
    let message = "`first` does not fit this kind of fault";
    let problem = Problem::new(fields.span_of("first"), message, "of no effect here");
    fields.problems.push(problem.help(help));
}

fn health(fields: &Fields<'_>, kind: &FaultKind) -> ProbeHealth {
    let word = fields.get("health").and_then(|_| fields.word("health"));
    let (health, fits, help) = match word {
        Some("lies") => (
            ProbeHealth::Lies,
            matches!(kind, FaultKind::BlackHole),
            "only `outage: blackhole` has a health that can lie; others answer checks anyway, and a \
             closed listener answers nobody",
        ),
        Some("honest") => (
            ProbeHealth::Honest,
            matches!(kind, FaultKind::Error(_)),
            "`honest` applies to `error` only",
        ),
        _ => return ProbeHealth::Usual,
    };
    if !fits {
        let message = "`health` does not fit this kind of fault";
        let problem = Problem::new(fields.span_of("health"), message, "of no effect here");
        fields.problems.push(problem.help(help));
    }
    health
}

fn within_run(fields: &Fields<'_>, at: Timestamp, last: Timestamp, lasts: Duration, run: Duration) {
    let end = Timestamp::from(run);
    let run = run.as_secs_f64();
    if at >= end {
        let message = "the fault begins after the run has ended";
        let label = format!("the run ends at {run}s");
        fields.problems.push(Problem::new(fields.span_of("at"), message, label));
    } else if last != at {
        if last + lasts > end {
            let message = "the fault repeats after the run has ended";
            let label = format!("the run ends at {run}s");
            fields.problems.push(Problem::new(fields.span_of("repeat"), message, label));
        }
    } else if at + lasts > end {
        let rest = end.since(at).as_secs_f64();
        fields.problems.push(
            Problem::new(
                fields.span_of("for"),
                "the fault lasts longer than the run",
                format!("the run ends at {run}s"),
            )
            .help(format!("write `{rest}s` for a fault that lasts until the end of the run")),
        );
    }
}
