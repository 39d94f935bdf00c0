//! The sixteen faults and their checks.

use super::CheckWeight;
use super::CheckWeight::{Advisory, Informational, Required};
use super::checks::{CrashCheck, Question};
use std::time::Duration;

/// A fault, and what it takes to come through it.
#[derive(Clone, Copy, Debug)]
pub struct CrashTest {
    /// `S01` to `S16`.
    pub id: &'static str,
    /// What goes wrong.
    pub fault: &'static str,
    /// Whether the ideal outcome is the provider's error, and not an answer.
    pub(super) wants_error: bool,
    pub(super) checks: &'static [CrashCheck],
}

const fn check(weight: CheckWeight, text: &'static str, question: Question) -> CrashCheck {
    CrashCheck { weight, text, question }
}

const NO_HANG: CrashCheck = check(Required, "no hang", Question::NoHang);
const NOT_TRUNCATED: CrashCheck =
    check(Required, "no truncated success", Question::NoTruncatedSuccess);
const ALIVE: CrashCheck = check(Required, "alive after", Question::AliveAfter);
const USAGE: CrashCheck = check(Advisory, "usage told", Question::UsageTold);
const AT_MOST_SIX: CrashCheck =
    check(Required, "at most 6 attempts at the primary", Question::AtMost(6));
const PRIMARY_AGAIN: CrashCheck =
    check(Advisory, "at least 2 attempts at the primary", Question::AtLeast(2));

/// How long the outage of S15 lasts.
const OUTAGE: Duration = Duration::from_secs(60);

const fn test(id: &'static str, fault: &'static str, checks: &'static [CrashCheck]) -> CrashTest {
    CrashTest { id, fault, wants_error: false, checks }
}

/// All of them, in the order of their numbers.
pub const CRASH_TESTS: [CrashTest; 16] = [
    test(
        "S01",
        "the first attempt 429, Retry-After 2 s",
        &[
            PRIMARY_AGAIN,
            check(
                Advisory,
                "at least 1.8 s between the first two attempts",
                Question::FirstGap(Duration::from_millis(1_800)),
            ),
            check(
                Required,
                "at most 2 attempts in the first 1.5 s",
                Question::AtMostWithin(2, Duration::from_millis(1_500)),
            ),
        ],
    ),
    test(
        "S02",
        "every attempt 429, no Retry-After",
        &[
            NO_HANG,
            check(
                Required,
                "at most 4 attempts in 3 s",
                Question::AtMostWithin(4, Duration::from_secs(3)),
            ),
            AT_MOST_SIX,
        ],
    ),
    test("S03", "the first attempt 500", &[NO_HANG, PRIMARY_AGAIN]),
    test("S04", "every attempt 503", &[NO_HANG, AT_MOST_SIX]),
    test("S05", "the first connection reset before a byte", &[NO_HANG]),
    test(
        "S06",
        "silence before the headers",
        &[
            NO_HANG,
            check(Required, "ends within 100 s", Question::EndsWithin(Duration::from_secs(100))),
            check(Advisory, "the primary asked once only", Question::AtMost(1)),
        ],
    ),
    test(
        "S07",
        "the first token after 20 s",
        &[
            NO_HANG,
            check(Advisory, "ends within 15 s", Question::EndsWithin(Duration::from_secs(15))),
        ],
    ),
    test("S08", "cut after 40 of 60 tokens", &[NO_HANG, NOT_TRUNCATED]),
    test(
        "S09",
        "stalls for 30 s after 20 tokens, then cut",
        &[
            NO_HANG,
            check(Required, "ends within 45 s", Question::EndsWithin(Duration::from_secs(45))),
            NOT_TRUNCATED,
            ALIVE,
        ],
    ),
    test(
        "S10",
        "an event that is no JSON in the stream",
        &[
            NO_HANG,
            ALIVE,
            NOT_TRUNCATED,
            check(Advisory, "the whole text delivered", Question::WholeText),
        ],
    ),
    test(
        "S11",
        "a whole stream without [DONE]",
        &[check(Required, "ends within 8 s", Question::EndsWithin(Duration::from_secs(8))), USAGE],
    ),
    test(
        "S12",
        "every attempt 400, the prompt too long",
        &[
            NO_HANG,
            check(
                Required,
                "never sent again at the same or a larger size",
                Question::NeverResentAsLarge,
            ),
            check(Required, "at most 2 attempts at the primary", Question::AtMost(2)),
        ],
    ),
    CrashTest {
        wants_error: true,
        ..test(
            "S13",
            "every attempt 400, refused by content policy",
            &[
                NO_HANG,
                check(Required, "1 attempt at the primary", Question::AtMost(1)),
                check(Informational, "the fallback used", Question::FallbackUsed),
            ],
        )
    },
    test(
        "S14",
        "cut after 40 tokens, and the fallback takes no prefill",
        &[
            check(Required, "no error because of a prefill", Question::NoErrorByPrefill),
            NOT_TRUNCATED,
        ],
    ),
    test(
        "S15",
        "503 for 60 s, 20 requests",
        &[
            check(Required, "none hung", Question::NoHang),
            check(
                Required,
                "all answered that were sent in the outage",
                Question::AnsweredWhile(OUTAGE),
            ),
            check(
                Required,
                "the primary answers again within 30 s",
                Question::BackWithin { outage: OUTAGE, within: Duration::from_secs(30) },
            ),
            check(
                Informational,
                "no more attempts at the primary than requests in the outage",
                Question::OneAttemptEachWhile(OUTAGE),
            ),
        ],
    ),
    test(
        "S16",
        "every attempt 503, told by the fallback's name",
        &[
            check(Required, "the answer names the fallback's model", Question::NamesFallback),
            USAGE,
            AT_MOST_SIX,
        ],
    ),
];
