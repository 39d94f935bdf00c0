//! 82 to 87: streams.
//!
//! 83 is not there in either profile: what 1.80 sends after a stream broke off (both answers, one behind
//! the other) is no answer, and the gateway of this router ends the stream with the failure instead.

use super::{ALL, litellm, ours, rig_by};
use crate::rig::{Rig, failed, group};
use squall_failure::FailureClass;
use squall_router::{
    AttemptTimeouts, CancelReason, Fallbacks, GroupConfig, GroupId, Outcome, Profile, RouterEvent,
    RouterInput,
};
use std::time::Duration;

fn with_fallback() -> Vec<GroupConfig> {
    vec![
        GroupConfig { fallbacks: Fallbacks::to(vec![GroupId(1)]), ..group(&["a"]) },
        GroupConfig { name: "b".into(), ..group(&["b"]) },
    ]
}

/// A stream whose first token has come.
fn begun(rig: &mut Rig) -> squall_router::AttemptId {
    let attempt = rig.arrive().start().attempt;
    rig.tell(RouterInput::FirstToken { attempt });
    attempt
}

#[test]
fn an_error_before_the_first_chunk_is_the_fallbacks_to_mend() {
    for profile in ALL {
        let mut rig = rig_by(profile, with_fallback());
        let overloaded = failed(FailureClass::Overloaded).with_status(200);
        let start = rig.arrive_with(|arrival| arrival.overrides.retries = Some(0)).start();
        assert_eq!(rig.fail(start.attempt, overloaded).start().deployment.0, 1, "{profile:?}");
    }
}

#[test]
fn a_connection_that_ends_after_two_chunks_is_a_failure_but_to_1_80() {
    let mut rig = ours(group(&["a"]));
    let attempt = begun(&mut rig);
    let step = rig.fail(attempt, failed(FailureClass::Cut));
    assert!(matches!(step.outcome(), Some(Outcome::Failed { committed: true, .. })));

    let mut rig = litellm(group(&["a"]));
    let attempt = begun(&mut rig);
    let step = rig.fail(attempt, failed(FailureClass::Cut));
    assert!(matches!(step.outcome(), Some(Outcome::Succeeded { .. })));
}

#[test]
fn streams_have_a_time_out_of_their_own() {
    let timeouts = AttemptTimeouts {
        first_token: Duration::from_secs(50),
        total: Duration::from_secs(20),
        stream_total: Some(Duration::from_secs(5)),
        ..AttemptTimeouts::default()
    };
    for profile in ALL {
        for (stream, seconds) in [(true, 5.0), (false, 20.0)] {
            let mut rig = rig_by(profile, vec![GroupConfig { timeouts, ..group(&["a"]) }]);
            rig.arrive_with(|arrival| arrival.stream = stream);
            let step = rig.next_tick();
            assert_eq!(rig.now.as_secs_f64(), seconds, "{profile:?}");
            let timed_out = |note: &RouterEvent| {
                matches!(note, RouterEvent::TimedOut { reason: CancelReason::TotalTimeout, .. })
            };
            assert!(step.note(timed_out).is_some());
        }
    }
}

#[test]
fn a_4xx_inside_a_stream_is_told_as_it_is_and_nobody_else_is_asked() {
    for profile in [Profile::Squall, Profile::LITELLM_1_80] {
        let mut rig = rig_by(profile, with_fallback());
        let attempt = begun(&mut rig);
        let refused = failed(FailureClass::BadRequest).with_status(400);
        let step = rig.fail(attempt, refused);
        assert!(step.started().is_none());
        assert_eq!(step.failure(), refused, "{profile:?}");
    }
}
