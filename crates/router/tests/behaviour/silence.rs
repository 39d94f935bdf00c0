//! Silence is evidence even when clients leave first; and no more than silence is.

use crate::rig::{Rig, Step, deployment, failed, group};
use squall_failure::FailureClass;
use squall_router::{
    AttemptTimeouts, CooldownCause, CooldownRule, GroupConfig, Profile, RequestKey, RouterConfig,
    RouterEvent, RouterInput, StartAttempt,
};
use std::time::Duration;

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// Whether a cooldown began, and on what evidence.
fn cooled(step: &Step) -> Option<CooldownCause> {
    step.outputs.iter().find_map(|output| match output {
        squall_router::RouterOutput::Note(RouterEvent::CooldownStarted { cause, .. }) => {
            Some(*cause)
        }
        _ => None,
    })
}

fn is_silent(step: &Step) -> bool {
    step.note(|note| matches!(note, RouterEvent::Silent { .. })).is_some()
}

/// So many requests that are answered, each after this long.
fn answer(rig: &mut Rig, times: u32, after: Duration, stream: bool) {
    for _ in 0..times {
        let start = rig.arrive_with(|arrival| arrival.stream = stream).start();
        rig.after(after);
        if stream {
            rig.tell(RouterInput::FirstToken { attempt: start.attempt });
        }
        rig.finish(start.attempt);
    }
}

/// A request that nobody answers, and whose client leaves after this long.
fn leaves(rig: &mut Rig, after: Duration, stream: bool) -> Step {
    let step = rig.arrive_with(|arrival| arrival.stream = stream);
    step.start();
    rig.after(after);
    rig.tell(RouterInput::ClientGone { request: step.accepted() })
}

/// Whether so many of those in a row begin a cooldown.
fn found_after(rig: &mut Rig, times: u32, after: Duration, stream: bool) -> bool {
    (0..times).any(|_| cooled(&leaves(rig, after, stream)).is_some())
}

#[test]
fn clients_that_leave_after_a_silence_longer_than_usual_find_a_black_hole() {
    for stream in [true, false] {
        let mut rig = Rig::new(vec![group(&["only"])]);
        answer(&mut rig, 20, Duration::from_millis(300), stream);
        let steps: Vec<_> = (0..5).map(|_| leaves(&mut rig, secs(5), stream)).collect();
        assert!(steps.iter().all(is_silent));
        let causes: Vec<_> = steps.iter().filter_map(cooled).collect();
        assert_eq!(causes, [CooldownCause::ConsecutiveFailures], "on the fifth");
    }
}

#[test]
fn a_client_that_leaves_sooner_says_nothing_however_many_they_are() {
    let mut rig = Rig::new(vec![group(&["only"])]);
    answer(&mut rig, 20, Duration::from_millis(300), true);
    for _ in 0..200 {
        let step = leaves(&mut rig, Duration::from_millis(4_999), true);
        assert!(!is_silent(&step) && cooled(&step).is_none());
    }
    assert_eq!(rig.serve(), 0);
}

#[test]
fn what_is_usual_is_what_the_group_does() {
    let mut rig = Rig::new(vec![group(&["only"])]);
    answer(&mut rig, 50, secs(9), true);
    assert!(
        !found_after(&mut rig, 50, Duration::from_millis(8_900), true),
        "it answers after nine"
    );
    answer(&mut rig, 1, secs(9), true);
    assert!(found_after(&mut rig, 5, secs(12), true));
}

#[test]
fn before_anything_is_known_a_share_of_the_time_out_holds() {
    let timeouts =
        AttemptTimeouts { first_token: secs(120), total: secs(300), ..AttemptTimeouts::default() };
    let patient = || Rig::new(vec![GroupConfig { timeouts, ..group(&["only"]) }]);
    assert!(!found_after(&mut patient(), 50, Duration::from_millis(19_900), true));
    assert!(found_after(&mut patient(), 5, secs(20), true));
    assert!(!found_after(&mut patient(), 50, Duration::from_millis(49_900), false));
    assert!(found_after(&mut patient(), 5, secs(50), false));
    assert!(found_after(&mut Rig::new(vec![group(&["only"])]), 5, secs(5), true), "by default");
}

#[test]
fn whole_answers_and_first_tokens_are_not_held_to_each_other() {
    let mut rig = Rig::new(vec![group(&["only"])]);
    answer(&mut rig, 50, Duration::from_millis(300), true);
    answer(&mut rig, 50, secs(40), false);
    assert!(!found_after(&mut rig, 50, secs(39), false));
    answer(&mut rig, 1, Duration::from_millis(300), true);
    assert!(found_after(&mut rig, 5, secs(5), true));
}

#[test]
fn a_deadline_and_a_time_out_of_the_clients_own_count_as_a_client_that_leaves() {
    for (own, allowed, counts) in
        [(false, 6, true), (false, 3, false), (true, 6, true), (true, 3, false)]
    {
        let mut rig = Rig::new(vec![group(&["only"])]);
        let mut ends = || {
            let step = rig.arrive_with(|arrival| {
                if own {
                    arrival.overrides.timeout = Some(secs(allowed));
                    arrival.overrides.retries = Some(0);
                } else {
                    arrival.deadline = Some(secs(allowed));
                }
            });
            step.started().map(|_| cooled(&rig.next_tick()).is_some())
        };
        let found = (0..20).filter_map(|_| ends()).any(|cooled| cooled);
        assert_eq!(found, counts, "the client's own: {own}, {allowed} s");
    }
}

#[test]
fn who_has_begun_to_answer_is_not_silent() {
    let mut rig = Rig::new(vec![group(&["only"])]);
    for _ in 0..50 {
        let step = rig.arrive();
        rig.tell(RouterInput::FirstToken { attempt: step.start().attempt });
        rig.after(secs(60));
        let step = rig.tell(RouterInput::ClientGone { request: step.accepted() });
        assert!(!is_silent(&step) && cooled(&step).is_none());
    }
}

/// Two deployments, of which 0 is to have four requests in five.
fn lopsided() -> GroupConfig {
    GroupConfig { deployments: vec![deployment("hole", 4), deployment("well", 1)], ..group(&[]) }
}

/// Lets requests begin until one is at deployment 0; those at 1 are answered.
fn hang_at_the_hole(rig: &mut Rig) -> (RequestKey, StartAttempt) {
    loop {
        let step = rig.arrive();
        let start = step.start();
        if start.deployment.0 == 0 {
            return (step.accepted(), start);
        }
        rig.finish(start.attempt);
    }
}

#[test]
fn while_an_overdue_request_is_under_way_new_ones_go_elsewhere() {
    let mut rig = Rig::new(vec![lopsided()]);
    let (_, hangs) = hang_at_the_hole(&mut rig);
    rig.after(Duration::from_millis(4_999));
    assert!((0..5).any(|_| rig.serve() == 0), "not yet, and now it has answered someone");
    rig.after(Duration::from_millis(4_999));
    assert!((0..5).any(|_| rig.serve() == 0), "five seconds from its latest answer");
    rig.after(secs(5));
    assert!((0..20).all(|_| rig.serve() == 1), "now it is silent");
    rig.tell(RouterInput::FirstToken { attempt: hangs.attempt });
    assert!((0..5).any(|_| rig.serve() == 0), "it was only slow");
}

#[test]
fn where_there_is_nobody_else_who_is_silent_is_picked_all_the_same() {
    let mut rig = Rig::new(vec![group(&["a", "b"])]);
    let hanging = [rig.arrive(), rig.arrive()].map(|step| step.start().deployment.0);
    assert_ne!(hanging[0], hanging[1]);
    rig.after(secs(10));
    rig.arrive().start();
}

#[test]
fn a_silent_first_tier_gives_way_to_the_second() {
    let mut chat = group(&["first", "second"]);
    chat.deployments[1].order = 1;
    let mut rig = Rig::new(vec![chat]);
    assert_eq!(rig.arrive().start().deployment.0, 0);
    assert_eq!(rig.arrive().start().deployment.0, 0);
    rig.after(secs(5));
    assert_eq!(rig.arrive().start().deployment.0, 1);
}

#[test]
fn a_session_leaves_a_silent_deployment() {
    let mut rig =
        Rig::new(vec![GroupConfig { session_affinity: Some(secs(600)), ..group(&["a", "b"]) }]);
    let ask = |rig: &mut Rig| rig.arrive_with(|arrival| arrival.session = Some(7)).start();
    let first = ask(&mut rig);
    rig.finish(first.attempt);
    assert_eq!(ask(&mut rig).deployment, first.deployment);
    rig.after(secs(5));
    assert_ne!(ask(&mut rig).deployment, first.deployment);
}

#[test]
fn many_impatient_clients_at_once_do_not_make_a_deployment_silent() {
    let mut rig = Rig::new(vec![lopsided()]);
    let mut waiting = std::collections::VecDeque::new();
    for _ in 0..600 {
        let step = rig.arrive();
        waiting.push_back((step.start(), step.accepted()));
        rig.after(Duration::from_millis(100));
        if waiting.len() > 10 {
            let (_, request) = waiting.pop_front().unwrap();
            rig.tell(RouterInput::ClientGone { request });
        }
    }
    let at_the_first = waiting.iter().filter(|(start, _)| start.deployment.0 == 0).count();
    assert_eq!(at_the_first, 8, "somebody waits all the time, and nobody for more than a second");
}

/// Trips deployment 0, whose attempts go on hanging; returns those.
fn black_hole(rig: &mut Rig) -> Vec<RequestKey> {
    let hanging: Vec<_> = (0..12).map(|_| hang_at_the_hole(rig).0).collect();
    rig.after(secs(6));
    for &request in &hanging[..5] {
        rig.tell(RouterInput::ClientGone { request });
    }
    assert_eq!(rig.router.cooling().count(), 1);
    hanging[5..].to_vec()
}

#[test]
fn a_probe_goes_though_others_still_hang_and_an_impatient_client_does_not_excuse_it() {
    let mut rig = Rig::new(vec![lopsided()]);
    black_hole(&mut rig);
    rig.after(secs(5)).tick();
    let (request, _) = hang_at_the_hole(&mut rig);
    assert!((0..20).all(|_| rig.serve() == 1), "no second beside it");
    rig.after(secs(6));
    let step = rig.tell(RouterInput::ClientGone { request });
    assert_eq!(cooled(&step), Some(CooldownCause::ProbeFailed));
    rig.after(secs(9)).tick();
    assert!((0..20).all(|_| rig.serve() == 1), "ten seconds now");
}

#[test]
fn a_probe_that_is_answered_ends_the_silence_for_all() {
    let mut rig = Rig::new(vec![lopsided()]);
    black_hole(&mut rig);
    rig.after(secs(5)).tick();
    let (_, probe) = hang_at_the_hole(&mut rig);
    rig.tell(RouterInput::FirstToken { attempt: probe.attempt });
    let picks: Vec<_> = (0..10).map(|_| rig.serve()).collect();
    assert_eq!(picks.iter().filter(|&&pick| pick == 0).count(), 8, "its whole share");
}

#[test]
fn a_fast_failure_is_no_silence() {
    let mut rig = Rig::new(vec![group(&["only"])]);
    let start = rig.arrive_with(|arrival| arrival.overrides.retries = Some(0)).start();
    rig.fail(start.attempt, failed(FailureClass::Server));
    rig.after(secs(60));
    assert_eq!(rig.serve(), 0);
}

#[test]
fn litellms_profile_no_cooldowns_and_the_setting_take_no_silence_for_evidence() {
    let mut off = group(&["only"]);
    let CooldownRule::Breaker(cooldown) = &mut off.cooldown else { unreachable!("the default") };
    cooldown.silence = None;
    let never = GroupConfig { cooldown: CooldownRule::Never, ..group(&["only"]) };
    let litellm = RouterConfig { groups: vec![group(&["only"])], ..RouterConfig::default() }
        .with_profile(Profile::LITELLM_1_80);
    for mut rig in [Rig::new(vec![off]), Rig::new(vec![never]), Rig::of(litellm)] {
        assert!(!found_after(&mut rig, 50, secs(29), true));
    }
}

#[test]
fn a_configuration_that_takes_no_silence_for_evidence_holds_at_once() {
    let mut off = lopsided();
    let CooldownRule::Breaker(cooldown) = &mut off.cooldown else { unreachable!("the default") };
    cooldown.silence = None;
    let mut rig = Rig::new(vec![lopsided()]);
    let off = RouterConfig { groups: vec![off], ..RouterConfig::default() };
    let (config, _) = rig.router.prepare(off).unwrap();
    hang_at_the_hole(&mut rig);
    rig.after(secs(5));
    assert!((0..10).all(|_| rig.serve() == 1));
    rig.tell(RouterInput::Reconfigure { config });
    assert!((0..10).any(|_| rig.serve() == 0));
}

/// Three requests hang at deployment 0, of which the latest has begun now; answers took 300 ms before.
fn three_hang(rig: &mut Rig) -> Vec<(RequestKey, StartAttempt)> {
    answer(rig, 50, Duration::from_millis(300), true);
    hang(rig, 3)
}

/// So many requests hang at deployment 0.
fn hang(rig: &mut Rig, times: usize) -> Vec<(RequestKey, StartAttempt)> {
    (0..times).map(|_| hang_at_the_hole(rig)).collect()
}

#[test]
fn several_silent_at_once_divert_new_requests_long_before_one_would() {
    let mut rig = Rig::new(vec![lopsided()]);
    let hanging = three_hang(&mut rig);
    rig.after(Duration::from_millis(290));
    assert!((0..5).any(|_| rig.serve() == 0), "no longer than an answer takes, and now it answers");
    rig.after(Duration::from_millis(400));
    assert!((0..20).all(|_| rig.serve() == 1), "three of them, longer than its answers take");
    rig.tell(RouterInput::FirstToken { attempt: hanging[1].1.attempt });
    assert!((0..5).any(|_| rig.serve() == 0), "an answer, and it is as before");
}

#[test]
fn two_silent_at_once_say_nothing_yet_nor_do_three_before_enough_answers_are_known() {
    let mut two = Rig::new(vec![lopsided()]);
    answer(&mut two, 50, Duration::from_millis(300), true);
    hang(&mut two, 2);
    let mut cold = Rig::new(vec![lopsided()]);
    hang(&mut cold, 3);
    for rig in [&mut two, &mut cold] {
        rig.after(Duration::from_secs(1));
        assert!((0..5).any(|_| rig.serve() == 0));
    }
}

#[test]
fn several_silent_at_once_are_no_failures() {
    let mut rig = Rig::new(vec![lopsided()]);
    let hanging = three_hang(&mut rig);
    rig.after(secs(2));
    for (request, _) in hanging {
        let step = rig.tell(RouterInput::ClientGone { request });
        assert!(!is_silent(&step) && cooled(&step).is_none());
    }
}

#[test]
fn from_a_silence_on_a_deployment_gets_one_attempt_at_a_time_until_it_answers() {
    let mut rig = Rig::new(vec![lopsided()]);
    for (request, _) in three_hang(&mut rig) {
        rig.after(secs(1));
        rig.tell(RouterInput::ClientGone { request });
    }
    let (_, alone) = hang_at_the_hole(&mut rig);
    assert!((0..20).all(|_| rig.serve() == 1), "nobody beside the one that waits");
    rig.tell(RouterInput::FirstToken { attempt: alone.attempt });
    let picks: Vec<_> = (0..10).map(|_| rig.serve()).collect();
    assert_eq!(picks.iter().filter(|&&pick| pick == 0).count(), 8, "its whole share, and no more");
}

#[test]
fn a_deployment_that_is_slower_than_its_group_is_held_to_its_own_answers() {
    let mut rig = Rig::new(vec![lopsided()]);
    // So few of the group's answers that they are beyond its 99 %.
    for _ in 0..3 {
        answer(&mut rig, 300, Duration::from_millis(300), true);
        let (_, slow) = hang_at_the_hole(&mut rig);
        rig.after(secs(3));
        rig.tell(RouterInput::FirstToken { attempt: slow.attempt });
        rig.finish(slow.attempt);
    }
    hang(&mut rig, 3);
    rig.after(secs(2));
    assert!((0..5).any(|_| rig.serve() == 0), "it took three seconds just now");
}

#[test]
fn none_at_once_is_a_setting() {
    let mut chat = lopsided();
    let CooldownRule::Breaker(cooldown) = &mut chat.cooldown else { unreachable!("the default") };
    cooldown.silence.as_mut().expect("the default").concurrent = 0;
    let mut rig = Rig::new(vec![chat]);
    three_hang(&mut rig);
    rig.after(secs(4));
    assert!((0..5).any(|_| rig.serve() == 0));
}
