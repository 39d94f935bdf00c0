//! How fast families of models answer. Times to the first token as modelstats.ai measured them over a
//! day from one site; the gaps between tokens are round figures for 30 to 150 tokens a second.

/// The latency of a family.
#[derive(Clone, Copy, Debug)]
pub(super) struct FamilyLatency {
    words: &'static [&'static str],
    /// The median time to the first token.
    pub(super) first_ms: u32,
    /// The time to the first token that 1 in 20 exceeds.
    pub(super) first_p95_ms: u32,
    /// Between two tokens.
    pub(super) between_ms: u32,
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
pub(super) fn of(provider: &str, model: &str) -> FamilyLatency {
    let name = format!("{provider}/{model}").to_lowercase();
    let fits = |family: &FamilyLatency| family.words.iter().all(|word| name.contains(word));
    FAMILIES.into_iter().find(fits).unwrap_or(family(&[], 600, 1_200, 15))
}
