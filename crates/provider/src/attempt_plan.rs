//! The plan of an attempt: when it sends what, and how it ends.

use crate::BadAnswer;
use core::time::Duration;
use squall_determinism::Timestamp;
use squall_failure::FailureClass;

/// How an attempt is served.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct AttemptPlan {
    /// When its first token leaves (not streamed: when the first could have left).
    pub first_at: Timestamp,
    /// Between two tokens: token n leaves at `first_at` + n · `gap`.
    pub gap: Duration,
    /// How many tokens the whole answer has; of an answer that never ends, how many it sends before it
    /// falls silent.
    pub tokens: u32,
    /// How many of its tokens are thoughts: the first ones.
    pub reasoning: u32,
    /// How many tokens of the text the request itself says already: those of the plan are the ones behind them.
    pub prefilled: u32,
    /// How many tokens of the prompt came from a cache.
    pub cached: u32,
    /// After how many tokens of a stream an event comes that is no JSON; it costs no time.
    pub malformed_after: Option<u32>,
    /// Whether the head of a stream leaves when service starts, and not with the first token.
    pub early_head: bool,
    /// How it ends.
    pub ending: AttemptEnding,
    /// The fault that shaped it, by its place in the configuration: of several the first, but always a
    /// black hole.
    pub fault: Option<u16>,
}

impl AttemptPlan {
    /// When its last byte leaves; [`Timestamp::MAX`] if it never ends.
    #[must_use]
    pub fn ends_at(&self) -> Timestamp {
        let after = |tokens: u32| {
            let gaps = u64::from(tokens.saturating_sub(1));
            self.first_at + Duration::from_nanos((self.gap.as_nanos() as u64).saturating_mul(gaps))
        };
        match self.ending {
            AttemptEnding::Complete
            | AttemptEnding::Unmarked
            | AttemptEnding::Cut { .. }
            | AttemptEnding::ErrorEvent { .. }
            | AttemptEnding::Bad(_) => after(self.tokens_sent()),
            AttemptEnding::Reset { at } => at,
            AttemptEnding::Stall { closes: Some(closes), .. } => after(self.tokens_sent()) + closes,
            AttemptEnding::Never | AttemptEnding::Stall { closes: None, .. } => Timestamp::MAX,
        }
    }

    /// What a server is to do at `now`, when `sent` tokens have left.
    #[must_use]
    pub fn next(&self, delivery: DeliveryMode, sent: u32, now: Timestamp) -> PlanStep {
        let end = self.end(delivery);
        if let Some((at, end @ PlanEnd::Reset)) = end
            && now >= at
        {
            return PlanStep::End(end);
        }
        // Of an answer that never ends nothing more is sent.
        let last = if self.ending == AttemptEnding::Never { 0 } else { self.tokens_sent() };
        if delivery == DeliveryMode::Stream {
            let due = self.due(now).min(last);
            if due > sent {
                return PlanStep::Tokens { through: due };
            }
        }
        match end {
            Some((at, end)) if now >= at => PlanStep::End(end),
            _ if delivery == DeliveryMode::Stream && sent < last => {
                let next = self.first_at + self.gap.saturating_mul(sent);
                PlanStep::Wait(next.min(self.ends_at()))
            }
            _ => PlanStep::Wait(self.ends_at()),
        }
    }

    /// How it ends and when; `None` if it never does. The one place that says what an [`AttemptEnding`] is: servers
    /// carry out the step, and a simulated caller sees it.
    #[must_use]
    pub fn end(&self, delivery: DeliveryMode) -> Option<(Timestamp, PlanEnd)> {
        let step = match self.ending {
            AttemptEnding::Complete => PlanEnd::Complete,
            // An answer in one piece has no mark that could be missing.
            AttemptEnding::Unmarked if delivery == DeliveryMode::Whole => PlanEnd::Complete,
            AttemptEnding::Unmarked => PlanEnd::Unmarked,
            AttemptEnding::Cut { .. } | AttemptEnding::Stall { closes: Some(_), .. } => {
                PlanEnd::Cut
            }
            AttemptEnding::ErrorEvent { class, .. } => PlanEnd::ErrorEvent(class),
            // In one piece there is no end mark that could be missing.
            AttemptEnding::Bad(BadAnswer::NoEnd) if delivery == DeliveryMode::Whole => {
                PlanEnd::Complete
            }
            AttemptEnding::Bad(answer) => PlanEnd::Bad(answer),
            AttemptEnding::Reset { .. } => PlanEnd::Reset,
            AttemptEnding::Never | AttemptEnding::Stall { closes: None, .. } => return None,
        };
        Some((self.ends_at(), step))
    }

    /// How many tokens should have left by `now`, were there no end.
    fn due(&self, now: Timestamp) -> u32 {
        if now < self.first_at {
            return 0;
        }
        let passed = now.since(self.first_at).as_nanos();
        match passed.checked_div(self.gap.as_nanos()) {
            Some(gaps) => u32::try_from(gaps).unwrap_or(u32::MAX).saturating_add(1),
            None => u32::MAX,
        }
    }

    /// Whether it ends by telling of a failure of this class.
    #[must_use]
    pub fn ends_with_error(&self, told: FailureClass) -> bool {
        matches!(self.ending, AttemptEnding::ErrorEvent { class, .. } if class == told)
    }

    /// How many tokens it sends in all. A plan that never ends counts those that are sent before it
    /// falls silent.
    #[must_use]
    pub fn tokens_sent(&self) -> u32 {
        match self.ending {
            AttemptEnding::Cut { after_tokens }
            | AttemptEnding::Stall { after_tokens, .. }
            | AttemptEnding::ErrorEvent { after_tokens, .. } => after_tokens.min(self.tokens),
            AttemptEnding::Bad(answer) => answer.tokens(self.tokens),
            AttemptEnding::Complete
            | AttemptEnding::Unmarked
            | AttemptEnding::Reset { .. }
            | AttemptEnding::Never => self.tokens,
        }
    }

    /// How many tokens have left by `now`.
    #[must_use]
    pub fn tokens_by(&self, now: Timestamp) -> u32 {
        if now < self.first_at || self.first_at == Timestamp::MAX {
            return 0;
        }
        let gap = self.gap.as_nanos().max(1);
        let later = now.since(self.first_at).as_nanos() / gap;
        u32::try_from(later + 1).unwrap_or(u32::MAX).min(self.tokens_sent())
    }
}

/// How an attempt ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AttemptEnding {
    /// With all its tokens, usage and end mark.
    Complete,
    /// With all its tokens, its reason to end and its usage, but without its end mark. An answer that is not
    /// streamed is complete.
    Unmarked,
    /// The connection closes after so many tokens, without an end mark.
    Cut {
        /// Tokens sent before it; 0 closes it before any content.
        after_tokens: u32,
    },
    /// After so many tokens comes an error event, and then the end mark's place is empty. An answer that is
    /// not streamed is that error.
    ErrorEvent {
        /// Tokens sent before it.
        after_tokens: u32,
        /// What class of failure it tells.
        class: FailureClass,
    },
    /// After so many tokens nothing more comes, and the connection stays open.
    Stall {
        /// Tokens sent before the silence.
        after_tokens: u32,
        /// How long the connection stays open, which then closes without an end; `None` for ever.
        closes: Option<Duration>,
    },
    /// With something that is no answer: after as many tokens as that shows of a stream.
    Bad(BadAnswer),
    /// The connection is reset at that moment.
    Reset {
        /// When.
        at: Timestamp,
    },
    /// Not at all: nothing more is sent, and the connection stays open.
    Never,
}

/// How an answer is delivered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum DeliveryMode {
    /// Token by token.
    Stream,
    /// In one piece, at the time of its last token.
    Whole,
}

/// What a plan asks for at a moment.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PlanStep {
    /// Nothing until then; [`Timestamp::MAX`] if only another plan can change that.
    Wait(Timestamp),
    /// Send the tokens up to this number: several at once, if some are late.
    Tokens {
        /// How many will have been sent.
        through: u32,
    },
    /// End.
    End(PlanEnd),
}

/// How a server ends an answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PlanEnd {
    /// Send what remains, and the end.
    Complete,
    /// The same, without the mark of the end.
    Unmarked,
    /// Close the connection without an end.
    Cut,
    /// Tell of this failure, and end.
    ErrorEvent(FailureClass),
    /// End with something that is no answer.
    Bad(BadAnswer),
    /// Reset the connection.
    Reset,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// First token at 100 ms, then one every 20 ms, 4 in all: the last at 160 ms.
    fn plan(ending: AttemptEnding) -> AttemptPlan {
        AttemptPlan {
            first_at: Timestamp::from_millis(100),
            gap: Duration::from_millis(20),
            tokens: 4,
            ending,
            reasoning: 0,
            prefilled: 0,
            cached: 0,
            malformed_after: None,
            early_head: false,
            fault: None,
        }
    }

    fn check(
        ending: AttemptEnding,
        delivery: DeliveryMode,
        sent: u32,
        now_ms: u64,
        expected: PlanStep,
    ) {
        let step = plan(ending).next(delivery, sent, Timestamp::from_millis(now_ms));
        assert_eq!(step, expected, "{ending:?}, {delivery:?}, {sent} sent, at {now_ms} ms");
    }

    fn wait(until_ms: u64) -> PlanStep {
        PlanStep::Wait(Timestamp::from_millis(until_ms))
    }

    #[test]
    fn tokens_leave_at_absolute_deadlines_and_late_ones_all_at_once() {
        let check =
            |sent, now, step| check(AttemptEnding::Complete, DeliveryMode::Stream, sent, now, step);
        check(0, 0, wait(100));
        check(0, 99, wait(100));
        check(0, 100, PlanStep::Tokens { through: 1 });
        check(1, 100, wait(120));
        check(1, 145, PlanStep::Tokens { through: 3 });
        check(3, 145, wait(160));
        check(0, 900, PlanStep::Tokens { through: 4 });
        check(4, 900, PlanStep::End(PlanEnd::Complete));
    }

    #[test]
    fn an_answer_in_one_piece_leaves_with_its_last_token() {
        check(AttemptEnding::Complete, DeliveryMode::Whole, 0, 159, wait(160));
        check(
            AttemptEnding::Complete,
            DeliveryMode::Whole,
            0,
            160,
            PlanStep::End(PlanEnd::Complete),
        );
        check(AttemptEnding::Cut { after_tokens: 2 }, DeliveryMode::Whole, 0, 119, wait(120));
        check(
            AttemptEnding::Cut { after_tokens: 2 },
            DeliveryMode::Whole,
            0,
            120,
            PlanStep::End(PlanEnd::Cut),
        );
    }

    #[test]
    fn a_cut_comes_after_its_tokens() {
        let check = |after_tokens, sent, now, step| {
            check(AttemptEnding::Cut { after_tokens }, DeliveryMode::Stream, sent, now, step);
        };
        check(2, 0, 150, PlanStep::Tokens { through: 2 });
        check(2, 2, 150, PlanStep::End(PlanEnd::Cut));
        check(2, 3, 150, PlanStep::End(PlanEnd::Cut));
        check(0, 0, 99, wait(100));
        check(0, 0, 100, PlanStep::End(PlanEnd::Cut));
        check(9, 4, 160, PlanStep::End(PlanEnd::Cut));
    }

    #[test]
    fn an_error_is_told_after_its_tokens_and_a_stall_tells_nothing() {
        let told = AttemptEnding::ErrorEvent { after_tokens: 2, class: FailureClass::Server };
        check(told, DeliveryMode::Stream, 0, 150, PlanStep::Tokens { through: 2 });
        check(
            told,
            DeliveryMode::Stream,
            2,
            150,
            PlanStep::End(PlanEnd::ErrorEvent(FailureClass::Server)),
        );
        check(
            told,
            DeliveryMode::Whole,
            0,
            120,
            PlanStep::End(PlanEnd::ErrorEvent(FailureClass::Server)),
        );
        let stall = AttemptEnding::Stall { after_tokens: 2, closes: None };
        check(stall, DeliveryMode::Stream, 0, 150, PlanStep::Tokens { through: 2 });
        check(stall, DeliveryMode::Stream, 2, 900, PlanStep::Wait(Timestamp::MAX));
        check(stall, DeliveryMode::Whole, 0, 900, PlanStep::Wait(Timestamp::MAX));
    }

    #[test]
    fn a_stall_that_closes_cuts_the_stream_at_its_end() {
        let closes = Some(Duration::from_millis(500));
        let stall = AttemptEnding::Stall { after_tokens: 2, closes };
        check(stall, DeliveryMode::Stream, 0, 150, PlanStep::Tokens { through: 2 });
        check(stall, DeliveryMode::Stream, 2, 619, wait(620));
        check(stall, DeliveryMode::Stream, 2, 620, PlanStep::End(PlanEnd::Cut));
        check(stall, DeliveryMode::Whole, 0, 619, wait(620));
    }

    #[test]
    fn only_a_stream_can_lack_its_end_mark() {
        let at_end = |delivery, sent| {
            plan(AttemptEnding::Unmarked).next(delivery, sent, Timestamp::from_millis(160))
        };
        assert_eq!(at_end(DeliveryMode::Stream, 4), PlanStep::End(PlanEnd::Unmarked));
        assert_eq!(at_end(DeliveryMode::Whole, 0), PlanStep::End(PlanEnd::Complete));
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
            PlanStep::End(PlanEnd::Bad(BadAnswer::Html)),
        );
        bad(BadAnswer::Truncated, DeliveryMode::Stream, 0, 150, PlanStep::Tokens { through: 2 });
        bad(
            BadAnswer::Truncated,
            DeliveryMode::Whole,
            0,
            120,
            PlanStep::End(PlanEnd::Bad(BadAnswer::Truncated)),
        );
        bad(
            BadAnswer::NoEnd,
            DeliveryMode::Stream,
            4,
            160,
            PlanStep::End(PlanEnd::Bad(BadAnswer::NoEnd)),
        );
        bad(BadAnswer::NoEnd, DeliveryMode::Whole, 0, 160, PlanStep::End(PlanEnd::Complete));
    }

    #[test]
    fn a_reset_comes_at_its_time_with_tokens_before_it() {
        let at = Timestamp::from_millis(130);
        let check = |delivery, sent, now, step| {
            check(AttemptEnding::Reset { at }, delivery, sent, now, step)
        };
        check(DeliveryMode::Stream, 0, 110, PlanStep::Tokens { through: 1 });
        check(DeliveryMode::Stream, 1, 110, wait(120));
        check(DeliveryMode::Stream, 2, 125, wait(130));
        check(DeliveryMode::Stream, 1, 130, PlanStep::End(PlanEnd::Reset));
        check(DeliveryMode::Whole, 0, 110, wait(130));
        check(DeliveryMode::Whole, 0, 131, PlanStep::End(PlanEnd::Reset));
    }

    #[test]
    fn never_sends_nothing_more() {
        for delivery in [DeliveryMode::Stream, DeliveryMode::Whole] {
            check(AttemptEnding::Never, delivery, 0, 500, PlanStep::Wait(Timestamp::MAX));
            check(AttemptEnding::Never, delivery, 2, 500, PlanStep::Wait(Timestamp::MAX));
        }
    }

    #[test]
    fn without_gaps_all_tokens_leave_with_the_first() {
        let plan = AttemptPlan { gap: Duration::ZERO, ..plan(AttemptEnding::Complete) };
        let now = Timestamp::from_millis(100);
        assert_eq!(plan.next(DeliveryMode::Stream, 0, now), PlanStep::Tokens { through: 4 });
    }
}
