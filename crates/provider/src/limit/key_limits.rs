//! All rate limits of a provider: shared, or per key.

use super::fixed_windows::FixedWindows;
use super::ramp_limiter::RampLimiter;
use super::{LimitDecision, ProviderLimiter};
use crate::{LimitState, LimitStatus, ProviderLimits, ProviderRateLimit, TokenAccounting};
use alloc::collections::BTreeMap;
use core::time::Duration;
use squall_determinism::{Share, Timestamp};
use squall_failure::ProviderLimitKind;

/// The limits of each key, or the one set that all keys share.
#[derive(Clone, Debug)]
pub(crate) struct LimitsByKey {
    limits: ProviderLimits,
    epoch_nanos: u64,
    /// What is left of each limit.
    left: Share,
    /// By key; under 0 where all share one.
    by_key: BTreeMap<u64, KeyLimits>,
}

/// Maximum number of keys with their own limits; later ones share one, so that a caller cannot exhaust memory
/// with random keys.
const KEYS_MAX: usize = 1_024;

/// Where they share.
const SHARED: u64 = u64::MAX;

/// Why an arrival does not pass.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct LimitRefusal {
    /// The limit that holds longest.
    pub(crate) limit: ProviderLimitKind,
    /// Until it would pass; `None` for never.
    pub(crate) wait: Option<Duration>,
}

/// What an attempt counts, in tokens.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TokenCharge {
    pub(crate) input: u32,
    pub(crate) output: u32,
}

impl LimitsByKey {
    pub(crate) const fn new(limits: ProviderLimits, epoch_nanos: u64) -> Self {
        Self { limits, epoch_nanos, left: Share::ALL, by_key: BTreeMap::new() }
    }

    /// So much of each limit is left from `now` on.
    pub(crate) fn set_left(&mut self, now: Timestamp, left: Share) {
        if self.left != left {
            self.left = left;
            for key_limits in self.by_key.values_mut() {
                key_limits.set_left(&self.limits, now, left);
            }
        }
    }

    /// Whether an attempt with this key may pass; it is not counted.
    pub(crate) fn check(
        &mut self,
        now: Timestamp,
        key: u64,
        tokens: TokenCharge,
    ) -> Option<LimitRefusal> {
        let counted = self.limits.counted;
        self.key_limits(now, key).check(now, tokens, counted)
    }

    /// Counts what passes.
    pub(crate) fn charge(&mut self, now: Timestamp, key: u64, tokens: TokenCharge) {
        let counted = self.limits.counted;
        self.key_limits(now, key).charge(now, tokens, counted);
    }

    /// Counts tokens that have been sent, where they count then.
    pub(crate) fn used(&mut self, now: Timestamp, key: u64, output: u32) {
        if self.limits.counted == TokenAccounting::AsUsed {
            self.key_limits(now, key).used(now, output);
        }
    }

    /// The limits as headers tell them.
    pub(crate) fn state(&mut self, now: Timestamp, key: u64) -> LimitState {
        self.key_limits(now, key).state(now)
    }

    /// Everything is whole again.
    pub(crate) fn reset(&mut self) {
        self.by_key.clear();
    }

    fn key_limits(&mut self, now: Timestamp, key: u64) -> &mut KeyLimits {
        let key = match key {
            _ if !self.limits.per_key => 0,
            key if self.by_key.len() < KEYS_MAX || self.by_key.contains_key(&key) => key,
            _ => SHARED,
        };
        let Self { limits, epoch_nanos, left, by_key } = self;
        by_key.entry(key).or_insert_with(|| {
            let mut key_limits = KeyLimits::new(limits, *epoch_nanos);
            if *left != Share::ALL {
                key_limits.set_left(limits, now, *left);
            }
            key_limits
        })
    }
}

/// The limits of one key, or of everybody.
#[derive(Clone, Debug)]
struct KeyLimits {
    requests: Option<ProviderLimiter>,
    tokens: Option<ProviderLimiter>,
    input: Option<ProviderLimiter>,
    output: Option<ProviderLimiter>,
    day: Option<FixedWindows>,
    growth: Option<RampLimiter>,
}

impl KeyLimits {
    fn new(limits: &ProviderLimits, epoch_nanos: u64) -> Self {
        let limiter = |limit: Option<ProviderRateLimit>| {
            limit.map(|limit| ProviderLimiter::new(limit, epoch_nanos))
        };
        Self {
            requests: limiter(limits.rpm),
            tokens: limiter(limits.tpm),
            input: limiter(limits.input_tpm),
            output: limiter(limits.output_tpm),
            day: limits.rpd.map(|rpd| FixedWindows::days(rpd, epoch_nanos)),
            growth: limits.ramp.map(RampLimiter::new),
        }
    }

    fn set_left(&mut self, limits: &ProviderLimits, now: Timestamp, left: Share) {
        let rates = [
            (&mut self.requests, limits.rpm),
            (&mut self.tokens, limits.tpm),
            (&mut self.input, limits.input_tpm),
            (&mut self.output, limits.output_tpm),
        ];
        for (limiter, limit) in rates {
            if let (Some(limiter), Some(limit)) = (limiter, limit) {
                limiter.set_left(limit, now, left);
            }
        }
    }

    fn check(
        &mut self,
        now: Timestamp,
        tokens: TokenCharge,
        counted: TokenAccounting,
    ) -> Option<LimitRefusal> {
        // Where tokens of answers count as they are sent, one must be left for the answer to begin.
        let output = match counted {
            TokenAccounting::AtArrival => u64::from(tokens.output),
            TokenAccounting::AsUsed => 1,
        };
        let input = u64::from(tokens.input);
        let rated = [
            (&mut self.requests, 1, ProviderLimitKind::Requests),
            (&mut self.tokens, input + output, ProviderLimitKind::Tokens),
            (&mut self.input, input, ProviderLimitKind::InputTokens),
            (&mut self.output, output, ProviderLimitKind::OutputTokens),
        ];
        let mut refusal = None;
        for (limiter, amount, kind) in rated {
            if let Some(limiter) = limiter {
                refusal = longer(refusal, kind, limiter.check(now, amount));
            }
        }
        if let Some(day) = &mut self.day {
            refusal = longer(refusal, ProviderLimitKind::Day, day.check(now, 1));
        }
        if let Some(growth) = &mut self.growth {
            refusal = longer(refusal, ProviderLimitKind::Growth, growth.check(now));
        }
        refusal
    }

    fn charge(&mut self, now: Timestamp, tokens: TokenCharge, counted: TokenAccounting) {
        let output = match counted {
            TokenAccounting::AtArrival => u64::from(tokens.output),
            TokenAccounting::AsUsed => 0,
        };
        let input = u64::from(tokens.input);
        let rated = [
            (&mut self.requests, 1),
            (&mut self.tokens, input + output),
            (&mut self.input, input),
            (&mut self.output, output),
        ];
        for (limiter, amount) in rated {
            if let Some(limiter) = limiter {
                limiter.charge(now, amount);
            }
        }
        if let Some(day) = &mut self.day {
            day.charge(now, 1);
        }
        if let Some(growth) = &mut self.growth {
            growth.charge(now);
        }
    }

    fn used(&mut self, now: Timestamp, output: u32) {
        for limiter in [&mut self.tokens, &mut self.output].into_iter().flatten() {
            limiter.charge(now, output.into());
        }
    }

    fn state(&mut self, now: Timestamp) -> LimitState {
        let gauge = |limiter: &mut Option<ProviderLimiter>| -> Option<LimitStatus> {
            limiter.as_mut().map(|limiter| limiter.gauge(now))
        };
        LimitState {
            requests: gauge(&mut self.requests),
            tokens: gauge(&mut self.tokens),
            input_tokens: gauge(&mut self.input),
            output_tokens: gauge(&mut self.output),
        }
    }
}

/// Of two refusals the one that holds longer.
fn longer(
    refusal: Option<LimitRefusal>,
    limit: ProviderLimitKind,
    verdict: LimitDecision,
) -> Option<LimitRefusal> {
    let new = match verdict {
        LimitDecision::Pass => return refusal,
        LimitDecision::Wait(wait) => LimitRefusal { limit, wait: Some(wait) },
        LimitDecision::Never => LimitRefusal { limit, wait: None },
    };
    match refusal {
        Some(old) if old.wait.is_none() || new.wait.is_some_and(|wait| old.wait >= Some(wait)) => {
            Some(old)
        }
        _ => Some(new),
    }
}
