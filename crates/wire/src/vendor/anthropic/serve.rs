//! Anthropic messages to their clients.

use super::limits::{INPUT_TOKENS, OUTPUT_TOKENS, REQUESTS, TOKENS};
use super::serve_arguments::wants;
use super::serve_error::{error_body, status_of};
use super::serve_writer::{self, MessageWriter};
use crate::chat::{FinishReason, MeteredText, PriorAnswer, prior_answer};
use crate::json::json_string;
use crate::limits::LimitHeaderNames;
use crate::serve::{
    AnswerHead, AnswerWriter, ApiEndpoint, ParsedRequest, Refused, ResponseHeaderData, Route,
    Rules, ServerFormat, VendorError, Wants, bearer, count_text, header, read_json,
};
use crate::{HeaderGauge, Usage, estimate_tokens};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use squall_failure::FailureClass;
use std::io::Write as _;
use std::time::Duration;

/// Anthropic.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AnthropicServer;

impl ServerFormat for AnthropicServer {
    fn route(&self, path: &str, _query: Option<&str>) -> Option<Route> {
        (path == "/v1/messages").then(|| Route::to(ApiEndpoint::Messages))
    }

    fn lists_models(&self, path: &str) -> bool {
        path == "/v1/models"
    }

    fn key<'h>(&self, headers: &'h HeaderMap) -> Option<&'h str> {
        bearer(headers).or_else(|| header(headers, "x-api-key"))
    }

    fn asks_of_model<'a>(&self, path: &'a str) -> Option<&'a str> {
        path.strip_prefix("/v1/models/")
    }

    fn model(&self, model: &str, created: u64) -> Bytes {
        let mut out = Vec::new();
        push_model(&mut out, model, &rfc3339(Duration::from_secs(created)));
        out.into()
    }

    fn models(&self, models: &mut dyn Iterator<Item = &str>, created: u64) -> Bytes {
        let created = rfc3339(Duration::from_secs(created));
        let (mut out, mut first, mut last) = (br#"{"data":["#.to_vec(), None, None);
        for model in models {
            let comma = if first.is_none() { "" } else { "," };
            out.extend_from_slice(comma.as_bytes());
            push_model(&mut out, model, &created);
            let model = json_string(model);
            first.get_or_insert_with(|| model.clone());
            last = Some(model);
        }
        let null = || "null".to_owned();
        let (first, last) = (first.unwrap_or_else(null), last.unwrap_or_else(null));
        write!(out, r#"],"has_more":false,"first_id":{first},"last_id":{last}}}"#)
            .expect("a Vec takes all");
        out.into()
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
        serve_writer::whole(asked, head, usage, finish)
    }

    fn thinks(&self, wants: &Wants) -> bool {
        wants.thoughts == Some(true)
    }

    fn answer_writer(&self, asked: &ParsedRequest, head: &AnswerHead) -> Box<dyn AnswerWriter> {
        Box::new(MessageWriter::new(asked, head))
    }

    fn status(&self, class: FailureClass) -> u16 {
        status_of(class)
    }

    fn error(&self, told: &VendorError<'_>) -> Bytes {
        error_body(told).into()
    }

    fn tells_seconds_only(&self) -> bool {
        true
    }

    fn headers(&self, headers: &mut HeaderMap, told: &ResponseHeaderData<'_>) {
        if let Ok(id) = HeaderValue::from_str(told.request_id) {
            headers.insert(HeaderName::from_static("request-id"), id);
        }
        let limits = told.limits;
        // As Anthropic's own: the tightest of the limits in force.
        let tokens = [limits.both.tokens, limits.input, limits.output];
        let tightest = tokens.into_iter().filter(|gauge| gauge.limit.is_some());
        let tightest = tightest.min_by_key(|gauge| gauge.remaining);
        for (names, gauge) in [
            (&REQUESTS, limits.both.requests),
            (&TOKENS, tightest.unwrap_or_default()),
            (&INPUT_TOKENS, limits.input),
            (&OUTPUT_TOKENS, limits.output),
        ] {
            write_gauge(headers, names, gauge, told.unix);
        }
    }
}

fn push_model(out: &mut Vec<u8>, model: &str, created: &str) {
    let model = json_string(model);
    write!(
        out,
        r#"{{"type":"model","id":{model},"display_name":{model},"created_at":"{created}"}}"#
    )
    .expect("a Vec takes all");
}

/// What is asked for.
fn read(route: &Route, body: Bytes, rules: Rules) -> Result<ParsedRequest, Refused> {
    #[derive(Deserialize)]
    struct MessagesBody {
        model: Option<String>,
        messages: Option<Vec<ServedMessage>>,
        max_tokens: Option<u32>,
        system: Option<MeteredText>,
        stream: Option<bool>,
        metadata: Option<ServedMetadata>,
    }
    #[derive(Deserialize)]
    struct ServedMessage {
        #[serde(default)]
        content: MeteredText,
    }
    #[derive(Deserialize)]
    struct ServedMetadata {
        user_id: Option<String>,
    }
    let shape: MessagesBody = read_json(&body)?;
    let required = |param| Refused::new(format!("{param}: Field required"), Some(param));
    let model = shape.model.ok_or_else(|| required("model"))?;
    let messages = shape.messages.ok_or_else(|| required("messages"))?;
    let max_tokens = shape.max_tokens.ok_or_else(|| required("max_tokens"))?;
    if messages.is_empty() {
        let message = "messages: at least one message is required";
        return Err(Refused::new(message, Some("messages")));
    }
    let (bytes, token) = count_text(messages.into_iter().map(|message| message.content));
    let in_user = shape.metadata.and_then(|metadata| metadata.user_id?.parse().ok());
    let PriorAnswer { prefill, quoted } = prior_answer(&body);
    Ok(ParsedRequest {
        prefill,
        quoted,
        stream: shape.stream.unwrap_or(false),
        max_tokens: Some(max_tokens),
        input_tokens: estimate_tokens(bytes + shape.system.map_or(0, |system| system.bytes)),
        wants: wants(&body, rules)?,
        token: in_user.or(token),
        ..ParsedRequest::new(route, model, body)
    })
}

fn write_gauge(
    headers: &mut HeaderMap,
    names: &LimitHeaderNames,
    gauge: HeaderGauge,
    unix: Duration,
) {
    let HeaderGauge { limit: Some(limit), remaining, reset } = gauge else { return };
    headers.insert(&names.limit, HeaderValue::from(limit));
    headers.insert(&names.remaining, HeaderValue::from(remaining.unwrap_or(limit)));
    if let Ok(reset) = HeaderValue::from_str(&rfc3339(unix + reset.unwrap_or_default())) {
        headers.insert(&names.reset, reset);
    }
}

/// A moment since 1970, to the second, rounded up.
fn rfc3339(unix: Duration) -> String {
    let secs = unix.as_secs() + u64::from(unix.subsec_nanos() > 0);
    let (days, of_day) = (secs / 86_400, secs % 86_400);
    let (year, month, day) = date(days);
    let (hour, minute, second) = (of_day / 3_600, of_day / 60 % 60, of_day % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// Year, month and day of a day since 1970, in the calendar that begins its years in March.
const fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let era = days / 146_097;
    let of_era = days % 146_097;
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = year + era * 400;
    (if month <= 2 { year + 1 } else { year }, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_as_rfc_3339_does() {
        for (secs, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_767_225_599, "2025-12-31T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(rfc3339(Duration::from_secs(secs)), text);
        }
        assert_eq!(rfc3339(Duration::from_millis(1)), "1970-01-01T00:00:01Z");
    }
}
