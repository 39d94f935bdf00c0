//! OpenAI to its clients: chat completions, completions, responses, embeddings, pictures, sound.

use super::models::{model_body, models_body};
use super::serve_chat::Filters;
use super::serve_error::api_error;
use super::{
    serve_audio, serve_chat, serve_completions, serve_embeddings, serve_images, serve_responses,
};
use crate::Usage;
use crate::chat::FinishReason;
use crate::serve::{
    AnswerHead, AnswerWriter, ApiEndpoint, ParsedRequest, Refused, ResponseHeaderData, Route,
    Rules, ServerFormat, VendorError,
};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};

/// OpenAI, and those who copy it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OpenAiServer;

impl ServerFormat for OpenAiServer {
    fn route(&self, path: &str, _query: Option<&str>) -> Option<Route> {
        endpoint(path.strip_prefix("/v1")?).map(Route::to)
    }

    fn lists_models(&self, path: &str) -> bool {
        path == "/v1/models"
    }

    fn asks_of_model<'a>(&self, path: &'a str) -> Option<&'a str> {
        path.strip_prefix("/v1/models/")
    }

    fn model(&self, model: &str, created: u64) -> Bytes {
        model_body(model, created)
    }

    fn models(&self, models: &mut dyn Iterator<Item = &str>, created: u64) -> Bytes {
        models_body(models, created)
    }

    fn read(&self, route: &Route, body: Bytes, rules: Rules) -> Result<ParsedRequest, Refused> {
        read(route, body, rules)
    }

    fn whole(
        &self,
        asked: &ParsedRequest,
        head: &AnswerHead,
        usage: Usage,
        finish: FinishReason,
    ) -> Bytes {
        whole(asked, head, usage, finish, Filters::Omitted)
    }

    fn answer_writer(&self, asked: &ParsedRequest, head: &AnswerHead) -> Box<dyn AnswerWriter> {
        answer_writer(asked, head, Filters::Omitted)
    }

    fn error(&self, told: &VendorError<'_>) -> Bytes {
        api_error(told).body()
    }

    fn headers(&self, headers: &mut HeaderMap, told: &ResponseHeaderData<'_>) {
        told.limits.both.write(headers);
        let took = u64::try_from(told.took.as_millis()).unwrap_or(u64::MAX);
        headers.insert(PROCESSING_MS, HeaderValue::from(took));
        if let Ok(id) = HeaderValue::from_str(told.request_id) {
            headers.insert(REQUEST_ID, id);
        }
    }
}

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const PROCESSING_MS: HeaderName = HeaderName::from_static("openai-processing-ms");

/// What is at a path below the version.
pub(crate) fn endpoint(path: &str) -> Option<ApiEndpoint> {
    Some(match path {
        "/chat/completions" => ApiEndpoint::Chat,
        "/completions" => ApiEndpoint::Completions,
        "/responses" => ApiEndpoint::Responses,
        "/embeddings" => ApiEndpoint::Embeddings,
        "/images/generations" => ApiEndpoint::Images,
        "/images/edits" => ApiEndpoint::ImageEdits,
        "/images/variations" => ApiEndpoint::ImageVariations,
        "/audio/speech" => ApiEndpoint::Speech,
        "/audio/transcriptions" => ApiEndpoint::Transcriptions,
        "/audio/translations" => ApiEndpoint::Translations,
        _ => return None,
    })
}

/// Reads a request in OpenAI's words, whoever serves it.
pub(crate) fn read(route: &Route, body: Bytes, rules: Rules) -> Result<ParsedRequest, Refused> {
    match route.endpoint {
        ApiEndpoint::Completions => serve_completions::read(route, body, rules),
        ApiEndpoint::Responses => serve_responses::read(route, body, rules),
        ApiEndpoint::Embeddings => serve_embeddings::read(route, body, rules),
        ApiEndpoint::Images => serve_images::read(route, body, rules),
        ApiEndpoint::ImageEdits | ApiEndpoint::ImageVariations => {
            serve_images::read_form(route, body, rules)
        }
        ApiEndpoint::Speech => serve_audio::read_speech(route, body, rules),
        ApiEndpoint::Transcriptions | ApiEndpoint::Translations => {
            serve_audio::read_transcript(route, body, rules)
        }
        _ => serve_chat::read(route, body, rules),
    }
}

/// An answer in one piece.
pub(crate) fn whole(
    asked: &ParsedRequest,
    head: &AnswerHead,
    usage: Usage,
    finish: FinishReason,
    filters: Filters,
) -> Bytes {
    match asked.endpoint {
        ApiEndpoint::Completions => serve_completions::whole(asked, head, usage, finish),
        ApiEndpoint::Responses => serve_responses::whole(asked, head, usage, finish),
        ApiEndpoint::Embeddings => serve_embeddings::whole(asked, usage),
        ApiEndpoint::Images | ApiEndpoint::ImageEdits | ApiEndpoint::ImageVariations => {
            serve_images::whole(asked, head, usage)
        }
        ApiEndpoint::Speech | ApiEndpoint::Transcriptions | ApiEndpoint::Translations => {
            serve_audio::whole(asked, head, usage)
        }
        _ => serve_chat::whole(asked, head, usage, finish, filters),
    }
}

/// What writes a stream.
pub(crate) fn answer_writer(
    asked: &ParsedRequest,
    head: &AnswerHead,
    filters: Filters,
) -> Box<dyn AnswerWriter> {
    match asked.endpoint {
        ApiEndpoint::Completions => Box::new(serve_completions::CompletionWriter::new(asked, head)),
        ApiEndpoint::Responses => Box::new(serve_responses::ResponseWriter::new(asked, head)),
        ApiEndpoint::Images | ApiEndpoint::ImageEdits | ApiEndpoint::ImageVariations => {
            Box::new(serve_images::ImageWriter::new(asked, head))
        }
        ApiEndpoint::Speech => Box::new(serve_audio::SpeechWriter::new(asked)),
        ApiEndpoint::Transcriptions | ApiEndpoint::Translations => {
            Box::new(serve_audio::TranscriptWriter::new(asked, head))
        }
        _ => Box::new(serve_chat::ChatWriter::new(asked, head, filters)),
    }
}
