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
    RetryAfterHalved: "Half of what a Retry-After says is waited.",
    RefundForgotten: "A refused connection does not give its place in a limit back.",
    SlidingOffByOne: "The router's sliding minute lets one more through.",
    SliceOffByOne: "A slice of the router's wall clock lets one more through.",
    PlaceLeaked: "An attempt that was abandoned keeps its place at the provider.",
    PlaceTooMany: "The router gives a deployment one attempt more at once than it may have.",
    CooldownIgnored: "A deployment that asked for patience is called again at once.",
    BreakTooShort: "A break after failures ends after half of its time.",
    JitterDropped: "Retries wait the whole ceiling of their backoff.",
    ProbeBesideProbe: "A second probe goes beside the first.",
    ProbeWithTheOldest: "A probe goes with whoever has waited longest.",
    RecoveryForgotten: "A deployment whose probe was answered stays out.",
    BudgetNotCharged: "Retries cost the retry budget nothing.",
    DeadlineDoubled: "A request may take twice its deadline.",
    PatienceDoubled: "Clients wait twice as long as they say.",
    QueueBoundless: "A full queue takes one more.",
    CreditForgotten: "Smooth weights forget what was picked before.",
    ArrivalsTooEven: "Users come at even distances where they should come by chance.",
    LogOffByOne: "The provider's sliding minute lets one more in.",
    SlotOffByOne: "A slot of the provider's clock lets one more in.",
    BucketOffByOne: "The provider's bucket holds one more than its burst.",
    QueueTurnedRound: "The provider serves who came last where who came first is next.",
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
