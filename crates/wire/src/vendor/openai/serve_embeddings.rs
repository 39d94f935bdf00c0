//! Embeddings as they are served: vectors of length one that depend on the text and on nothing else.

use super::serve_arguments::wants;
use super::serve_completions::Prompt;
use crate::json::json_string;
use crate::serve::{ApiEndpoint, ParsedRequest, Refused, Route, Rules, Vectors, read_json};
use crate::{Usage, estimate_tokens};
use base64::Engine as _;
use bytes::Bytes;
use serde::Deserialize;
use std::io::Write as _;

/// AssignedIds in a vector unless the request says; OpenAI's small model has as many.
const DIMENSIONS: u32 = 1_536;
/// The most: OpenAI's large model has no more.
const DIMENSIONS_MAX: u32 = 3_072;
/// The most texts in a request, as at OpenAI.
const INPUTS_MAX: usize = 2_048;

pub(super) fn read(route: &Route, body: Bytes, rules: Rules) -> Result<ParsedRequest, Refused> {
    #[derive(Deserialize)]
    struct EmbeddingsBody<'a> {
        model: Option<String>,
        input: Option<Prompt>,
        dimensions: Option<u32>,
        encoding_format: Option<&'a str>,
        user: Option<String>,
    }
    let shape: EmbeddingsBody<'_> = read_json(&body)?;
    wants(ApiEndpoint::Embeddings, &body, rules)?;
    let model = route.model.clone().or(shape.model).ok_or_else(|| Refused::missing("model"))?;
    let input = shape.input.ok_or_else(|| Refused::missing("input"))?;
    let count = input.count();
    if count == 0 || count > INPUTS_MAX {
        let message = format!("'input' must have 1 to {INPUTS_MAX} texts, and has {count}.");
        return Err(Refused::new(message, Some("input")));
    }
    let dimensions = shape.dimensions.unwrap_or(DIMENSIONS);
    if dimensions == 0 || dimensions > DIMENSIONS_MAX {
        let message = format!("'dimensions' must be 1 to {DIMENSIONS_MAX}.");
        return Err(Refused::new(message, Some("dimensions")));
    }
    let base64 = shape.encoding_format == Some("base64");
    let in_user = shape.user.and_then(|user| user.parse().ok());
    let (input_tokens, token) = (estimate_tokens(input.bytes()), in_user.or_else(|| input.token()));
    let vectors = Some(Vectors { count: count as u32, dimensions, base64 });
    Ok(ParsedRequest {
        // The vectors come at once: their time is that of one token.
        max_tokens: Some(1),
        input_tokens,
        vectors,
        token,
        ..ParsedRequest::new(route, model, body)
    })
}

pub(super) fn whole(asked: &ParsedRequest, usage: Usage) -> Bytes {
    let vectors = asked.vectors.unwrap_or(Vectors { count: 1, dimensions: 1, base64: false });
    let numbers = vectors.count as usize * vectors.dimensions as usize;
    let mut out = Vec::with_capacity(256 + 12 * numbers);
    out.extend_from_slice(br#"{"object":"list","data":["#);
    let seed =
        asked.body.iter().fold(FNV, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME));
    for index in 0..vectors.count {
        let comma = if index == 0 { "" } else { "," };
        write!(out, r#"{comma}{{"object":"embedding","index":{index},"embedding":"#)
            .expect("a Vec takes all");
        let vector = vector(seed ^ u64::from(index), vectors.dimensions);
        if vectors.base64 {
            let bytes: Vec<u8> = vector.flat_map(f32::to_le_bytes).collect();
            write!(out, "\"{}\"}}", base64::engine::general_purpose::STANDARD.encode(bytes))
                .expect("a Vec takes all");
        } else {
            for (place, number) in vector.enumerate() {
                out.push(if place == 0 { b'[' } else { b',' });
                write!(out, "{number}").expect("a Vec takes all");
            }
            out.extend_from_slice(b"]}");
        }
    }
    let (model, tokens) = (json_string(&asked.model), usage.input_tokens);
    write!(
        out,
        r#"],"model":{model},"usage":{{"prompt_tokens":{tokens},"total_tokens":{tokens}}}}}"#
    )
    .expect("a Vec takes all");
    out.into()
}

const FNV: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0000_0100_0000_01b3;

/// A vector of length one: each number is one of two, with its sign from the text.
fn vector(seed: u64, dimensions: u32) -> impl Iterator<Item = f32> {
    let size = 1.0 / f64::from(dimensions).sqrt();
    let mut state = seed;
    (0..dimensions).map(move |_| {
        state = state.wrapping_mul(PRIME).wrapping_add(1);
        (if state >> 63 == 0 { size } else { -size }) as f32
    })
}
