//! Pages of other origins that ask from a browser.

use crate::answers::COMPLETION;
use crate::rig::{always, ask_with, exchange, gateway_of, whole};
use squall_gateway::Gateway;

const BODY: &str = r#"{"model":"chat","messages":[{"role":"user","content":"hi"}]}"#;

async fn gateway(origins: &[&str]) -> Gateway {
    let origins = origins.iter().map(|&origin| origin.to_owned()).collect();
    let addr = always(whole("200 OK", COMPLETION)).await;
    gateway_of(&[addr], |setup| setup.server.cors_origins = origins).await
}

fn preflight(origin: &str) -> String {
    format!(
        "OPTIONS /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\norigin: {origin}\r\n\
         access-control-request-method: POST\r\naccess-control-request-headers: authorization,content-type\r\n\r\n"
    )
}

#[tokio::test]
async fn a_page_of_a_listed_origin_is_answered_before_it_asks_and_may_read_what_comes() {
    let gateway = gateway(&["https://app.example"]).await;
    let answer = exchange(&gateway, &preflight("https://app.example")).await;
    assert!(answer.starts_with("HTTP/1.1 204"), "{answer}");
    for line in [
        "access-control-allow-origin: https://app.example\r\n",
        "access-control-allow-methods: GET, POST, OPTIONS\r\n",
        "access-control-allow-headers: authorization,content-type\r\n",
        "vary: origin\r\n",
    ] {
        assert!(answer.contains(line), "no `{line}` in {answer}");
    }
    let origin = "origin: https://app.example\r\n";
    for (body, status) in [(BODY, "HTTP/1.1 200"), ("{", "HTTP/1.1 400")] {
        let answer = ask_with(&gateway, origin, body).await;
        assert!(answer.starts_with(status), "{answer}");
        assert!(answer.contains("access-control-allow-origin: https://app.example"), "{answer}");
    }
}

#[tokio::test]
async fn no_other_page_may_read_anything_nor_any_page_where_none_is_listed() {
    for origins in [&["https://app.example"][..], &[]] {
        let gateway = gateway(origins).await;
        let answer = exchange(&gateway, &preflight("https://other.example")).await;
        assert!(!answer.starts_with("HTTP/1.1 2"), "{answer}");
        assert!(!answer.contains("access-control-"), "{answer}");
        let answer = ask_with(&gateway, "", BODY).await;
        assert!(!answer.contains("access-control-"), "whoever is no page: {answer}");
    }
}

#[tokio::test]
async fn a_star_lists_every_origin() {
    let gateway = gateway(&["*"]).await;
    let answer = ask_with(&gateway, "origin: https://any.example\r\n", BODY).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("access-control-allow-origin: *"), "{answer}");
}
