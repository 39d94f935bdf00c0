//! The versions of LiteLLM whose routing is reproduced: one table, a row for each.
//!
//! A version differs from another only in its row. Each algorithm (`strategy/litellm/`, `retry/litellm.rs`,
//! `cooldown/litellm.rs`, `fallback/litellm.rs`, the reader of its files) asks the row, never for a version. A new
//! version is a row of [`LitellmVersion`]; the words of profiles in files, on the command line and in the
//! documentation are made from it.

use super::{ConcurrencyRelease, LitellmCounts};

/// A version of LiteLLM.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub enum LitellmVersion {
    /// 1.80 (January 2026), measured with 1.80.15.
    V1_80,
    /// 1.110 (November 2026), measured with 1.110.2, whose router core is compiled Rust. The default, as the newest.
    #[default]
    V1_110,
}

/// What one version of LiteLLM does, where versions differ.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct LitellmRules {
    /// Its profile's word in files.
    pub word: &'static str,
    /// It, in a sentence.
    pub about: &'static str,
    /// What `simple-shuffle` weighs by.
    pub shuffle: ShuffleBasis,
    /// What `latency-based-routing` compares.
    pub latency: LatencyWindow,
    /// What `least-busy` counts.
    pub least_busy: LeastBusyCounters,
    /// Which failures of a client's request its proxy counts towards a cooldown.
    pub counts: LitellmCounts,
    /// An `allowed_fails` that passes for unset.
    pub allowed_fails_unset: Option<u32>,
    /// `allowed_fails_policy` and `retry_policy`: the classes that are read. The first versions read neither
    /// `InternalServerError…` nor what came after it, and take a threshold of 0 for none.
    pub policy: PolicyClasses,
    /// A deployment without siblings, whose group has no fallback, never cools down by counting, unless a policy
    /// names the class.
    pub spares_the_lone: bool,
    /// A 402 cools a deployment that has siblings down at once.
    pub cools_402: bool,
    /// A connection that breaks during an answer counts as success, as with its default HTTP transport; else it is a
    /// failure that is held against nobody.
    pub cut_is_success: bool,
    /// Which failures are retried, and who is told of them.
    pub retries: RetriedFailures,
    /// Where all deployments cool down, the message says so.
    pub says_all_cool: bool,
    /// Whether a request may come to a group of its fallbacks twice.
    pub repeats_fallbacks: bool,
    /// Where a file has lists of fallbacks for too long prompts, one whose group is in none of them goes nowhere;
    /// else by the general list.
    pub context_lists_are_final: bool,
    /// What `order` does.
    pub order: OrderUse,
    /// It knows `enable_weighted_failover`.
    pub weighted_failover: bool,
    /// What happens at a deployment whose places are all taken.
    pub when_full: WhenFull,
    /// When a place is given back.
    pub release: ConcurrencyRelease,
    /// Places of a deployment that states only tokens per minute.
    pub places_of_tpm: PlacesOfTpm,
    /// `enable_pre_call_checks` holds `rpm` as a limit.
    pub checks_hold_rpm: bool,
}

/// What `simple-shuffle` weighs by: weight, else requests, else tokens per minute.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ShuffleBasis {
    /// The first that the *first* usable deployment states. Where all state 0, the request fails.
    FirstUsable,
    /// The first that any usable deployment states above 0; if none does, all weigh the same.
    Any,
}

/// The samples of `latency-based-routing`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LatencyWindow {
    /// Of ten the first nine stay; times to first token are divided by the answer's tokens, and their mean by the
    /// number of the other samples.
    FirstNineStay,
    /// The last ten; times to first token are seconds.
    LastTen,
}

/// The counters of `least-busy`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LeastBusyCounters {
    /// A dictionary in the order of first use, of those that cannot be used too.
    Dictionary,
    /// One for each deployment; of several the first.
    PerDeployment,
}

/// Which classes policies name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PolicyClasses {
    /// Bad requests, authentication, time-outs, rate limits, content policy; 0 is none.
    First,
    /// All, 0 too.
    All,
}

/// Which failures are retried.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RetriedFailures {
    /// All but 404, decided once, by the first failure, which is also what the client is told.
    AllByTheFirst,
    /// 403, 408, 409, 429 and from 500 on, and 401 where there is another deployment: asked again after each
    /// failure. What answered with a status that is not retried is not asked again. The client is told the last
    /// failure of the group that it asked for.
    ByStatusOfEach,
}

/// What `order` does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum OrderUse {
    /// With `enable_pre_call_checks` the lowest that is usable is used.
    FilterWithChecks,
    /// The lowest that is usable is used, and each higher one is a fallback before all others.
    Fallbacks,
}

/// What happens at a deployment whose places are all taken.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum WhenFull {
    /// Callers wait.
    Wait,
    /// The router answers 429 in its place; it may be picked all the same.
    Refuse,
}

/// Places at once of a deployment with a limit of tokens per minute only.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PlacesOfTpm {
    /// One for every 6,000 tokens: the formula upside down.
    Sixth,
    /// Six for every 1,000.
    SixOfThousand,
}

impl PlacesOfTpm {
    /// The places for so many tokens per minute, at least one.
    #[must_use]
    pub fn places(self, tpm: u64) -> u32 {
        let places = match self {
            Self::Sixth => tpm / 6_000,
            Self::SixOfThousand => tpm.saturating_mul(6) / 1_000,
        };
        u32::try_from(places).unwrap_or(u32::MAX).max(1)
    }
}

const V1_80: LitellmRules = LitellmRules {
    word: "litellm-1.80",
    about: "Those of LiteLLM 1.80, including its defects",
    shuffle: ShuffleBasis::FirstUsable,
    latency: LatencyWindow::FirstNineStay,
    least_busy: LeastBusyCounters::Dictionary,
    counts: LitellmCounts::OncePerRequest,
    allowed_fails_unset: Some(3),
    policy: PolicyClasses::First,
    spares_the_lone: false,
    cools_402: false,
    cut_is_success: true,
    retries: RetriedFailures::AllByTheFirst,
    says_all_cool: false,
    repeats_fallbacks: true,
    context_lists_are_final: true,
    order: OrderUse::FilterWithChecks,
    weighted_failover: false,
    when_full: WhenFull::Wait,
    release: ConcurrencyRelease::AtFirstToken,
    places_of_tpm: PlacesOfTpm::Sixth,
    checks_hold_rpm: true,
};

const V1_110: LitellmRules = LitellmRules {
    word: "litellm-1.110",
    about: "Those of LiteLLM 1.110, including its defects",
    shuffle: ShuffleBasis::Any,
    latency: LatencyWindow::LastTen,
    least_busy: LeastBusyCounters::PerDeployment,
    counts: LitellmCounts::EveryAttempt,
    allowed_fails_unset: None,
    policy: PolicyClasses::All,
    spares_the_lone: true,
    cools_402: true,
    cut_is_success: false,
    retries: RetriedFailures::ByStatusOfEach,
    says_all_cool: true,
    repeats_fallbacks: false,
    context_lists_are_final: false,
    order: OrderUse::Fallbacks,
    weighted_failover: true,
    when_full: WhenFull::Refuse,
    release: ConcurrencyRelease::AtEnd,
    places_of_tpm: PlacesOfTpm::SixOfThousand,
    checks_hold_rpm: false,
};

impl LitellmVersion {
    /// Every version, from the oldest.
    pub const ALL: [Self; 2] = [Self::V1_80, Self::V1_110];
    /// The newest: what the word `litellm` stands for.
    pub const NEWEST: Self = Self::V1_110;

    /// Its row of the table.
    #[must_use]
    pub const fn rules(self) -> &'static LitellmRules {
        match self {
            Self::V1_80 => &V1_80,
            Self::V1_110 => &V1_110,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_is_the_last_and_the_default() {
        assert_eq!(LitellmVersion::ALL.last(), Some(&LitellmVersion::NEWEST));
        assert_eq!(LitellmVersion::default(), LitellmVersion::NEWEST);
    }

    /// 95 of the list: only tokens per minute are stated.
    #[test]
    fn a_limit_of_300_000_tokens_is_50_places_in_1_80_and_1_800_in_1_110() {
        let places = |version: LitellmVersion, tpm| version.rules().places_of_tpm.places(tpm);
        assert_eq!(places(LitellmVersion::V1_80, 300_000), 50);
        assert_eq!(places(LitellmVersion::V1_110, 300_000), 1_800);
        for (tpm, wanted) in [(6_000, 36), (600, 3), (20, 1)] {
            assert_eq!(places(LitellmVersion::V1_110, tpm), wanted, "{tpm}");
        }
    }
}
