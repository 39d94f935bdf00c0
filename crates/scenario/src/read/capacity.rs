//! How many answers a provider works on at once, and who waits.

use crate::diagnostic::{Problem, Problems};
use crate::fields::Fields;
use crate::node::{Node, NodeKind};
use crate::schema::Schema;
use crate::settings::{
    Count, In, Maybe, Required, Span, Told, ValueKind, Word, Written, count, factor, settings,
    vocabulary,
};
use crate::{unit, value};
use squall_provider::{BatchSlowdown, Capacity, OnDisconnect, OverloadResponse, QueueOrder};

settings! {
    /// A capacity.
    pub(crate) static CAPACITY: Capacity = (
        "capacity",
        "a capacity",
        "Concurrency and queueing of a provider.",
        check
    );
    /// Requests served concurrently.
    concurrent: Required(Count::<u32>::SOME);
    /// Queue length; requests beyond it are shed. `unbounded`: no limit.
    queue: QueueLength;
    /// Queue order: oldest first or newest first.
    order: Told(Word(&ORDERS), "`fifo` if there is a queue");
    /// Maximum time in the queue before a request is shed.
    max_wait: Maybe(Span, "unlimited");
    /// Status for shed requests: 503 as OpenAI, 529 as Anthropic, 429 as Azure and Vertex AI.
    shed: ShedKind;
    /// What happens to the work when the caller disconnects: it stops, `cancelled`; it stops only if still
    /// queued, `dequeued`; or it runs to its end, `finished`, which makes overload outlast its cause.
    #[was("hung_up")]
    on_disconnect => on_disconnect: Word(&ON_DISCONNECT);
    /// Latency factor at full concurrency; proportional below.
    slowdown_at_full => batch: SlowdownAtFull;
}

vocabulary! {
    static ORDERS: QueueOrder = "fifo" => QueueOrder::Fifo, "lifo" => QueueOrder::Lifo;
}

vocabulary! {
    static ON_DISCONNECT: OnDisconnect =
        "cancelled" => OnDisconnect::Cancelled,
        "dequeued" => OnDisconnect::Dequeued,
        "finished" => OnDisconnect::Finished,
    ;
}

/// How one is shed: a status, unless it is the vendor's own.
struct ShedKind;

const SHED: &[&str] = &["503", "529", "429"];

impl ValueKind for ShedKind {
    type Value = OverloadResponse;

    fn shape(&self) -> Schema {
        Schema::Word(SHED)
    }

    fn read(
        &self,
        node: &Node,
        _: &OverloadResponse,
        problems: &Problems,
    ) -> Option<OverloadResponse> {
        Some(match value::word(node, SHED, problems)? {
            "529" => OverloadResponse::Overloaded529,
            "429" => OverloadResponse::Throttled429,
            _ => OverloadResponse::Overloaded503,
        })
    }

    fn write(&self, shed: &OverloadResponse) -> Written {
        match shed {
            OverloadResponse::Overloaded => Written::Unset,
            OverloadResponse::Overloaded503 => Written::plain("503"),
            OverloadResponse::Overloaded529 => Written::plain("529"),
            OverloadResponse::Throttled429 => Written::plain("429"),
        }
    }

    fn default_text(&self, _: &OverloadResponse) -> String {
        "as the vendor does".to_owned()
    }
}

/// A number of places, or `unbounded`.
struct QueueLength;

const UNBOUNDED: &[&str] = &["unbounded"];
const LENGTH: Schema = Schema::Count(0, u32::MAX as u64 - 1);

impl ValueKind for QueueLength {
    type Value = u32;

    fn shape(&self) -> Schema {
        const FORMS: &[Schema] = &[LENGTH, Schema::Word(UNBOUNDED)];
        Schema::Either(FORMS)
    }

    fn read(&self, node: &Node, _: &u32, problems: &Problems) -> Option<u32> {
        let is_word = |text: &str| text.starts_with(|c: char| c.is_ascii_alphabetic());
        if matches!(&node.kind, NodeKind::Scalar(text) if is_word(text)) {
            return value::word(node, UNBOUNDED, problems).map(|_| u32::MAX);
        }
        let count = value::count(node, 0, u64::from(u32::MAX) - 1, problems)?;
        u32::try_from(count).ok()
    }

    fn write(&self, length: &u32) -> Written {
        match *length {
            u32::MAX => Written::plain("unbounded"),
            length => Written::plain(count(u64::from(length))),
        }
    }
}

/// A factor, where 1 is no slowdown at all.
struct SlowdownAtFull;

impl ValueKind for SlowdownAtFull {
    type Value = Option<BatchSlowdown>;

    fn shape(&self) -> Schema {
        Schema::Factor
    }

    fn read(&self, node: &Node, _: &Self::Value, problems: &Problems) -> Option<Self::Value> {
        let full_milli = value::parsed(node, &Schema::Factor, problems, unit::factor_milli)?;
        Some(Some(BatchSlowdown { full_milli }))
    }

    fn write(&self, slowdown: &Self::Value) -> Written {
        Written::plain(factor(slowdown.map_or(1_000, |slowdown| slowdown.full_milli)))
    }
}

fn check(fields: &Fields<'_>, capacity: &Capacity) {
    if capacity.queue > 0 {
        return;
    }
    // The default is a mistake here as well: whoever writes it expects a queue.
    for name in ["order", "max_wait"].into_iter().filter(|name| fields.get(name).is_some()) {
        let message = format!("`{name}` without a queue");
        let problem = Problem::new(fields.key_span(name), message, "of no effect here");
        fields.problems.push(problem.help("add `queue`, or remove it"));
    }
}

/// The capacity under `capacity`.
pub(crate) fn capacity(fields: &Fields<'_>) -> Option<Capacity> {
    In(&CAPACITY).read(fields.get("capacity")?, &Capacity::default(), fields.problems)
}
