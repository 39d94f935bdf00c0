//! A stream that breaks off once its first token has come.

use crate::rig::{Rig, Step, failed, group};
use squall_failure::FailureClass;
use squall_router::{
    Fallbacks, GroupConfig, GroupId, MidStream, Outcome, RouterInput, RouterOutput,
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
