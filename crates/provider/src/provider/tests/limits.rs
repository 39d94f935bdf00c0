//! Limits beyond requests and tokens a minute.

use super::*;
use crate::{RampLimit, RetryAfter, TokenAccounting};
use squall_failure::ProviderLimitKind;

fn limited(limits: ProviderLimits) -> Provider {
    provider(ProviderConfig { limits, ..config() })
}

fn rate(per_minute: u64) -> Option<ProviderRateLimit> {
    Some(ProviderRateLimit { per_minute, window: ProviderWindow::Fixed })
}

#[test]
fn tokens_of_prompts_and_of_answers_are_limited_apart() {
    // Each attempt has 400 and 60.
    let mut prompts = limited(ProviderLimits { input_tpm: rate(1_000), ..ProviderLimits::NONE });
    plan(&arrive(&mut prompts, at(0), 0));
    plan(&arrive(&mut prompts, at(0), 1));
    assert_eq!(
        rejection(&arrive(&mut prompts, at(0), 2)).limit,
        Some(ProviderLimitKind::InputTokens)
    );
    let mut answers = limited(ProviderLimits { output_tpm: rate(100), ..ProviderLimits::NONE });
    plan(&arrive(&mut answers, at(0), 0));
    assert_eq!(
        rejection(&arrive(&mut answers, at(0), 1)).limit,
        Some(ProviderLimitKind::OutputTokens)
    );
    let state = prompts.limits(at(0), 0);
    assert_eq!(state.input_tokens.map(|gauge| gauge.remaining), Some(200));
    assert_eq!(state.output_tokens, None);
}

#[test]
fn tokens_that_count_as_they_are_used_let_in_until_the_limit_is_spent() {
    let counted = TokenAccounting::AsUsed;
    let mut provider =
        limited(ProviderLimits { output_tpm: rate(100), counted, ..ProviderLimits::NONE });
    let plans: Vec<_> = (0..3).map(|tag| plan(&arrive(&mut provider, at(0), tag))).collect();
    provider.handle(plans[0].ends_at(), ProviderInput::Delivered { tag: AttemptTag(0) });
    drain(&mut provider);
    plan(&arrive(&mut provider, at(5_000), 3));
    provider.handle(at(6_000), ProviderInput::Delivered { tag: AttemptTag(1) });
    drain(&mut provider);
    // 120 of 100 are used: overdrawn, and refused until the next minute.
    let refused = rejection(&arrive(&mut provider, at(6_000), 4));
    assert_eq!(refused.limit, Some(ProviderLimitKind::OutputTokens));
    assert_eq!(refused.retry_after, Some(Duration::from_secs(54)));
}

#[test]
fn what_was_sent_before_a_caller_hung_up_counts_as_used() {
    let counted = TokenAccounting::AsUsed;
    let mut provider =
        limited(ProviderLimits { output_tpm: rate(100), counted, ..ProviderLimits::NONE });
    let plan = plan(&arrive(&mut provider, at(0), 0));
    provider.handle(plan.first_at + plan.gap * 9, ProviderInput::Gone { tag: AttemptTag(0) });
    drain(&mut provider);
    let left = provider.limits(at(2_000), 0).output_tokens.map(|gauge| gauge.remaining);
    assert_eq!(left, Some(90));
}

#[test]
fn a_daily_quota_says_to_come_again_tomorrow() {
    let mut provider = limited(ProviderLimits { rpd: Some(2), ..ProviderLimits::NONE });
    plan(&arrive(&mut provider, at(0), 0));
    plan(&arrive(&mut provider, at(3_600_000), 1));
    let refused = rejection(&arrive(&mut provider, at(7_200_000), 2));
    assert_eq!(refused.limit, Some(ProviderLimitKind::Day));
    assert_eq!(refused.retry_after, Some(Duration::from_secs(22 * 3_600)));
    plan(&arrive(&mut provider, at(86_400_000), 3));
}

#[test]
fn traffic_that_grows_too_fast_is_told_to_slow_down() {
    let per = Duration::from_secs(60);
    let ramp = Some(RampLimit { growth: Share::percent(50), per, free: 10 });
    let mut provider = limited(ProviderLimits { ramp, ..ProviderLimits::NONE });
    let mut let_in = |minute: u64| {
        let now = Timestamp::from_secs(60 * minute);
        let (from, to) = (1_000 * minute, 1_000 * minute + 100);
        let all = (from..to).map(|tag| arrive(&mut provider, now, tag));
        all.filter(|outputs| {
            outputs.iter().any(|output| matches!(output, ProviderOutput::Plan { .. }))
        })
        .count()
    };
    assert_eq!([let_in(0), let_in(1), let_in(2)], [10, 15, 22]);
    assert_eq!(
        rejection(&arrive(&mut provider, at(130_000), 9_999)).limit,
        Some(ProviderLimitKind::Growth)
    );
}

#[test]
fn each_key_has_limits_of_its_own_where_it_is_said_and_made_up_keys_fill_no_memory() {
    let mut provider =
        limited(ProviderLimits { rpm: rate(1), per_key: true, ..ProviderLimits::NONE });
    let mut arrive = |tag, key| {
        let arrival = AttemptArrival {
            tag: AttemptTag(0),
            request: tag,
            model: 0,
            key,
            session: None,
            input_tokens: 1,
            output_tokens: Some(1),
            stream: false,
            prefill: None,
            quoted: None,
        };
        provider.handle(at(0), ProviderInput::Arrived(arrival));
        let outputs = drain(&mut provider);
        provider.handle(at(0), ProviderInput::Delivered { tag: AttemptTag(0) });
        outputs.iter().any(|output| matches!(output, ProviderOutput::Plan { .. }))
    };
    assert!(arrive(0, 1) && arrive(1, 2));
    assert!(!arrive(2, 1));
    let let_in = (3..5_000).filter(|&key| arrive(key, key)).count();
    assert_eq!(let_in, 1_022 + 1, "1,024 keys have their own, the rest share one");
}

#[test]
fn a_refusal_tells_its_wait_in_the_form_that_is_asked_for() {
    let told = |retry_after| {
        let mut provider =
            limited(ProviderLimits { rpm: rate(1), retry_after, ..ProviderLimits::NONE });
        plan(&arrive(&mut provider, at(0), 0));
        rejection(&arrive(&mut provider, at(47_400), 1)).retry_after
    };
    let (exact, up) = (Duration::from_millis(12_600), Duration::from_secs(13));
    assert_eq!(told(RetryAfter::Exact), Some(exact));
    assert_eq!(told(RetryAfter::Millis), Some(exact));
    assert_eq!(told(RetryAfter::Seconds), Some(up));
    assert_eq!(told(RetryAfter::Date), Some(exact), "the minute ends with a second");
    assert_eq!(told(RetryAfter::Absent), None);
    assert_eq!(told(RetryAfter::Wrong { factor_milli: 100 }), Some(Duration::from_millis(1_260)));
}
