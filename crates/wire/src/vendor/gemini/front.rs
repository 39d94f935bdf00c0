//! Gemini contents of a client in front, as a chat.

use super::front_answer::{content_body, content_writer};
use super::front_contents::{FrontContents, push_contents, system_text};
use crate::call::{Stamp, Whole};
use crate::chat::{ChatRequest, FrontApi, NativeRequest, RequestError};
use crate::front::{
    FrontChat, FrontFormat, FrontPath, FrontResponseFormat, FrontStream, FrontToolBody,
    FrontToolChoice, FrontTurn, NeutralAnswer, UnsupportedFields,
};
use bytes::Bytes;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use squall_failure::Failure;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Gemini's contents.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GeminiFront;

impl FrontFormat for GeminiFront {
    /// Google's own take every line for data.
    fn skips_comments(&self) -> bool {
        false
    }

    fn read(&self, path: &FrontPath, body: Bytes) -> Result<ChatRequest, RequestError> {
        read(path, body)
    }

    fn whole(&self, answer: &Whole, chat: &ChatRequest, stamp: &Stamp) -> Result<Whole, Failure> {
        let body = content_body(&NeutralAnswer::of(answer, stamp)?, chat);
        Ok(Whole { body, completion: answer.completion })
    }

    fn stream(&self, chat: &ChatRequest) -> FrontStream {
        FrontStream::new(content_writer(chat), self.skips_comments())
    }
}

fn read(path: &FrontPath, body: Bytes) -> Result<ChatRequest, RequestError> {
    let model = path.model.clone().ok_or(RequestError::NoModel)?;
    let read = ChatRequest::readable(&body);
    let asked: GenerateBody<'_> = RequestError::read(&read)?;
    let contents = asked.contents.filter(|contents| !contents.is_empty());
    let contents = contents.ok_or(RequestError::NoSubject("contents"))?;
    let mut unsupported = UnsupportedFields::default();
    let mut chat = FrontChat { model, stream: path.stream, ..FrontChat::default() };
    if asked.cached_content.is_some() {
        unsupported.add("cachedContent", "only Gemini has it");
    }
    if let Some(system) = asked.system_instruction {
        let content = system_text(system, &mut unsupported);
        chat.messages.push(FrontTurn::System { content });
    }
    push_contents(&mut chat.messages, contents, &mut unsupported);
    chat.tools = tools(asked.tools.unwrap_or_default(), &mut unsupported);
    if let Some(config) = asked.tool_config.and_then(|config| config.function_calling_config) {
        config.tell(&mut chat);
    }
    let config = asked.generation_config.unwrap_or_default();
    let thoughts = config.thinking_config.as_ref().is_some_and(|config| config.include_thoughts);
    config.tell(&mut chat, &mut unsupported);
    let native = NativeRequest { body, model: None, only: unsupported.first, thoughts };
    ChatRequest::of_front(FrontApi::Contents, chat.to_bytes(), native)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GenerateBody<'a> {
    contents: Option<Vec<FrontContents>>,
    #[serde(alias = "system_instruction")]
    system_instruction: Option<FrontContents>,
    #[serde(borrow)]
    tools: Option<Vec<BTreeMap<&'a str, &'a RawValue>>>,
    #[serde(alias = "tool_config")]
    tool_config: Option<AskedToolConfig>,
    #[serde(alias = "generation_config", borrow)]
    generation_config: Option<AskedGeneration<'a>>,
    #[serde(alias = "cached_content")]
    cached_content: Option<IgnoredAny>,
}

/// The functions among the tools.
fn tools<'a>(
    asked: Vec<BTreeMap<&'a str, &'a RawValue>>,
    unsupported: &mut UnsupportedFields,
) -> Vec<FrontToolBody<'a>> {
    let mut tools = Vec::new();
    for (name, raw) in asked.into_iter().flatten() {
        if !matches!(name, "functionDeclarations" | "function_declarations") {
            unsupported.add("tools", format!("only Gemini has the tool `{name}`"));
            continue;
        }
        match serde_json::from_str::<Vec<FrontDeclaration<'_>>>(raw.get()) {
            Ok(functions) => tools.extend(functions.into_iter().map(FrontDeclaration::told)),
            Err(error) => unsupported.add("tools", error.to_string()),
        }
    }
    tools
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FrontDeclaration<'a> {
    name: String,
    description: Option<String>,
    #[serde(borrow)]
    parameters: Option<&'a RawValue>,
    #[serde(alias = "parameters_json_schema", borrow)]
    parameters_json_schema: Option<&'a RawValue>,
}

impl<'a> FrontDeclaration<'a> {
    fn told(self) -> FrontToolBody<'a> {
        let own = || self.parameters.map(json_schema);
        let schema = self.parameters_json_schema.map(Cow::Borrowed).or_else(own);
        FrontToolBody::new(self.name, self.description, schema, None)
    }
}

/// A schema of Google's as one of JSON: its types are in capitals. All else stays where it is.
fn json_schema(schema: &RawValue) -> Cow<'_, RawValue> {
    const TYPES: [&str; 7] = ["STRING", "NUMBER", "INTEGER", "BOOLEAN", "ARRAY", "OBJECT", "NULL"];
    let mut out = schema.get().to_owned();
    for (at, key) in schema.get().match_indices("\"type\"") {
        let rest = schema.get()[at + key.len()..].trim_start();
        let Some(rest) = rest.strip_prefix(':').map(str::trim_start) else { continue };
        let start = schema.get().len() - rest.len() + 1;
        let word = TYPES.into_iter().find(|word| {
            rest.get(1..)
                .is_some_and(|rest| rest.strip_prefix(word).is_some_and(|end| end.starts_with('"')))
        });
        if let Some(word) = word.filter(|_| rest.starts_with('"')) {
            out.replace_range(start..start + word.len(), &word.to_ascii_lowercase());
        }
    }
    RawValue::from_string(out).map_or(Cow::Borrowed(schema), Cow::Owned)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AskedToolConfig {
    #[serde(alias = "function_calling_config")]
    function_calling_config: Option<CallingConfig>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CallingConfig {
    mode: Option<String>,
    #[serde(alias = "allowed_function_names")]
    allowed_function_names: Option<Vec<String>>,
}

impl CallingConfig {
    /// Of several functions that must be called, the others are not offered at all.
    fn tell(self, chat: &mut FrontChat<'_>) {
        if chat.tools.is_empty() {
            return;
        }
        let allowed = self.allowed_function_names.unwrap_or_default();
        chat.tool_choice = match (self.mode.as_deref(), allowed.as_slice()) {
            (Some("NONE"), _) => Some(FrontToolChoice::Word("none")),
            (Some("ANY"), [name]) => Some(FrontToolChoice::named(name.clone())),
            (Some("ANY"), names) => {
                if !names.is_empty() {
                    chat.tools.retain(|tool| names.iter().any(|name| name == tool.name()));
                }
                Some(FrontToolChoice::Word("required"))
            }
            _ => Some(FrontToolChoice::Word("auto")),
        };
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct AskedGeneration<'a> {
    temperature: Option<f64>,
    #[serde(alias = "top_p")]
    top_p: Option<f64>,
    #[serde(alias = "max_output_tokens")]
    max_output_tokens: Option<u32>,
    #[serde(alias = "candidate_count")]
    candidate_count: Option<u32>,
    #[serde(alias = "stop_sequences")]
    stop_sequences: Option<Vec<String>>,
    seed: Option<i64>,
    #[serde(alias = "presence_penalty")]
    presence_penalty: Option<f64>,
    #[serde(alias = "frequency_penalty")]
    frequency_penalty: Option<f64>,
    #[serde(alias = "response_mime_type")]
    response_mime_type: Option<String>,
    #[serde(alias = "response_schema", borrow)]
    response_schema: Option<&'a RawValue>,
    #[serde(alias = "response_json_schema", borrow)]
    response_json_schema: Option<&'a RawValue>,
    #[serde(alias = "thinking_config")]
    thinking_config: Option<AskedThinking>,
    #[serde(alias = "response_modalities")]
    response_modalities: Option<Vec<String>>,
    #[serde(alias = "response_logprobs")]
    response_logprobs: Option<bool>,
    #[serde(alias = "speech_config")]
    speech_config: Option<IgnoredAny>,
}

impl<'a> AskedGeneration<'a> {
    fn tell(self, chat: &mut FrontChat<'a>, unsupported: &mut UnsupportedFields) {
        let modalities = self.response_modalities.unwrap_or_default();
        for (field, asked) in [
            ("responseModalities", modalities.iter().any(|word| word != "TEXT")),
            ("responseLogprobs", self.response_logprobs == Some(true)),
            ("speechConfig", self.speech_config.is_some()),
        ] {
            if asked {
                unsupported
                    .add(format!("generationConfig.{field}"), "only Gemini's own format has it");
            }
        }
        chat.temperature = self.temperature;
        chat.top_p = self.top_p;
        chat.max_completion_tokens = self.max_output_tokens;
        chat.n = self.candidate_count.filter(|count| *count > 1);
        chat.stop = self.stop_sequences.unwrap_or_default();
        chat.seed = self.seed;
        chat.presence_penalty = self.presence_penalty;
        chat.frequency_penalty = self.frequency_penalty;
        chat.reasoning_effort = self.thinking_config.and_then(|config| config.effort());
        let given = self.response_json_schema.map(Cow::Borrowed);
        let schema = given.or_else(|| self.response_schema.map(json_schema));
        let is_json = self.response_mime_type.as_deref() == Some("application/json");
        chat.response_format = match schema.filter(|_| is_json) {
            Some(schema) => Some(FrontResponseFormat::schema(None, schema, None)),
            None => is_json.then_some(FrontResponseFormat::JsonObject),
        };
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct AskedThinking {
    #[serde(alias = "include_thoughts")]
    include_thoughts: bool,
    #[serde(alias = "thinking_budget")]
    thinking_budget: Option<i64>,
    #[serde(alias = "thinking_level")]
    thinking_level: Option<String>,
}

impl AskedThinking {
    /// How hard to think, in OpenAI's words: the budgets are those that the words stand for on their way to Gemini. A
    /// budget below 0 leaves it to the model.
    fn effort(self) -> Option<&'static str> {
        let level = self.thinking_level.map(|level| level.to_ascii_lowercase());
        let level = level.and_then(|level| {
            ["minimal", "low", "medium", "high"].into_iter().find(|word| *word == level)
        });
        level.or(match self.thinking_budget? {
            0 => Some("none"),
            1..=1_024 => Some("low"),
            1_025..=8_192 => Some("medium"),
            8_193.. => Some("high"),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_of_a_schema_are_written_as_json_has_them_and_all_else_stays() {
        let schema = |text: &str| RawValue::from_string(text.to_owned()).expect("JSON");
        for (own, json) in [
            (
                r#"{"type": "OBJECT","properties":{"type":{"type":"STRING","enum":["OBJECT"]}}}"#,
                r#"{"type": "object","properties":{"type":{"type":"string","enum":["OBJECT"]}}}"#,
            ),
            (r#"{"type":"object"}"#, r#"{"type":"object"}"#),
            (r#"{"type":["STRING"],"type" : "é"}"#, r#"{"type":["STRING"],"type" : "é"}"#),
            (
                r#"{"b":1,"a":2,"description":"\"type\":\"STRING\""}"#,
                r#"{"b":1,"a":2,"description":"\"type\":\"STRING\""}"#,
            ),
        ] {
            assert_eq!(json_schema(&schema(own)).get(), json);
        }
    }
}
