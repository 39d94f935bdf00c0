//! Two attempts of one request side by side, and streams that are held back until they are whole.

use crate::answers::{COMPLETION, EVENTS};
use crate::rig::{
    always, ask, gateway_of, get, hanging_provider, pausing_provider, provider, send, stream, whole,
};
use squall_router::{Hedge, HedgeAfter, MidStream};
use std::time::Duration;
use tokio::io::AsyncReadExt;

/// Longer than any machine takes: what it bounds is a test that would hang.
const PATIENCE: Duration = Duration::from_secs(60);

/// A token, and then nothing.
const TOKEN: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"one\"}}]}\n\n";

/// The role, which is no content, and then nothing.
const ROLE: &str =
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n";

fn soon() -> Option<Hedge> {
    Some(Hedge { after: HedgeAfter::Time(Duration::from_millis(50)), ..Hedge::default() })
}

#[tokio::test]
async fn a_second_attempt_answers_for_a_silent_one_which_is_hung_up_on() {
    for (streamed, first) in [(true, stream(ROLE)), (true, String::new()), (false, String::new())] {
        let (silent, gone) = hanging_provider(first).await;
        let answer = if streamed { stream(EVENTS) } else { whole("200 OK", COMPLETION) };
        let well = always(answer).await;
        let gateway =
            gateway_of(&[silent, well], |setup| setup.router.groups[0].hedge = soon()).await;
        let (head, body) = ask(&gateway, "chat", streamed).await;
        assert!(head.contains("x-squall-deployment: d1"), "{head}");
        assert!(head.contains("x-squall-attempts: 2"), "{head}");
        assert_eq!(body, if streamed { EVENTS } else { COMPLETION }, "nothing of the first one");
        tokio::time::timeout(PATIENCE, gone).await.expect("it is hung up on").expect("told");
        let metrics = get(&gateway, "/metrics").await;
        let hedges = metrics.lines().find(|line| line.starts_with("squall_hedges_total{"));
        let hedges = hedges.unwrap_or_else(|| panic!("{metrics}"));
        assert!(hedges.contains(r#"outcome="succeeded""#) && hedges.ends_with(" 1"), "{hedges}");
        assert!(metrics.contains(r#"outcome="lost_race""#), "{metrics}");
        gateway.shutdown(PATIENCE).await;
    }
}

#[tokio::test]
async fn a_second_attempt_that_fails_leaves_the_first_to_answer() {
    let answer: &'static str = Box::leak(stream(EVENTS).into_boxed_str());
    let (late, go_on) = pausing_provider(String::new(), answer).await;
    let ill = always(whole("503 Service Unavailable", "{}")).await;
    let gateway = gateway_of(&[late, ill], |setup| setup.router.groups[0].hedge = soon()).await;
    let mut client = send(&gateway, "chat", true).await;
    while !get(&gateway, "/metrics").await.contains("squall_hedges_total{") {
        tokio::task::yield_now().await;
    }
    go_on.send(()).expect("it waits");
    let mut answer = String::new();
    let read = tokio::time::timeout(PATIENCE, client.read_to_string(&mut answer)).await;
    read.expect("it ends").expect("text");
    assert!(answer.contains("x-squall-deployment: d0"), "{answer}");
    assert!(answer.contains("[DONE]"), "{answer}");
}

#[tokio::test]
async fn a_client_that_leaves_hangs_up_on_both() {
    let (one, one_gone) = hanging_provider(String::new()).await;
    let (two, two_gone) = hanging_provider(String::new()).await;
    let gateway = gateway_of(&[one, two], |setup| setup.router.groups[0].hedge = soon()).await;
    let client = send(&gateway, "chat", true).await;
    while in_flight(&get(&gateway, "/metrics").await) < 2 {
        tokio::task::yield_now().await;
    }
    drop(client);
    for gone in [one_gone, two_gone] {
        tokio::time::timeout(PATIENCE, gone).await.expect("it is hung up on").expect("told");
    }
    gateway.shutdown(PATIENCE).await;
}

/// Attempts under way, over all deployments.
fn in_flight(metrics: &str) -> u64 {
    let lines = metrics.lines().filter(|line| line.starts_with("squall_attempts_in_flight{"));
    lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum::<f64>() as u64
}

#[tokio::test]
async fn a_stream_that_is_held_back_and_breaks_off_is_tried_again_elsewhere() {
    let (broken, _) = provider(stream(TOKEN)).await;
    let well = always(stream(EVENTS)).await;
    let gateway = gateway_of(&[broken, well], |setup| {
        setup.router.groups[0].mid_stream = MidStream::Hold;
    })
    .await;
    let (head, body) = ask(&gateway, "chat", true).await;
    assert!(head.contains("x-squall-deployment: d1"), "{head}");
    assert_eq!(body, EVENTS, "nothing of the attempt that broke off");
}

#[tokio::test]
async fn what_is_held_back_is_bounded_by_the_largest_answer() {
    let long: String = std::iter::repeat_n(TOKEN, 200).collect();
    let one = always(stream(&long)).await;
    let gateway = gateway_of(&[one], |setup| {
        setup.upstreams[0].answer_max = 4_096;
        setup.router.groups[0].mid_stream = MidStream::Hold;
    })
    .await;
    let (head, body) = ask(&gateway, "chat", true).await;
    assert!(head.starts_with("http/1.1 502"), "{head}");
    assert!(body.contains("answer_too_large"), "{body}");
}
