//! Components of latency besides the two distributions: slow answers, prompts, caches and load.

use core::time::Duration;
use squall_determinism::{RandomStream, Share, Timestamp};

/// A share of answers with a much longer time to first token: a heavier tail than log-normal.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SlowShare {
    /// The share.
    pub share: Share,
    /// Their time to the first token is multiplied by at least this, in thousandths.
    pub from_milli: u32,
    /// And by at most this, uniformly distributed.
    pub to_milli: u32,
}

impl SlowShare {
    /// The time to the first token, if it would be `nanos` without it.
    pub(crate) fn apply(self, nanos: u64, draws: &mut RandomStream) -> u64 {
        if !draws.chance(self.share) {
            return nanos;
        }
        let width = u64::from(self.to_milli.saturating_sub(self.from_milli)) + 1;
        times_milli(nanos, u64::from(self.from_milli) + draws.below(width))
    }
}

/// What each token of the prompt adds to the time to the first token.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Prefill {
    /// For a token that is not in the cache.
    pub per_token: Duration,
    /// The cache of prompts. `None` for none.
    pub cache: Option<PromptCache>,
}

impl Prefill {
    /// Nothing.
    pub const NONE: Self = Self { per_token: Duration::ZERO, cache: None };
}

/// A prompt cache that warms up with traffic.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PromptCache {
    /// The cached share of a prompt's tokens when the cache is warm.
    pub share: Share,
    /// Requests within `lasts` until the cache is warm; before that, proportionally.
    pub warm_after: u32,
    /// How long an entry lasts. Anthropic's lasts 5 minutes.
    pub lasts: Duration,
}

/// Latency under load: from factor 1 with one request to this factor with all slots in use.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct BatchSlowdown {
    /// With all places taken everything takes this many thousandths of its plain time.
    pub full_milli: u32,
}

impl BatchSlowdown {
    /// The factor for an answer that begins as one of `serving` of `places`, in thousandths.
    pub(crate) fn factor_milli(self, serving: u32, places: u32) -> u64 {
        let more = u64::from(self.full_milli.saturating_sub(1_000));
        let others = u64::from(serving.saturating_sub(1));
        1_000 + more * others / u64::from(places.saturating_sub(1).max(1))
    }
}

/// How warm the cache of prompts is: requests of the present window and of the one before, the latter
/// counted for the part of it that is not older than an entry lasts.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct CacheWarmth {
    window: u64,
    now: u64,
    before: u64,
}

impl CacheWarmth {
    /// What the prompt costs and how many of its tokens the cache has, and counts it. A cold cache has nothing.
    pub(crate) fn prefill(
        &mut self,
        config: Prefill,
        input_tokens: u32,
        now: Timestamp,
        cold: bool,
    ) -> (Duration, u32) {
        let whole = config.per_token.saturating_mul(input_tokens);
        let Some(cache) = config.cache else { return (whole, 0) };
        let length = (cache.lasts.as_nanos() as u64).max(1);
        let window = now.as_nanos() / length;
        if cold {
            *self = Self { window, now: 0, before: 0 };
            return (whole, 0);
        }
        if window != self.window {
            self.before = if window == self.window + 1 { self.now } else { 0 };
            (self.window, self.now) = (window, 0);
        }
        let left = length - now.as_nanos() % length;
        let seen =
            self.now + (u128::from(self.before) * u128::from(left) / u128::from(length)) as u64;
        self.now += 1;
        let warm_after = u64::from(cache.warm_after.max(1));
        let warm = |part: u64| {
            u128::from(part) * u128::from(seen.min(warm_after)) / u128::from(warm_after)
        };
        let saved = warm(cache.share.of(whole.as_nanos() as u64));
        let tokens = warm(cache.share.of(input_tokens.into()));
        (whole.saturating_sub(Duration::from_nanos(saved as u64)), tokens as u32)
    }
}

/// So many thousandths of a number of nanoseconds.
pub(crate) fn times_milli(nanos: u64, milli: u64) -> u64 {
    let nanos = u128::from(nanos) * u128::from(milli) / 1_000;
    u64::try_from(nanos).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CACHE: PromptCache =
        PromptCache { share: Share::percent(80), warm_after: 10, lasts: Duration::from_secs(60) };
    const PREFILL: Prefill = Prefill { per_token: Duration::from_millis(1), cache: Some(CACHE) };

    #[test]
    fn a_cache_warms_with_traffic_and_forgets_without() {
        let mut warmth = CacheWarmth::default();
        let mut cost = |secs, cold| {
            let at = Timestamp::from_secs(secs);
            let (cost, cached) = warmth.prefill(PREFILL, 100, at, cold);
            assert_eq!(cost.as_millis() + u128::from(cached), 100, "a token of 1 ms");
            cost.as_millis()
        };
        assert_eq!(cost(0, false), 100);
        assert_eq!(cost(0, false), 92);
        for _ in 0..8 {
            cost(1, false);
        }
        assert_eq!(cost(2, false), 20, "warm: a fifth of the prompt is left");
        assert_eq!(cost(2, true), 100, "the fault empties it");
        assert_eq!(cost(3, false), 100, "and it begins again");
        assert_eq!(cost(200, false), 100, "what was seen is older than an entry lasts");
    }

    #[test]
    fn a_batch_slows_down_in_proportion_to_its_places() {
        let batch = BatchSlowdown { full_milli: 3_000 };
        assert_eq!(batch.factor_milli(1, 11), 1_000);
        assert_eq!(batch.factor_milli(6, 11), 2_000);
        assert_eq!(batch.factor_milli(11, 11), 3_000);
        assert_eq!(batch.factor_milli(1, 1), 1_000);
    }
}
