//! What the caller of a provider will see of a plan, and when.

use squall_determinism::Timestamp;
use squall_failure::FailureClass;
use squall_provider::{AttemptPlan, DeliveryMode, PlanEnd};
use std::time::Duration;

/// The next thing that a caller will see.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum CallerEvent {
    /// The first content token of a stream.
    FirstToken,
    /// The whole answer.
    Finished,
    /// The attempt failed.
    Failed(FailureClass),
}

/// What a caller sees next of `plan`, given whether it has seen the first token; `None` if it will see
/// nothing more, and only its own timers can end the attempt.
pub(crate) fn next(
    plan: &AttemptPlan,
    stream: bool,
    seen_first: bool,
    between_tokens: Duration,
) -> Option<(Timestamp, CallerEvent)> {
    let end = ending(plan, stream);
    if stream
        && !seen_first
        && plan.tokens_sent() > 0
        && end.is_none_or(|(at, _)| plan.first_at <= at)
    {
        return Some((plan.first_at, CallerEvent::FirstToken));
    }
    if !(stream && seen_first) {
        return end;
    }
    let silence = last_token(plan) + between_tokens;
    let stalls = if plan.gap > between_tokens && plan.tokens_sent() > 1 {
        plan.first_at + between_tokens
    } else {
        silence
    };
    match end {
        Some((at, _)) if at <= stalls => end,
        _ => Some((stalls, CallerEvent::Failed(FailureClass::Stalled))),
    }
}

fn ending(plan: &AttemptPlan, stream: bool) -> Option<(Timestamp, CallerEvent)> {
    let delivery = if stream { DeliveryMode::Stream } else { DeliveryMode::Whole };
    let (at, end) = plan.end(delivery)?;
    let seen = match end {
        PlanEnd::Complete | PlanEnd::Unmarked => CallerEvent::Finished,
        PlanEnd::Bad(answer) => CallerEvent::Failed(answer.class()),
        PlanEnd::Cut | PlanEnd::Reset => CallerEvent::Failed(FailureClass::Cut),
        PlanEnd::ErrorEvent(class) => CallerEvent::Failed(class),
    };
    Some((at, seen))
}

fn last_token(plan: &AttemptPlan) -> Timestamp {
    let gaps = u64::from(plan.tokens_sent().saturating_sub(1));
    plan.first_at + Duration::from_nanos((plan.gap.as_nanos() as u64).saturating_mul(gaps))
}

#[cfg(test)]
mod tests {
    use super::*;
    use squall_provider::AttemptEnding;

    const BETWEEN: Duration = Duration::from_secs(10);

    fn plan(ending: AttemptEnding) -> AttemptPlan {
        AttemptPlan {
            first_at: Timestamp::from_secs(1),
            gap: Duration::from_millis(100),
            tokens: 11,
            ending,
            reasoning: 0,
            prefilled: 0,
            cached: 0,
            malformed_after: None,
            early_head: false,
            fault: None,
        }
    }

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn a_stream_is_its_first_token_and_its_end() {
        let plan = plan(AttemptEnding::Complete);
        assert_eq!(next(&plan, true, false, BETWEEN), Some((at(1_000), CallerEvent::FirstToken)));
        assert_eq!(next(&plan, true, true, BETWEEN), Some((at(2_000), CallerEvent::Finished)));
    }

    #[test]
    fn an_answer_that_is_not_streamed_is_only_its_end() {
        let plan = plan(AttemptEnding::Complete);
        assert_eq!(next(&plan, false, false, BETWEEN), Some((at(2_000), CallerEvent::Finished)));
    }

    #[test]
    fn a_cut_comes_after_its_tokens() {
        let plan = plan(AttemptEnding::Cut { after_tokens: 3 });
        let cut = CallerEvent::Failed(FailureClass::Cut);
        assert_eq!(next(&plan, true, true, BETWEEN), Some((at(1_200), cut)));
        assert_eq!(plan.tokens_by(at(5_000)), 3);
    }

    #[test]
    fn a_reset_before_the_first_token_is_all_that_is_seen() {
        let plan = plan(AttemptEnding::Reset { at: at(500) });
        let cut = CallerEvent::Failed(FailureClass::Cut);
        assert_eq!(next(&plan, true, false, BETWEEN), Some((at(500), cut)));
    }

    #[test]
    fn a_stream_that_falls_silent_stalls() {
        let plan = plan(AttemptEnding::Never);
        let stalled = CallerEvent::Failed(FailureClass::Stalled);
        assert_eq!(next(&plan, true, true, BETWEEN), Some((at(12_000), stalled)));
        assert_eq!(next(&plan, false, false, BETWEEN), None);
    }

    #[test]
    fn a_stall_sends_its_tokens_and_then_stalls() {
        let plan = plan(AttemptEnding::Stall { after_tokens: 3, closes: None });
        let stalled = CallerEvent::Failed(FailureClass::Stalled);
        assert_eq!(next(&plan, true, false, BETWEEN), Some((at(1_000), CallerEvent::FirstToken)));
        assert_eq!(next(&plan, true, true, BETWEEN), Some((at(11_200), stalled)));
        assert_eq!(next(&plan, false, false, BETWEEN), None);
    }

    #[test]
    fn an_error_event_comes_after_its_tokens() {
        let plan = plan(AttemptEnding::ErrorEvent { after_tokens: 3, class: FailureClass::Server });
        let told = CallerEvent::Failed(FailureClass::Server);
        assert_eq!(next(&plan, true, true, BETWEEN), Some((at(1_200), told)));
        assert_eq!(next(&plan, false, false, BETWEEN), Some((at(1_200), told)));
    }

    #[test]
    fn tokens_slower_than_the_caller_waits_stall_after_the_first() {
        let plan = plan(AttemptEnding::Complete);
        let stalled = CallerEvent::Failed(FailureClass::Stalled);
        let between = Duration::from_millis(50);
        assert_eq!(next(&plan, true, true, between), Some((at(1_050), stalled)));
    }
}
