//! What the sides of a conversation say in Gemini's words, as messages of a chat.

use crate::front::{FrontTurn, TurnCall, TurnContent, TurnPart, UnsupportedFields};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// What one side says.
#[derive(Deserialize)]
pub(super) struct FrontContents {
    role: Option<String>,
    #[serde(default)]
    parts: PartList,
}

/// Parts; one of them may stand without its list.
#[derive(Default)]
struct PartList(Vec<FrontPart>);

impl<'de> Deserialize<'de> for PartList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?.get();
        let read = match raw.as_bytes().first() {
            Some(b'[') => serde_json::from_str(raw),
            _ => serde_json::from_str(raw).map(|part| vec![part]),
        };
        read.map(Self).map_err(|error| D::Error::custom(format_args!("parts: {error}")))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FrontPart {
    text: Option<String>,
    #[serde(default)]
    thought: bool,
    #[serde(alias = "inline_data")]
    inline_data: Option<FrontBlob>,
    #[serde(alias = "file_data")]
    file_data: Option<FrontFile>,
    #[serde(alias = "function_call")]
    function_call: Option<FrontCall>,
    #[serde(alias = "function_response")]
    function_response: Option<FrontResponse>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FrontBlob {
    #[serde(alias = "mime_type", default)]
    mime_type: String,
    data: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FrontFile {
    #[serde(alias = "mime_type", default)]
    mime_type: String,
    #[serde(alias = "file_uri")]
    file_uri: String,
}

#[derive(Deserialize)]
struct FrontCall {
    id: Option<String>,
    name: String,
    args: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
struct FrontResponse {
    id: Option<String>,
    name: String,
    response: Option<Box<RawValue>>,
}

/// The texts of an instruction.
pub(super) fn system_text(system: FrontContents, unsupported: &mut UnsupportedFields) -> String {
    let mut texts = Vec::new();
    for part in system.parts.0 {
        match part.text {
            Some(text) => texts.push(text),
            None => unsupported.add("systemInstruction", "has something that is no text"),
        }
    }
    texts.join("\n\n")
}

/// The conversation. Gemini knows calls by the names of their functions, and OpenAI by ids: those that are missing are
/// made, and what came back belongs to the first call of its name that nothing has come back for.
pub(super) fn push_contents(
    out: &mut Vec<FrontTurn>,
    contents: Vec<FrontContents>,
    unsupported: &mut UnsupportedFields,
) {
    let mut open: Vec<(String, String)> = Vec::new();
    for (place, content) in contents.into_iter().enumerate() {
        let field = format!("contents[{place}]");
        if content.role.as_deref() == Some("model") {
            out.push(model_turn(content.parts.0, place, &field, &mut open, unsupported));
            continue;
        }
        let mut parts = Vec::new();
        for mut part in content.parts.0 {
            match part.function_response.take() {
                Some(response) => out.push(tool_turn(response, &mut open)),
                None => parts.extend(user_part(part, &field, unsupported)),
            }
        }
        if !parts.is_empty() {
            out.push(FrontTurn::User { content: TurnContent::of(parts) });
        }
    }
}

/// Thoughts are a model's own.
fn model_turn(
    parts: Vec<FrontPart>,
    place: usize,
    field: &str,
    open: &mut Vec<(String, String)>,
    unsupported: &mut UnsupportedFields,
) -> FrontTurn {
    let (mut content, mut tool_calls) = (String::new(), Vec::new());
    for part in parts {
        match (part.text, part.function_call) {
            _ if part.thought => {}
            (Some(text), _) => content.push_str(&text),
            (None, Some(call)) => {
                let made = || format!("call_{place}_{}", tool_calls.len());
                let id = call.id.unwrap_or_else(made);
                open.push((call.name.clone(), id.clone()));
                let arguments = call.args.map_or_else(|| "{}".to_owned(), |raw| raw.get().into());
                tool_calls.push(TurnCall::new(id, call.name, arguments));
            }
            (None, None) => unsupported.add(field, "only Gemini has such a part of the model's"),
        }
    }
    let says = !content.is_empty() || tool_calls.is_empty();
    FrontTurn::Assistant { content: says.then_some(content), tool_calls }
}

fn tool_turn(response: FrontResponse, open: &mut Vec<(String, String)>) -> FrontTurn {
    let is_it = |(name, id): &(String, String)| match &response.id {
        Some(known) => known == id,
        None => *name == response.name,
    };
    let found = open.iter().position(is_it).map(|place| open.remove(place).1);
    let tool_call_id = found.or(response.id).unwrap_or(response.name);
    let content = response.response.map_or_else(String::new, |raw| raw.get().to_owned());
    FrontTurn::Tool { tool_call_id, content }
}

fn user_part(
    part: FrontPart,
    field: &str,
    unsupported: &mut UnsupportedFields,
) -> Option<TurnPart> {
    if let Some(text) = part.text {
        return Some(TurnPart::text(text));
    }
    if let Some(FrontBlob { mime_type, data }) = part.inline_data {
        let url = |data: &str| format!("data:{mime_type};base64,{data}");
        match (mime_type.as_str(), mime_type.split('/').next()) {
            (_, Some("image")) => return Some(TurnPart::image(url(&data))),
            ("audio/wav" | "audio/x-wav" | "audio/wave", _) => {
                return Some(TurnPart::audio(data, "wav".to_owned()));
            }
            ("audio/mp3" | "audio/mpeg", _) => {
                return Some(TurnPart::audio(data, "mp3".to_owned()));
            }
            ("application/pdf", _) | (_, Some("text")) => {
                return Some(TurnPart::file(None, url(&data)));
            }
            _ => {
                unsupported.add(field, format!("data of type `{mime_type}` is told to Gemini only"))
            }
        }
        return None;
    }
    match part.file_data {
        Some(file) if file.mime_type.starts_with("image/") => Some(TurnPart::image(file.file_uri)),
        _ => {
            unsupported.add(field, "only Gemini has such a part");
            None
        }
    }
}
