//! What is held against a deployment and what is not: the client's own faults, suspicions, refusals of the
//! gateway itself, and what those are told who come while everyone is skipped.

use crate::rig::{Rig, Step, failed, group};
use squall_determinism::Share;
use squall_failure::{Evidence, Failure, FailureClass, FailureSource, Retryable, Sent};
use squall_router::{
    AttemptId, AttemptTimeouts, CooldownRule, Fallbacks, GroupConfig, GroupId, Profile, RateLimit,
    RateLimits, RateWindow, Retries, RetryBudget, RouterConfig, RouterEvent, RouterInput,
};
use std::time::Duration;

/// What a gateway says of a request that it cannot express at a deployment.
fn refusal(retryable: Retryable) -> Failure {
    let failure = Failure::new(FailureClass::BadRequest, FailureSource::Client).with_status(400);
    Failure { retryable, sent: Sent::Nothing, ..failure }
}

fn cooled(step: &Step) -> bool {
    step.note(|note| matches!(note, RouterEvent::CooldownStarted { .. })).is_some()
}

/// One request without retries that fails so, at the only deployment; whether that began a cooldown.
fn meets(rig: &mut Rig, failure: Failure) -> bool {
    let start = rig.arrive_with(|arrival| arrival.overrides.retries = Some(0)).start();
    cooled(&rig.fail(start.attempt, failure))
}

fn bare(class: FailureClass, status: u16) -> Failure {
    failed(class).with_status(status).suspected()
}

const SUSPECTED: [(FailureClass, u16); 4] = [
    (FailureClass::Auth, 401),
    (FailureClass::QuotaSpent, 402),
    (FailureClass::Auth, 403),
    (FailureClass::NotFound, 404),
];

#[test]
fn a_suspicion_counts_once_three_requests_in_a_row_have_met_one() {
    for (class, status) in SUSPECTED {
        let mut rig = Rig::new(vec![group(&["only"])]);
        let met = [(); 3].map(|()| meets(&mut rig, bare(class, status)));
        assert_eq!(met, [false, false, true], "{class:?} {status}");
        rig.after(Duration::from_secs(299)).tick();
        assert_eq!(rig.router.cooling().count(), 1, "{class:?}: for as long as if it were sure");
    }
}

#[test]
fn an_answer_in_between_clears_a_suspicion_and_the_first_token_is_one() {
    let mut rig = Rig::new(vec![group(&["only"])]);
    for round in 0..10 {
        for _ in 0..2 {
            assert!(!meets(&mut rig, bare(FailureClass::Auth, 403)), "round {round}");
        }
        let start = rig.arrive().start();
        rig.tell(RouterInput::FirstToken { attempt: start.attempt });
    }
}

#[test]
fn throttling_and_mistakes_of_clients_do_not_clear_a_suspicion() {
    let mut rig = Rig::new(vec![group(&["only"])]);
    meets(&mut rig, bare(FailureClass::Auth, 401));
    meets(&mut rig, failed(FailureClass::Throttled).with_retry_after(Some(Duration::from_secs(1))));
    rig.after(Duration::from_secs(1)).tick();
    meets(&mut rig, failed(FailureClass::BadRequest).with_status(400));
    meets(&mut rig, bare(FailureClass::Auth, 401));
    assert!(meets(&mut rig, bare(FailureClass::Auth, 401)));
}

#[test]
fn one_request_is_one_suspicion_and_is_not_tried_again_where_it_was_refused() {
    let mut rig = Rig::new(vec![GroupConfig { retries: Retries::new(9), ..group(&["a", "b"]) }]);
    let mut step = rig.arrive();
    let mut tried = Vec::new();
    while let Some(start) = step.started() {
        tried.push(start.deployment.0);
        step = rig.fail(start.attempt, bare(FailureClass::NotFound, 404));
        assert!(!cooled(&step));
    }
    assert_eq!((tried.len(), step.failure().status), (2, 404), "each once, without a wait");
    assert_eq!(rig.router.next_timer(), None);
}

#[test]
fn a_suspicion_that_a_probe_confirms_begins_the_next_long_break_at_once() {
    let mut rig = Rig::new(vec![group(&["only"])]);
    for _ in 0..3 {
        meets(&mut rig, bare(FailureClass::Auth, 401));
    }
    rig.after(Duration::from_secs(300)).tick();
    assert!(meets(&mut rig, bare(FailureClass::Auth, 401)));
}

#[test]
fn what_says_itself_what_is_wrong_needs_no_repetition() {
    for class in [FailureClass::Auth, FailureClass::NotFound, FailureClass::QuotaSpent] {
        assert!(meets(&mut Rig::new(vec![group(&["only"])]), failed(class)), "{class:?}");
    }
}

#[test]
fn how_many_suspicions_it_takes_is_a_setting() {
    let mut chat = group(&["only"]);
    let CooldownRule::Breaker(cooldown) = &mut chat.cooldown else { unreachable!("the default") };
    cooldown.misconfigured.suspicions = 1;
    assert!(meets(&mut Rig::new(vec![chat]), bare(FailureClass::Auth, 403)));
}

#[test]
fn behind_a_pattern_a_model_that_is_not_there_says_nothing_and_a_wrong_key_does() {
    let mut rig = Rig::new(vec![group(&["any"])]);
    let typos = [failed(FailureClass::NotFound).with_status(404), bare(FailureClass::Auth, 403)];
    for _ in 0..10 {
        for typo in typos {
            assert!(!meets(&mut rig, typo.of_a_chosen_model()), "{typo:?}");
        }
    }
    assert!(meets(&mut rig, failed(FailureClass::Auth).with_status(401).of_a_chosen_model()));
}

#[test]
fn litellms_profile_keeps_litellms_rule() {
    let config = RouterConfig { groups: vec![group(&["a", "b"])], ..RouterConfig::default() };
    let mut rig = Rig::of(config.with_profile(Profile::LITELLM_1_80));
    assert!(meets(&mut rig, bare(FailureClass::Auth, 401)), "a bare 401 at once");
    assert!(!meets(&mut rig, bare(FailureClass::Auth, 403)), "a 403 never");
}

#[test]
fn what_is_nobodys_fault_upstream_is_held_against_nobody() {
    let classes = [
        FailureClass::RequestTooLarge,
        FailureClass::AnswerTooLarge,
        FailureClass::Resources,
        FailureClass::ContextWindow,
        FailureClass::ContentPolicy,
        FailureClass::BadRequest,
    ];
    for class in classes {
        let mut rig = Rig::new(vec![group(&["only"])]);
        for _ in 0..50 {
            assert!(!meets(&mut rig, Failure::new(class, class.response_source())), "{class:?}");
        }
        assert_eq!(rig.serve(), 0, "{class:?}");
    }
}

#[test]
fn a_request_too_large_for_one_limit_is_tried_at_each_sibling_once_and_then_falls_back() {
    let chat = GroupConfig {
        fallbacks: Fallbacks {
            context_window: Some(vec![GroupId(2)]),
            ..Fallbacks::to(vec![GroupId(1)])
        },
        retries: Retries::new(9),
        ..group(&["a", "b"])
    };
    let named = |name: &str| GroupConfig { name: name.to_owned(), ..group(&[name]) };
    let budget =
        RetryBudget { ratio: Share::percent(0), min_per_second: 1, window: Duration::from_secs(1) };
    let mut rig = Rig::with_budget(vec![chat, named("general"), named("large")], budget);
    let too_large = failed(FailureClass::RequestTooLarge).with_status(429);
    for round in 0..5 {
        let mut step = rig.arrive();
        let mut tried = Vec::new();
        while let Some(start) = step.started().filter(|start| start.deployment.0 < 2) {
            tried.push(start.deployment.0);
            step = rig.fail(start.attempt, too_large);
        }
        tried.sort_unstable();
        assert_eq!(tried, [0, 1], "round {round}");
        assert_eq!(
            step.start().deployment.0,
            3,
            "the list for prompts too long, at no budget's cost"
        );
        rig.finish(step.start().attempt);
        rig.after(Duration::from_secs(2)).tick();
    }
    assert_eq!(rig.router.cooling().count(), 0);
}

#[test]
fn how_long_a_client_allows_and_how_slowly_it_reads_say_nothing_of_a_deployment() {
    let timeouts = AttemptTimeouts {
        stream_total: Some(Duration::from_secs(5)),
        ..AttemptTimeouts::default()
    };
    let chat = || GroupConfig { timeouts, retries: Retries::new(0), ..group(&["only"]) };
    let times_out = |rig: &mut Rig, own: bool, unread: bool| {
        let asked = own.then(|| Duration::from_secs(1));
        let start = rig.arrive_with(|arrival| arrival.overrides.timeout = asked).start();
        if !own {
            rig.tell(RouterInput::FirstToken { attempt: start.attempt });
        }
        if unread {
            rig.tell(RouterInput::Unread { attempt: start.attempt });
        }
        let step = rig.next_tick();
        assert_eq!(step.failure().class, FailureClass::Timeout);
        cooled(&step)
    };
    for (own, unread, evidence) in
        [(true, false, false), (false, true, false), (false, false, true)]
    {
        let mut rig = Rig::new(vec![chat()]);
        let any = (0..20).any(|_| times_out(&mut rig, own, unread));
        assert_eq!(any, evidence, "the client's own: {own}, unread: {unread}");
    }
}

fn not_sent(step: &Step) -> bool {
    step.note(|note| matches!(note, RouterEvent::NotSent { .. })).is_some()
        && step.note(|note| matches!(note, RouterEvent::AttemptFailed { .. })).is_none()
}

#[test]
fn what_the_gateway_cannot_express_goes_on_at_once_at_no_cost_and_fails_when_nobody_is_left() {
    let names: Vec<String> = (0..40).map(|place| format!("d{place}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let budget =
        RetryBudget { ratio: Share::percent(0), min_per_second: 0, window: Duration::from_secs(1) };
    for retries in [0, 2] {
        let chat = GroupConfig { retries: Retries::new(retries), ..group(&names) };
        let mut rig = Rig::with_budget(vec![chat], budget);
        let mut step = rig.arrive();
        let mut asked = Vec::new();
        while let Some(start) = step.started() {
            asked.push(start.deployment.0);
            step = rig.fail(start.attempt, refusal(Retryable::OtherDeployment));
            assert!(not_sent(&step), "{step:?}");
        }
        asked.sort_unstable();
        asked.dedup();
        assert_eq!(asked.len(), 40, "everyone once, though there are no retries to be had");
        assert_eq!((step.failure().class, step.failure().status), (FailureClass::BadRequest, 400));
        assert_eq!(step.failure().retry_after, None);
        assert_eq!(rig.router.next_timer(), None);
        assert_eq!(rig.router.cooling().count(), 0);
    }
}

#[test]
fn what_is_wrong_anywhere_is_refused_once() {
    let mut rig = Rig::new(vec![group(&["a", "b"])]);
    let start = rig.arrive().start();
    let step = rig.fail(start.attempt, refusal(Retryable::Nowhere));
    assert!(not_sent(&step) && step.started().is_none());
    assert_eq!(step.failure().status, 400);
}

#[test]
fn a_refusal_in_the_middle_gives_the_retry_that_was_paid_for_to_the_next() {
    let budget =
        RetryBudget { ratio: Share::percent(0), min_per_second: 1, window: Duration::from_secs(1) };
    let chat = GroupConfig { retries: Retries::new(1), ..group(&["a", "b", "c"]) };
    let mut rig = Rig::with_budget(vec![chat], budget);
    let first = rig.arrive().start();
    let second = rig.fail(first.attempt, failed(FailureClass::Server)).start();
    let step = rig.fail(second.attempt, refusal(Retryable::OtherDeployment));
    let third = step.start();
    assert_ne!(third.deployment, second.deployment);
    assert_ne!(third.deployment, first.deployment, "who failed is not asked before who has not");
    let step = rig.fail(third.attempt, failed(FailureClass::Server).with_status(500));
    assert_eq!(step.failure().class, FailureClass::Server, "what a provider said is told first");
}

#[test]
fn a_refused_request_waits_for_the_one_that_can_take_it_and_for_nobody_else() {
    let mut rig = Rig::new(vec![group(&["a", "b"])]);
    // `b` is left alone for two seconds; `a` cannot be told the request.
    let mut starts = [rig.arrive().start(), rig.arrive().start()];
    starts.sort_by_key(|start| start.deployment);
    let wait = Some(Duration::from_secs(2));
    rig.fail(starts[1].attempt, failed(FailureClass::Throttled).with_retry_after(wait));
    let step = rig.fail(starts[0].attempt, refusal(Retryable::OtherDeployment));
    assert!(step.started().is_none() && step.outcome().is_none(), "{step:?}");
    let step = rig.next_tick();
    assert_eq!(rig.now.as_secs_f64(), 2.0);
    assert_eq!(step.start().deployment.0, 1);
}

#[test]
fn what_was_never_sent_uses_no_limit_of_a_deployment_or_a_group() {
    let rpm = RateLimit { per_minute: 1, window: RateWindow::Fixed };
    let limits = RateLimits { rpm: Some(rpm), ..RateLimits::default() };
    let mut chat = GroupConfig { limits, ..group(&["only"]) };
    chat.deployments[0].limits = limits;
    let mut rig = Rig::new(vec![chat]);
    for _ in 0..5 {
        let start = rig.arrive().start();
        rig.fail(start.attempt, refusal(Retryable::OtherDeployment)).failure();
    }
}

#[test]
fn the_next_client_is_told_what_the_first_was_told() {
    let only_a_person =
        [(FailureClass::Auth, 401), (FailureClass::NotFound, 404), (FailureClass::QuotaSpent, 429)];
    for (class, status) in only_a_person {
        let mut rig = Rig::new(vec![group(&["a", "b"])]);
        let mut step = rig.arrive();
        while let Some(start) = step.started() {
            step = rig.fail(start.attempt, failed(class).with_status(status));
        }
        let first = step.failure();
        rig.after(Duration::from_secs(60)).tick();
        let second = rig.arrive().failure();
        assert_eq!((first.class, first.client_status()), (class, status));
        assert_eq!((second.class, second.client_status()), (class, status));
        assert_eq!(second.source, FailureSource::Gateway);
        assert!(second.retry_after > Some(Duration::from_secs(200)), "{second:?}");
        let skipped: Vec<_> = rig.router.skipped(GroupId(0)).collect();
        assert_eq!(skipped.len(), 2);
        assert!(skipped.iter().all(|each| each.reason == Some(class) && each.until.is_some()));
    }
}

#[test]
fn of_several_reasons_the_one_that_ends_first_is_told() {
    let mut rig =
        Rig::new(vec![GroupConfig { max_queue_wait: Duration::ZERO, ..group(&["a", "b"]) }]);
    let fails = |rig: &mut Rig, attempt: AttemptId, class| rig.fail(attempt, failed(class));
    let key = rig.arrive().start();
    let mut step = fails(&mut rig, key.attempt, FailureClass::Auth);
    while let Some(start) = step.started() {
        rig.fail(start.attempt, failed(FailureClass::Server));
        step = rig.arrive();
    }
    let refused = rig.arrive().failure();
    assert_eq!(refused.class, FailureClass::Overloaded, "in five seconds it is served again");
    assert!(refused.retry_after <= Some(Duration::from_secs(5)), "{refused:?}");
    let reasons: Vec<_> = rig.router.skipped(GroupId(0)).map(|each| each.reason).collect();
    assert!(reasons.contains(&Some(FailureClass::Auth)), "{reasons:?}");
    assert!(reasons.contains(&Some(FailureClass::Server)), "{reasons:?}");
}

#[test]
fn evidence_of_its_own_beats_what_the_class_implies() {
    let mut rig = Rig::new(vec![group(&["only"])]);
    let known = Failure { evidence: Evidence::None, ..failed(FailureClass::Server) };
    assert!((0..50).all(|_| !meets(&mut rig, known)));
}
