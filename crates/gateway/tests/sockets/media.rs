//! Sound and pictures: forms that are told with another model and sent again, and bytes that pass as they come.

use crate::rig::{always, ask_at, gateway, gateway_of, provider, whole};
use serde_json::Value;

const FORM: &str = "--b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\ncontent-type: audio/wav\r\n\r\nriff\r\n--c\r\n--b\r\ncontent-disposition: form-data; name=\"model\"\r\n\r\nchat\r\n--b--\r\n";
const KIND: &str = "content-type: multipart/form-data; boundary=b\r\n";

#[tokio::test]
async fn a_form_is_sent_again_whole_with_the_model_of_each_deployment() {
    let failing = always(whole("503 Service Unavailable", "{}")).await;
    let (other, request) = provider(whole("200 OK", r#"{"text":"hello"}"#)).await;
    let gateway = gateway(&[failing, other]).await;
    let answer = ask_at(&gateway, "/v1/audio/transcriptions", KIND, FORM).await;
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.contains(r#"{"text":"hello"}"#),
        "{answer}"
    );
    let request = request.await.expect("it was called");
    assert!(request.starts_with("post /v1/audio/transcriptions"), "{request}");
    assert!(request.contains("content-type: multipart/form-data; boundary=b\r\n"), "{request}");
    assert!(request.contains("name=\"model\"\r\n\r\nmodel-1\r\n"), "{request}");
    assert!(request.contains("filename=\"a.wav\""), "{request}");
    assert!(request.contains("\r\n\r\nriff\r\n--c\r\n--b"), "the file as it came: {request}");
}

#[tokio::test]
async fn speech_passes_as_bytes_with_its_type_and_does_not_look_whole_when_it_breaks_off() {
    const ASKED: &str = r#"{"model":"chat","input":"hi","voice":"alloy"}"#;
    let head = "HTTP/1.1 200 OK\r\ncontent-type: audio/mpeg\r\n";
    let sound = always(format!("{head}content-length: 5\r\n\r\nsound")).await;
    let gateway = gateway_of(&[sound], |_| {}).await;
    let answer = ask_at(&gateway, "/v1/audio/speech", "", ASKED).await;
    let lower = answer.to_ascii_lowercase();
    assert!(lower.contains("content-type: audio/mpeg\r\n"), "{answer}");
    assert!(answer.ends_with("5\r\nsound\r\n0\r\n\r\n"), "chunks, and their end: {answer}");
    let broken = always(format!("{head}content-length: 50\r\n\r\nsound")).await;
    let gateway = gateway_of(&[broken], |_| {}).await;
    let answer = ask_at(&gateway, "/v1/audio/speech", "", ASKED).await;
    assert!(answer.contains("sound") && !answer.ends_with("0\r\n\r\n"), "no end: {answer}");
}

#[tokio::test]
async fn a_form_that_is_none_is_refused_with_a_reason() {
    let well = always(whole("200 OK", r#"{"text":"hello"}"#)).await;
    let gateway = gateway(&[well]).await;
    let twice = FORM.replace(
        "--b--",
        "--b\r\ncontent-disposition: form-data; name=\"model\"\r\n\r\nother\r\n--b--",
    );
    let cut = FORM.trim_end_matches("--b--\r\n");
    for (kind, body, said) in [
        ("content-type: application/json\r\n", "{}", "multipart/form-data; boundary="),
        (KIND, "", "multipart/form-data"),
        (KIND, cut, "multipart/form-data"),
        (KIND, &twice, "there are two parts `model`"),
        (KIND, "--b--\r\n", "you must provide a model parameter"),
    ] {
        let answer = ask_at(&gateway, "/v1/audio/transcriptions", kind, body).await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{body}: {answer}");
        let body = answer.split_once("\r\n\r\n").expect("a head").1;
        let error: Value = serde_json::from_str(body).expect("JSON");
        let message = error["error"]["message"].as_str().unwrap_or_default();
        assert!(message.contains(said), "{message}");
    }
}
