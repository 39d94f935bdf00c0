//! The arguments of a request beside its text: what they want of an answer, and which of them OpenAI refuses.

use crate::serve::{ApiEndpoint, OfferedTool, PickedFields, Refused, Rules, Wants, any_object};
use serde_json::Value;

/// What is read of a body, at any of the endpoints.
const WANTED: &[&str] = &[
    "n",
    "stop",
    "logprobs",
    "top_logprobs",
    "temperature",
    "top_p",
    "presence_penalty",
    "frequency_penalty",
    "stream",
    "stream_options",
    "response_format",
    "text",
    "tools",
    "tool_choice",
    "max_tokens",
    "max_completion_tokens",
    "max_output_tokens",
];

/// What else OpenAI has in chat completions, responses, completions and embeddings.
const CHAT: &[&str] = &[
    "messages",
    "model",
    "audio",
    "function_call",
    "functions",
    "logit_bias",
    "metadata",
    "modalities",
    "moderation",
    "parallel_tool_calls",
    "prediction",
    "prompt_cache_key",
    "prompt_cache_retention",
    "reasoning_effort",
    "safety_identifier",
    "seed",
    "service_tier",
    "store",
    "user",
    "verbosity",
    "web_search_options",
];
const RESPONSES: &[&str] = &[
    "background",
    "context_management",
    "conversation",
    "include",
    "input",
    "instructions",
    "max_tool_calls",
    "metadata",
    "model",
    "moderation",
    "parallel_tool_calls",
    "previous_response_id",
    "prompt",
    "prompt_cache_key",
    "prompt_cache_retention",
    "reasoning",
    "safety_identifier",
    "service_tier",
    "store",
    "truncation",
    "user",
];
const COMPLETIONS: &[&str] =
    &["best_of", "echo", "logit_bias", "model", "prompt", "seed", "suffix", "user"];
const EMBEDDINGS: &[&str] = &["dimensions", "encoding_format", "input", "model", "user"];

/// AssignedIds with bounds: their names, their least and their most, and whether they are whole.
const BOUNDS: [(&str, f64, f64, bool); 6] = [
    ("temperature", 0.0, 2.0, false),
    ("top_p", 0.0, 1.0, false),
    ("presence_penalty", -2.0, 2.0, false),
    ("frequency_penalty", -2.0, 2.0, false),
    ("n", 1.0, 128.0, true),
    ("top_logprobs", 0.0, 20.0, true),
];
const TOKENS: [&str; 3] = ["max_tokens", "max_completion_tokens", "max_output_tokens"];
const STOPS_MOST: usize = 4;
const TOOLS_MOST: usize = 128;

/// What is wanted, if OpenAI takes it.
pub(super) fn wants(endpoint: ApiEndpoint, body: &[u8], rules: Rules) -> Result<Wants, Refused> {
    let picked = PickedFields::read(body, WANTED, rules.strict)?;
    if rules.strict {
        known(endpoint, &picked)?;
    }
    for (name, least, most, whole) in BOUNDS {
        within(&picked, name, least, most, whole)?;
    }
    tokens(&picked, rules)?;
    dependent(&picked)?;
    let (tools, must_call) = tools(&picked)?;
    let chat = endpoint == ApiEndpoint::Chat;
    Ok(Wants {
        tools,
        must_call,
        schema: schema(body, &picked, chat)?,
        stop: stop(&picked)?,
        choices: picked.get("n").and_then(Value::as_u64).map_or(1, |n| n as u32),
        logprobs: logprobs(&picked, chat),
        thoughts: None,
    })
}

/// A mistake, as OpenAI tells it.
fn refused(message: String, param: &str, code: Option<&'static str>) -> Refused {
    Refused { message, param: Some(param.to_owned().into()), code }
}

fn known(endpoint: ApiEndpoint, picked: &PickedFields) -> Result<(), Refused> {
    let names = match endpoint {
        ApiEndpoint::Responses => RESPONSES,
        ApiEndpoint::Completions => COMPLETIONS,
        ApiEndpoint::Embeddings => EMBEDDINGS,
        ApiEndpoint::Chat
        | ApiEndpoint::Messages
        | ApiEndpoint::Generate
        // Their arguments are read where they are served.
        | ApiEndpoint::Images
            | ApiEndpoint::ImageEdits
            | ApiEndpoint::ImageVariations
            | ApiEndpoint::Speech
            | ApiEndpoint::Transcriptions
            | ApiEndpoint::Translations => CHAT,
    };
    match picked.others.iter().find(|name| !names.contains(&&***name)) {
        None => Ok(()),
        Some(name) => {
            Err(refused(format!("Unknown parameter: '{name}'."), name, Some("unknown_parameter")))
        }
    }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

fn wrong_type(name: &str, expected: &str, value: &Value) -> Refused {
    let got = kind_of(value);
    let message = format!("Invalid type for '{name}': expected {expected}, but got {got} instead.");
    refused(message, name, Some("invalid_type"))
}

fn within(
    picked: &PickedFields,
    name: &str,
    least: f64,
    most: f64,
    whole: bool,
) -> Result<(), Refused> {
    let Some(value) = picked.get(name) else { return Ok(()) };
    let (kind, above, below) = if whole {
        ("an integer", "integer_above_max_value", "integer_below_min_value")
    } else {
        ("a decimal", "decimal_above_max_value", "decimal_below_min_value")
    };
    let number = value.as_f64().filter(|number| !whole || number.fract() == 0.0);
    let Some(number) = number else { return Err(wrong_type(name, kind, value)) };
    let word = kind.split_once(' ').map_or(kind, |(_, word)| word);
    if number > most {
        let message = format!(
            "Invalid '{name}': {word} above maximum value. Expected a value <= {most}, but got {value} instead."
        );
        return Err(refused(message, name, Some(above)));
    }
    if number < least {
        let message = format!(
            "Invalid '{name}': {word} below minimum value. Expected a value >= {least}, but got {value} instead."
        );
        return Err(refused(message, name, Some(below)));
    }
    Ok(())
}

fn tokens(picked: &PickedFields, rules: Rules) -> Result<(), Refused> {
    for name in TOKENS {
        within(picked, name, 1.0, f64::MAX, true)?;
        let asked = picked.get(name).and_then(Value::as_f64);
        if let (Some(asked), Some(most)) = (asked, rules.max_output_tokens)
            && asked > f64::from(most)
        {
            let message = format!(
                "{name} is too large: {asked}. This model supports at most {most} completion tokens, \
                 whereas you provided {asked}."
            );
            return Err(refused(message, name, Some("invalid_value")));
        }
    }
    Ok(())
}

/// Arguments that need another one.
fn dependent(picked: &PickedFields) -> Result<(), Refused> {
    if picked.get("stream_options").is_some() && !picked.is_true("stream") {
        let message = "The 'stream_options' parameter is only allowed when 'stream' is enabled.";
        return Err(refused(message.to_owned(), "stream_options", None));
    }
    if picked.get("tool_choice").is_some_and(|choice| choice != "none" && choice != "auto")
        && picked.get("tools").is_none()
    {
        let message = "Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are specified.";
        return Err(refused(message.to_owned(), "tool_choice", None));
    }
    // In chat completions it is a flag, in completions a number.
    if picked.get("top_logprobs").is_some() && picked.get("logprobs") == Some(&Value::Bool(false)) {
        let message = "The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled.";
        return Err(refused(message.to_owned(), "top_logprobs", None));
    }
    Ok(())
}

fn stop(picked: &PickedFields) -> Result<Vec<String>, Refused> {
    match picked.get("stop") {
        None => Ok(Vec::new()),
        Some(Value::String(one)) => Ok(vec![one.clone()]),
        Some(Value::Array(all)) if all.len() > STOPS_MOST => {
            let length = all.len();
            let message = format!(
                "Invalid 'stop': array too long. Expected an array with maximum length {STOPS_MOST}, but got \
                 an array with length {length} instead."
            );
            Err(refused(message, "stop", Some("array_above_max_length")))
        }
        Some(value @ Value::Array(all)) => {
            let texts: Option<Vec<_>> =
                all.iter().map(|one| one.as_str().map(str::to_owned)).collect();
            texts.ok_or_else(|| wrong_type("stop", "an array of strings", value))
        }
        Some(value) => Err(wrong_type("stop", "one of an array of strings or a string", value)),
    }
}

fn logprobs(picked: &PickedFields, chat: bool) -> Option<u8> {
    let top = |name: &str| picked.get(name).and_then(Value::as_u64).map(|top| top.min(20) as u8);
    if chat {
        picked.is_true("logprobs").then(|| top("top_logprobs").unwrap_or(0))
    } else {
        top("logprobs")
    }
}

/// The tools that may be called, and whether one must be.
fn tools(picked: &PickedFields) -> Result<(Vec<OfferedTool>, bool), Refused> {
    let Some(Value::Array(declared)) = picked.get("tools") else { return Ok((Vec::new(), false)) };
    if declared.len() > TOOLS_MOST {
        let length = declared.len();
        let message = format!(
            "Invalid 'tools': array too long. Expected an array with maximum length {TOOLS_MOST}, but got an \
             array with length {length} instead."
        );
        return Err(refused(message, "tools", Some("array_above_max_length")));
    }
    // In chat completions a tool stands under `function`, in responses it does not.
    let tools = declared.iter().map(|tool| tool.get("function").unwrap_or(tool));
    let mut tools: Vec<OfferedTool> = tools
        .filter_map(|tool| {
            let schema = tool.get("parameters").cloned();
            let schema = schema.unwrap_or_else(|| serde_json::json!({ "type": "object" }));
            Some(OfferedTool { name: tool.get("name")?.as_str()?.to_owned(), schema })
        })
        .collect();
    let choice = picked.get("tool_choice");
    let named = choice.and_then(|choice| {
        choice.pointer("/function/name").or_else(|| choice.get("name"))?.as_str()
    });
    if let Some(named) = named {
        tools.retain(|tool| tool.name == named);
        if tools.is_empty() {
            let message = format!("Tool choice '{named}' not found in 'tools' parameter.");
            return Err(refused(message, "tool_choice", None));
        }
        return Ok((tools, true));
    }
    Ok(match choice.and_then(Value::as_str) {
        Some("none") => (Vec::new(), false),
        Some("required") => (tools, true),
        _ => (tools, false),
    })
}

/// The schema that the text must fit: of chat completions under `response_format`, of responses under
/// `text.format`.
fn schema(body: &[u8], picked: &PickedFields, chat: bool) -> Result<Option<Value>, Refused> {
    let (format, at) = if chat {
        (picked.get("response_format"), "response_format")
    } else {
        (picked.get("text").and_then(|text| text.get("format")), "text.format")
    };
    let Some(format) = format else { return Ok(None) };
    match format.get("type").and_then(Value::as_str) {
        Some("text") => Ok(None),
        Some("json_object") => {
            if !mentions_json(body) {
                let field = if chat { "messages" } else { "input" };
                let message = format!(
                    "'{field}' must contain the word 'json' in some form, to use '{at}' of type \
                     'json_object'."
                );
                return Err(refused(message, field, None));
            }
            Ok(Some(any_object()))
        }
        Some("json_schema") => {
            let inner = if chat { format.get("json_schema") } else { Some(format) };
            let param = if chat { "response_format.json_schema" } else { "text.format.schema" };
            let missing = |param: &str| {
                let message = format!("Missing required parameter: '{param}'.");
                refused(message, param, Some("missing_required_parameter"))
            };
            let inner = inner.ok_or_else(|| missing(param))?;
            if chat && inner.get("name").is_none() {
                return Err(missing("response_format.json_schema.name"));
            }
            Ok(Some(inner.get("schema").cloned().unwrap_or_else(any_object)))
        }
        _ => {
            let got = format.get("type").map_or_else(|| "null".to_owned(), Value::to_string);
            let message = format!(
                "Invalid value: {got}. Supported values are: 'json_object', 'json_schema', and 'text'."
            );
            Err(refused(message, &format!("{at}.type"), Some("invalid_value")))
        }
    }
}

/// Whether any text of the request has the word: what OpenAI demands of whoever wants an object.
fn mentions_json(body: &[u8]) -> bool {
    fn texts(value: &Value) -> bool {
        match value {
            Value::String(text) => text.to_ascii_lowercase().contains("json"),
            Value::Array(all) => all.iter().any(texts),
            Value::Object(all) => all.values().any(texts),
            Value::Null | Value::Bool(_) | Value::Number(_) => false,
        }
    }
    let picked = PickedFields::read(body, &["messages", "input", "instructions"], false);
    picked.is_ok_and(|picked| picked.fields.values().any(texts))
}
