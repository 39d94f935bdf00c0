//! Limits of groups and tenants, and what a request may ask for itself.

use crate::rig::{Rig, Step, failed, group};
use squall_failure::FailureClass;
use squall_router::{
    AttemptTimeouts, FallbackChoice, Fallbacks, Features, GroupConfig, GroupId, GroupList,
    LimitScope, RateLimit, RateLimits, RateWindow, RegionId, RouterConfig, RouterEvent,
    RouterInput, TenantConfig, TenantId,
};
use std::time::Duration;

fn at_once(concurrency: u32) -> RateLimits {
    RateLimits { concurrency: Some(concurrency), ..RateLimits::default() }
}

fn over_limit(step: &Step) -> Option<(Option<TenantId>, LimitScope)> {
    match step.note(|note| matches!(note, RouterEvent::RateLimited { .. })) {
        Some(RouterEvent::RateLimited { tenant, limit, .. }) => Some((tenant, limit)),
        _ => None,
    }
}

fn with_tenants(tenants: &[(&str, RateLimits)]) -> Rig {
    let tenants =
        tenants.iter().map(|&(name, limits)| TenantConfig { name: name.into(), limits }).collect();
    let groups = vec![group(&["a", "b"])];
    Rig::of(RouterConfig { groups, tenants, ..RouterConfig::default() })
}

#[test]
fn a_groups_limit_counts_requests_and_not_their_retries() {
    let mut rig = Rig::new(vec![GroupConfig { limits: at_once(1), ..group(&["a", "b"]) }]);
    let first = rig.arrive().start();
    let waiting = rig.arrive();
    assert_eq!(over_limit(&waiting), Some((None, LimitScope::Concurrency)));
    let retry = rig.fail(first.attempt, failed(FailureClass::Server)).start();
    assert_eq!(rig.finish(retry.attempt).start().attempt.request, waiting.accepted());
}

#[test]
fn a_tenant_at_its_limit_waits_and_the_others_pass() {
    let mut rig = with_tenants(&[("a", at_once(1)), ("b", RateLimits::default())]);
    let of =
        |rig: &mut Rig, tenant| rig.arrive_with(|arrival| arrival.tenant = Some(TenantId(tenant)));
    let first = of(&mut rig, 0).start();
    let waiting = of(&mut rig, 0);
    assert_eq!(over_limit(&waiting), Some((Some(TenantId(0)), LimitScope::Concurrency)));
    assert!(of(&mut rig, 1).started().is_some());
    assert!(rig.arrive().started().is_some());
    assert_eq!(rig.finish(first.attempt).start().attempt.request, waiting.accepted());
}

#[test]
fn when_the_first_of_a_tenant_that_waits_leaves_the_next_starts_at_its_time() {
    let rpm = RateLimit { per_minute: 60, window: RateWindow::Gcra { burst: Some(1) } };
    let mut rig = with_tenants(&[("a", RateLimits { rpm: Some(rpm), ..RateLimits::default() })]);
    let of = |rig: &mut Rig| rig.arrive_with(|arrival| arrival.tenant = Some(TenantId(0)));
    let start = of(&mut rig).start();
    rig.finish(start.attempt);
    let (first, second) = (of(&mut rig).accepted(), of(&mut rig).accepted());
    rig.tell(RouterInput::ClientGone { request: first });
    assert_eq!(rig.next_tick().start().attempt.request, second);
    assert_eq!(rig.now.as_secs_f64(), 1.0);
}

#[test]
fn of_a_tenant_at_its_limit_on_tokens_a_smaller_request_passes_a_larger_one() {
    let tpm = RateLimit { per_minute: 600, window: RateWindow::Gcra { burst: Some(600) } };
    let mut rig = with_tenants(&[("a", RateLimits { tpm: Some(tpm), ..RateLimits::default() })]);
    let of = |rig: &mut Rig, tokens| {
        rig.arrive_with(|arrival| {
            arrival.tenant = Some(TenantId(0));
            arrival.input_tokens = tokens;
            arrival.output_tokens = 0;
        })
    };
    of(&mut rig, 500).start();
    let large = of(&mut rig, 110);
    assert_eq!(over_limit(&large), Some((Some(TenantId(0)), LimitScope::Tokens)));
    assert!(of(&mut rig, 90).started().is_some(), "100 are left");
    assert!(large.started().is_none());
}

#[test]
fn a_tenant_that_cannot_wait_is_told_when_its_limit_has_room() {
    let rpm = RateLimit { per_minute: 2, window: RateWindow::Gcra { burst: None } };
    let mut rig = with_tenants(&[("a", RateLimits { rpm: Some(rpm), ..RateLimits::default() })]);
    let of = |rig: &mut Rig| rig.arrive_with(|arrival| arrival.tenant = Some(TenantId(0)));
    for _ in 0..2 {
        let start = of(&mut rig).start();
        rig.finish(start.attempt);
    }
    let failure = of(&mut rig).failure();
    assert_eq!(failure.class, FailureClass::Throttled);
    assert_eq!(failure.retry_after, Some(Duration::from_secs(30)));
}

#[test]
fn a_full_queue_pushes_out_the_last_of_lower_priority() {
    let mut chat = GroupConfig { max_queued: 2, ..group(&["only"]) };
    chat.deployments[0].limits = at_once(1);
    let mut rig = Rig::new(vec![chat]);
    rig.arrive();
    let with = |rig: &mut Rig, priority| rig.arrive_with(|arrival| arrival.priority = priority);
    with(&mut rig, 5);
    let low = with(&mut rig, 7);
    let step = with(&mut rig, 1);
    let out = step.note(|note| matches!(note, RouterEvent::QueueFull { .. }));
    assert!(
        matches!(out, Some(RouterEvent::QueueFull { request, .. }) if request == low.accepted())
    );
    let step = with(&mut rig, 9);
    assert!(step.outcome().is_some(), "nobody of lower priority waits");
}

#[test]
fn a_request_may_ask_for_no_fallback_or_for_its_own() {
    let small = |name: &str| GroupConfig { name: name.into(), ..group(&[name]) };
    let chat = GroupConfig { fallbacks: Fallbacks::to(vec![GroupId(1)]), ..group(&["only"]) };
    let mut rig = Rig::new(vec![chat, small("small"), small("other")]);
    let ask = |rig: &mut Rig, fallbacks| {
        let start = rig
            .arrive_with(|arrival| {
                arrival.overrides.retries = Some(0);
                arrival.overrides.fallbacks = fallbacks;
            })
            .start();
        rig.fail(start.attempt, failed(FailureClass::Overloaded))
    };
    assert_eq!(ask(&mut rig, FallbackChoice::Configured).start().deployment.0, 1);
    assert!(ask(&mut rig, FallbackChoice::None).outcome().is_some());
    let other = FallbackChoice::These(GroupList::new([GroupId(2)]));
    assert_eq!(ask(&mut rig, other).start().deployment.0, 2);
    let nowhere = FallbackChoice::These(GroupList::new([GroupId(77)]));
    assert!(ask(&mut rig, nowhere).outcome().is_some());
}

#[test]
fn a_request_may_ask_for_its_own_time_out() {
    let timeouts =
        AttemptTimeouts { first_token: Duration::from_secs(30), ..AttemptTimeouts::default() };
    let mut rig = Rig::new(vec![GroupConfig { timeouts, ..group(&["only"]) }]);
    rig.arrive_with(|arrival| arrival.overrides.timeout = Some(Duration::from_secs(2)));
    rig.next_tick();
    assert_eq!(rig.now.as_secs_f64(), 2.0);
}

#[test]
fn a_session_stays_where_it_was_served_while_that_is_usable() {
    let lasts = Some(Duration::from_secs(60));
    let mut rig =
        Rig::new(vec![GroupConfig { session_affinity: lasts, ..group(&["a", "b", "c"]) }]);
    let of = |rig: &mut Rig, session| {
        let start = rig.arrive_with(|arrival| arrival.session = Some(session)).start();
        rig.finish(start.attempt);
        start.deployment
    };
    let first = of(&mut rig, 7);
    rig.serve();
    assert!((0..5).all(|_| of(&mut rig, 7) == first));
    rig.after(Duration::from_secs(61));
    let later: Vec<_> = (8..11).map(|session| of(&mut rig, session)).collect();
    assert!(later.iter().any(|&to| to != first), "other sessions are spread");
}

#[test]
fn of_a_sessions_requests_side_by_side_the_first_that_is_answered_decides() {
    let lasts = Some(Duration::from_secs(60));
    let mut rig = Rig::new(vec![GroupConfig { session_affinity: lasts, ..group(&["a", "b"]) }]);
    let begin = |rig: &mut Rig| rig.arrive_with(|arrival| arrival.session = Some(7)).start();
    let (one, other) = (begin(&mut rig), begin(&mut rig));
    assert_ne!(one.deployment, other.deployment, "nothing is known of the session yet");
    rig.after(Duration::from_secs(1)).finish(one.attempt);
    rig.after(Duration::from_secs(1)).finish(other.attempt);
    assert_eq!(begin(&mut rig).deployment, one.deployment);
}

#[test]
fn what_a_deployment_cannot_do_is_not_asked_of_it() {
    let mut chat = group(&["plain", "eu"]);
    chat.deployments[0].features = Features::NONE;
    chat.deployments[0].region = Some(RegionId(1));
    chat.deployments[0].max_input_tokens = Some(1_000);
    chat.deployments[1].region = Some(RegionId(0));
    let serve = |rig: &mut Rig, ask: fn(&mut squall_router::RequestArrival)| {
        let start = rig.arrive_with(ask).start();
        rig.finish(start.attempt);
        start.deployment.0
    };
    let mut rig = Rig::new(vec![chat.clone()]);
    for _ in 0..4 {
        assert_eq!(serve(&mut rig, |arrival| arrival.features = Features::TOOLS), 1);
        assert_eq!(serve(&mut rig, |arrival| arrival.region = Some(RegionId(0))), 1);
        assert_eq!(serve(&mut rig, |arrival| arrival.input_tokens = 1_001), 1);
    }
    let neither = rig.arrive_with(|arrival| {
        arrival.region = Some(RegionId(1));
        arrival.features = Features::TOOLS;
    });
    assert_eq!(neither.failure().status, 400);

    let mut rig = Rig::new(vec![GroupConfig { pre_call_checks: false, ..chat }]);
    let to: Vec<_> =
        (0..4).map(|_| serve(&mut rig, |arrival| arrival.input_tokens = 1_001)).collect();
    assert!(to.contains(&0), "without the checks");
}

#[test]
fn a_prompt_that_fits_nowhere_goes_to_the_fallback_for_long_ones() {
    let mut chat = group(&["short"]);
    chat.deployments[0].max_input_tokens = Some(1_000);
    chat.fallbacks = Fallbacks { context_window: Some(vec![GroupId(1)]), ..Fallbacks::default() };
    let long = GroupConfig { name: "long".into(), ..group(&["long"]) };
    let mut rig = Rig::new(vec![chat, long]);
    let step = rig.arrive_with(|arrival| arrival.input_tokens = 5_000);
    assert_eq!(step.start().deployment.0, 1);
}
