//! What the sides of a conversation say in Anthropic's words, as messages of a chat.

use crate::front::{FrontTurn, TurnCall, TurnContent, TurnPart, UnsupportedFields};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// Whose words they are.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Speaker {
    User,
    Assistant,
    /// Instructions in the middle of a conversation.
    System,
}

/// A text, or blocks.
pub(super) enum FrontContent {
    Text(String),
    Blocks(Vec<FrontBlock>),
}

impl<'de> Deserialize<'de> for FrontContent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Arguments within are kept as they came, so that the whole is read from its text.
        let raw = <&RawValue>::deserialize(deserializer)?.get();
        let read = match raw.as_bytes().first() {
            Some(b'[') => serde_json::from_str(raw).map(Self::Blocks),
            _ => serde_json::from_str(raw).map(Self::Text),
        };
        read.map_err(|error| D::Error::custom(format_args!("content: {error}")))
    }
}

#[derive(Deserialize)]
pub(super) struct FrontBlock {
    #[serde(rename = "type")]
    kind: String,
    text: Option<String>,
    source: Option<FrontSource>,
    title: Option<String>,
    id: Option<String>,
    name: Option<String>,
    input: Option<Box<RawValue>>,
    tool_use_id: Option<String>,
    content: Option<Box<FrontContent>>,
}

/// Where the bytes of a picture or a document are.
#[derive(Deserialize)]
struct FrontSource {
    #[serde(rename = "type")]
    kind: String,
    media_type: Option<String>,
    data: Option<String>,
    url: Option<String>,
}

impl FrontSource {
    /// An address, or a `data:` URL; nothing for what lies in Anthropic's store, or is content itself.
    fn into_url(self) -> Option<String> {
        match (self.kind.as_str(), self.media_type, self.data, self.url) {
            ("base64", Some(kind), Some(data), _) => Some(format!("data:{kind};base64,{data}")),
            ("url", _, _, Some(url)) => Some(url),
            _ => None,
        }
    }
}

impl FrontContent {
    fn into_blocks(self) -> Vec<FrontBlock> {
        match self {
            Self::Blocks(blocks) => blocks,
            Self::Text(text) => vec![FrontBlock {
                kind: "text".to_owned(),
                text: Some(text),
                source: None,
                title: None,
                id: None,
                name: None,
                input: None,
                tool_use_id: None,
                content: None,
            }],
        }
    }

    /// Its texts, a blank line between them.
    pub(super) fn into_text(self, field: &str, unsupported: &mut UnsupportedFields) -> String {
        let mut texts = Vec::new();
        for block in self.into_blocks() {
            match block.text {
                Some(text) if block.kind == "text" => texts.push(text),
                _ => unsupported.add(field, format!("a block of type `{}` is no text", block.kind)),
            }
        }
        texts.join("\n\n")
    }
}

/// What one side says at this place of the conversation. What tools gave back comes first: OpenAI demands it right
/// behind the calls.
pub(super) fn push_message(
    out: &mut Vec<FrontTurn>,
    side: Speaker,
    content: FrontContent,
    place: usize,
    unsupported: &mut UnsupportedFields,
) {
    let field = format!("messages[{place}]");
    match side {
        Speaker::System => {
            out.push(FrontTurn::System { content: content.into_text(&field, unsupported) });
        }
        Speaker::User => {
            let mut parts = Vec::new();
            for block in content.into_blocks() {
                if block.kind == "tool_result" {
                    out.push(tool_result(block, &field, &mut parts, unsupported));
                } else {
                    parts.extend(user_part(block, &field, unsupported));
                }
            }
            if !parts.is_empty() {
                out.push(FrontTurn::User { content: TurnContent::of(parts) });
            }
        }
        Speaker::Assistant => out.push(assistant(content.into_blocks(), &field, unsupported)),
    }
}

fn user_part(
    block: FrontBlock,
    field: &str,
    unsupported: &mut UnsupportedFields,
) -> Option<TurnPart> {
    match (block.kind.as_str(), block.text, block.source) {
        ("text", Some(text), _) => Some(TurnPart::text(text)),
        ("document", _, Some(FrontSource { kind, data: Some(text), .. })) if kind == "text" => {
            Some(TurnPart::text(text))
        }
        ("image", _, Some(source)) => {
            let url = source.into_url();
            if url.is_none() {
                unsupported.add(field, "a picture of Anthropic's store is not known to others");
            }
            url.map(TurnPart::image)
        }
        ("document", _, Some(source)) => {
            let url = source.into_url().filter(|url| url.starts_with("data:"));
            if url.is_none() {
                unsupported.add(field, "a document is told to others as base64 only");
            }
            url.map(|url| TurnPart::file(block.title, url))
        }
        (kind, ..) => {
            unsupported.add(field, format!("only Anthropic has a block of type `{kind}`"));
            None
        }
    }
}

/// What a tool gave back is a text; pictures among it follow in the user's own message.
fn tool_result(
    block: FrontBlock,
    field: &str,
    pictures: &mut Vec<TurnPart>,
    unsupported: &mut UnsupportedFields,
) -> FrontTurn {
    let mut content = String::new();
    let given = block.content.map(|content| content.into_blocks()).unwrap_or_default();
    for part in given.into_iter().filter_map(|block| user_part(block, field, unsupported)) {
        match part {
            TurnPart::Text { text } => content.push_str(&text),
            other => pictures.push(other),
        }
    }
    FrontTurn::Tool { tool_call_id: block.tool_use_id.unwrap_or_default(), content }
}

/// Thoughts are a model's own, and signed: no other can be told them.
fn assistant(
    blocks: Vec<FrontBlock>,
    field: &str,
    unsupported: &mut UnsupportedFields,
) -> FrontTurn {
    let (mut content, mut tool_calls) = (String::new(), Vec::new());
    for block in blocks {
        match (block.kind.as_str(), block.text) {
            ("text", Some(text)) => content.push_str(&text),
            ("thinking" | "redacted_thinking", _) => {}
            ("tool_use", _) => {
                let arguments = block.input.map_or_else(|| "{}".to_owned(), |raw| raw.get().into());
                let (id, name) = (block.id.unwrap_or_default(), block.name.unwrap_or_default());
                tool_calls.push(TurnCall::new(id, name, arguments));
            }
            (kind, _) => {
                unsupported.add(field, format!("only Anthropic has a block of type `{kind}`"))
            }
        }
    }
    let says = !content.is_empty() || tool_calls.is_empty();
    FrontTurn::Assistant { content: says.then_some(content), tool_calls }
}
