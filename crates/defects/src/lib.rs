//! Defects that are planted on purpose, so that the suites can show that they would be caught.
//!
//! In an ordinary build [`planted`] is `false` at compile time, and nothing of this is left. Under `--cfg
//! squall_defects` the environment variable `SQUALL_DEFECT` chooses one by its name. `cargo xtask defects` builds
//! that once, runs the suites with each, and says which suite caught which.

#![cfg_attr(not(squall_defects), no_std)]

macro_rules! defects {
    ($($name:ident: $what:literal,)*) => {
        /// A defect.
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        pub enum Defect {
            $(#[doc = $what] $name,)*
        }

        impl Defect {
            /// The defect with this name.
            #[must_use]
            pub fn named(name: &str) -> Option<Self> {
                $(if name == stringify!($name) {
                    return Some(Self::$name);
                })*
                None
            }
        }
    };
}

// `cargo xtask defects` reads the lines below: one defect each.
defects! {
    RetryAfterHalved: "The router waits only half of Retry-After.",
    RefundForgotten: "A refused connection is not refunded in the rate limit.",
    SlidingOffByOne: "The router's sliding window admits one request too many.",
    SliceOffByOne: "The router's fixed window admits one request too many.",
    PlaceLeaked: "An abandoned attempt keeps its concurrency slot at the provider.",
    PlaceTooMany: "The router exceeds a deployment's concurrency limit by one.",
    CooldownIgnored: "A throttled deployment is called again immediately.",
    BreakTooShort: "The open interval of the circuit breaker ends after half its time.",
    JitterDropped: "Retries wait the full upper bound of their backoff, without jitter.",
    ProbeBesideProbe: "A second probe is sent while the first is in flight.",
    ProbeWithTheOldest: "The probe uses the request that has waited longest.",
    RecoveryForgotten: "A deployment stays ejected after a successful probe.",
    BudgetNotCharged: "Retries are not charged to the retry budget.",
    DeadlineDoubled: "A request may take twice its deadline.",
    PatienceDoubled: "Clients wait twice their time-out.",
    QueueBoundless: "A full queue accepts one more request.",
    CreditForgotten: "Smooth weighted round robin forgets earlier picks.",
    ArrivalsTooEven: "Poisson arrivals are evenly spaced.",
    LogOffByOne: "The provider's sliding window admits one request too many.",
    SlotOffByOne: "The provider's fixed window admits one request too many.",
    BucketOffByOne: "The provider's token bucket holds one more than its burst.",
    QueueTurnedRound: "The provider's queue serves the newest request first instead of the oldest.",
}

/// Whether this defect was chosen: never in an ordinary build.
#[cfg(not(squall_defects))]
#[must_use]
#[inline(always)]
pub const fn planted(_: Defect) -> bool {
    false
}

/// Whether this defect was chosen.
#[cfg(squall_defects)]
#[must_use]
pub fn planted(defect: Defect) -> bool {
    static CHOSEN: std::sync::LazyLock<Option<Defect>> = std::sync::LazyLock::new(chosen);
    *CHOSEN == Some(defect)
}

#[cfg(squall_defects)]
#[expect(clippy::disallowed_methods, reason = "a build with defects is for the suites alone")]
fn chosen() -> Option<Defect> {
    let name = std::env::var("SQUALL_DEFECT").ok()?;
    Some(Defect::named(&name).unwrap_or_else(|| panic!("no defect is called `{name}`")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(not(squall_defects))]
    fn an_ordinary_build_has_none() {
        const { assert!(!planted(Defect::RetryAfterHalved)) };
        assert_eq!(Defect::named("JitterDropped"), Some(Defect::JitterDropped));
        assert_eq!(Defect::named("Nothing"), None);
    }
}
