//! The stream of another attempt as the rest of the client's.

use super::ContinuationForm;
use super::joint::TextJoint;
use super::so_far::{AnswerSoFar, HEAD, is_nothing};
use crate::json::read_tolerantly;
use crate::{SseDecoder, Usage, push_event};
use serde_json::{Map, Value, json};

/// Thoughts, by whatever name: those of the model that goes on are no part of the answer.
const THOUGHTS: [&str; 5] =
    ["reasoning_content", "reasoning", "reasoning_details", "thinking", "thinking_blocks"];

/// Rewrites the stream of an attempt that goes on with an answer: the chunks bear the id and the model of the first,
/// the role is not said again, what repeats the text so far is left out, and usage is that of all attempts.
#[derive(Debug)]
pub struct StreamSplicer {
    decoder: SseDecoder,
    head: Map<String, Value>,
    joint: TextJoint,
    before: Usage,
}

/// Something came that is no part of a chat's stream.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the stream that was to go on with an answer is no stream of a chat")]
pub struct NoContinuation;

impl StreamSplicer {
    /// For an attempt that goes on from `so_far`, which was told to it in this form. `before` is what the attempts
    /// before it used.
    #[must_use]
    pub fn new(so_far: &AnswerSoFar, form: ContinuationForm, before: Usage, limit: usize) -> Self {
        let exact = form == ContinuationForm::Prefill;
        Self {
            decoder: SseDecoder::with_limit(limit),
            head: so_far.head().clone(),
            joint: TextJoint::behind(so_far.text().to_owned(), exact),
            before,
        }
    }

    /// Takes whole events as the attempt brought them, and writes what the client gets for them.
    ///
    /// # Errors
    /// When an event is longer than the limit, or no chunk.
    pub fn splice(&mut self, events: &[u8], out: &mut Vec<u8>) -> Result<(), NoContinuation> {
        self.decoder.push(events);
        while let Some(event) = self.decoder.next_event().map_err(|_| NoContinuation)? {
            let data = event.data.trim_ascii();
            if data == b"[DONE]" {
                let rest = self.joint.finish();
                if !rest.is_empty() {
                    push_event(out, text_chunk(&self.head, &rest).to_string().as_bytes());
                }
                push_event(out, data);
                continue;
            }
            let parse = |bytes: &[u8]| serde_json::from_slice::<Map<String, Value>>(bytes);
            let mut chunk = read_tolerantly(data, parse).map_err(|_| NoContinuation)?;
            if rewrite(&mut chunk, &self.head, &mut self.joint, self.before) {
                push_event(out, Value::Object(chunk).to_string().as_bytes());
            }
        }
        out.extend_from_slice(self.decoder.take_comments());
        Ok(())
    }
}

/// Makes a chunk one of the client's stream; whether there is anything left in it.
fn rewrite(
    chunk: &mut Map<String, Value>,
    head: &Map<String, Value>,
    joint: &mut TextJoint,
    before: Usage,
) -> bool {
    for field in HEAD {
        match head.get(field) {
            Some(value) => drop(chunk.insert(field.to_owned(), value.clone())),
            None => drop(chunk.remove(field)),
        }
    }
    let has_usage = chunk.get_mut("usage").and_then(Value::as_object_mut).is_some_and(|usage| {
        add(usage, "prompt_tokens", before.input_tokens);
        add(usage, "completion_tokens", before.output_tokens);
        add(usage, "total_tokens", before.input_tokens.saturating_add(before.output_tokens));
        true
    });
    let choices = chunk.get_mut("choices").and_then(Value::as_array_mut);
    let says = choices.is_some_and(|choices| {
        choices.retain_mut(|choice| rewrite_choice(choice, joint));
        !choices.is_empty()
    });
    says || has_usage
}

/// The same of a choice.
fn rewrite_choice(choice: &mut Value, joint: &mut TextJoint) -> bool {
    let ends = choice.get("finish_reason").is_some_and(|reason| !reason.is_null());
    let Some(delta) = choice.get_mut("delta").and_then(Value::as_object_mut) else { return ends };
    delta.remove("role");
    THOUGHTS.iter().for_each(|field| drop(delta.remove(*field)));
    let text = delta.remove("content");
    let calls = delta.values().any(|value| !is_nothing(value));
    let mut new = joint.push(text.as_ref().and_then(Value::as_str).unwrap_or_default());
    if ends || calls {
        new.push_str(&joint.finish());
    }
    if !new.is_empty() {
        delta.insert("content".to_owned(), Value::String(new));
    }
    ends || delta.values().any(|value| !is_nothing(value))
}

fn add(usage: &mut Map<String, Value>, field: &str, more: u32) {
    if let Some(count) = usage.get(field).and_then(Value::as_u64) {
        usage.insert(field.to_owned(), Value::from(count.saturating_add(more.into())));
    }
}

fn text_chunk(head: &Map<String, Value>, text: &str) -> Value {
    let mut chunk = head.clone();
    let choice = json!({ "index": 0, "delta": { "content": text }, "finish_reason": null });
    chunk.insert("choices".to_owned(), json!([choice]));
    Value::Object(chunk)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::ChatRequest;
    use bytes::Bytes;

    const LIMIT: usize = 1 << 16;

    fn chat() -> ChatRequest {
        let body = br#"{"model":"m","messages":[{"role":"user","content":"hi"}],"stream":true}"#;
        ChatRequest::parse(Bytes::from_static(body)).expect("a request")
    }

    fn event(id: &str, delta: &str) -> String {
        format!(
            "data: {{\"id\":\"{id}\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"{id}-model\",\
             \"choices\":[{{\"index\":0,\"delta\":{delta},\"finish_reason\":null}}]}}\n\n"
        )
    }

    fn so_far(deltas: &[&str]) -> AnswerSoFar {
        let mut so_far = AnswerSoFar::new(&chat(), LIMIT);
        deltas.iter().for_each(|delta| so_far.take(event("one", delta).as_bytes()));
        so_far
    }

    const BEGUN: [&str; 3] = [
        r#"{"role":"assistant","content":""}"#,
        r#"{"content":"Once upon a "}"#,
        r#"{"content":"time there was "}"#,
    ];

    /// The chunks that a client gets behind the beginning.
    fn spliced(form: ContinuationForm, events: &[String]) -> Vec<Value> {
        let before = Usage { input_tokens: 10, output_tokens: 7 };
        let mut splicer = StreamSplicer::new(&so_far(&BEGUN), form, before, LIMIT);
        let mut out = Vec::new();
        for event in events {
            splicer.splice(event.as_bytes(), &mut out).expect("a chat's stream");
        }
        let out = String::from_utf8(out).expect("UTF-8");
        let data = out.split("\n\n").filter_map(|event| event.strip_prefix("data: "));
        data.filter(|data| *data != "[DONE]")
            .map(|data| serde_json::from_str(data).expect("JSON"))
            .collect()
    }

    fn text(chunks: &[Value]) -> String {
        let texts =
            chunks.iter().filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str());
        texts.collect()
    }

    fn end(usage: bool) -> Vec<String> {
        let finish = event("two", "{}").replace("null}]", "\"stop\"}]");
        let usage = usage.then(|| {
            "data: {\"id\":\"two\",\"choices\":[],\"usage\":{\"prompt_tokens\":20,\"completion_tokens\":5,\
             \"total_tokens\":25}}\n\n"
                .to_owned()
        });
        [Some(finish), usage, Some("data: [DONE]\n\n".to_owned())].into_iter().flatten().collect()
    }

    #[test]
    fn the_rest_bears_the_names_of_the_beginning_and_no_second_role() {
        let mut events = vec![
            event("two", r#"{"role":"assistant","content":""}"#),
            event("two", r#"{"content":"there was a fox"}"#),
        ];
        events.extend(end(true));
        let chunks = spliced(ContinuationForm::Instruction, &events);
        assert_eq!(text(&chunks), "a fox", "{chunks:?}");
        for chunk in &chunks {
            assert_eq!(chunk["id"], "one", "{chunk}");
            assert_eq!(chunk["choices"][0]["delta"].get("role"), None, "{chunk}");
        }
        assert!(chunks[..2].iter().all(|chunk| chunk["model"] == "one-model"));
        assert_eq!(chunks[1]["choices"][0]["finish_reason"], "stop");
        let usage = &chunks[2]["usage"];
        assert_eq!([&usage["prompt_tokens"], &usage["completion_tokens"]], [30, 12]);
        assert_eq!(usage["total_tokens"], 42);
    }

    #[test]
    fn what_waited_for_more_of_a_repetition_goes_out_with_the_end() {
        let events = [vec![event("two", r#"{"content":"there wa"}"#)], end(false)].concat();
        let chunks = spliced(ContinuationForm::Instruction, &events);
        assert_eq!(text(&chunks), "there wa");
        let unmarked = [event("two", r#"{"content":"there wa"}"#), "data: [DONE]\n\n".to_owned()];
        assert_eq!(text(&spliced(ContinuationForm::Instruction, &unmarked)), "there wa");
    }

    #[test]
    fn thoughts_are_left_out_and_calls_are_not() {
        let events = [
            event("two", r#"{"role":"assistant","reasoning_content":"hm"}"#),
            event("two", r#"{"content":"a fox"}"#),
            event(
                "two",
                r#"{"tool_calls":[{"index":0,"id":"c","function":{"name":"f","arguments":"{}"}}]}"#,
            ),
        ];
        let chunks = spliced(ContinuationForm::Prefill, &events);
        assert_eq!(chunks.len(), 2, "{chunks:?}");
        assert_eq!(text(&chunks), "a fox");
        assert_eq!(chunks[1]["choices"][0]["delta"]["tool_calls"][0]["id"], "c");
    }

    #[test]
    fn what_is_no_chat_is_told() {
        let before = Usage { input_tokens: 0, output_tokens: 0 };
        let form = ContinuationForm::Prefill;
        let mut splicer = StreamSplicer::new(&so_far(&BEGUN), form, before, LIMIT);
        assert_eq!(splicer.splice(b"data: [1]\n\n", &mut Vec::new()), Err(NoContinuation));
    }

    #[test]
    fn the_text_so_far_grows_over_both_attempts() {
        let mut so_far = so_far(&BEGUN);
        let before = Usage { input_tokens: 0, output_tokens: 0 };
        let mut splicer = StreamSplicer::new(&so_far, ContinuationForm::Prefill, before, LIMIT);
        let mut out = Vec::new();
        splicer
            .splice(event("two", r#"{"content":"a fox"}"#).as_bytes(), &mut out)
            .expect("a chunk");
        so_far.take(&out);
        assert!(so_far.can_go_on());
        assert_eq!(so_far.text(), "Once upon a time there was a fox");
    }

    #[test]
    fn the_names_are_those_of_the_first_chunk_with_an_answer() {
        let mut so_far = AnswerSoFar::new(&chat(), LIMIT);
        so_far.take(
            b"data: {\"id\":\"\",\"model\":\"\",\"choices\":[],\"prompt_filter_results\":[]}\n\n",
        );
        BEGUN.iter().for_each(|delta| so_far.take(event("one", delta).as_bytes()));
        assert_eq!(so_far.head()["id"], "one");
        assert!(so_far.can_go_on());
    }

    #[test]
    fn only_plain_text_can_go_on() {
        assert!(!so_far(&BEGUN[..1]).can_go_on(), "there is no text yet");
        assert!(so_far(&BEGUN).can_go_on());
        assert_eq!(so_far(&BEGUN).tokens(), 7);
        let nothing = r#"{"content":"x","refusal":null,"tool_calls":[],"reasoning_content":""}"#;
        assert!(so_far(&[BEGUN[1], nothing]).can_go_on());
        for other in [
            r#"{"tool_calls":[{"index":0}]}"#,
            r#"{"reasoning_content":"hm"}"#,
            r#"{"refusal":"no"}"#,
            r#"{"audio":{"data":"x"}}"#,
            r#"{"content":[{"type":"text"}]}"#,
        ] {
            assert!(!so_far(&[BEGUN[1], other]).can_go_on(), "{other}");
        }
        for change in [
            ("\"index\":0", "\"index\":1"),
            ("\"finish_reason\":null", "\"finish_reason\":\"stop\""),
            ("\"finish_reason\":null", "\"logprobs\":{\"content\":[]}"),
        ] {
            let mut so_far = so_far(&BEGUN);
            so_far.take(event("one", BEGUN[1]).replace(change.0, change.1).as_bytes());
            assert!(!so_far.can_go_on(), "{change:?}");
        }
        let mut long = AnswerSoFar::new(&chat(), 400);
        (0..50).for_each(|_| long.take(event("one", r#"{"content":"more and more"}"#).as_bytes()));
        assert!(!long.can_go_on(), "no more than the limit is kept");
    }
}
