//! Azure OpenAI to its clients: OpenAI's words at Azure's paths, and Azure's own errors and headers.

use crate::openai::json_string;
use crate::openai::{FinishReason, OpenAiServer, serving};
use crate::serve::{AnswerHead, AnswerPen, Asked, HeadersTold, Refused, Route, Server, Told};
use crate::{LimitHeaders, Usage};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use squall_failure::FailureClass;

/// Azure OpenAI.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AzureServer;

impl Server for AzureServer {
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

    fn models(&self, models: &mut dyn Iterator<Item = &str>, created: u64) -> Bytes {
        OpenAiServer.models(models, created)
    }

    fn read(&self, route: &Route, body: Bytes) -> Result<Asked, Refused> {
        // At a deployment's path the body need not name a model.
        serving::read(route, body)
    }

    fn whole(&self, asked: &Asked, head: &AnswerHead, usage: Usage, finish: FinishReason) -> Bytes {
        serving::whole(asked, head, usage, finish)
    }

    fn pen(&self, asked: &Asked, head: &AnswerHead) -> Box<dyn AnswerPen> {
        serving::pen(asked, head)
    }

    fn error(&self, told: &Told<'_>) -> (u16, Bytes) {
        let status = told.status.unwrap_or_else(|| told.class.status());
        (status, error_body(status, told).into())
    }

    fn headers(&self, headers: &mut HeaderMap, told: &HeadersTold<'_>) {
        // Azure tells what is left, and neither the limit nor the reset.
        let left = |gauge: crate::LimitGauge| crate::LimitGauge {
            remaining: gauge.remaining,
            ..crate::LimitGauge::default()
        };
        let LimitHeaders { requests, tokens } = told.limits.both;
        LimitHeaders { requests: left(requests), tokens: left(tokens) }.write(headers);
        headers.insert(HeaderName::from_static("x-ms-region"), HeaderValue::from_static("squall"));
        if let Ok(id) = HeaderValue::from_str(told.request_id) {
            headers.insert(HeaderName::from_static("apim-request-id"), id);
        }
    }
}

fn error_body(status: u16, told: &Told<'_>) -> String {
    let status = status.to_string();
    let (code, said) = match told.class {
        FailureClass::Throttled => return throttled(told),
        FailureClass::ContentPolicy => return filtered(told),
        // Azure says so in OpenAI's words.
        FailureClass::ContextWindow | FailureClass::BadRequest | FailureClass::QuotaSpent => {
            return String::from_utf8_lossy(&serving::api_error(told).body()).into_owned();
        }
        FailureClass::Overloaded => (
            &*status,
            "The system is currently experiencing high demand and cannot process your request.",
        ),
        FailureClass::Auth => (
            "401",
            "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide \
             a valid key for an active subscription.",
        ),
        FailureClass::NotFound => (
            "DeploymentNotFound",
            "The API deployment for this resource does not exist. If you created the deployment within \
             the last 5 minutes, please wait a moment and try again.",
        ),
        FailureClass::Timeout => ("Timeout", "The operation was timeout."),
        _ => ("InternalServerError", "The server had an error while processing your request."),
    };
    let (code, said) = (json_string(code), json_string(told.message.unwrap_or(said)));
    format!(r#"{{"error":{{"code":{code},"message":{said}}}}}"#)
}

fn throttled(told: &Told<'_>) -> String {
    let wait = told.wait.map_or(String::new(), |wait| {
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        format!(" Please retry after {seconds} seconds.")
    });
    let said = told.exceeded.map_or_else(
        || "The system is currently experiencing high demand.".to_owned(),
        |exceeded| {
            format!("Requests to {} have exceeded the limit on {}.", told.model, exceeded.unit())
        },
    );
    let said = json_string(&format!("{said}{wait}"));
    let code = if told.exceeded.is_some() { "RateLimitReached" } else { "429" };
    format!(r#"{{"error":{{"code":"{code}","message":{said}}}}}"#)
}

fn filtered(told: &Told<'_>) -> String {
    let said = "The response was filtered due to the prompt triggering Azure OpenAI's content management \
                policy. Please modify your prompt and retry.";
    let said = json_string(told.message.unwrap_or(said));
    format!(
        concat!(
            r#"{{"error":{{"message":{},"type":null,"param":"prompt","code":"content_filter","status":400,"#,
            r#""innererror":{{"code":"ResponsibleAIPolicyViolation","content_filter_result":"#,
            r#"{{"hate":{{"filtered":true,"severity":"high"}}}}}}}}}}"#
        ),
        said
    )
}
