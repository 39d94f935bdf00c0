//! The list of models.

use crate::json::json_string;
use bytes::Bytes;
use std::io::Write as _;

/// The body of `GET /v1/models`: these models, created at `created` (Unix seconds).
pub fn models_body<'a>(models: impl IntoIterator<Item = &'a str>, created: u64) -> Bytes {
    let mut out = br#"{"object":"list","data":["#.to_vec();
    for (n, model) in models.into_iter().enumerate() {
        out.extend_from_slice(if n == 0 { b"" } else { b"," });
        push_model(&mut out, model, created);
    }
    out.extend_from_slice(b"]}");
    out.into()
}

/// The body of `GET /v1/models/ID`.
pub(super) fn model_body(model: &str, created: u64) -> Bytes {
    let mut out = Vec::new();
    push_model(&mut out, model, created);
    out.into()
}

fn push_model(out: &mut Vec<u8>, model: &str, created: u64) {
    let id = json_string(model);
    write!(out, r#"{{"id":{id},"object":"model","created":{created},"owned_by":"squall"}}"#)
        .expect("a Vec takes all");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_lists_models_in_order() {
        assert_eq!(models_body([], 7), r#"{"object":"list","data":[]}"#);
        assert_eq!(
            models_body(["b", "a"], 7),
            concat!(
                r#"{"object":"list","data":[{"id":"b","object":"model","created":7,"owned_by":"squall"},"#,
                r#"{"id":"a","object":"model","created":7,"owned_by":"squall"}]}"#,
            ),
        );
    }
}
