//! Answers that come through.

use crate::rig::{ask, gateway, provider, stream, whole};
use std::time::Duration;

/// A token, a finish and the end mark, with an odd space that must survive.
pub(crate) const EVENTS: &str = concat!(
    "data:  {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hi\"}}]}\n\n",
    "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n",
    "data: [DONE]\n\n",
);

pub(crate) const COMPLETION: &str =
    r#"{"choices":[{"index":0,"message":{"content":"hi"},"finish_reason":"stop"}]}"#;

#[tokio::test]
async fn an_answer_comes_through_with_the_name_of_who_gave_it() {
    let (addr, served) = provider(whole("200 OK", COMPLETION)).await;
    let gateway = gateway(&[addr]).await;
    let (head, body) = ask(&gateway, "chat", false).await;
    assert!(head.starts_with("http/1.1 200"), "{head}");
    assert!(head.contains("x-squall-deployment: d0"), "{head}");
    assert!(head.contains("x-squall-attempts: 1"), "{head}");
    assert_eq!(body, COMPLETION);
    let request = served.await.expect("it was called");
    assert!(request.starts_with("post /v1/chat/completions"), "{request}");
    for part in ["model-0", "authorization: bearer secret", "x-squall-token: squall-7-10-20"] {
        assert!(request.contains(part), "no `{part}` in {request}");
    }
}

#[tokio::test]
async fn a_stream_comes_through_byte_for_byte_and_its_usage_is_asked_for() {
    let (addr, served) = provider(stream(EVENTS)).await;
    let gateway = gateway(&[addr]).await;
    let (head, body) = ask(&gateway, "chat", true).await;
    assert!(head.contains("text/event-stream"), "{head}");
    assert_eq!(body, EVENTS);
    assert!(served.await.expect("it was called").contains("\"include_usage\":true"));
}

#[tokio::test]
async fn a_group_that_is_not_there_is_not_found_and_nobody_is_called() {
    let (addr, served) = provider(whole("200 OK", COMPLETION)).await;
    let gateway = gateway(&[addr]).await;
    let (head, body) = ask(&gateway, "chatt", false).await;
    assert!(head.starts_with("http/1.1 404"), "{head}");
    assert!(body.contains("model_not_found"), "{body}");
    assert!(!served.is_finished());
    assert!(gateway.shutdown(Duration::ZERO).await.notes.is_empty());
}
