//! What a plan asks for at a moment: the arithmetic of deadlines, without a clock or a socket.

use squall_determinism::Timestamp;
use squall_failure::FailureClass;
use squall_provider::{AttemptEnding, BadAnswer, Plan, Rejection};

/// How an answer is delivered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum DeliveryMode {
    /// Token by token.
    Stream,
    /// In one piece, at the time of its last token.
    Whole,
}

/// What is next.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Next {
    /// Nothing until then; [`Timestamp::MAX`] if only another plan can change that.
    Wait(Timestamp),
    /// This, now.
    Do(AttemptStep),
}

/// What is to be done for an attempt now.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum AttemptStep {
    /// Answer with an error. No plan asks for it: it stands in place of one.
    Reject(Rejection),
    /// Send the tokens up to this number: several at once, if some are late.
    Tokens {
        /// How many will have been sent.
        through: u32,
    },
    /// Send what remains, and the end.
    Complete,
    /// Close the connection without an end.
    Cut,
    /// Tell of this failure, and end.
    Tell(FailureClass),
    /// End with something that is no answer.
    Bad(BadAnswer),
    /// Reset the connection.
    Reset,
}

/// What `plan` asks for at `now`, when `sent` tokens have left.
pub(crate) fn next(plan: &Plan, delivery: DeliveryMode, sent: u32, now: Timestamp) -> Next {
    if let AttemptEnding::Reset { at } = plan.ending
        && now >= at
    {
        return Next::Do(AttemptStep::Reset);
    }
    let (last, end) = match plan.ending {
        AttemptEnding::Complete => (plan.tokens, Some(AttemptStep::Complete)),
        AttemptEnding::Cut { after_tokens } => {
            (after_tokens.min(plan.tokens), Some(AttemptStep::Cut))
        }
        AttemptEnding::Told { after_tokens, class } => {
            (after_tokens.min(plan.tokens), Some(AttemptStep::Tell(class)))
        }
        AttemptEnding::Bad(BadAnswer::NoEnd) if delivery == DeliveryMode::Whole => {
            (plan.tokens, Some(AttemptStep::Complete))
        }
        AttemptEnding::Bad(answer) => (answer.tokens(plan.tokens), Some(AttemptStep::Bad(answer))),
        AttemptEnding::Stall { after_tokens } => (after_tokens.min(plan.tokens), None),
        AttemptEnding::Reset { .. } => (plan.tokens, None),
        AttemptEnding::Never => (0, None),
    };
    match delivery {
        DeliveryMode::Stream => {
            let due = due(plan, now).min(last);
            if due > sent {
                return Next::Do(AttemptStep::Tokens { through: due });
            }
        }
        DeliveryMode::Whole if end.is_none() => return Next::Wait(plan.ends_at()),
        DeliveryMode::Whole => {}
    }
    let ends_at = plan.ends_at();
    match end {
        Some(end) if now >= ends_at => Next::Do(end),
        _ if delivery == DeliveryMode::Stream && sent < last => {
            Next::Wait(deadline(plan, sent).min(ends_at))
        }
        _ => Next::Wait(ends_at),
    }
}

/// How many tokens should have left by `now`.
fn due(plan: &Plan, now: Timestamp) -> u32 {
    if now < plan.first_at {
        return 0;
    }
    let passed = now.since(plan.first_at).as_nanos();
    match passed.checked_div(plan.gap.as_nanos()) {
        Some(gaps) => u32::try_from(gaps).unwrap_or(u32::MAX).saturating_add(1),
        None => u32::MAX,
    }
}

/// When token `n`, counted from 0, leaves.
fn deadline(plan: &Plan, n: u32) -> Timestamp {
    plan.first_at + plan.gap.saturating_mul(n)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    /// First token at 100 ms, then one every 20 ms, 4 in all: the last at 160 ms.
    fn plan(ending: AttemptEnding) -> Plan {
        Plan {
            first_at: Timestamp::from_millis(100),
            gap: Duration::from_millis(20),
            tokens: 4,
            ending,
            reasoning: 0,
            cached: 0,
            fault: None,
        }
    }

    fn check(
        ending: AttemptEnding,
        delivery: DeliveryMode,
        sent: u32,
        now_ms: u64,
        expected: Next,
    ) {
        let next = next(&plan(ending), delivery, sent, Timestamp::from_millis(now_ms));
        assert_eq!(next, expected, "{ending:?}, {delivery:?}, {sent} sent, at {now_ms} ms");
    }

    fn wait(until_ms: u64) -> Next {
        Next::Wait(Timestamp::from_millis(until_ms))
    }

    #[test]
    fn tokens_leave_at_absolute_deadlines_and_late_ones_all_at_once() {
        let check =
            |sent, now, step| check(AttemptEnding::Complete, DeliveryMode::Stream, sent, now, step);
        check(0, 0, wait(100));
        check(0, 99, wait(100));
        check(0, 100, Next::Do(AttemptStep::Tokens { through: 1 }));
        check(1, 100, wait(120));
        check(1, 145, Next::Do(AttemptStep::Tokens { through: 3 }));
        check(3, 145, wait(160));
        check(0, 900, Next::Do(AttemptStep::Tokens { through: 4 }));
        check(4, 900, Next::Do(AttemptStep::Complete));
    }

    #[test]
    fn an_answer_in_one_piece_leaves_with_its_last_token() {
        check(AttemptEnding::Complete, DeliveryMode::Whole, 0, 159, wait(160));
        check(
            AttemptEnding::Complete,
            DeliveryMode::Whole,
            0,
            160,
            Next::Do(AttemptStep::Complete),
        );
        check(AttemptEnding::Cut { after_tokens: 2 }, DeliveryMode::Whole, 0, 119, wait(120));
        check(
            AttemptEnding::Cut { after_tokens: 2 },
            DeliveryMode::Whole,
            0,
            120,
            Next::Do(AttemptStep::Cut),
        );
    }

    #[test]
    fn a_cut_comes_after_its_tokens() {
        let check = |after_tokens, sent, now, step| {
            check(AttemptEnding::Cut { after_tokens }, DeliveryMode::Stream, sent, now, step);
        };
        check(2, 0, 150, Next::Do(AttemptStep::Tokens { through: 2 }));
        check(2, 2, 150, Next::Do(AttemptStep::Cut));
        check(2, 3, 150, Next::Do(AttemptStep::Cut));
        check(0, 0, 99, wait(100));
        check(0, 0, 100, Next::Do(AttemptStep::Cut));
        check(9, 4, 160, Next::Do(AttemptStep::Cut));
    }

    #[test]
    fn an_error_is_told_after_its_tokens_and_a_stall_tells_nothing() {
        let told = AttemptEnding::Told { after_tokens: 2, class: FailureClass::Server };
        check(told, DeliveryMode::Stream, 0, 150, Next::Do(AttemptStep::Tokens { through: 2 }));
        check(
            told,
            DeliveryMode::Stream,
            2,
            150,
            Next::Do(AttemptStep::Tell(FailureClass::Server)),
        );
        check(told, DeliveryMode::Whole, 0, 120, Next::Do(AttemptStep::Tell(FailureClass::Server)));
        let stall = AttemptEnding::Stall { after_tokens: 2 };
        check(stall, DeliveryMode::Stream, 0, 150, Next::Do(AttemptStep::Tokens { through: 2 }));
        check(stall, DeliveryMode::Stream, 2, 900, Next::Wait(Timestamp::MAX));
        check(stall, DeliveryMode::Whole, 0, 900, Next::Wait(Timestamp::MAX));
    }

    #[test]
    fn a_bad_answer_comes_after_the_tokens_that_it_shows() {
        let bad = |answer, delivery, sent, now, step| {
            check(AttemptEnding::Bad(answer), delivery, sent, now, step);
        };
        bad(BadAnswer::Html, DeliveryMode::Stream, 0, 99, wait(100));
        bad(
            BadAnswer::Html,
            DeliveryMode::Stream,
            0,
            100,
            Next::Do(AttemptStep::Bad(BadAnswer::Html)),
        );
        bad(
            BadAnswer::Truncated,
            DeliveryMode::Stream,
            0,
            150,
            Next::Do(AttemptStep::Tokens { through: 2 }),
        );
        bad(
            BadAnswer::Truncated,
            DeliveryMode::Whole,
            0,
            120,
            Next::Do(AttemptStep::Bad(BadAnswer::Truncated)),
        );
        bad(
            BadAnswer::NoEnd,
            DeliveryMode::Stream,
            4,
            160,
            Next::Do(AttemptStep::Bad(BadAnswer::NoEnd)),
        );
        bad(BadAnswer::NoEnd, DeliveryMode::Whole, 0, 160, Next::Do(AttemptStep::Complete));
    }

    #[test]
    fn a_reset_comes_at_its_time_with_tokens_before_it() {
        let at = Timestamp::from_millis(130);
        let check = |delivery, sent, now, step| {
            check(AttemptEnding::Reset { at }, delivery, sent, now, step)
        };
        check(DeliveryMode::Stream, 0, 110, Next::Do(AttemptStep::Tokens { through: 1 }));
        check(DeliveryMode::Stream, 1, 110, wait(120));
        check(DeliveryMode::Stream, 2, 125, wait(130));
        check(DeliveryMode::Stream, 1, 130, Next::Do(AttemptStep::Reset));
        check(DeliveryMode::Whole, 0, 110, wait(130));
        check(DeliveryMode::Whole, 0, 131, Next::Do(AttemptStep::Reset));
    }

    #[test]
    fn never_sends_nothing_more() {
        for delivery in [DeliveryMode::Stream, DeliveryMode::Whole] {
            check(AttemptEnding::Never, delivery, 0, 500, Next::Wait(Timestamp::MAX));
            check(AttemptEnding::Never, delivery, 2, 500, Next::Wait(Timestamp::MAX));
        }
    }

    #[test]
    fn without_gaps_all_tokens_leave_with_the_first() {
        let plan = Plan { gap: Duration::ZERO, ..plan(AttemptEnding::Complete) };
        let now = Timestamp::from_millis(100);
        assert_eq!(
            next(&plan, DeliveryMode::Stream, 0, now),
            Next::Do(AttemptStep::Tokens { through: 4 })
        );
    }
}
