//! Azure OpenAI to its clients: OpenAI's words at Azure's paths, and Azure's own errors and headers.

use super::serve_error::error_body;
use crate::chat::FinishReason;
use crate::serve::{
    AnswerHead, AnswerWriter, ParsedRequest, Refused, ResponseHeaderData, Route, Rules,
    ServerFormat, VendorError, bearer, header,
};
use crate::vendor::openai::serving::Filters;
use crate::vendor::openai::{OpenAiServer, serving};
use crate::{LimitHeaders, Usage};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};

/// Azure OpenAI.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AzureServer;

impl ServerFormat for AzureServer {
    fn route(&self, path: &str, _query: Option<&str>) -> Option<Route> {
        let path = path.strip_prefix("/openai")?;
        if let Some(path) = path.strip_prefix("/v1") {
            return serving::endpoint(path).map(Route::to);
        }
        let (deployment, _) = path.strip_prefix("/deployments/")?.split_once('/')?;
        let rest = &path["/deployments/".len() + deployment.len()..];
        let route = Route::to(serving::endpoint(rest)?);
        Some(Route { model: Some(deployment.to_owned()), ..route })
    }

    fn lists_models(&self, path: &str) -> bool {
        matches!(path, "/openai/models" | "/openai/v1/models")
    }

    fn key<'h>(&self, headers: &'h HeaderMap) -> Option<&'h str> {
        bearer(headers).or_else(|| header(headers, "api-key"))
    }

    fn asks_of_model<'a>(&self, path: &'a str) -> Option<&'a str> {
        let path = path.strip_prefix("/openai")?;
        path.strip_prefix("/v1").unwrap_or(path).strip_prefix("/models/")
    }

    fn model(&self, model: &str, created: u64) -> Bytes {
        OpenAiServer.model(model, created)
    }

    fn models(&self, models: &mut dyn Iterator<Item = &str>, created: u64) -> Bytes {
        OpenAiServer.models(models, created)
    }

    fn read(&self, route: &Route, body: Bytes, rules: Rules) -> Result<ParsedRequest, Refused> {
        // At a deployment's path the body need not name a model.
        serving::read(route, body, rules)
    }

    fn whole(
        &self,
        asked: &ParsedRequest,
        head: &AnswerHead,
        usage: Usage,
        finish: FinishReason,
    ) -> Bytes {
        serving::whole(asked, head, usage, finish, Filters::Included)
    }

    fn answer_writer(&self, asked: &ParsedRequest, head: &AnswerHead) -> Box<dyn AnswerWriter> {
        serving::answer_writer(asked, head, Filters::Included)
    }

    fn error(&self, told: &VendorError<'_>) -> Bytes {
        error_body(told).into()
    }

    fn headers(&self, headers: &mut HeaderMap, told: &ResponseHeaderData<'_>) {
        // Azure tells what is left, and neither the limit nor the reset.
        let left = |gauge: crate::HeaderGauge| crate::HeaderGauge {
            remaining: gauge.remaining,
            ..crate::HeaderGauge::default()
        };
        let LimitHeaders { requests, tokens } = told.limits.both;
        LimitHeaders { requests: left(requests), tokens: left(tokens) }.write(headers);
        headers.insert(HeaderName::from_static("x-ms-region"), HeaderValue::from_static("squall"));
        if let Ok(id) = HeaderValue::from_str(told.request_id) {
            headers.insert(HeaderName::from_static("apim-request-id"), id);
        }
    }
}
