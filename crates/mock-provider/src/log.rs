//! The line of the log for each request, in the fields of the gateway's where the thing is the same. This crate only
//! emits; the command line decides where it goes.
//!
//! Prompts, answers and keys are never among the fields. What a client chose, such as the name of a model, is given as a
//! string, which every format escapes, and cut.

use crate::attempt_state::Who;
use http::HeaderMap;
use squall_failure::FailureClass;
use squall_record::{AttemptOutcome, AttemptRow};
use squall_wire::serve::ApiEndpoint;
use std::time::Duration;

/// The status of a request whose client has gone: nginx's.
const CLIENT_GONE: u16 = 499;

/// The longest name of a request that is written, in bytes of visible ASCII: as much as the gateway takes from its
/// clients.
const REQUEST_ID_MAX: usize = 128;

/// Where callers name their request: OpenAI's header, and the one that everybody else uses.
const CLIENT_REQUEST_IDS: [&str; 2] = ["x-client-request-id", "x-request-id"];

/// Whether anybody wants to hear of requests: what a line needs is gathered only then.
pub(crate) fn hears_of_requests() -> bool {
    tracing::enabled!(target: "squall_mock_provider::request", tracing::Level::INFO)
}

/// What the caller calls its request; none if that is empty, too long, or anything but visible ASCII.
pub(crate) fn client_request_id(headers: &HeaderMap) -> Option<&str> {
    let value = CLIENT_REQUEST_IDS.iter().find_map(|name| headers.get(*name))?;
    let fits = (1..=REQUEST_ID_MAX).contains(&value.len());
    let is_visible = value.as_bytes().iter().all(u8::is_ascii_graphic);
    value.to_str().ok().filter(|_| fits && is_visible)
}

/// A request has ended that came to the core.
pub(crate) fn ended(provider: &str, who: &Who, row: &AttemptRow) {
    let (status, outcome, class) = ending(row);
    tracing::info!(
        target: "squall_mock_provider::request",
        request_id = who.request_id.as_str(),
        client_request_id = who.client_request_id.as_deref(),
        provider,
        model = who.model.as_str(),
        operation = operation(who.endpoint),
        stream = row.stream,
        status,
        outcome,
        error_class = class.map(FailureClass::as_str),
        fault_number = row.fault,
        tokens_in = row.input_tokens,
        tokens_out = row.output_tokens,
        first_token_ms = row.first_token.map(|first| millis(first.since(row.started))),
        duration_ms = millis(row.ended.since(row.started)),
        "request"
    );
}

/// A request was refused before it came to the core.
pub(crate) fn refused(provider: &str, headers: &HeaderMap, status: u16, why: &'static str) {
    tracing::info!(
        target: "squall_mock_provider::request",
        client_request_id = client_request_id(headers),
        provider,
        status,
        outcome = "refused",
        why,
        "request"
    );
}

/// The status that the caller got (0 for none), the gateway's word for the end, and the class of failure.
fn ending(row: &AttemptRow) -> (u16, &'static str, Option<FailureClass>) {
    match row.outcome {
        AttemptOutcome::Succeeded => (row.status, "succeeded", None),
        // The head has gone out with a 200, and what follows it is no answer.
        AttemptOutcome::Failed { class } if row.status == 200 && row.output_tokens > 0 => {
            (row.status, "cut", Some(class))
        }
        AttemptOutcome::Failed { class } => (row.status, "failed", Some(class)),
        AttemptOutcome::Abandoned => (CLIENT_GONE, "client_gone", None),
        AttemptOutcome::Unfinished => (row.status, "unfinished", None),
    }
}

const fn operation(endpoint: ApiEndpoint) -> &'static str {
    match endpoint {
        ApiEndpoint::Chat => "/chat/completions",
        ApiEndpoint::Completions => "/completions",
        ApiEndpoint::Responses => "/responses",
        ApiEndpoint::Embeddings => "/embeddings",
        ApiEndpoint::Images => "/images/generations",
        ApiEndpoint::ImageEdits => "/images/edits",
        ApiEndpoint::ImageVariations => "/images/variations",
        ApiEndpoint::Speech => "/audio/speech",
        ApiEndpoint::Transcriptions => "/audio/transcriptions",
        ApiEndpoint::Translations => "/audio/translations",
        ApiEndpoint::Messages => "/messages",
        ApiEndpoint::Generate => ":generateContent",
    }
}

/// Milliseconds, to a microsecond.
fn millis(duration: Duration) -> f64 {
    duration.as_micros() as f64 / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider_server::new_row;
    use squall_determinism::Timestamp;

    #[test]
    fn an_answer_that_broke_off_is_cut_and_one_that_never_began_has_failed() {
        let row = |status, output_tokens, outcome| AttemptRow {
            status,
            output_tokens,
            outcome,
            ..new_row(None, Timestamp::ZERO)
        };
        let class = FailureClass::Cut;
        let failed = AttemptOutcome::Failed { class };
        assert_eq!(ending(&row(200, 3, failed)), (200, "cut", Some(class)));
        assert_eq!(ending(&row(0, 0, failed)), (0, "failed", Some(class)));
        let gone = ending(&row(200, 3, AttemptOutcome::Abandoned));
        assert_eq!(gone, (499, "client_gone", None));
    }

    #[test]
    fn what_a_caller_calls_its_request_is_taken_only_where_a_line_can_hold_it() {
        let given = |name: &'static str, value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().expect("a value"));
            client_request_id(&headers).map(str::to_owned)
        };
        assert_eq!(given("x-client-request-id", "mine").as_deref(), Some("mine"));
        assert_eq!(given("x-request-id", "mine").as_deref(), Some("mine"));
        for odd in ["", "two words", &"x".repeat(129)] {
            assert_eq!(given("x-request-id", odd), None, "{odd}");
        }
    }
}
