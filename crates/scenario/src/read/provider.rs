//! Providers: how they answer, what they let in, and what goes wrong with them.

use super::capacity::{self, CAPACITY};
use super::distribution::{self, DURATION_DISTRIBUTION, TOKEN_DISTRIBUTION};
use super::fault::{self, FAULT, OUTAGES};
use super::latency;
use super::limits::{self, PROVIDER_LIMITS};
use crate::fields::Fields;
use crate::schema::{Key, Schema};
use crate::settings::Vocabulary;
use core::time::Duration;
use squall_determinism::{Distribution, Share};
use squall_provider::{AssistantPrefill, FaultConfig, ProviderConfig, RetryAfter, VendorErrors};
use squall_wire::{Format, server};

/// What API a provider speaks: of every file that has providers.
pub(crate) const FORMAT: &[Key] =
    &[Key::optional("format", Schema::Word(FORMATS.words), "openai", "Wire format.")];

/// The words for APIs.
pub(crate) static FORMATS: Vocabulary<Format> =
    Vocabulary { words: &Format::WORDS, values: &Format::ALL, word: |format| format.as_str() };

/// How a mock provider behaves, beyond its latency.
pub(crate) const BEHAVIOUR: &[Key] = &[
    Key::optional(
        "output_tokens",
        TOKEN_DISTRIBUTION,
        "100",
        "Tokens of an answer if the request sets no limit.",
    ),
    Key::optional(
        "reasoning",
        TOKEN_DISTRIBUTION,
        "0",
        "Reasoning tokens before the answer. They count as output tokens.",
    ),
    Key::optional(
        "tool_calls",
        Schema::Percent,
        "0%",
        "Share of answers with a tool call, where the request leaves the choice to the model. A \
         required call is always made.",
    ),
    Key::optional(
        "context_window",
        Schema::COUNT,
        "any length",
        "Maximum prompt size in tokens. A longer prompt is answered with 400 \
         `context_length_exceeded`.",
    ),
    Key::optional(
        "assistant_prefill",
        Schema::Word(&AssistantPrefill::WORDS),
        "ignored",
        "How a chat is answered whose last message is a beginning of the answer, with the role \
         `assistant`: `ignored`, with the whole answer; `continued`, with the rest; `refused`, 400 \
         `invalid_prefill`.",
    ),
    Key::optional(
        "error_latency",
        DURATION_DISTRIBUTION,
        "0s",
        "Latency of error answers: rejections and errors of faults.",
    ),
    Key::optional("limits", Schema::Section(&PROVIDER_LIMITS), "no limits", "Rate limits."),
    Key::optional(
        "capacity",
        Schema::Section(&CAPACITY.section),
        "unlimited",
        "How many requests it serves concurrently.",
    ),
    Key::optional("faults", Schema::List(&A_FAULT), "none", "Scheduled faults."),
    Key::optional(
        "outages",
        Schema::List(&SOME_OUTAGES),
        "none",
        "Faults at random times, drawn from the seed.",
    ),
];

static A_FAULT: Schema = Schema::Section(&FAULT);
static SOME_OUTAGES: Schema = Schema::Section(&OUTAGES);

/// The API of a provider.
pub(crate) fn format(fields: &Fields<'_>) -> Format {
    fields.word("format").and_then(Format::from_word).unwrap_or_default()
}

/// How a vendor tells errors, from its words.
fn vendor(format: Format) -> VendorErrors {
    let server = server(format);
    let form = if server.tells_seconds_only() { RetryAfter::Seconds } else { RetryAfter::Exact };
    VendorErrors::new(|class| server.status(class), form)
}

/// The behaviour of a provider in a run of this length, if that is known. `shared` are the faults that it
/// has together with others.
pub(crate) fn behaviour(
    fields: &Fields<'_>,
    run: Option<Duration>,
    shared: &[FaultConfig],
) -> ProviderConfig {
    let latency = latency::latency(fields);
    let sections = fields.sections("faults");
    let own = (0..).zip(&sections).flat_map(|(entry, section)| {
        fault::faults(section, run).into_iter().map(move |fault| (entry, fault))
    });
    let own: Vec<_> = own.collect();
    let random = fields.sections("outages");
    let vendor = vendor(format(fields));
    let config = ProviderConfig {
        vendor,
        slow: latency.slow,
        prefill: latency.prefill,
        output_tokens: distribution::tokens(fields, "output_tokens")
            .unwrap_or(Distribution::Fixed { value: 100 }),
        reasoning: distribution::tokens(fields, "reasoning")
            .unwrap_or(Distribution::Fixed { value: 0 }),
        tool_calls: fields.share("tool_calls").unwrap_or(Share::NONE),
        context_window: fields.small_count("context_window"),
        assistant_prefill: fields
            .word("assistant_prefill")
            .and_then(AssistantPrefill::from_word)
            .unwrap_or_default(),
        error_latency: distribution::durations(fields, "error_latency")
            .unwrap_or(Distribution::Fixed { value: 0 }),
        limits: limits::of_provider(fields, vendor.retry_after),
        capacity: capacity::capacity(fields),
        faults: own.iter().map(|&(_, fault)| fault).chain(shared.iter().copied()).collect(),
        random: random.iter().filter_map(|fields| fault::outages(fields, run)).collect(),
        ..ProviderConfig::new(latency.ttft, latency.itl)
    }
    .with_statuses();
    fault::report_overlaps(fields, &config, &own);
    config
}
