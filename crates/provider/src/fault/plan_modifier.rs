//! How a fault modifies the plan of an attempt that is served.

use crate::latency::times_milli;
use crate::{AttemptEnding, AttemptPlan};
use core::time::Duration;
use squall_determinism::{Share, Timestamp};

/// How a plan is bent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum PlanModifier {
    /// Its times are these many thousandths.
    Slower { ttft_milli: u32, itl_milli: u32 },
    /// Its first token comes so much later; whether its head does too.
    Later { by: Duration, early_head: bool },
    /// An event that is no JSON comes after so many tokens.
    Breaks { after_tokens: u32 },
    /// It ends otherwise.
    Ends(AttemptEnding),
    /// It is reset after so many tokens.
    Resets { after_tokens: u32 },
}

impl PlanModifier {
    /// Whether it says how the answer ends.
    pub(crate) const fn is_ending(self) -> bool {
        matches!(self, Self::Ends(_) | Self::Resets { .. })
    }

    /// What it is when so much of its fault is there: a multiple grows from one to all of it.
    pub(super) fn grown(self, progress: Share) -> Self {
        let grown = |factor_milli: u32| {
            let more = (i64::from(factor_milli) - 1_000) * i64::from(progress.ppm()) / 1_000_000;
            u32::try_from(1_000 + more).unwrap_or(factor_milli)
        };
        match self {
            Self::Slower { ttft_milli, itl_milli } => {
                Self::Slower { ttft_milli: grown(ttft_milli), itl_milli: grown(itl_milli) }
            }
            Self::Later { .. } | Self::Breaks { .. } | Self::Ends(_) | Self::Resets { .. } => self,
        }
    }

    /// The plan, bent. `now` is the start of service.
    pub(crate) fn apply(self, now: Timestamp, plan: AttemptPlan) -> AttemptPlan {
        match self {
            Self::Slower { ttft_milli, itl_milli } => {
                let times = |time: Duration, milli: u32| {
                    Duration::from_nanos(times_milli(time.as_nanos() as u64, milli.into()))
                };
                let first_at = now + times(plan.first_at.since(now), ttft_milli);
                AttemptPlan { first_at, gap: times(plan.gap, itl_milli), ..plan }
            }
            Self::Later { by, early_head } => {
                let early_head = plan.early_head || early_head;
                AttemptPlan { first_at: plan.first_at + by, early_head, ..plan }
            }
            Self::Breaks { after_tokens } => {
                AttemptPlan { malformed_after: Some(after_tokens), ..plan }
            }
            // Not one token is seen.
            Self::Ends(ending @ AttemptEnding::Never) => {
                AttemptPlan { first_at: Timestamp::MAX, tokens: 0, ending, ..plan }
            }
            Self::Ends(ending) => AttemptPlan { ending, ..plan },
            Self::Resets { after_tokens } => resets(now, plan, after_tokens),
        }
    }
}

/// A reset may overtake what was sent at the same moment, so it comes when the next token would have. Without a
/// token before it, nothing is waited for.
fn resets(now: Timestamp, plan: AttemptPlan, after_tokens: u32) -> AttemptPlan {
    let tokens = after_tokens.min(plan.tokens);
    if tokens == 0 {
        return AttemptPlan { ending: AttemptEnding::Reset { at: now }, tokens, ..plan };
    }
    let nanos = (plan.gap.as_nanos() as u64).saturating_mul(tokens.into());
    let at = plan.first_at + Duration::from_nanos(nanos);
    AttemptPlan { ending: AttemptEnding::Reset { at }, tokens, ..plan }
}
