//! A chat in Gemini's words.

use crate::chat::{
    Attachment, Chat, ContentPart, Effort, Shaped, ToolRequirement, Turn, Unsupported, alternating,
};
use bytes::Bytes;
use serde::Serialize;
use serde_json::value::RawValue;

/// What stands for the signature of a call that another vendor's model made, as Google documents it.
const NO_SIGNATURE: &str = "skip_thought_signature_validator";

/// How many seeds there are; OpenAI has the square of it.
const SEEDS: i64 = 1 << 31;

/// Writes the body.
pub(super) fn write_request(chat: Chat<'_>, model: &str) -> Result<Bytes, Unsupported> {
    let declarations = chat.tools.iter().map(|tool| Declaration {
        name: &tool.name,
        description: tool.description.as_deref(),
        parameters_json_schema: tool.parameters,
    });
    let declarations: Vec<_> = declarations.collect();
    let system: Vec<_> = chat.system.into_iter().map(PartBody::text).collect();
    let request = GeminiRequest {
        contents: contents(chat.turns, demands_signatures(model))?,
        system_instruction: (!system.is_empty())
            .then_some(RequestContent { role: None, parts: system }),
        tool_config: chat.tool_choice.filter(|_| !declarations.is_empty()).map(tool_config),
        tools: (!declarations.is_empty())
            .then_some([FunctionDeclaration { function_declarations: declarations }]),
        generation_config: GenerationConfig {
            max_output_tokens: chat.max_tokens,
            temperature: chat.temperature,
            top_p: chat.top_p,
            stop_sequences: chat.stop,
            seed: chat.seed.map(|seed| seed.rem_euclid(SEEDS)),
            candidate_count: (chat.answers > 1).then_some(chat.answers),
            presence_penalty: chat.presence_penalty,
            frequency_penalty: chat.frequency_penalty,
            response_mime_type: chat.shaped.map(|_| "application/json"),
            response_json_schema: match chat.shaped {
                Some(Shaped::Schema(schema)) => Some(schema),
                _ => None,
            },
            thinking_config: chat.effort.map(thinking),
        },
    };
    let body = serde_json::to_vec(&request)
        .map_err(|error| Unsupported::here("body", format!("cannot be written: {error}")))?;
    Ok(body.into())
}

/// The budgets that Google's own OpenAI endpoint gives to each word.
const fn thinking(effort: Effort) -> ThinkingConfig {
    let thinking_budget = match effort {
        Effort::None => 0,
        Effort::Minimal | Effort::Low => 1_024,
        Effort::Medium => 8_192,
        Effort::High | Effort::XHigh => 24_576,
    };
    ThinkingConfig { thinking_budget, include_thoughts: thinking_budget > 0 }
}

/// From its third generation on, Gemini refuses calls in a history without the signatures that it gave.
fn demands_signatures(model: &str) -> bool {
    let name = model.rsplit('/').next().unwrap_or(model);
    let generation = name.strip_prefix("gemini-").and_then(|rest| rest.chars().next());
    generation.and_then(|digit| digit.to_digit(10)).is_some_and(|generation| generation >= 3)
}

/// What tools gave back is the user's.
fn contents(turns: Vec<Turn>, signatures: bool) -> Result<Vec<RequestContent>, Unsupported> {
    let write = |turn| {
        Ok(match turn {
            Turn::User(parts) => ("user", parts_of(parts)?),
            Turn::Assistant { parts, calls } => {
                let mut parts = parts_of(parts)?;
                for (place, call) in calls.into_iter().enumerate() {
                    // Of calls side by side, only the first has one.
                    let missing = (signatures && place == 0).then(|| NO_SIGNATURE.to_owned());
                    parts.push(PartBody {
                        function_call: Some(RequestFunctionCall {
                            name: call.name,
                            args: call.arguments,
                        }),
                        thought_signature: call.thought_signature.or(missing),
                        ..PartBody::default()
                    });
                }
                ("model", parts)
            }
            Turn::Tool { id, name, parts } => ("user", vec![tool_result(&id, name, parts)?]),
        })
    };
    alternating(turns, write, |role, parts| RequestContent { role: Some(role), parts })
}

/// Gemini knows results by the function's name, and takes objects only.
fn tool_result(id: &str, name: String, parts: Vec<ContentPart>) -> Result<PartBody, Unsupported> {
    if name.is_empty() {
        let why = format!("no call before it has the id `{id}`");
        return Err(Unsupported::anywhere("messages.tool_call_id", why));
    }
    let mut text = String::new();
    for part in parts {
        text.push_str(&part.into_text("messages")?);
    }
    let object = Some(text.trim()).filter(|text| text.starts_with('{'));
    let response = match object.and_then(|text| RawValue::from_string(text.to_owned()).ok()) {
        Some(object) => object,
        None => serde_json::value::to_raw_value(&serde_json::json!({ "result": text }))
            .map_err(|error| Unsupported::here("messages", error.to_string()))?,
    };
    Ok(PartBody {
        function_response: Some(FunctionResponse { name, response }),
        ..PartBody::default()
    })
}

fn parts_of(parts: Vec<ContentPart>) -> Result<Vec<PartBody>, Unsupported> {
    let filled = parts
        .into_iter()
        .filter(|part| !matches!(part, ContentPart::Text(text) if text.is_empty()));
    filled.map(part_of).collect()
}

fn part_of(part: ContentPart) -> Result<PartBody, Unsupported> {
    let attachment = match part {
        ContentPart::Text(text) => return Ok(PartBody::text(text)),
        ContentPart::Image(image) => image,
        ContentPart::File { content, .. } => content,
        ContentPart::Audio { data, format } => {
            let media_type = match format.as_str() {
                "mp3" => "audio/mpeg".to_owned(),
                format => format!("audio/{format}"),
            };
            Attachment::Inline { media_type, data }
        }
    };
    Ok(match attachment {
        Attachment::Inline { media_type, data } => PartBody {
            inline_data: Some(RequestBlob { mime_type: media_type, data }),
            ..PartBody::default()
        },
        Attachment::Url(url) => {
            let mime_type = media_type(&url).ok_or_else(|| {
                let why = "Gemini must be told the type of a file, and this address does not: \
                           send it as a `data:` URL";
                Unsupported::here("messages.content", why)
            })?;
            PartBody {
                file_data: Some(FileData { mime_type, file_uri: url }),
                ..PartBody::default()
            }
        }
    })
}

/// The type that the end of an address tells.
fn media_type(url: &str) -> Option<&'static str> {
    let path = url.split(['?', '#']).next()?;
    let (_, end) = path.rsplit_once('.')?;
    Some(match end.to_ascii_lowercase().as_str() {
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "gif" => "image/gif",
        "heic" => "image/heic",
        "heif" => "image/heif",
        "pdf" => "application/pdf",
        _ => return None,
    })
}

fn tool_config(choice: ToolRequirement) -> ToolConfig {
    let (mode, allowed_function_names) = match choice {
        ToolRequirement::Auto => ("AUTO", Vec::new()),
        ToolRequirement::None => ("NONE", Vec::new()),
        ToolRequirement::Required => ("ANY", Vec::new()),
        ToolRequirement::Function(name) => ("ANY", vec![name]),
    };
    ToolConfig { function_calling_config: FunctionCallingConfig { mode, allowed_function_names } }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GeminiRequest<'a> {
    contents: Vec<RequestContent>,
    #[serde(skip_serializing_if = "Option::is_none")]
    system_instruction: Option<RequestContent>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tools: Option<[FunctionDeclaration<'a>; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_config: Option<ToolConfig>,
    generation_config: GenerationConfig<'a>,
}

#[derive(Serialize)]
struct RequestContent {
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
    parts: Vec<PartBody>,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct PartBody {
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    inline_data: Option<RequestBlob>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_data: Option<FileData>,
    #[serde(skip_serializing_if = "Option::is_none")]
    function_call: Option<RequestFunctionCall>,
    #[serde(skip_serializing_if = "Option::is_none")]
    function_response: Option<FunctionResponse>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thought_signature: Option<String>,
}

impl PartBody {
    fn text(text: String) -> Self {
        Self { text: Some(text), ..Self::default() }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RequestBlob {
    mime_type: String,
    data: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FileData {
    mime_type: &'static str,
    file_uri: String,
}

#[derive(Serialize)]
struct RequestFunctionCall {
    name: String,
    args: Box<RawValue>,
}

#[derive(Serialize)]
struct FunctionResponse {
    name: String,
    response: Box<RawValue>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FunctionDeclaration<'a> {
    function_declarations: Vec<Declaration<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Declaration<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters_json_schema: Option<&'a RawValue>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ToolConfig {
    function_calling_config: FunctionCallingConfig,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FunctionCallingConfig {
    mode: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    allowed_function_names: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GenerationConfig<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    max_output_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stop_sequences: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    candidate_count: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    presence_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frequency_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_mime_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_json_schema: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking_config: Option<ThinkingConfig>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ThinkingConfig {
    thinking_budget: u32,
    include_thoughts: bool,
}

#[cfg(test)]
mod tests;
