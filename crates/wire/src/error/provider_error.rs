//! What a provider says when it refuses or fails: its words, whichever of the shapes in use they come in.

use super::ApiError;
use crate::json;
use serde_json::Value;
use squall_failure::FailureClass;

/// The longest message of a provider that is passed on, in characters.
const MESSAGE_MAX: usize = 2_000;

/// The longest type, parameter or code that is passed on, in characters.
const WORD_MAX: usize = 200;

/// A key shorter than this is not looked for in a message: it could be any word of it.
const KEY_MIN: usize = 8;

/// What stands in a message for a key.
const KEY: &str = "[key]";

/// How vendors' keys begin.
const KEY_HEADS: [&str; 9] =
    ["sk-", "sk_", "gsk_", "xai-", "AIza", "pplx-", "hf_", "nvapi-", "Bearer"];

/// The words of an error; empty where it has none.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct ErrorText {
    pub(crate) message: String,
    /// `type`, or Gemini's `status`.
    pub(crate) kind: String,
    /// `code`, unless it is a number.
    pub(crate) code: String,
    pub(crate) param: String,
    /// More exact words: Azure's `innererror.code`, Google's and Anthropic's `details`.
    pub(crate) details: Vec<String>,
    /// An HTTP status that stands in the body.
    pub(crate) status: Option<u16>,
}

impl ErrorText {
    /// Reads a body of any of the shapes in use: an object under `error`, a text there, a bare object, a
    /// list of either, FastAPI's `detail`. `None` where there is no JSON object.
    pub(crate) fn read(body: &[u8]) -> Option<Self> {
        let value =
            json::read_tolerantly(body, |bytes| serde_json::from_slice::<Value>(bytes)).ok()?;
        Self::of(&value)
    }

    fn of(value: &Value) -> Option<Self> {
        let value = match value {
            Value::Array(items) => items.first()?,
            value => value,
        };
        let whole = value.as_object()?;
        let error = whole.get("error").filter(|error| says_something(error));
        let error = error.or_else(|| whole.get("errors")?.as_array()?.first());
        // OpenRouter tells the error of a choice there; MiniMax tells every one in a field of its own.
        let of_choice = || value["choices"][0].get("error").filter(|error| says_something(error));
        // The event of a response that failed has it in the response.
        let of_response = || value["response"].get("error").filter(|error| says_something(error));
        let error = error.or_else(of_choice).or_else(of_response);
        let error = error.or_else(|| whole.get("base_resp"));
        let mut words = match error {
            Some(Value::String(message)) => Self { message: message.clone(), ..Self::default() },
            Some(Value::Object(_)) => Self::of_object(error?),
            _ => Self::of_object(value),
        };
        // What stands beside the error completes it: `{"error":"…","code":429}`.
        let beside = Self::of_object(value);
        words.status = words.status.or(beside.status);
        for (word, other) in [
            (&mut words.message, beside.message),
            (&mut words.code, beside.code),
            (&mut words.param, beside.param),
        ] {
            if word.is_empty() {
                *word = other;
            }
        }
        Some(words)
    }

    fn of_object(error: &Value) -> Self {
        let text = |names: &[&str]| {
            let found = names.iter().find_map(|name| error.get(name)?.as_str());
            found.unwrap_or_default().to_owned()
        };
        let number = |name: &str| match error.get(name)? {
            Value::Number(number) => number.as_u64()?.try_into().ok(),
            // Azure writes a code as a string of digits.
            Value::String(digits) => digits.parse::<u16>().ok(),
            _ => None,
        };
        let statuses = ["code", "status", "status_code", "http_status"];
        let message = text(&["message", "msg", "detail", "error_description", "status_msg"]);
        let code = text(&["code", "error_code"]);
        Self {
            message: if message.is_empty() { listed(error.get("detail")) } else { message },
            kind: text(&["type", "status", "__type"]),
            code: if code.parse::<u16>().is_ok() { String::new() } else { code },
            param: text(&["param"]),
            details: details(error),
            status: statuses
                .into_iter()
                .filter_map(number)
                .find(|status| (400..600).contains(status)),
        }
    }
}

/// Whether this is more than a field that is always there: null, an empty text or object, false.
pub(crate) fn says_something(error: &Value) -> bool {
    match error {
        Value::Null | Value::Bool(_) => false,
        Value::Number(number) => number.as_u64() != Some(0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
    }
}

/// FastAPI's list of what is wrong, as one text.
fn listed(detail: Option<&Value>) -> String {
    let items = match detail {
        Some(Value::Array(items)) => items.as_slice(),
        Some(object @ Value::Object(_)) => std::slice::from_ref(object),
        _ => &[],
    };
    let texts = items.iter().filter_map(|item| {
        let text = item.as_str().or_else(|| item.get("msg")?.as_str());
        text.or_else(|| item.get("message")?.as_str())
    });
    texts.collect::<Vec<_>>().join("; ")
}

/// The words that tell one failure of a kind from another.
fn details(error: &Value) -> Vec<String> {
    let inner = error.get("innererror").or_else(|| error.get("inner_error"));
    let listed = match error.get("details") {
        Some(Value::Array(items)) => items.as_slice(),
        Some(object @ Value::Object(_)) => std::slice::from_ref(object),
        _ => &[],
    };
    let names = ["error_code", "code", "reason", "type"];
    let word = |value: &Value| {
        names.into_iter().find_map(|name| value.get(name)?.as_str()).map(str::to_owned)
    };
    inner.into_iter().chain(listed).filter_map(word).collect()
}

/// What the provider says, in OpenAI's format, for the client to read: without control characters, of a
/// bounded length, and without anything that looks like a key or is `own_key`. `class` and `model` give
/// type and code where the provider gives none. `None` where it says nothing.
#[must_use]
pub fn provider_error(
    body: &[u8],
    class: FailureClass,
    model: &str,
    own_key: Option<&str>,
) -> Option<ApiError> {
    let words = ErrorText::read(body)?;
    let message = clean(&words.message, MESSAGE_MAX, own_key);
    if message.is_empty() {
        return None;
    }
    let usual = ApiError::of(class, model);
    let word = |text: &str| {
        let text = clean(text, WORD_MAX, own_key);
        (!text.is_empty()).then_some(text)
    };
    // Gemini's and Anthropic's types are not OpenAI's; what a client goes by is the code, and theirs is ours.
    let code = word(&words.code).filter(|_| !is_foreign(&words.code));
    let kind = word(&words.kind).filter(|kind| !is_foreign(kind));
    Some(ApiError {
        message,
        kind: kind.unwrap_or(usual.kind),
        param: word(&words.param).or_else(|| usual.param.filter(|_| code.is_none())),
        code: match class {
            // OpenAI's code is what clients look for.
            FailureClass::ContextWindow | FailureClass::ContentPolicy => usual.code,
            // What is not there may be something else than the model.
            FailureClass::NotFound => code,
            _ => code.or(usual.code),
        },
    })
}

/// A word of Google's (`INVALID_ARGUMENT`), which means nothing to OpenAI's clients.
fn is_foreign(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
}

/// A text that a client may see.
fn clean(text: &str, most: usize, own_key: Option<&str>) -> String {
    let own_key = own_key.filter(|key| key.len() >= KEY_MIN);
    let text = match own_key {
        Some(key) => text.replace(key, KEY),
        None => text.to_owned(),
    };
    let mut out = String::with_capacity(text.len().min(most));
    for (place, word) in text.split(|c: char| c.is_whitespace() || c.is_control()).enumerate() {
        if place > 0 && !out.ends_with(' ') {
            out.push(' ');
        }
        push_without_keys(&mut out, word);
    }
    let out = out.trim();
    match out.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &out[..end]),
        None => out.to_owned(),
    }
}

/// Keys, whole or with stars in their middle, are taken out of a word; what is around them stays.
fn push_without_keys(out: &mut String, word: &str) {
    let is_key_char = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '*');
    let mut rest = word;
    while !rest.is_empty() {
        let end = rest.find(|c| !is_key_char(c)).unwrap_or(rest.len());
        let (piece, tail) = rest.split_at(end);
        let is_key = KEY_HEADS
            .into_iter()
            .any(|head| piece.starts_with(head) && piece.len() >= head.len() + KEY_MIN)
            || piece.contains("***");
        out.push_str(if is_key { KEY } else { piece });
        let between = tail.find(is_key_char).unwrap_or(tail.len());
        out.push_str(&tail[..between]);
        rest = &tail[between..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(body: &str) -> ApiError {
        provider_error(body.as_bytes(), FailureClass::BadRequest, "m", Some("our-own-key-7"))
            .expect("it says something")
    }

    #[test]
    fn the_words_are_found_in_every_shape_in_use() {
        let message = |body: &str| ErrorText::read(body.as_bytes()).unwrap_or_default().message;
        for body in [
            r#"{"error":{"message":"why"}}"#,
            r#"{"error":"why"}"#,
            r#"{"message":"why","code":3}"#,
            r#"{"detail":"why"}"#,
            r#"{"detail":[{"loc":["body"],"msg":"why","type":"missing"}]}"#,
            r#"[{"error":{"code":400,"message":"why","status":"INVALID_ARGUMENT"}}]"#,
            r#"{"object":"error","message":"why","type":"BadRequestError","code":400}"#,
            r#"{"errors":[{"message":"why"}],"success":false}"#,
            r#"{"error":{"code":7},"message":"why"}"#,
        ] {
            assert_eq!(message(body), "why", "{body}");
        }
        for body in ["", "<html>", "3", "[]", "[1]", "{}", r#"{"error":null}"#] {
            assert_eq!(message(body), "", "{body}");
        }
    }

    #[test]
    fn a_status_in_the_body_is_found_as_a_number_or_as_digits() {
        let status = |body: &str| ErrorText::read(body.as_bytes()).unwrap_or_default().status;
        assert_eq!(status(r#"{"error":{"code":429}}"#), Some(429));
        assert_eq!(status(r#"{"error":{"code":"401"}}"#), Some(401));
        assert_eq!(status(r#"{"error":"busy","code":503}"#), Some(503));
        assert_eq!(status(r#"{"error":{"code":3}}"#), None);
        assert_eq!(status(r#"{"error":{"code":"rate_limit_exceeded"}}"#), None);
    }

    #[test]
    fn param_and_code_of_the_provider_are_kept() {
        let error = told(
            r#"{"error":{"message":"Invalid schema","type":"invalid_request_error","param":"tools[0]","code":"invalid_function_parameters"}}"#,
        );
        assert_eq!(error.param.as_deref(), Some("tools[0]"));
        assert_eq!(error.code.as_deref(), Some("invalid_function_parameters"));
        let google = told(r#"{"error":{"code":400,"message":"?","status":"INVALID_ARGUMENT"}}"#);
        assert_eq!((google.kind.as_str(), google.code), ("invalid_request_error", None));
    }

    #[test]
    fn a_clients_code_for_a_prompt_too_long_is_openais_whatever_the_provider_calls_it() {
        let body = br#"{"error":{"message":"too long","type":"BadRequestError","code":"1261"}}"#;
        let error = provider_error(body, FailureClass::ContextWindow, "m", None).expect("words");
        assert_eq!(error.code.as_deref(), Some("context_length_exceeded"));
    }

    #[test]
    fn no_key_and_no_control_character_reaches_a_client() {
        for (said, expected) in [
            (
                "Incorrect API key provided: sk-proj-AbCd1234efgh.",
                "Incorrect API key provided: [key].",
            ),
            ("key our-own-key-7, sir", "key [key], sir"),
            ("Incorrect API key provided: our-o****ey-7", "Incorrect API key provided: [key]"),
            ("(gsk_0123456789abcdef)", "([key])"),
            ("a\\u0000b\\u001b[31m\\nc", "a b [31m c"),
            ("the task-force is sk-ill", "the task-force is sk-ill"),
        ] {
            assert_eq!(told(&format!(r#"{{"error":{{"message":"{said}"}}}}"#)).message, expected);
        }
    }

    #[test]
    fn a_message_is_cut_at_a_character() {
        let long = "é".repeat(3 * MESSAGE_MAX);
        let message = told(&format!(r#"{{"error":"{long}"}}"#)).message;
        assert_eq!(message.chars().count(), MESSAGE_MAX + 1);
    }
}
