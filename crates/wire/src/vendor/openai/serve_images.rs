//! Pictures as they are served: a single point, whoever asks for what.

use super::serve_audio::form;
use crate::chat::{ChunkWriter, FinishReason};
use crate::error::ApiError;
use crate::serve::{
    AnswerHead, AnswerWriter, ApiEndpoint, ParsedRequest, Refused, Route, Rules, read_json,
};
use crate::{Usage, estimate_tokens};
use bytes::Bytes;
use serde::Deserialize;
use squall_failure::FailureClass;
use std::io::Write as _;

/// The most pictures of one request, as at OpenAI.
const PICTURES_MAX: u32 = 10;

/// What a picture to be changed weighs.
const PICTURE_TOKENS: u32 = 765;

/// A picture of one point, as PNG.
const POINT: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==";

/// Reads what is to be drawn.
pub(super) fn read(route: &Route, body: Bytes, _: Rules) -> Result<ParsedRequest, Refused> {
    #[derive(Deserialize)]
    struct ImagesBody {
        model: Option<String>,
        prompt: Option<String>,
        n: Option<u32>,
        stream: Option<bool>,
    }
    let shape: ImagesBody = read_json(&body)?;
    let model = route.model.clone().or(shape.model).ok_or_else(|| Refused::missing("model"))?;
    let prompt = shape.prompt.ok_or_else(|| Refused::missing("prompt"))?;
    asked(route, body, model, &prompt, shape.n, shape.stream.unwrap_or(false), 0)
}

/// Reads what is to be changed.
pub(super) fn read_form(
    route: &Route,
    body: Bytes,
    rules: Rules,
) -> Result<ParsedRequest, Refused> {
    // Pictures that are named by their addresses come in JSON.
    if route.endpoint == ApiEndpoint::ImageEdits && body.trim_ascii_start().starts_with(b"{") {
        return read(route, body, rules);
    }
    let form = form(&body)?;
    let model = route.model.clone().or_else(|| form.text("model").map(str::to_owned));
    let model = model.ok_or_else(|| Refused::missing("model"))?;
    let pictures = u32::try_from(form.files("image").count()).unwrap_or(u32::MAX);
    if pictures == 0 {
        return Err(Refused::missing("image"));
    }
    let prompt = match (form.text("prompt"), route.endpoint) {
        (Some(prompt), _) => prompt,
        (None, ApiEndpoint::ImageEdits) => return Err(Refused::missing("prompt")),
        (None, _) => "",
    };
    let count = form.text("n").map(|n| n.parse().unwrap_or(0));
    let stream = form.text("stream") == Some("true");
    asked(route, body, model, prompt, count, stream, pictures)
}

fn asked(
    route: &Route,
    body: Bytes,
    model: String,
    prompt: &str,
    count: Option<u32>,
    stream: bool,
    pictures: u32,
) -> Result<ParsedRequest, Refused> {
    let count = count.unwrap_or(1);
    if count == 0 || count > PICTURES_MAX {
        return Err(Refused::new(format!("'n' must be 1 to {PICTURES_MAX}."), Some("n")));
    }
    let mut asked = ParsedRequest {
        stream,
        input_tokens: estimate_tokens(prompt.len())
            .saturating_add(pictures.saturating_mul(PICTURE_TOKENS)),
        token: crate::RequestToken::from_prompt(prompt),
        ..ParsedRequest::new(route, model, body)
    };
    asked.wants.choices = count;
    Ok(asked)
}

/// Pictures in one piece.
pub(super) fn whole(asked: &ParsedRequest, head: &AnswerHead, usage: Usage) -> Bytes {
    let picture = format!(r#"{{"b64_json":"{POINT}"}}"#);
    let pictures = vec![picture; asked.wants.choices.max(1) as usize].join(",");
    let (created, usage) = (head.created, used(usage));
    format!(
        r#"{{"created":{created},"background":"opaque","output_format":"png","quality":"low","size":"1024x1024","data":[{pictures}],"usage":{usage}}}"#
    )
    .into()
}

fn used(usage: Usage) -> String {
    let Usage { input_tokens, output_tokens } = usage;
    let total = u64::from(input_tokens) + u64::from(output_tokens);
    format!(
        r#"{{"input_tokens":{input_tokens},"output_tokens":{output_tokens},"total_tokens":{total},"input_tokens_details":{{"text_tokens":{input_tokens},"image_tokens":0}}}}"#
    )
}

/// Writes a picture as events: a part of it with the first token, and all of it at the end.
#[derive(Debug)]
pub(super) struct ImageWriter {
    model: String,
    /// What its events are called.
    name: &'static str,
    created: u64,
}

impl ImageWriter {
    pub(super) fn new(asked: &ParsedRequest, head: &AnswerHead) -> Self {
        let name = match asked.endpoint {
            ApiEndpoint::Images => "image_generation",
            _ => "image_edit",
        };
        Self { model: asked.model.clone(), name, created: head.created }
    }

    fn event(&self, out: &mut Vec<u8>, kind: &str, more: &str) {
        let Self { name, created, .. } = self;
        write!(
            out,
            "event: {name}.{kind}\ndata: {{\"type\":\"{name}.{kind}\",\"b64_json\":\"{POINT}\",\"created_at\":{created},\"size\":\"1024x1024\",\"quality\":\"low\",\"background\":\"opaque\",\"output_format\":\"png\",{more}}}\n\n"
        )
        .expect("a Vec takes all");
    }
}

impl AnswerWriter for ImageWriter {
    fn begin(&mut self, _out: &mut Vec<u8>) {}

    fn token(&mut self, out: &mut Vec<u8>, n: u32) {
        if n == 0 {
            self.event(out, "partial_image", "\"partial_image_index\":0");
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>, _finish: FinishReason, usage: Usage) {
        self.event(out, "completed", &format!("\"usage\":{}", used(usage)));
    }

    fn error(&mut self, out: &mut Vec<u8>, class: FailureClass) {
        ChunkWriter::error(out, &ApiError::of(class, &self.model));
    }
}
