//! Failures: what is tried again, what a client sees of them, and what is written down.

use crate::answers::{COMPLETION, EVENTS};
use crate::rig::{
    EPOCH_NANOS, SEED, always, ask, gateway, gateway_of, hanging_provider, nobody, provider,
    router, send, stream, whole,
};
use squall_record::{JournalReader, SeenBy};
use squall_router::{GroupConfig, GroupId, journal};
use std::time::Duration;
use tokio::io::AsyncReadExt;

/// Longer than any machine takes: what it bounds is a test that would hang.
const PATIENCE: Duration = Duration::from_secs(60);

/// The role, which is no content, and then nothing.
const ROLE: &str =
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n";

/// A token, and then nothing.
const TOKEN: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"one\"}}]}\n\n";

#[tokio::test]
async fn a_503_is_tried_again_at_the_sibling() {
    let (ill, _) = provider(whole("503 Service Unavailable", "{}")).await;
    let (well, _) = provider(whole("200 OK", COMPLETION)).await;
    let gateway = gateway(&[ill, well]).await;
    let (head, body) = ask(&gateway, "chat", false).await;
    assert!(head.contains("x-squall-deployment: d1"), "{head}");
    assert!(head.contains("x-squall-attempts: 2"), "{head}");
    assert_eq!(body, COMPLETION);
}

#[tokio::test]
async fn nothing_of_an_attempt_is_sent_before_its_first_token() {
    let (broken, _) = provider(stream(ROLE)).await;
    let (well, _) = provider(stream(EVENTS)).await;
    let gateway = gateway(&[broken, well]).await;
    let (_, body) = ask(&gateway, "chat", true).await;
    assert_eq!(body, EVENTS, "the first attempt's bytes were held back and dropped");
}

#[tokio::test]
async fn a_stream_that_breaks_after_its_first_token_ends_with_an_error_event() {
    let (broken, _) = provider(stream(TOKEN)).await;
    let (well, unused) = provider(stream(EVENTS)).await;
    let gateway = gateway(&[broken, well]).await;
    let (_, body) = ask(&gateway, "chat", true).await;
    let rest = body.strip_prefix(TOKEN).expect("what came is passed on");
    assert!(rest.starts_with("data: ") && rest.contains(r#""code":"cut""#), "{rest}");
    assert!(!rest.contains("[DONE]"), "{rest}");
    assert!(!unused.is_finished(), "an answer that has begun cannot be begun again");
}

#[tokio::test]
async fn an_answer_that_a_content_policy_took_out_has_a_fallback_and_is_given_without_one() {
    const FILTERED: &str =
        r#"{"choices":[{"index":0,"message":{"content":""},"finish_reason":"content_filter"}]}"#;
    for fallback in [true, false] {
        let strict = always(whole("200 OK", FILTERED)).await;
        let lax = always(whole("200 OK", COMPLETION)).await;
        let gateway = gateway_of(&[strict, lax], |setup| {
            let groups = &mut setup.router.groups;
            let lax = groups[0].deployments.remove(1);
            groups.push(GroupConfig { deployments: vec![lax], ..GroupConfig::new("lax") });
            if fallback {
                groups[0].fallbacks.content_policy = Some(vec![GroupId(1)]);
            }
        })
        .await;
        let (head, body) = ask(&gateway, "chat", false).await;
        assert!(head.starts_with("http/1.1 200"), "{head}");
        assert_eq!(body, if fallback { COMPLETION } else { FILTERED });
    }
}

#[tokio::test]
async fn a_stream_that_falls_silent_has_stalled() {
    let (silent, _told) = hanging_provider(stream(TOKEN)).await;
    let gateway = gateway_of(&[silent], |setup| {
        setup.router.groups[0].timeouts.between_tokens = Duration::from_millis(100);
    })
    .await;
    let asked = tokio::time::timeout(PATIENCE, ask(&gateway, "chat", true));
    let (_, body) = asked.await.expect("it does not wait for the whole time-out");
    let rest = body.strip_prefix(TOKEN).expect("what came is passed on");
    assert!(rest.contains(r#""code":"stalled""#), "{rest}");
}

#[tokio::test]
async fn a_refused_connection_fails_over_and_is_written_down() {
    let (well, _) = provider(whole("200 OK", COMPLETION)).await;
    let gateway = gateway(&[nobody().await, well]).await;
    let (head, _) = ask(&gateway, "chat", false).await;
    assert!(head.contains("x-squall-deployment: d1"), "{head}");
    let log = gateway.shutdown(PATIENCE).await;
    let [refused] = log.refused[..] else { panic!("{:?}", log.refused) };
    assert_eq!((refused.deployment, refused.seen_by), (0, SeenBy::Gateway));
    assert_eq!((refused.request, refused.input_tokens), (Some(7), 10));
}

#[tokio::test]
async fn a_client_that_hangs_up_ends_its_attempt() {
    let (addr, gone) = hanging_provider(stream(TOKEN)).await;
    let gateway = gateway(&[addr]).await;
    let mut client = send(&gateway, "chat", true).await;
    client.read_exact(&mut [0; 16]).await.expect("the answer began");
    drop(client);
    tokio::time::timeout(PATIENCE, gone).await.expect("the provider is hung up on").expect("told");
    gateway.shutdown(PATIENCE).await;
}

#[tokio::test]
async fn a_client_that_hangs_up_before_the_answer_began_ends_its_attempt_too() {
    let (addr, gone) = hanging_provider(String::new()).await;
    let gateway = gateway(&[addr]).await;
    let client = send(&gateway, "chat", false).await;
    while gateway.view().status().in_flight == 0 {
        tokio::task::yield_now().await;
    }
    drop(client);
    tokio::time::timeout(PATIENCE, gone).await.expect("the provider is hung up on").expect("told");
}

#[tokio::test]
async fn when_all_fail_the_client_is_told_how_often_it_was_tried() {
    let gateway = gateway(&[nobody().await, nobody().await]).await;
    let (head, body) = ask(&gateway, "chat", false).await;
    assert!(head.starts_with("http/1.1 502"), "{head}");
    assert!(head.contains("x-squall-attempts: 3"), "{head}");
    assert!(body.contains(r#""code":"connect""#), "{body}");
}

#[tokio::test]
async fn the_journal_gives_the_same_outputs_to_a_fresh_core() {
    let (well, _) = provider(stream(EVENTS)).await;
    let gateway = gateway(&[nobody().await, well]).await;
    ask(&gateway, "chat", true).await;
    ask(&gateway, "chat", false).await;
    let journal = gateway.shutdown(PATIENCE).await.journal;
    let frames = JournalReader::new(&journal).expect("a journal").frames().expect("whole");
    let replayed =
        journal::replay(router(2), [], SEED, EPOCH_NANOS, frames).expect("the same outputs");
    assert!(replayed.frames >= 6, "{replayed:?}");
}
