//! Providers: how they answer, what they let in, and what goes wrong with them.

use super::fault::{self, FAULT};
use super::law::{self, DURATION_LAW, TOKEN_LAW};
use super::limits::{self, PROVIDER_LIMITS};
use crate::fields::Fields;
use crate::model::Format;
use crate::shape::{Key, Section, Shape};
use core::time::Duration;
use squall_determinism::Law;
use squall_provider::{Capacity, ProviderConfig};

/// What API a provider speaks: of every file that has providers.
pub(crate) const FORMAT: &[Key] =
    &[Key::optional("format", Shape::Word(&["openai"]), "openai", "The API it speaks.")];

/// How a mock provider behaves.
pub(crate) const BEHAVIOUR: &[Key] = &[
    Key::required("ttft", DURATION_LAW, "From the start of service to the first token."),
    Key::required("itl", DURATION_LAW, "Between two tokens, drawn once for each answer."),
    Key::optional(
        "output_tokens",
        TOKEN_LAW,
        "100",
        "How long an answer is when the request does not say.",
    ),
    Key::optional(
        "context_window",
        Shape::COUNT,
        "any length",
        "The longest prompt, in tokens; a longer one is answered 400 `context_length_exceeded`.",
    ),
    Key::optional(
        "error_latency",
        DURATION_LAW,
        "0s",
        "How long an answer takes that is an error: a rejection, or that of a fault.",
    ),
    Key::optional("limits", Shape::Section(&PROVIDER_LIMITS), "no limits", "What it lets in."),
    Key::optional(
        "capacity",
        Shape::Section(&CAPACITY),
        "as many as come",
        "How many answers it works on at once.",
    ),
    Key::optional("faults", Shape::List(&A_FAULT), "none", "What goes wrong, and when."),
];

static A_FAULT: Shape = Shape::Section(&FAULT);

static CAPACITY: Section = Section {
    id: "capacity",
    phrase: "a capacity",
    about: "How many answers are worked on at once, and how many requests may wait.",
    keys: &[&[
        Key::required("concurrent", Shape::COUNT, "Answers at once."),
        Key::optional(
            "queue",
            Shape::Count(0, u32::MAX as u64),
            "0",
            "How many may wait, first come first served; one more is shed as overloaded.",
        ),
    ]],
};

/// The API of a provider.
pub(crate) fn format(fields: &Fields<'_>) -> Format {
    fields.word("format").map_or_else(Format::default, |_| Format::OpenAi)
}

/// The behaviour of a provider in a run of this length, if that is known.
pub(crate) fn behaviour(fields: &Fields<'_>, run: Option<Duration>) -> ProviderConfig {
    let nothing = Law::Fixed { value: 0 };
    let capacity = fields.section("capacity").map(|fields| Capacity {
        concurrent: fields.small_count("concurrent").unwrap_or_default(),
        queue: fields.small_count("queue").unwrap_or_default(),
    });
    let faults = fields.sections("faults");
    ProviderConfig {
        ttft: law::durations(fields, "ttft").unwrap_or(nothing),
        itl: law::durations(fields, "itl").unwrap_or(nothing),
        output_tokens: law::tokens(fields, "output_tokens").unwrap_or(Law::Fixed { value: 100 }),
        context_window: fields.small_count("context_window"),
        error_latency: law::durations(fields, "error_latency").unwrap_or(nothing),
        limits: limits::of_provider(fields),
        capacity,
        faults: faults.iter().filter_map(|fields| fault::fault(fields, run)).collect(),
    }
}
