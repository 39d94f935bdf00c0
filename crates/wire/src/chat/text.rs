//! The content of a message or a delta, weighed as it is parsed and not kept.

use crate::RequestToken;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// What is worth knowing of a text: a string, a list of parts of which some are text, or null.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct MeteredText {
    /// Its length.
    pub(crate) bytes: usize,
    /// The token that it begins with.
    pub(crate) token: Option<RequestToken>,
    /// What its pictures cost, in tokens; nothing where there is none.
    pub(crate) picture_tokens: u32,
}

/// What a picture costs by OpenAI's rule for its vision models: 85 tokens in low detail, else 85 and 170 for
/// each tile of 512 pixels. How large it is stands in the picture, which is not decoded here: it is taken for
/// one of 1024 by 1024, which has four tiles.
const LOW_DETAIL_TOKENS: u32 = 85;
pub(super) const PICTURE_TOKENS: u32 = 85 + 4 * 170;

impl MeteredText {
    fn of(text: &str) -> Self {
        Self { bytes: text.len(), token: RequestToken::from_prompt(text), picture_tokens: 0 }
    }
}

impl<'de> Deserialize<'de> for MeteredText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = MeteredText;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string or a list of content parts")
    }

    fn visit_str<E>(self, text: &str) -> Result<MeteredText, E> {
        Ok(MeteredText::of(text))
    }

    fn visit_unit<E>(self) -> Result<MeteredText, E> {
        Ok(MeteredText::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<MeteredText, A::Error> {
        let mut whole = MeteredText::default();
        while let Some(TextPart(part)) = parts.next_element()? {
            whole.bytes += part.bytes;
            whole.token = whole.token.or(part.token);
            whole.picture_tokens = whole.picture_tokens.saturating_add(part.picture_tokens);
        }
        Ok(whole)
    }
}

/// One part of a content list: `{"type":"text","text":"…"}`, or something that is no text.
struct TextPart(MeteredText);

impl<'de> Deserialize<'de> for TextPart {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PartVisitor)
    }
}

struct PartVisitor;

impl<'de> Visitor<'de> for PartVisitor {
    type Value = TextPart;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a content part")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<TextPart, A::Error> {
        let mut text = MeteredText::default();
        let mut picture_tokens = 0;
        while let Some(name) = fields.next_key::<PartField>()? {
            match name {
                PartField::Text => text = fields.next_value()?,
                PartField::Picture => {
                    let ImagePart { tokens } = fields.next_value()?;
                    picture_tokens = tokens;
                }
                PartField::Other => {
                    fields.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(TextPart(MeteredText { picture_tokens, ..text }))
    }
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "lowercase")]
enum PartField {
    Text,
    #[serde(rename = "image_url")]
    Picture,
    #[serde(other)]
    Other,
}

/// A picture: its address, or an object with the detail that it is to be seen in.
struct ImagePart {
    tokens: u32,
}

impl<'de> Deserialize<'de> for ImagePart {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(serde::Deserialize)]
        #[serde(untagged)]
        enum TextOrParts {
            Object { detail: Option<String> },
            Other(IgnoredAny),
        }
        let low = match TextOrParts::deserialize(deserializer)? {
            TextOrParts::Object { detail } => detail.as_deref() == Some("low"),
            TextOrParts::Other(IgnoredAny) => false,
        };
        Ok(Self { tokens: if low { LOW_DETAIL_TOKENS } else { PICTURE_TOKENS } })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str, bytes: usize, token: Option<u64>) {
        let text: MeteredText = serde_json::from_str(json).expect("a text");
        assert_eq!((text.bytes, text.token.map(|token| token.request)), (bytes, token), "{json}");
    }

    #[test]
    fn strings_parts_and_null_are_texts() {
        check(r#""squall-7-1-2 hé\n""#, 17, Some(7));
        check("null", 0, None);
        let parts = r#"[{"type":"text","text":"squall-7-1-2"},{"type":"image_url","image_url":{"url":"x"}},{"text":"ab"}]"#;
        check(parts, 14, Some(7));
    }

    #[test]
    fn a_picture_costs_what_the_vendor_takes_for_its_detail() {
        let cost = |part: &str| {
            let json = format!(r#"[{{"type":"text","text":"what is it?"}},{part}]"#);
            serde_json::from_str::<MeteredText>(&json).expect("a text").picture_tokens
        };
        assert_eq!(cost(r#"{"type":"image_url","image_url":{"url":"x","detail":"low"}}"#), 85);
        for other in
            [r#"{"url":"x","detail":"high"}"#, r#"{"url":"x"}"#, r#""x""#, r#"{"detail":7}"#]
        {
            assert_eq!(
                cost(&format!(r#"{{"type":"image_url","image_url":{other}}}"#)),
                765,
                "{other}"
            );
        }
        assert_eq!(cost(r#"{"type":"text","text":"no picture"}"#), 0);
    }

    #[test]
    fn a_number_is_no_text() {
        assert!(serde_json::from_str::<MeteredText>("3").is_err());
        assert!(serde_json::from_str::<MeteredText>(r#"["a"]"#).is_err());
    }
}
