//! Headers that pass between clients and providers, and those that do not.

use crate::answers::COMPLETION;
use crate::rig::{ask_with, gateway, provider};

const BODY: &str = r#"{"model":"chat","messages":[{"role":"user","content":"hi"}]}"#;
const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// What a provider says of itself, of its limits, and of other things.
const TOLD: &str = "x-request-id: req_upstream\r\nopenai-processing-ms: 12\r\n\
    x-ratelimit-remaining-requests: 59\r\nx-ratelimit-reset-tokens: 6m0s\r\n\
    set-cookie: session=1\r\nserver: provider\r\nx-internal: 1\r\nopenai-organization: acme\r\n";

fn answer(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\n\r\n{body}", body.len())
}

#[tokio::test]
async fn a_request_is_traced_to_its_provider_and_nothing_else_of_its_head_is_told() {
    let (addr, asked) = provider(answer("200 OK", "", COMPLETION)).await;
    let gateway = gateway(&[addr]).await;
    let headers = format!(
        "x-request-id: mine-1\r\ntraceparent: {TRACE}\r\ntracestate: a=1\r\ntracestate: b=2\r\n\
         cookie: session=1\r\nx-forwarded-for: 10.0.0.1\r\nx-api-key: of-the-client\r\n"
    );
    let answer = ask_with(&gateway, &headers, BODY).await;
    assert!(answer.contains("\r\nx-request-id: mine-1\r\n"), "{answer}");
    let asked = asked.await.expect("it was asked");
    for line in [
        "x-request-id: mine-1",
        "x-client-request-id: mine-1",
        &format!("traceparent: {TRACE}"),
        "tracestate: a=1",
        "tracestate: b=2",
        "authorization: bearer secret",
    ] {
        assert!(asked.contains(&format!("\r\n{line}\r\n")), "{line}: {asked}");
    }
    for word in ["cookie", "forwarded", "of-the-client"] {
        assert!(!asked.contains(word), "{word}: {asked}");
    }
}

#[tokio::test]
async fn what_a_provider_says_of_its_limits_is_told_and_nothing_else_of_its_head() {
    let event = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hi\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
    let stream = format!("content-type: text/event-stream\r\n{TOLD}");
    let error = r#"{"error":{"message":"no such file","type":"invalid_request_error"}}"#;
    let streamed = BODY.replace("{\"model\"", "{\"stream\":true,\"model\"");
    for (said, body) in [
        (answer("200 OK", TOLD, COMPLETION), BODY),
        (answer("200 OK", &stream, event), &streamed),
        (answer("400 Bad Request", TOLD, error), BODY),
    ] {
        let status = said[..12].to_owned();
        let (addr, _asked) = provider(said).await;
        let gateway = gateway(&[addr]).await;
        let answer = ask_with(&gateway, "x-request-id: mine-1\r\n", body).await;
        assert!(answer.starts_with(&status), "{answer}");
        for line in [
            "x-request-id: mine-1",
            "x-upstream-request-id: req_upstream",
            "openai-processing-ms: 12",
            "x-ratelimit-remaining-requests: 59",
            "x-ratelimit-reset-tokens: 6m0s",
        ] {
            assert!(answer.contains(&format!("\r\n{line}\r\n")), "{line}: {answer}");
        }
        for word in ["set-cookie", "server:", "x-internal", "acme"] {
            assert!(!answer.contains(word), "{word}: {answer}");
        }
    }
}

#[tokio::test]
async fn what_is_too_long_to_pass_is_left_out() {
    let long = "a".repeat(2_000);
    let (addr, asked) =
        provider(answer("200 OK", &format!("x-ratelimit-x: {long}\r\n"), COMPLETION)).await;
    let gateway = gateway(&[addr]).await;
    let answer = ask_with(&gateway, &format!("tracestate: {long}\r\n"), BODY).await;
    assert!(answer.starts_with("HTTP/1.1 200") && !answer.contains("x-ratelimit"), "{answer}");
    assert!(!asked.await.expect("it was asked").contains("tracestate"));
}
