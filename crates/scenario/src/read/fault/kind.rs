//! The kinds of fault, in one table: for each its key, what may stand there, how it is read, what a provider
//! must have for it, and samples, which the swarm draws.

use crate::diagnostic::{Problem, Problems};
use crate::fields::Fields;
use crate::node::{Node, NodeKind};
use crate::schema::{Key, Schema, Section};
use crate::{unit, value};
use squall_failure::FailureClass;
use squall_provider::{BadAnswer, ErrorAnswer, ErrorMix, FaultKind, ProviderConfig, Recovery};

/// A kind of fault.
#[derive(Clone, Copy)]
pub(super) struct FaultReader {
    /// Its key.
    pub(super) key: Key,
    /// Reads what stands there.
    pub(super) read: fn(&Node, &Problems) -> Option<FaultKind>,
    /// What it may be: each has another effect, and the first is the plainest.
    pub(super) samples: &'static [&'static str],
    /// What it has no effect without.
    pub(super) needs: Option<&'static Needed>,
}

/// What a provider must have for a fault to have something to work on.
pub(super) struct Needed {
    /// Its key in the section of a provider.
    pub(super) key: &'static str,
    /// What is missed.
    pub(super) name: &'static str,
    /// Whether it is there.
    pub(super) has: fn(&ProviderConfig) -> bool,
    /// How to give it.
    pub(super) help: &'static str,
}

/// A fault as it may stand in a file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct FaultSample {
    /// The key of its kind.
    pub kind: &'static str,
    /// What stands there.
    pub value: &'static str,
    /// The key that its provider must have for the fault to have any effect, and that a file must not lack.
    pub needs: Option<&'static str>,
}

/// Samples of every kind of fault, in the order of the reference.
pub fn fault_samples() -> impl Iterator<Item = FaultSample> {
    KINDS.iter().flat_map(|kind| {
        kind.samples.iter().map(|value| FaultSample {
            kind: kind.key.name,
            value,
            needs: kind.needs.map(|needed| needed.key),
        })
    })
}

const fn kind(
    name: &'static str,
    shape: Schema,
    meaning: &'static str,
    read: fn(&Node, &Problems) -> Option<FaultKind>,
    samples: &'static [&'static str],
) -> FaultReader {
    FaultReader { key: Key::choice(name, shape, meaning), read, samples, needs: None }
}

impl FaultReader {
    const fn needing(mut self, needed: &'static Needed) -> Self {
        self.needs = Some(needed);
        self
    }
}

/// Every kind.
pub(super) const KINDS: &[FaultReader] = &[
    kind(
        "error",
        Schema::Either(&STATUS_OR_ERROR),
        "Answers every attempt with this HTTP status, failure class or error instead of serving it.",
        error,
        &[
            "503",
            "500",
            "529",
            "401",
            "404",
            "400",
            "quota_spent",
            "content_policy",
            "{ status: 502, class: overloaded, retry_after: 1s }",
        ],
    ),
    kind(
        "errors",
        Schema::List(&A_MIXED),
        "Answers with one of several errors, drawn by their shares.",
        errors,
        &["[ { status: 500, share: 70% }, { class: overloaded, share: 30% } ]"],
    ),
    kind(
        "outage",
        Schema::Word(OUTAGES),
        "`refuse`: refuses new connections and resets open ones. `blackhole`: accepts \
         connections and never answers.",
        outage,
        &["refuse", "blackhole"],
    ),
    kind(
        "reset",
        Schema::Section(&RESET),
        "Resets the connection during an answer. `reset: {}`: as soon as the request has arrived.",
        reset,
        &["{}", "{ after: 2 }"],
    ),
    kind(
        "slowdown",
        Schema::Either(&FACTOR_OR_SLOWDOWN),
        "Multiplies all latencies by this factor; as a section, TTFT and ITL by separate factors.",
        slowdown,
        &["5x", "{ ttft: 8x }", "{ itl: 3x }"],
    ),
    kind(
        "delay",
        Schema::Either(&SPAN_OR_DELAY),
        "Adds this delay before the answer.",
        delay,
        &["3s", "{ by: 3s, headers: at_once }"],
    ),
    kind(
        "throttle",
        Schema::Section(&THROTTLE),
        "A storm of 429s: answers 429 regardless of the limits.",
        throttle,
        &["{}", "{ retry_after: 2s }", "{ retry_after: 700ms }"],
    ),
    kind(
        "cut",
        Schema::Section(&CUT),
        "Ends streams early, without the end-of-stream marker.",
        cut,
        &["{ after: 2 }"],
    ),
    kind(
        "stall",
        Schema::Section(&STALL),
        "Stops sending in the middle of a stream and keeps the connection open.",
        stall,
        &["{ after: 3 }", "{ after: 3, closes: 2s }"],
    ),
    kind(
        "malformed_event",
        Schema::Section(&MALFORMED_EVENT),
        "Sends one event that is not valid JSON in the middle of a stream, which then continues.",
        malformed_event,
        &["{ after: 2 }"],
    ),
    kind(
        "no_end_mark",
        Schema::Section(&NO_END_MARK),
        "Leaves `[DONE]` out of streams that are otherwise complete: `no_end_mark: {}`.",
        no_end_mark,
        &["{}"],
    ),
    kind(
        "stream_error",
        Schema::Section(&STREAM_ERROR),
        "Ends streams in the middle with an error event.",
        stream_error,
        &["{ after: 2 }", "{ after: 1, class: overloaded }"],
    ),
    kind(
        "bad_answer",
        Schema::Word(&BAD_ANSWERS),
        "Answers 200 with an invalid body: `empty`; `truncated`, half an answer; `html`, an \
         error page of a proxy; `wrong_type`, a stream instead of one body or the reverse; \
         `no_end`, a stream without its end-of-stream marker.",
        bad_answer,
        &["empty", "truncated", "html", "wrong_type", "no_end"],
    ),
    kind(
        "limits_cut",
        Schema::Percent,
        "Reduces the rate limits to this share. Requests already counted stay counted.",
        limits_cut,
        &["30%"],
    )
    .needing(&LIMITS),
    kind(
        "capacity_cut",
        Schema::Either(&SHARE_OR_CUT),
        "Reduces the concurrent capacity to this share, to no fewer than one slot.",
        capacity_cut,
        &["50%", "{ to: 20%, recovers: 90%, fails_again: true }"],
    )
    .needing(&CAPACITY),
    kind(
        "cold_cache",
        Schema::Section(&COLD_CACHE),
        "Empties the prompt cache and keeps it empty: `cold_cache: {}`.",
        cold_cache,
        &["{}"],
    )
    .needing(&CACHE),
];

/// Rates to cut.
static LIMITS: Needed = Needed {
    key: "limits",
    name: "limits",
    has: |config| {
        let limits = config.limits;
        let rates = [limits.rpm, limits.tpm, limits.input_tpm, limits.output_tpm];
        rates.iter().any(Option::is_some)
    },
    help: "give the provider `limits`, such as `{ rpm: 600 }`",
};

/// Places to cut.
static CAPACITY: Needed = Needed {
    key: "capacity",
    name: "capacity",
    has: |config| config.capacity.is_some(),
    help: "give the provider a `capacity: { concurrent: 100 }`",
};

/// A cache to empty.
static CACHE: Needed = Needed {
    key: "prefill",
    name: "cache",
    has: |config| config.prefill.cache.is_some(),
    help: "give the provider a `prefill` with a `cache`",
};

pub(super) static KIND_KEYS: [Key; KINDS.len()] = {
    let mut keys = [KINDS[0].key; KINDS.len()];
    let mut place = 0;
    while place < keys.len() {
        keys[place] = KINDS[place].key;
        place += 1;
    }
    keys
};

const TOKENS: Schema = Schema::Count(0, u32::MAX as u64);
const STATUS: Schema = Schema::Count(400, 599);
const OUTAGES: &[&str] = &["refuse", "blackhole"];

static STATUS_OR_ERROR: [Schema; 3] =
    [STATUS, Schema::Word(&ANSWER_WORDS), Schema::Section(&ERROR)];

static A_MIXED: Schema = Schema::Section(&MIXED);
static FACTOR_OR_SLOWDOWN: [Schema; 2] = [Schema::Factor, Schema::Section(&SLOWDOWN)];
static SHARE_OR_CUT: [Schema; 2] = [Schema::Percent, Schema::Section(&CAPACITY_CUT)];

static ERROR: Section = Section {
    id: "fault-error",
    phrase: "an error",
    about: "The error to answer with. Give `status` or `class`; each implies the other.",
    keys: &[
        STATUS_AND_CLASS,
        &[Key::optional("retry_after", Schema::DURATION, "not said", "What Retry-After says.")],
    ],
};

static MIXED: Section = Section {
    id: "fault-mixed-error",
    phrase: "an error of a mix",
    about: "One of several errors. Give `status` or `class`; each implies the other.",
    keys: &[
        STATUS_AND_CLASS,
        &[Key::required("share", Schema::Percent, "Its share, relative to the other errors.")],
    ],
};

const STATUS_AND_CLASS: &[Key] = &[
    Key::optional(
        "status",
        STATUS,
        "the vendor's status for the class",
        "The HTTP status, on the wire and in the log, in every format.",
    ),
    Key::optional(
        "class",
        Schema::Word(&ANSWER_WORDS),
        "from the status",
        "The failure class. It selects the error code in the body.",
    ),
];

static THROTTLE: Section = Section {
    id: "fault-throttle",
    phrase: "a 429 storm",
    about: "A storm of 429s. `throttle: {}` sends no Retry-After.",
    keys: &[&[Key::optional(
        "retry_after",
        Schema::DURATION,
        "not said",
        "What Retry-After says.",
    )]],
};

static RESET: Section = Section {
    id: "fault-reset",
    phrase: "a reset",
    about: "A connection reset before or during an answer.",
    keys: &[&[Key::optional(
        "after",
        TOKENS,
        "0",
        "Tokens sent before the reset; with 0 the reset is immediate.",
    )]],
};

static SLOWDOWN: Section = Section {
    id: "fault-slowdown",
    phrase: "a slowdown",
    about: "Slower answers: first tokens, later tokens, or both.",
    keys: &[&[
        Key::optional(
            "ttft",
            Schema::Factor,
            "1x",
            "Factor for the time to first token and for \
             the latency of errors.",
        ),
        Key::optional("itl", Schema::Factor, "1x", "Factor for the time between tokens."),
    ]],
};

static SPAN_OR_DELAY: [Schema; 2] = [Schema::SPAN, Schema::Section(&DELAY)];

static DELAY: Section = Section {
    id: "fault-delay",
    phrase: "a delay",
    about: "A delay before the answer, or only before its first token.",
    keys: &[&[
        Key::required("by", Schema::SPAN, "The delay."),
        Key::optional(
            "headers",
            Schema::Word(&["with_token", "at_once"]),
            "with_token",
            "When the response headers of a stream are sent: `with_token`, together with the first \
             token; `at_once`, without the delay.",
        ),
    ]],
};

static MALFORMED_EVENT: Section = Section {
    id: "fault-malformed-event",
    phrase: "a malformed event",
    about: "An event that is not valid JSON in a stream. Non-streamed answers are not affected.",
    keys: &[&[Key::required("after", TOKENS, "Tokens sent before the event.")]],
};

static NO_END_MARK: Section = Section {
    id: "fault-no-end-mark",
    phrase: "a stream without its end mark",
    about: "A complete stream, including its finish reason and usage, without `[DONE]`. Formats \
            without such a mark and non-streamed answers are not affected.",
    keys: &[],
};

static CUT: Section = Section {
    id: "fault-cut",
    phrase: "a cut",
    about: "A stream that ends early.",
    keys: &[&[Key::required("after", TOKENS, "Tokens sent before the cut.")]],
};

static STALL: Section = Section {
    id: "fault-stall",
    phrase: "a stall",
    about: "A stream that stalls. A non-streamed answer never arrives.",
    keys: &[&[
        Key::required("after", TOKENS, "Tokens sent before the stall."),
        Key::optional(
            "closes",
            Schema::SPAN,
            "never",
            "Time until the connection closes, without the end of the stream.",
        ),
    ]],
};

static STREAM_ERROR: Section = Section {
    id: "fault-stream-error",
    phrase: "an error in a stream",
    about: "A stream that ends with an error event. A non-streamed request gets the error as its \
         answer.",
    keys: &[&[
        Key::required("after", TOKENS, "Tokens sent before the event."),
        Key::optional(
            "class",
            Schema::Word(&ANSWER_WORDS),
            "server",
            "The failure class of the event.",
        ),
    ]],
};

static CAPACITY_CUT: Section = Section {
    id: "fault-capacity-cut",
    phrase: "a cut of capacity",
    about: "Fewer slots, which may be restored while the fault lasts. With `fails_again` and \
         less capacity than the traffic needs, a recovering provider is overloaded again.",
    keys: &[&[
        Key::required("to", Schema::Percent, "The share of the slots that remains."),
        Key::optional(
            "recovers",
            Schema::Percent,
            "not at all",
            "Share of all slots that is restored per minute.",
        ),
        Key::optional(
            "fails_again",
            Schema::Flag,
            "false",
            "Whether capacity drops to `to` again whenever more requests arrive than there are \
             slots.",
        ),
    ]],
};

static COLD_CACHE: Section = Section {
    id: "fault-cold-cache",
    phrase: "a cold cache",
    about: "A prompt cache that is emptied and stays empty.",
    keys: &[],
};

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

static BAD_ANSWERS: [&str; BadAnswer::ALL.len()] = {
    let mut words = [""; BadAnswer::ALL.len()];
    let mut place = 0;
    while place < words.len() {
        words[place] = BadAnswer::ALL[place].as_str();
        place += 1;
    }
    words
};

fn error(node: &Node, problems: &Problems) -> Option<FaultKind> {
    if let NodeKind::Scalar(text) = &node.kind {
        if text.starts_with(|first: char| first.is_ascii_alphabetic()) {
            let class = FailureClass::from_word(value::word(node, &ANSWER_WORDS, problems)?)?;
            return Some(FaultKind::Error(ErrorAnswer::of(class)));
        }
        let status = value::count(node, 400, 599, problems)?;
        let status = u16::try_from(status).ok()?;
        let class = FailureClass::of_status(status);
        return Some(FaultKind::Error(ErrorAnswer {
            status: Some(status),
            class,
            retry_after: None,
        }));
    }
    let fields = Fields::open(node, &ERROR, problems)?;
    let retry_after = fields.duration("retry_after");
    let (status, class) = status_and_class(&fields)?;
    Some(FaultKind::Error(ErrorAnswer { status, class, retry_after }))
}

fn errors(node: &Node, problems: &Problems) -> Option<FaultKind> {
    let NodeKind::List(nodes) = &node.kind else {
        value::wrong_type(node, &Schema::List(&A_MIXED), problems);
        return None;
    };
    let read = |node| {
        let fields = Fields::open(node, &MIXED, problems)?;
        let (share, error) = (fields.share("share"), status_and_class(&fields));
        let (status, class) = error?;
        Some((status, class, share?))
    };
    let read: Vec<_> = nodes.iter().map(read).collect();
    let errors = read.into_iter().collect::<Option<Vec<_>>>()?;
    let mix = ErrorMix::new(&errors);
    if mix.is_none() {
        let message = format!("a mix has 1 to {} errors, not all of share 0%", ErrorMix::MOST);
        let label = format!("{} errors", errors.len());
        problems.push(Problem::new(&node.span, message, label));
    }
    Some(FaultKind::Errors(mix?))
}

fn status_and_class(fields: &Fields<'_>) -> Option<(Option<u16>, FailureClass)> {
    let status = fields.count("status").and_then(|status| u16::try_from(status).ok());
    let class = fields.word("class").and_then(FailureClass::from_word);
    match (status, class) {
        (Some(status), class) => {
            Some((Some(status), class.unwrap_or_else(|| FailureClass::of_status(status))))
        }
        (None, Some(class)) => Some((None, class)),
        (None, None) => {
            if fields.get("status").is_none() && fields.get("class").is_none() {
                let message = "an error needs `status` or `class`";
                fields.problems.push(
                    Problem::new(fields.span, message, "it has neither")
                        .help("write `error: 503` or `error: { class: overloaded }`"),
                );
            }
            None
        }
    }
}

fn outage(node: &Node, problems: &Problems) -> Option<FaultKind> {
    match value::word(node, OUTAGES, problems)? {
        "blackhole" => Some(FaultKind::BlackHole),
        _ => Some(FaultKind::Refuse),
    }
}

fn reset(node: &Node, problems: &Problems) -> Option<FaultKind> {
    let fields = Fields::open(node, &RESET, problems)?;
    Some(FaultKind::Reset { after_tokens: fields.small_count("after").unwrap_or(0) })
}

fn slowdown(node: &Node, problems: &Problems) -> Option<FaultKind> {
    if let NodeKind::Map(_) = node.kind {
        let fields = Fields::open(node, &SLOWDOWN, problems)?;
        let (ttft, itl) = (fields.factor_milli("ttft"), fields.factor_milli("itl"));
        if fields.get("ttft").is_none() && fields.get("itl").is_none() {
            let message = "a slowdown needs `ttft` or `itl`";
            let problem = Problem::new(fields.span, message, "it has neither");
            problems.push(problem.help("write `slowdown: 3x` for both"));
        }
        let (ttft_milli, itl_milli) = (ttft.unwrap_or(1_000), itl.unwrap_or(1_000));
        return Some(FaultKind::Slowdown { ttft_milli, itl_milli });
    }
    let factor_milli = value::parsed(node, &Schema::Factor, problems, unit::factor_milli)?;
    Some(FaultKind::slowdown(factor_milli))
}

fn delay(node: &Node, problems: &Problems) -> Option<FaultKind> {
    if let NodeKind::Map(_) = node.kind {
        let fields = Fields::open(node, &DELAY, problems)?;
        let early_head = fields.word("headers") == Some("at_once");
        return Some(FaultKind::Delay { by: fields.duration("by")?, early_head });
    }
    let by = value::duration(node, crate::schema::Least::AboveZero, problems)?;
    Some(FaultKind::Delay { by, early_head: false })
}

fn malformed_event(node: &Node, problems: &Problems) -> Option<FaultKind> {
    let fields = Fields::open(node, &MALFORMED_EVENT, problems)?;
    Some(FaultKind::MalformedEvent { after_tokens: fields.small_count("after")? })
}

fn no_end_mark(node: &Node, problems: &Problems) -> Option<FaultKind> {
    Fields::open(node, &NO_END_MARK, problems).map(|_| FaultKind::NoEndMark)
}

fn throttle(node: &Node, problems: &Problems) -> Option<FaultKind> {
    let fields = Fields::open(node, &THROTTLE, problems)?;
    Some(FaultKind::Throttle { retry_after: fields.duration("retry_after") })
}

fn cut(node: &Node, problems: &Problems) -> Option<FaultKind> {
    let fields = Fields::open(node, &CUT, problems)?;
    Some(FaultKind::Cut { after_tokens: fields.small_count("after")? })
}

fn stall(node: &Node, problems: &Problems) -> Option<FaultKind> {
    let fields = Fields::open(node, &STALL, problems)?;
    let closes = fields.duration("closes");
    Some(FaultKind::Stall { after_tokens: fields.small_count("after")?, closes })
}

fn stream_error(node: &Node, problems: &Problems) -> Option<FaultKind> {
    let fields = Fields::open(node, &STREAM_ERROR, problems)?;
    let class = fields.word("class").and_then(FailureClass::from_word);
    let class = class.unwrap_or(FailureClass::Server);
    Some(FaultKind::StreamError { after_tokens: fields.small_count("after")?, class })
}

fn bad_answer(node: &Node, problems: &Problems) -> Option<FaultKind> {
    let word = value::word(node, &BAD_ANSWERS, problems)?;
    BadAnswer::from_word(word).map(FaultKind::BadAnswer)
}

fn limits_cut(node: &Node, problems: &Problems) -> Option<FaultKind> {
    let to = value::parsed(node, &Schema::Percent, problems, unit::share)?;
    Some(FaultKind::LimitCut { to })
}

fn capacity_cut(node: &Node, problems: &Problems) -> Option<FaultKind> {
    if !matches!(node.kind, NodeKind::Map(_)) {
        let to = value::parsed(node, &Schema::Percent, problems, unit::share)?;
        return Some(FaultKind::CapacityCut { to, recovery: None });
    }
    let fields = Fields::open(node, &CAPACITY_CUT, problems)?;
    let fails_again = fields.flag("fails_again").unwrap_or(false);
    let recovery = fields.share("recovers").map(|per_minute| Recovery { per_minute, fails_again });
    if fails_again && fields.get("recovers").is_none() {
        let message = "`fails_again` without `recovers`";
        let problem = Problem::new(fields.span_of("fails_again"), message, "of no effect here");
        problems.push(problem.help("set the recovery per minute, such as `recovers: 50%`"));
    }
    Some(FaultKind::CapacityCut { to: fields.share("to")?, recovery })
}

fn cold_cache(node: &Node, problems: &Problems) -> Option<FaultKind> {
    Fields::open(node, &COLD_CACHE, problems).map(|_| FaultKind::ColdCache)
}
