//! How fast families of models answer. Times to the first token as modelstats.ai measured them over a
//! day from one site; the gaps between tokens are round figures for 30 to 150 tokens a second.

use super::drill_request::DrillRequest;
use crate::read::ModelEntry;
use core::time::Duration;

/// The latency of a family.
#[derive(Clone, Copy, Debug)]
struct FamilyLatency {
    words: &'static [&'static str],
    /// The median time to the first token.
    first_ms: u32,
    /// The time to the first token that 1 in 20 exceeds.
    first_p95_ms: u32,
    /// Between two tokens.
    between_ms: u32,
}

const fn family(
    words: &'static [&'static str],
    first_ms: u32,
    p95: u32,
    between: u32,
) -> FamilyLatency {
    FamilyLatency { words, first_ms, first_p95_ms: p95, between_ms: between }
}

/// The more particular first: all words of a row must be in the name.
const FAMILIES: [FamilyLatency; 11] = [
    family(&["gemini", "flash-lite"], 311, 1_142, 7),
    family(&["gemini"], 477, 776, 8),
    family(&["gpt-4o-mini"], 536, 844, 12),
    family(&["gpt-4o"], 639, 1_144, 15),
    family(&["mini"], 536, 844, 12),
    family(&["gpt"], 726, 1_220, 15),
    family(&["haiku"], 541, 1_591, 10),
    family(&["opus"], 1_626, 2_420, 25),
    family(&["claude"], 941, 2_939, 18),
    family(&["deepseek"], 1_479, 1_926, 30),
    family(&["groq"], 200, 400, 4),
];

/// The family of a model; one of which nothing is known answers as a middling one.
fn of(provider: &str, model: &str) -> FamilyLatency {
    let name = format!("{provider}/{model}").to_lowercase();
    let fits = |family: &FamilyLatency| family.words.iter().all(|word| name.contains(word));
    FAMILIES.into_iter().find(fits).unwrap_or(family(&[], 600, 1_200, 15))
}

/// How fast a deployment answers in a drill.
#[derive(Clone, Copy, Debug)]
pub(super) struct DrillLatency {
    pub(super) median: Duration,
    pub(super) p95: Duration,
    pub(super) between: Duration,
}

/// The latency of a deployment: of its family, of what is asked of it, or as it is said.
pub(super) fn latency(
    entry: &ModelEntry,
    workload: DrillRequest,
    ttft: Option<Duration>,
) -> DrillLatency {
    let millis = |number: u32| Duration::from_millis(number.into());
    let family = match workload {
        DrillRequest::Chat => of(&entry.provider, &entry.model),
        // Round figures: a batch of texts, and a picture of a large model.
        DrillRequest::Embedding => family(&[], 150, 400, 1),
        DrillRequest::Media => family(&[], 12_000, 30_000, 1),
    };
    let median = ttft.unwrap_or_else(|| millis(family.first_ms));
    let p95 = ttft.map_or_else(|| millis(family.first_p95_ms), |ttft| ttft * 2);
    DrillLatency { median, p95, between: millis(family.between_ms) }
}

/// The mean time that a request takes, in seconds: to its first token, and of an answer of 90 tokens.
pub(super) fn seconds(entry: &ModelEntry, workload: DrillRequest, ttft: Option<Duration>) -> f64 {
    let latency = latency(entry, workload, ttft);
    let tokens = if workload == DrillRequest::Chat { 90 } else { 1 };
    ((latency.median + latency.p95) / 2 + latency.between * tokens).as_secs_f64().max(0.05)
}
