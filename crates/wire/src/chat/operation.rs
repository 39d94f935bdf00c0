//! What OpenAI can be asked for, beside chats: requests and answers that are passed on as they are, read
//! only for what a router needs to know.

use super::completion::{Completion, FinishReason, read_completion};
use super::text::PICTURE_TOKENS;
use super::usage::{OpenAiUsage, Usage};
use crate::BYTES_PER_TOKEN;
use crate::error::{failure_of_body, tells_error};
use crate::json::{Perhaps, read_tolerantly};
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use squall_failure::Failure;
use std::fmt;

/// What a request asks for.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Operation {
    /// The next message of a chat.
    #[default]
    Chat,
    /// The rest of a text: the API before chats.
    Completion,
    /// The vectors of texts.
    Embedding,
    /// A response: the API behind chats.
    Response,
    /// Pictures.
    Image,
    /// Pictures made of others.
    ImageEdit,
    /// Pictures like another.
    ImageVariation,
    /// A text, spoken.
    Speech,
    /// What is said in a recording.
    Transcription,
    /// The same in English.
    Translation,
}

impl Operation {
    /// Every operation.
    pub const ALL: [Self; 10] = [
        Self::Chat,
        Self::Completion,
        Self::Embedding,
        Self::Response,
        Self::Image,
        Self::ImageEdit,
        Self::ImageVariation,
        Self::Speech,
        Self::Transcription,
        Self::Translation,
    ];

    /// Where it is asked for, below the version.
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::Chat => "/chat/completions",
            Self::Completion => "/completions",
            Self::Embedding => "/embeddings",
            Self::Response => "/responses",
            Self::Image => "/images/generations",
            Self::ImageEdit => "/images/edits",
            Self::ImageVariation => "/images/variations",
            Self::Speech => "/audio/speech",
            Self::Transcription => "/audio/transcriptions",
            Self::Translation => "/audio/translations",
        }
    }

    /// The field that holds what the answer is about.
    #[must_use]
    pub const fn subject(self) -> &'static str {
        match self {
            Self::Chat => "messages",
            Self::Completion | Self::Image => "prompt",
            Self::Embedding | Self::Response | Self::Speech => "input",
            Self::ImageEdit | Self::ImageVariation => "image",
            Self::Transcription | Self::Translation => "file",
        }
    }

    /// Whether a stream of it tells its usage only if asked to.
    pub(super) const fn asks_for_usage(self) -> bool {
        matches!(self, Self::Chat | Self::Completion)
    }

    /// Reads an answer in one piece. JSON of another form than OpenAI's is an answer all the same, of which
    /// nothing is known: clients get it as it came.
    ///
    /// # Errors
    /// When it tells an error, or is no JSON object at all.
    pub fn read_answer(self, body: &[u8]) -> Result<Completion, Failure> {
        if let Some(completion) = self.read_usual(body) {
            return Ok(completion);
        }
        let value = read_tolerantly(body, |bytes| serde_json::from_slice::<Value>(bytes));
        match &value {
            Ok(value @ Value::Object(_)) if !tells_error(value) => {
                Ok(Completion { finish: None, usage: None })
            }
            _ => Err(failure_of_body(body, &value)),
        }
    }

    /// Reads an answer of the form that OpenAI has for it.
    fn read_usual(self, body: &[u8]) -> Option<Completion> {
        match self {
            Self::Chat | Self::Completion => read_completion(body),
            Self::Embedding => read_list(body, OpenAiUsage::known_of_prompt),
            Self::Image | Self::ImageEdit | Self::ImageVariation => {
                read_list(body, OpenAiUsage::known)
            }
            Self::Transcription | Self::Translation => read_transcript(body),
            Self::Speech => None,
            Self::Response => {
                let response: ResponseShape = serde_json::from_slice(body).ok()?;
                let is_one = response.object.as_deref() == Some("response");
                (is_one && response.error.is_none()).then(|| response.completion())
            }
        }
    }
}

/// Vectors, or pictures, and what they used.
fn read_list(body: &[u8], used: fn(Perhaps<OpenAiUsage>) -> Option<Usage>) -> Option<Completion> {
    #[derive(Deserialize)]
    struct Shape {
        #[serde(rename = "data")]
        _data: Vec<IgnoredAny>,
        usage: Option<Perhaps<OpenAiUsage>>,
        error: Option<IgnoredAny>,
    }
    let shape: Shape = serde_json::from_slice(body).ok()?;
    let usage = shape.usage.and_then(used);
    shape.error.is_none().then_some(Completion { finish: None, usage })
}

/// A transcript, and what it used where that is counted in tokens.
fn read_transcript(body: &[u8]) -> Option<Completion> {
    #[derive(Deserialize)]
    struct Shape {
        #[serde(rename = "text")]
        _text: String,
        usage: Option<Perhaps<OpenAiUsage>>,
        error: Option<IgnoredAny>,
    }
    let shape: Shape = serde_json::from_slice(body).ok()?;
    let usage = shape.usage.and_then(OpenAiUsage::known);
    shape.error.is_none().then_some(Completion { finish: None, usage })
}

/// A response, whole or as the last event of its stream has it.
#[derive(Deserialize)]
pub(crate) struct ResponseShape {
    object: Option<String>,
    incomplete_details: Option<Incomplete>,
    usage: Option<Perhaps<OpenAiUsage>>,
    pub(crate) error: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Incomplete {
    reason: Option<String>,
}

impl ResponseShape {
    pub(crate) fn completion(self) -> Completion {
        let reason = self.incomplete_details.and_then(|details| details.reason);
        let finish = match reason.as_deref() {
            Some("max_output_tokens") => FinishReason::Length,
            Some("content_filter") => FinishReason::ContentFilter,
            _ => FinishReason::Stop,
        };
        Completion { finish: Some(finish), usage: self.usage.and_then(OpenAiUsage::known) }
    }
}

/// How much there is of something to read, in bytes: its texts, four bytes for a token that is told as a
/// number, what a picture costs, and nothing for what else is attached.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Bulk(pub(super) usize);

impl<'de> Deserialize<'de> for Bulk {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(BulkVisitor)
    }
}

struct BulkVisitor;

/// The fields that weigh otherwise than what stands in them.
#[derive(Deserialize)]
enum RequestField {
    #[serde(rename = "image_url")]
    Picture,
    #[serde(other)]
    Other,
}

impl<'de> Visitor<'de> for BulkVisitor {
    type Value = Bulk;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("something to read")
    }

    fn visit_str<E>(self, text: &str) -> Result<Bulk, E> {
        Ok(Bulk(if text.starts_with("data:") { 0 } else { text.len() }))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Bulk, E> {
        Ok(Bulk(4))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Bulk, E> {
        Ok(Bulk(4))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Bulk, E> {
        Ok(Bulk(4))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Bulk, E> {
        Ok(Bulk(0))
    }

    fn visit_unit<E>(self) -> Result<Bulk, E> {
        Ok(Bulk(0))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Bulk, A::Error> {
        let mut whole = 0;
        while let Some(Bulk(item)) = items.next_element()? {
            whole += item;
        }
        Ok(Bulk(whole))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Bulk, A::Error> {
        let mut whole = 0;
        while let Some(name) = fields.next_key::<RequestField>()? {
            match name {
                RequestField::Picture => {
                    fields.next_value::<IgnoredAny>()?;
                    whole += PICTURE_TOKENS as usize * BYTES_PER_TOKEN;
                }
                RequestField::Other => whole += fields.next_value::<Bulk>()?.0,
            }
        }
        Ok(Bulk(whole))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Usage;
    use squall_failure::FailureClass;

    #[test]
    fn each_answer_tells_what_it_used() {
        let usage = |input_tokens, output_tokens| Some(Usage { input_tokens, output_tokens });
        let text = br#"{"choices":[{"text":"a","index":0,"finish_reason":"length"}],
            "usage":{"prompt_tokens":5,"completion_tokens":7}}"#;
        let read = Operation::Completion.read_answer(text).expect("an answer");
        assert_eq!((read.finish, read.usage), (Some(FinishReason::Length), usage(5, 7)));
        let vectors = br#"{"object":"list","data":[{"embedding":[0.1]}],
            "usage":{"prompt_tokens":8,"total_tokens":8}}"#;
        let read = Operation::Embedding.read_answer(vectors).expect("an answer");
        assert_eq!((read.finish, read.usage), (None, usage(8, 0)));
        let pictures = br#"{"created":1,"data":[{"b64_json":"aa"}],
            "usage":{"input_tokens":6,"output_tokens":90,"total_tokens":96}}"#;
        let read = Operation::Image.read_answer(pictures).expect("an answer");
        assert_eq!((read.finish, read.usage), (None, usage(6, 90)));
        let response = br#"{"object":"response","status":"incomplete",
            "incomplete_details":{"reason":"content_filter"},"error":null,
            "usage":{"input_tokens":36,"output_tokens":87,"total_tokens":123}}"#;
        let read = Operation::Response.read_answer(response).expect("an answer");
        assert_eq!((read.is_filtered(), read.usage), (true, usage(36, 87)));
    }

    #[test]
    fn vectors_tell_the_tokens_of_the_prompt_under_any_name() {
        let usage = |usage: &str| {
            let body = format!(r#"{{"data":[],"usage":{usage}}}"#);
            Operation::Embedding.read_answer(body.as_bytes()).expect("an answer").usage
        };
        let eight = Some(Usage { input_tokens: 8, output_tokens: 0 });
        assert_eq!(usage(r#"{"total_tokens":8}"#), eight);
        assert_eq!(usage(r#"{"prompt_tokens":8.0,"completion_tokens":null}"#), eight);
        assert_eq!(usage(r#"{"prompt_tokens":-1}"#), None);
    }

    #[test]
    fn json_of_another_form_is_an_answer_of_which_nothing_is_known() {
        for body in [
            r#"{"choices":[{"message":{"content":"a \ud83d"},"finish_reason":7}],"usage":"none"}"#,
            r#"{"choices":[],"object":"chat.completion"}"#,
            r#"{"choices":[{"message":{"content":"a"}}],"error":null}"#,
            r#"{"choices":[{"message":{"content":"a"}}],"error":{}}"#,
            r#"{"message":{"role":"assistant","content":"as Ollama has it"},"done":true}"#,
            r#"{"results":[1]}"#,
        ] {
            for operation in Operation::ALL {
                assert!(operation.read_answer(body.as_bytes()).is_ok(), "{operation:?}: {body}");
            }
        }
    }

    #[test]
    fn an_error_with_status_200_is_one_of_its_own_class() {
        let class = |body: &str| {
            let classes = Operation::ALL
                .map(|operation| operation.read_answer(body.as_bytes()).expect_err(body).class);
            assert!(classes.iter().all(|class| *class == classes[0]), "{body}: {classes:?}");
            classes[0]
        };
        for (body, expected) in [
            (r#"{"error":{"message":"Rate limit exceeded","code":429}}"#, FailureClass::Throttled),
            (r#"{"error":{"message":"?","code":"429"}}"#, FailureClass::Throttled),
            (r#"{"error":{"message":"?","type":"server_error"}}"#, FailureClass::Server),
            (r#"{"error":"model is overloaded"}"#, FailureClass::Overloaded),
            (r#"{"detail":"Rate limit reached"}"#, FailureClass::Throttled),
            (r#"{"message":"Invalid API key","code":401}"#, FailureClass::Auth),
            (r#"{"object":"error","message":"?","code":400}"#, FailureClass::BadRequest),
            (
                r#"[{"error":{"code":503,"message":"?","status":"UNAVAILABLE"}}]"#,
                FailureClass::Overloaded,
            ),
            (
                r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#,
                FailureClass::Overloaded,
            ),
            (
                r#"{"choices":[{"error":{"code":502,"message":"?"},"message":{"content":""}}],"error":{"code":502}}"#,
                FailureClass::Server,
            ),
            (
                r#"{"choices":null,"base_resp":{"status_code":1008,"status_msg":"insufficient balance"}}"#,
                FailureClass::QuotaSpent,
            ),
        ] {
            assert_eq!(class(body), expected, "{body}");
        }
    }

    #[test]
    fn what_is_no_json_is_malformed_and_half_of_it_is_cut() {
        for operation in Operation::ALL {
            let class = |body: &str| {
                let failure = operation.read_answer(body.as_bytes()).expect_err(body);
                (failure.class, failure.status)
            };
            for body in ["", " \n", "<html>busy</html>", "busy", "[]", "3", "data: {}\n\n"] {
                assert_eq!(class(body), (FailureClass::Malformed, 200), "{operation:?}: {body}");
            }
            assert_eq!(class(r#"{"choices":[{"mess"#), (FailureClass::Cut, 200), "{operation:?}");
        }
    }

    #[test]
    fn texts_tokens_and_pictures_have_bulk_and_other_attachments_have_none() {
        let bulk = |json: &str| serde_json::from_str::<Bulk>(json).expect("JSON").0;
        assert_eq!(bulk(r#""four""#), 4);
        assert_eq!(bulk(r#"["a","bc"]"#), 3);
        assert_eq!(bulk("[[1,2],[3]]"), 12);
        assert_eq!(
            bulk(r#"[{"content":[{"text":"abc"},{"image_url":"data:image/png;base64,x"}]}]"#),
            3 + 765 * 4
        );
        assert_eq!(bulk(r#"[{"text":"abc"},{"file_data":"data:application/pdf;base64,x"}]"#), 3);
        assert_eq!(bulk("null"), 0);
    }
}
