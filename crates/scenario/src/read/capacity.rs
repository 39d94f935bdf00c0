//! How many answers a provider works on at once, and who waits.

use crate::diagnostic::Problem;
use crate::fields::Fields;
use crate::node::Kind;
use crate::shape::{Key, Section, Shape};
use crate::value;
use squall_provider::{BatchSlowdown, Capacity, HungUp, QueueOrder, Shed};

/// A capacity.
pub(crate) static CAPACITY: Section = Section {
    id: "capacity",
    phrase: "a capacity",
    about: "How many answers are worked on at once, and how many requests may wait.",
    keys: &[&[
        Key::required("concurrent", Shape::COUNT, "Answers at once."),
        Key::optional(
            "queue",
            Shape::Either(&[QUEUE, Shape::Word(&["unbounded"])]),
            "0",
            "How many may wait; one more is shed. `unbounded`: as many as come.",
        ),
        Key::optional(
            "order",
            Shape::Word(&["fifo", "lifo"]),
            "fifo",
            "Who comes next: who has waited longest, or who came last.",
        ),
        Key::optional(
            "max_wait",
            Shape::SPAN,
            "for ever",
            "How long one may wait before it is shed: a queue that knows deadlines.",
        ),
        Key::optional(
            "shed",
            Shape::Word(&["503", "529", "429"]),
            "as its vendor",
            "How one is shed: 503 as OpenAI does, 529 as Anthropic, 429 as Azure and Vertex AI.",
        ),
        Key::optional(
            "hung_up",
            Shape::Word(&["cancelled", "dequeued", "finished"]),
            "cancelled",
            "What becomes of the work for a caller that hung up: it stops; or it stops if it has not begun, \
             `dequeued`; or it is done to its end for nobody, `finished`. The last makes overload outlast \
             its cause.",
        ),
        Key::optional(
            "slowdown_at_full",
            Shape::Factor,
            "1x",
            "How many times as long everything takes when all places are taken; in proportion below.",
        ),
    ]],
};

const QUEUE: Shape = Shape::Count(0, u32::MAX as u64 - 1);

/// The capacity under `capacity`.
pub(crate) fn capacity(fields: &Fields<'_>) -> Option<Capacity> {
    let fields = fields.section("capacity")?;
    let queue = queue(&fields).unwrap_or(0);
    let order = match fields.word("order") {
        Some("lifo") => QueueOrder::Lifo,
        _ => QueueOrder::Fifo,
    };
    for name in ["order", "max_wait"] {
        if queue == 0 && fields.get(name).is_some() {
            let message = format!("`{name}` without a queue");
            let problem = Problem::new(fields.key_span(name), message, "of no effect here");
            fields.problems.push(problem.help("add `queue`, or remove it"));
        }
    }
    Some(Capacity {
        queue,
        order,
        max_wait: fields.duration("max_wait"),
        shed: match fields.word("shed") {
            Some("529") => Shed::Overloaded529,
            Some("429") => Shed::Throttled429,
            Some(_) => Shed::Overloaded503,
            None => Shed::Overloaded,
        },
        hung_up: match fields.word("hung_up") {
            Some("dequeued") => HungUp::Dequeued,
            Some("finished") => HungUp::Finished,
            _ => HungUp::Cancelled,
        },
        batch: fields
            .factor_milli("slowdown_at_full")
            .map(|full_milli| BatchSlowdown { full_milli }),
        ..Capacity::of(fields.small_count("concurrent").unwrap_or(1))
    })
}

fn queue(fields: &Fields<'_>) -> Option<u32> {
    let node = fields.get("queue")?;
    if matches!(&node.kind, Kind::Scalar(text) if text.starts_with(|c: char| c.is_ascii_alphabetic()))
    {
        return value::word(node, &["unbounded"], fields.problems).map(|_| u32::MAX);
    }
    let count = value::count(node, 0, u64::from(u32::MAX) - 1, fields.problems)?;
    u32::try_from(count).ok()
}
