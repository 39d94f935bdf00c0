//! A stream that breaks off once its first token has come.

use crate::rig::{Rig, Step, failed, group};
use squall_failure::FailureClass;
use squall_router::{
    AttemptId, ContinueBy, Fallbacks, Features, GroupConfig, GroupId, MidStream, Money, Outcome,
    Price, RateLimit, RateLimits, RateWindow, RouterConfig, RouterEvent, RouterInput, RouterOutput,
    SpendBudget, SpendBudgetId, StartAttempt, TokenUsage,
};
use std::time::Duration;

fn chat(mid_stream: MidStream) -> Vec<GroupConfig> {
    let chat = GroupConfig {
        mid_stream,
        fallbacks: Fallbacks::to(vec![GroupId(1)]),
        max_queue_wait: Duration::ZERO,
        ..group(&["only"])
    };
    vec![chat, GroupConfig { name: "small".to_owned(), mid_stream, ..group(&["little"]) }]
}

fn commits(step: &Step) -> usize {
    let commit = |output: &&RouterOutput| matches!(output, RouterOutput::Commit { .. });
    step.outputs.iter().filter(commit).count()
}

#[test]
fn by_default_the_stream_ends_with_its_failure() {
    let mut rig = Rig::new(chat(MidStream::default()));
    let start = rig.arrive().start();
    assert_eq!(commits(&rig.tell(RouterInput::FirstToken { attempt: start.attempt })), 1);
    let step = rig.fail(start.attempt, failed(FailureClass::Cut));
    assert!(matches!(step.outcome(), Some(Outcome::Failed { committed: true, .. })));
}

#[test]
fn held_back_it_is_tried_again_elsewhere_and_committed_once_it_is_whole() {
    for class in [FailureClass::Cut, FailureClass::Stalled, FailureClass::Server] {
        let mut rig = Rig::new(chat(MidStream::Hold));
        let mut start = rig.arrive().start();
        for _ in 0..3 {
            assert_eq!(commits(&rig.tell(RouterInput::FirstToken { attempt: start.attempt })), 0);
            rig.after(Duration::from_secs(1));
            let step = rig.fail(start.attempt, failed(class));
            assert_eq!(step.outcome(), None);
            start = step.started().unwrap_or_else(|| rig.next_tick().start());
            if start.deployment.0 == 1 {
                break;
            }
        }
        assert_eq!(start.deployment.0, 1, "{class:?}");
        assert_eq!(commits(&rig.tell(RouterInput::FirstToken { attempt: start.attempt })), 0);
        let step = rig.finish(start.attempt);
        assert_eq!(commits(&step), 1);
        let at = |wanted: fn(&RouterOutput) -> bool| step.outputs.iter().position(wanted);
        let commit = at(|output| matches!(output, RouterOutput::Commit { .. }));
        assert!(commit < at(|output| matches!(output, RouterOutput::Done { .. })));
        assert!(matches!(step.outcome(), Some(Outcome::Succeeded { .. })));
    }
}

#[test]
fn a_stalled_stream_that_is_held_back_goes_to_the_fallback_at_once() {
    let mut rig = Rig::new(chat(MidStream::Hold));
    let start = rig.arrive().start();
    rig.tell(RouterInput::FirstToken { attempt: start.attempt });
    let step = rig.fail(start.attempt, failed(FailureClass::Stalled));
    assert_eq!(step.start().deployment.0, 1);
}

#[test]
fn what_is_held_back_has_begun_all_the_same() {
    let mut rig = Rig::new(chat(MidStream::Hold));
    let start = rig.arrive().start();
    rig.tell(RouterInput::FirstToken { attempt: start.attempt });
    rig.after(Duration::from_secs(600));
    assert!(rig.tick().outputs.is_empty(), "no time-out to the first token");
    assert!(matches!(rig.finish(start.attempt).outcome(), Some(Outcome::Succeeded { .. })));
}

#[test]
fn an_answer_in_one_piece_is_whole_anyway() {
    let mut rig = Rig::new(chat(MidStream::Hold));
    let start = rig.arrive_with(|arrival| arrival.stream = false).start();
    let step = rig.finish(start.attempt);
    assert_eq!(commits(&step), 1);
}

/// A pair and a fallback whose streams go on elsewhere.
fn pair() -> Vec<GroupConfig> {
    let mid_stream = MidStream::Continue;
    let fallbacks = Fallbacks::to(vec![GroupId(1)]);
    let max_queue_wait = Duration::ZERO;
    let chat = GroupConfig { mid_stream, fallbacks, max_queue_wait, ..group(&["eu", "us"]) };
    vec![chat, GroupConfig { name: "small".to_owned(), mid_stream, ..group(&["little"]) }]
}

/// Begins a stream; its attempt.
fn begin(rig: &mut Rig) -> StartAttempt {
    let start = rig.arrive().start();
    rig.tell(RouterInput::FirstToken { attempt: start.attempt });
    start
}

fn interrupt(rig: &mut Rig, attempt: AttemptId, class: FailureClass, output_tokens: u32) -> Step {
    rig.tell(RouterInput::Interrupted { attempt, failure: failed(class), output_tokens })
}

#[test]
fn a_stream_that_breaks_off_goes_on_at_a_sibling_and_then_at_the_fallback() {
    let mut rig = Rig::new(pair());
    let start = begin(&mut rig);
    assert!(start.may_continue && start.continues.is_none());
    let step = interrupt(&mut rig, start.attempt, FailureClass::Cut, 40);
    let next = step.start();
    assert_eq!((start.deployment.0, next.deployment.0), (0, 1));
    assert_eq!(next.continues, Some(ContinueBy::Instruction));
    let step = rig.tell(RouterInput::FirstToken { attempt: next.attempt });
    assert_eq!(commits(&step), 1);
    let went_on = step.note(|note| matches!(note, RouterEvent::Continued { .. }));
    assert!(went_on.is_some(), "{step:?}");
    let step = interrupt(&mut rig, next.attempt, FailureClass::Stalled, 30);
    let last = step.start();
    assert_eq!(last.deployment.0, 2, "neither is asked again");
    let step = rig.tell(RouterInput::Finished {
        attempt: last.attempt,
        usage: Some(TokenUsage { input_tokens: 170, output_tokens: 30 }),
    });
    let Some(Outcome::Succeeded { usage, .. }) = step.outcome() else { panic!("{step:?}") };
    // The prompt, the prompt with 40 tokens of the answer, and the prompt with 70.
    assert_eq!(usage, Some(TokenUsage { input_tokens: 100 + 140 + 170, output_tokens: 100 }));
}

#[test]
fn a_deployment_that_takes_a_beginning_is_told_it_as_one() {
    let mut groups = pair();
    groups[0].deployments[1].assistant_prefill = true;
    let mut rig = Rig::new(groups);
    let start = begin(&mut rig);
    let next = interrupt(&mut rig, start.attempt, FailureClass::Cut, 40).start();
    assert_eq!(next.continues, Some(ContinueBy::Prefill));
}

#[test]
fn what_nobody_could_go_on_with_ends_with_its_failure() {
    let ends = |mid_stream, class, tokens: Option<u32>| {
        let mut groups = pair();
        groups[0].mid_stream = mid_stream;
        let mut rig = Rig::new(groups);
        let start = begin(&mut rig);
        let step = match tokens {
            Some(tokens) => interrupt(&mut rig, start.attempt, class, tokens),
            None => rig.fail(start.attempt, failed(class)),
        };
        assert!(step.started().is_none() || step.outcome().is_none(), "{step:?}");
        matches!(step.outcome(), Some(Outcome::Failed { committed: true, failure }) if failure.class == class)
    };
    let goes_on = MidStream::Continue;
    assert!(!ends(goes_on, FailureClass::Cut, Some(1)));
    assert!(!ends(goes_on, FailureClass::Auth, Some(1)));
    assert!(ends(goes_on, FailureClass::Cut, None), "the driver says that it is more than text");
    assert!(ends(goes_on, FailureClass::Cut, Some(0)), "there is nothing to go on from");
    assert!(ends(MidStream::Error, FailureClass::Cut, Some(1)));
    for class in
        [FailureClass::ContentPolicy, FailureClass::BadRequest, FailureClass::AnswerTooLarge]
    {
        assert!(ends(goes_on, class, Some(1)), "{class:?}");
    }
}

#[test]
fn a_text_with_a_form_to_keep_does_not_go_on() {
    let mut rig = Rig::new(pair());
    let start = rig.arrive_with(|arrival| arrival.features = Features::JSON_SCHEMA).start();
    assert!(!start.may_continue);
    rig.tell(RouterInput::FirstToken { attempt: start.attempt });
    let step = interrupt(&mut rig, start.attempt, FailureClass::Cut, 40);
    assert!(matches!(step.outcome(), Some(Outcome::Failed { committed: true, .. })));
    let whole = rig.arrive_with(|arrival| arrival.stream = false).start();
    assert!(!whole.may_continue, "an answer in one piece has no middle");
}

#[test]
fn where_nobody_takes_the_beginning_the_client_is_told_what_broke_its_stream() {
    let mut rig = Rig::new(pair());
    let start = begin(&mut rig);
    let mut step = interrupt(&mut rig, start.attempt, FailureClass::Cut, 40);
    let mut asked = Vec::new();
    while let Some(next) = step.started() {
        assert!(next.continues.is_some());
        asked.push(next.deployment.0);
        step = rig.fail(next.attempt, failed(FailureClass::BadRequest).with_status(400));
    }
    assert_eq!(asked, [1, 2], "a refusal is no reason not to ask another");
    let Some(Outcome::Failed { failure, committed: true }) = step.outcome() else {
        panic!("{step:?}")
    };
    assert_eq!(failure.class, FailureClass::Cut);
}

#[test]
fn the_deadline_and_the_budget_hold_for_the_rest_as_for_retries() {
    let mut groups = pair();
    groups[0].deadline = Duration::from_secs(20);
    let mut rig = Rig::new(groups);
    let start = begin(&mut rig);
    rig.after(Duration::from_secs(10));
    let next = interrupt(&mut rig, start.attempt, FailureClass::Stalled, 40).start();
    rig.after(Duration::from_secs(10));
    let step = rig.tick();
    assert!(matches!(step.outcome(), Some(Outcome::Failed { committed: true, .. })), "{step:?}");
    let cancelled = |output: &RouterOutput| matches!(*output, RouterOutput::CancelAttempt { attempt, .. } if attempt == next.attempt);
    assert!(step.outputs.iter().any(cancelled));

    let none = squall_router::RetryBudget { min_per_second: 0, ..Default::default() };
    let mut rig = Rig::with_budget(pair(), none);
    let start = begin(&mut rig);
    let step = interrupt(&mut rig, start.attempt, FailureClass::Cut, 40);
    assert!(step.note(|note| matches!(note, RouterEvent::RetryBudgetExhausted { .. })).is_some());
    assert!(matches!(step.outcome(), Some(Outcome::Failed { committed: true, .. })), "{step:?}");
}

#[test]
fn what_both_attempts_used_is_paid_for_once_each() {
    let price = Price { input: Money(1_000), output: Money(2_000) };
    let mut groups = pair();
    for deployment in &mut groups[0].deployments {
        deployment.price = price;
        deployment.spends_from = vec![SpendBudgetId(0)];
        let tpm = RateLimit { per_minute: 100_000, window: RateWindow::Fixed };
        deployment.limits = RateLimits { tpm: Some(tpm), ..RateLimits::default() };
    }
    let period = Duration::from_secs(3_600);
    let spend_budgets = vec![SpendBudget::rolling(Money(1_000_000_000), period)];
    let config = RouterConfig { groups, spend_budgets, ..RouterConfig::default() };
    let mut rig = Rig::of(config);
    let start = begin(&mut rig);
    let next = interrupt(&mut rig, start.attempt, FailureClass::Cut, 40).start();
    rig.tell(RouterInput::Finished {
        attempt: next.attempt,
        usage: Some(TokenUsage { input_tokens: 140, output_tokens: 60 }),
    });
    let used: Vec<_> =
        rig.router.deployment_snapshots().filter_map(|one| Some(one.limits.tpm?.0)).collect();
    assert_eq!(used[..2], [140, 200], "{used:?}");
    let spent = rig.router.spend_budget_snapshots().next().expect("a budget").spent;
    assert_eq!(spent, Money(price.of(100, 40).0 + price.of(140, 60).0));
}
