//! The items that a response is asked for with, as messages of a chat.

use crate::front::{FrontTurn, TurnCall, TurnContent, TurnPart, UnsupportedFields};
use serde::Deserialize;
use serde_json::value::RawValue;

/// An item of the input.
#[derive(Deserialize)]
pub(super) struct InputItem {
    /// A message may leave it out.
    #[serde(rename = "type")]
    kind: Option<String>,
    role: Option<String>,
    content: Option<Box<RawValue>>,
    call_id: Option<String>,
    name: Option<String>,
    arguments: Option<String>,
    output: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
struct InputPart {
    #[serde(rename = "type")]
    kind: String,
    text: Option<String>,
    refusal: Option<String>,
    image_url: Option<String>,
    file_data: Option<String>,
    filename: Option<String>,
    input_audio: Option<ItemAudio>,
}

#[derive(Deserialize)]
struct ItemAudio {
    data: String,
    format: String,
}

impl InputItem {
    /// Those of an input: a text is one of the user's.
    pub(super) fn all(input: Option<&RawValue>) -> serde_json::Result<Vec<Self>> {
        let Some(input) = input else { return Ok(Vec::new()) };
        if input.get().starts_with('[') {
            return serde_json::from_str(input.get());
        }
        let content = Some(input.to_owned());
        Ok(vec![Self {
            kind: None,
            role: None,
            content,
            call_id: None,
            name: None,
            arguments: None,
            output: None,
        }])
    }
}

/// The items as messages. Calls that follow one another, and a text before them, are one message of the assistant's.
pub(super) fn push_items(
    out: &mut Vec<FrontTurn>,
    items: Vec<InputItem>,
    unsupported: &mut UnsupportedFields,
) {
    for (place, item) in items.into_iter().enumerate() {
        let field = format!("input[{place}]");
        match (item.kind.as_deref(), item.role.as_deref()) {
            (None | Some("message"), Some("assistant")) => {
                let text = text_of(item.content.as_deref(), &field, unsupported);
                out.push(FrontTurn::Assistant { content: Some(text), tool_calls: Vec::new() });
            }
            (None | Some("message"), Some("system" | "developer")) => {
                let content = text_of(item.content.as_deref(), &field, unsupported);
                out.push(FrontTurn::System { content });
            }
            (None | Some("message"), Some("user") | None) => {
                let parts = parts_of(item.content.as_deref(), &field, unsupported);
                out.push(FrontTurn::User { content: TurnContent::of(parts) });
            }
            (Some("function_call"), _) => push_call(out, item),
            (Some("function_call_output"), _) => {
                let content = text_of(item.output.as_deref(), &field, unsupported);
                let tool_call_id = item.call_id.unwrap_or_default();
                out.push(FrontTurn::Tool { tool_call_id, content });
            }
            // Thoughts are a model's own.
            (Some("reasoning"), _) => {}
            (Some(kind), _) if kind != "message" => {
                unsupported.add(field, format!("only OpenAI has an item of type `{kind}`"));
            }
            (_, role) => {
                let role = role.unwrap_or_default();
                unsupported.add(field, format!("no role `{role}` is known"));
            }
        }
    }
}

fn push_call(out: &mut Vec<FrontTurn>, item: InputItem) {
    let call = TurnCall::new(
        item.call_id.unwrap_or_default(),
        item.name.unwrap_or_default(),
        item.arguments.unwrap_or_default(),
    );
    match out.last_mut() {
        Some(FrontTurn::Assistant { content, tool_calls }) => {
            *content = content.take().filter(|text| !text.is_empty());
            tool_calls.push(call);
        }
        _ => out.push(FrontTurn::Assistant { content: None, tool_calls: vec![call] }),
    }
}

/// The texts of a content.
fn text_of(content: Option<&RawValue>, field: &str, unsupported: &mut UnsupportedFields) -> String {
    let mut out = String::new();
    for part in parts_of(content, field, unsupported) {
        match part {
            TurnPart::Text { text } => out.push_str(&text),
            _ => unsupported.add(field, "here only texts are known to others"),
        }
    }
    out
}

fn parts_of(
    content: Option<&RawValue>,
    field: &str,
    unsupported: &mut UnsupportedFields,
) -> Vec<TurnPart> {
    let Some(content) = content else { return Vec::new() };
    if content.get().starts_with('[') {
        return match serde_json::from_str::<Vec<InputPart>>(content.get()) {
            Ok(parts) => {
                parts.into_iter().filter_map(|part| part.told(field, unsupported)).collect()
            }
            Err(error) => {
                unsupported.add(field, error.to_string());
                Vec::new()
            }
        };
    }
    match serde_json::from_str(content.get()) {
        Ok(text) => vec![TurnPart::text(text)],
        Err(error) => {
            unsupported.add(field, error.to_string());
            Vec::new()
        }
    }
}

impl InputPart {
    fn told(self, field: &str, unsupported: &mut UnsupportedFields) -> Option<TurnPart> {
        let told = match self.kind.as_str() {
            "input_text" | "output_text" | "text" => self.text.map(TurnPart::text),
            "refusal" => self.refusal.map(TurnPart::text),
            "input_image" => self.image_url.map(TurnPart::image),
            "input_file" => self.file_data.map(|data| TurnPart::file(self.filename, data)),
            "input_audio" => {
                self.input_audio.map(|audio| TurnPart::audio(audio.data, audio.format))
            }
            _ => None,
        };
        if told.is_none() {
            let kind = &self.kind;
            unsupported
                .add(field, format!("a part of type `{kind}` of this form is OpenAI's alone"));
        }
        told
    }
}
