//! Answers to chats as OpenAI's responses, whole and as a stream of events.

use crate::call::{Reply, RequestedCall, TokenCounts};
use crate::chat::{ChatRequest, FinishReason};
use crate::front::{FrontWriter, NeutralAnswer, NeutralChunk};
use bytes::Bytes;
use serde_json::{Value, json};

/// An answer in one piece.
pub(super) fn response_body(answer: &NeutralAnswer) -> Bytes {
    let none = Reply::default();
    let reply = answer.replies.first().unwrap_or(&none);
    let head = ResponseHead {
        id: response_id(&answer.id),
        created: answer.created,
        model: answer.model.clone(),
    };
    let mut items = Vec::new();
    if !reply.text.is_empty() || reply.calls.is_empty() {
        items.push(Item::message(&head, reply.text.clone()));
    }
    items.extend(reply.calls.iter().map(|call| Item::call(&head, items_before(reply), call)));
    let output: Vec<_> = items.iter().map(|item| item.body("completed")).collect();
    let (_, status, reason) = end_of(reply.finish);
    head.body(status, reason, &output, answer.counts).to_string().into()
}

const fn items_before(reply: &Reply) -> usize {
    if reply.text.is_empty() { 0 } else { 1 }
}

/// What writes the events of a stream.
pub(super) fn response_writer(chat: &ChatRequest) -> Box<dyn FrontWriter> {
    Box::new(ResponseStream {
        head: ResponseHead { id: String::new(), created: 0, model: chat.model.clone() },
        begun: false,
        number: 0,
        items: Vec::new(),
        finish: None,
        counts: None,
        done: false,
    })
}

fn response_id(id: &str) -> String {
    if id.starts_with("resp_") { id.to_owned() } else { format!("resp_{id}") }
}

/// What every event of a response says of it.
#[derive(Debug)]
struct ResponseHead {
    id: String,
    created: u64,
    model: String,
}

impl ResponseHead {
    /// The response as it stands.
    fn body(
        &self,
        status: &str,
        incomplete: Option<&str>,
        output: &[Value],
        counts: Option<TokenCounts>,
    ) -> Value {
        json!({
            "id": self.id,
            "object": "response",
            "created_at": self.created,
            "status": status,
            "error": null,
            "incomplete_details": incomplete.map(|reason| json!({ "reason": reason })),
            "instructions": null,
            "metadata": {},
            "model": self.model,
            "output": output,
            "parallel_tool_calls": true,
            "previous_response_id": null,
            // Nothing is kept of it.
            "store": false,
            "temperature": null,
            "tool_choice": "auto",
            "tools": [],
            "top_p": null,
            "usage": counts.map(usage),
        })
    }
}

fn usage(counts: TokenCounts) -> Value {
    json!({
        "input_tokens": counts.input,
        "input_tokens_details": { "cached_tokens": counts.cached },
        "output_tokens": counts.output,
        "output_tokens_details": { "reasoning_tokens": counts.reasoning },
        "total_tokens": u64::from(counts.input) + u64::from(counts.output),
    })
}

/// The last event of a response that ended so, its status, and why it is incomplete.
const fn end_of(
    finish: Option<FinishReason>,
) -> (&'static str, &'static str, Option<&'static str>) {
    match finish {
        Some(FinishReason::Length) => {
            ("response.incomplete", "incomplete", Some("max_output_tokens"))
        }
        Some(FinishReason::ContentFilter) => {
            ("response.incomplete", "incomplete", Some("content_filter"))
        }
        Some(FinishReason::Stop | FinishReason::ToolCalls | FinishReason::Other) | None => {
            ("response.completed", "completed", None)
        }
    }
}

/// An item of the output.
#[derive(Debug)]
struct Item {
    id: String,
    content: ItemContent,
}

#[derive(Debug)]
enum ItemContent {
    Text(String),
    /// A call, and its place among the calls of the answer.
    Call(u32, RequestedCall),
}

impl Item {
    fn message(head: &ResponseHead, text: String) -> Self {
        Self { id: item_id("msg", head, 0), content: ItemContent::Text(text) }
    }

    fn call(head: &ResponseHead, place: usize, call: &RequestedCall) -> Self {
        Self { id: item_id("fc", head, place), content: ItemContent::Call(0, call.clone()) }
    }

    fn body(&self, status: &str) -> Value {
        let id = &self.id;
        match &self.content {
            ItemContent::Text(text) => {
                let content = if status == "completed" { vec![part(text)] } else { Vec::new() };
                json!({ "id": id, "type": "message", "status": status, "role": "assistant", "content": content })
            }
            ItemContent::Call(_, call) => {
                let RequestedCall { id: call_id, name, arguments, .. } = call;
                json!({ "id": id, "type": "function_call", "status": status, "call_id": call_id, "name": name, "arguments": arguments })
            }
        }
    }
}

fn item_id(kind: &str, head: &ResponseHead, place: usize) -> String {
    let bare = head.id.strip_prefix("resp_").unwrap_or(&head.id);
    format!("{kind}_{bare}_{place}")
}

fn part(text: &str) -> Value {
    json!({ "type": "output_text", "text": text, "annotations": [], "logprobs": [] })
}

/// Writes the events of a response: one item after the other.
#[derive(Debug)]
struct ResponseStream {
    head: ResponseHead,
    begun: bool,
    /// Of the next event.
    number: u64,
    /// The last one is open until the response ends or another begins.
    items: Vec<Item>,
    finish: Option<FinishReason>,
    counts: Option<TokenCounts>,
    done: bool,
}

impl ResponseStream {
    fn event(&mut self, out: &mut Vec<u8>, name: &str, mut data: Value) {
        data["type"] = Value::from(name);
        data["sequence_number"] = Value::from(self.number);
        self.number += 1;
        out.extend_from_slice(format!("event: {name}\ndata: {data}\n\n").as_bytes());
    }

    fn begin(&mut self, chunk: &NeutralChunk, out: &mut Vec<u8>) {
        if std::mem::replace(&mut self.begun, true) {
            return;
        }
        self.head.id = response_id(chunk.id.as_deref().unwrap_or("0"));
        self.head.created = chunk.created.unwrap_or_default();
        if let Some(model) = &chunk.model {
            self.head.model.clone_from(model);
        }
        for name in ["response.created", "response.in_progress"] {
            let response = self.head.body("in_progress", None, &[], None);
            self.event(out, name, json!({ "response": response }));
        }
    }

    fn open(&mut self, item: Item, out: &mut Vec<u8>) {
        self.close(out);
        let (index, added) = (self.items.len(), item.body("in_progress"));
        self.event(
            out,
            "response.output_item.added",
            json!({ "output_index": index, "item": added }),
        );
        if let ItemContent::Text(_) = item.content {
            let data = json!({ "item_id": item.id, "output_index": index, "content_index": 0, "part": part("") });
            self.event(out, "response.content_part.added", data);
        }
        self.items.push(item);
    }

    /// The item that is open has ended.
    fn close(&mut self, out: &mut Vec<u8>) {
        let Some(index) = self.items.len().checked_sub(1) else { return };
        let item = &self.items[index];
        let (id, done) = (item.id.clone(), item.body("completed"));
        match &item.content {
            ItemContent::Text(text) => {
                let (text, whole) = (text.clone(), part(text));
                let data = json!({ "item_id": id, "output_index": index, "content_index": 0, "text": text, "logprobs": [] });
                self.event(out, "response.output_text.done", data);
                let data = json!({ "item_id": id, "output_index": index, "content_index": 0, "part": whole });
                self.event(out, "response.content_part.done", data);
            }
            ItemContent::Call(_, call) => {
                let data = json!({ "item_id": id, "output_index": index, "name": call.name, "arguments": call.arguments });
                self.event(out, "response.function_call_arguments.done", data);
            }
        }
        self.event(
            out,
            "response.output_item.done",
            json!({ "output_index": index, "item": done }),
        );
    }

    fn text(&mut self, text: &str, out: &mut Vec<u8>) {
        if !matches!(self.items.last(), Some(Item { content: ItemContent::Text(_), .. })) {
            let id = item_id("msg", &self.head, self.items.len());
            self.open(Item { id, content: ItemContent::Text(String::new()) }, out);
        }
        let index = self.items.len() - 1;
        let Some(Item { id, content: ItemContent::Text(whole) }) = self.items.last_mut() else {
            return;
        };
        whole.push_str(text);
        let data = json!({ "item_id": id, "output_index": index, "content_index": 0, "delta": text, "logprobs": [] });
        self.event(out, "response.output_text.delta", data);
    }

    fn call(&mut self, place: u32, call: RequestedCall, out: &mut Vec<u8>) {
        let is_it =
            |item: &Item| matches!(&item.content, ItemContent::Call(known, _) if *known == place);
        let arguments = call.arguments.clone();
        if !self.items.iter().any(is_it) {
            let id = match call.id.as_str() {
                "" => format!("call_{place}"),
                id => id.to_owned(),
            };
            let begun = RequestedCall { id, arguments: String::new(), ..call };
            let id = item_id("fc", &self.head, self.items.len());
            self.open(Item { id, content: ItemContent::Call(place, begun) }, out);
        }
        // More of a call behind which another has begun comes too late.
        let index = self.items.len() - 1;
        let Some(Item { id, content: ItemContent::Call(known, whole) }) = self.items.last_mut()
        else {
            return;
        };
        if *known == place && !arguments.is_empty() {
            whole.arguments.push_str(&arguments);
            let data = json!({ "item_id": id, "output_index": index, "delta": arguments });
            self.event(out, "response.function_call_arguments.delta", data);
        }
    }
}

impl FrontWriter for ResponseStream {
    fn chunk(&mut self, mut chunk: NeutralChunk, out: &mut Vec<u8>) {
        self.counts = chunk.counts.or(self.counts);
        let Some(place) = chunk.deltas.iter().position(|delta| delta.index == 0) else { return };
        let said = chunk.deltas.swap_remove(place);
        self.begin(&chunk, out);
        if !said.text.is_empty() {
            self.text(&said.text, out);
        }
        for (place, call) in said.calls {
            self.call(place, call, out);
        }
        self.finish = said.finish.or(self.finish);
    }

    fn done(&mut self, out: &mut Vec<u8>) {
        if !self.begun || std::mem::replace(&mut self.done, true) {
            return;
        }
        self.close(out);
        let (name, status, reason) = end_of(self.finish);
        let output: Vec<_> = self.items.iter().map(|item| item.body("completed")).collect();
        let response = self.head.body(status, reason, &output, self.counts);
        self.event(out, name, json!({ "response": response }));
    }
}
