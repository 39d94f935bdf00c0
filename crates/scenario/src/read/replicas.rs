//! Replicas of the gateway, and the state that they share through a store.

use super::distribution::{self, DURATION_DISTRIBUTION};
use crate::diagnostic::Problem;
use crate::fields::Fields;
use crate::model::{GatewayReplicas, SharedStateSettings, StoreFault, StoreFaultKind};
use crate::schema::{Key, Schema, Section};
use core::time::Duration;
use squall_determinism::Distribution;
use squall_router::shared_state::{ReplicaConfig, StoreConfig};

/// The keys of replicas, under `gateway`.
pub(crate) const REPLICAS: &[Key] = &[
    Key::optional(
        "replicas",
        Schema::Count(1, 1_000),
        "1",
        "Number of replicas of the gateway. A load balancer gives them requests in turn. A run with several has no \
         journal.",
    ),
    Key::optional(
        "shared_state",
        Schema::Section(&SHARED_STATE),
        "none",
        "Rate limits, spend budgets, cooldowns and probes are shared by all replicas, through a store. Without it, each replica has the \
         whole of every limit.",
    ),
];

static SHARED_STATE: Section = Section {
    id: "shared-state",
    phrase: "shared state",
    about: "What replicas of the gateway share: each draws slices of the quota of requests and tokens per minute, and of \
         spend budgets, so that all together stay within the limit in every rolling window; a cooldown or open circuit is known to all; one of \
         them probes. While the store is away, each uses limit / replicas.",
    keys: &[&[
        Key::optional(
            "sync_interval",
            Schema::SPAN,
            "250ms",
            "Between two requests of a replica to the store. At most half of `lease`.",
        ),
        Key::optional(
            "store_timeout",
            Schema::SPAN,
            "200ms",
            "How long an answer of the store may take; then it is asked again.",
        ),
        Key::optional(
            "lease",
            Schema::SPAN,
            "1s",
            "How long quota in hand is valid. A replica that does not hear from the store for so long goes by its share.",
        ),
        Key::optional(
            "forget_after",
            Schema::SPAN,
            "10m",
            "After how long without a word from a replica its share is given to the others.",
        ),
        Key::optional("store", Schema::Section(&STORE), "as below", "The store, in virtual time."),
    ]],
};

static STORE: Section = Section {
    id: "shared-store",
    phrase: "the store of shared state",
    about: "The store of shared state in virtual time: its latency and its faults.",
    keys: &[&[
        Key::optional(
            "latency",
            DURATION_DISTRIBUTION,
            "1ms",
            "Time from a request to its answer.",
        ),
        Key::optional("loss", Schema::Percent, "0%", "Share of messages lost, each way."),
        Key::optional(
            "faults",
            Schema::List(&Schema::Section(&FAULT)),
            "none",
            "Faults of the store.",
        ),
    ]],
};

static FAULT: Section = Section {
    id: "store-fault",
    phrase: "a fault of the store",
    about: "A fault of the store of shared state.",
    keys: &[&[
        Key::required("at", Schema::DURATION, "Start, counted from the start of the run."),
        Key::required("for", Schema::SPAN, "Duration."),
        Key::choice("down", EMPTY, "The store is killed, and comes back without its data."),
        Key::choice("unreachable", EMPTY, "All messages are lost; the store keeps its data."),
        Key::choice("slow", Schema::SPAN, "Latency added."),
        Key::choice("loss", Schema::Percent, "Share of messages lost, each way."),
        Key::optional(
            "replicas",
            Schema::List(&Schema::Count(1, 1_000)),
            "all",
            "The replicas that it affects, from 1: a partition.",
        ),
    ]],
};

const EMPTY: Schema = Schema::Section(&Section {
    id: "empty",
    phrase: "an empty mapping",
    about: "Nothing to set: `{}`.",
    keys: &[],
});

/// The replicas under `gateway`.
pub(crate) fn replicas(fields: &Fields<'_>) -> GatewayReplicas {
    let Some(fields) = fields.section("gateway") else { return GatewayReplicas::default() };
    let count = fields.count("replicas").and_then(|count| u16::try_from(count).ok()).unwrap_or(1);
    let shared = fields.section("shared_state").map(|fields| shared_state(&fields, count));
    GatewayReplicas { count, shared }
}

fn shared_state(fields: &Fields<'_>, count: u16) -> SharedStateSettings {
    let default = SharedStateSettings::default();
    let millis = |name: &str, default: u64| {
        let read = fields.duration(name).map(|time| time.as_millis());
        read.map_or(default, |millis| u64::try_from(millis).unwrap_or(u64::MAX).max(1))
    };
    let replica = ReplicaConfig {
        replicas: count.into(),
        sync_interval: fields.duration("sync_interval").unwrap_or(default.replica.sync_interval),
        store_timeout: fields.duration("store_timeout").unwrap_or(default.replica.store_timeout),
    };
    let store = StoreConfig {
        lease_ms: millis("lease", default.store.lease_ms),
        forget_ms: millis("forget_after", default.store.forget_ms),
        ..default.store
    };
    if 2 * replica.sync_interval > Duration::from_millis(store.lease_ms) {
        let message = "a lease ends before the store was asked twice";
        let at = if fields.get("sync_interval").is_some() { "sync_interval" } else { "lease" };
        let problem =
            Problem::new(fields.span_of(at), message, "expected `lease` ≥ 2 × `sync_interval`");
        fields.problems.push(problem);
    }
    let settings = SharedStateSettings { replica, store, ..default };
    let Some(store) = fields.section("store") else { return settings };
    let faults = store.sections("faults");
    SharedStateSettings {
        latency: match store.get("latency") {
            Some(_) => distribution::durations(&store, "latency").unwrap_or(settings.latency),
            None => settings.latency,
        },
        loss: store.share("loss").unwrap_or_default(),
        faults: faults.iter().filter_map(|fields| fault(fields, count)).collect(),
        ..settings
    }
}

fn fault(fields: &Fields<'_>, count: u16) -> Option<StoreFault> {
    let kind = match fields.choice()?.0 {
        "down" => fields.section("down").map(|_| StoreFaultKind::Down)?,
        "unreachable" => fields.section("unreachable").map(|_| StoreFaultKind::Unreachable)?,
        "slow" => StoreFaultKind::Slow(fields.duration("slow")?),
        _ => StoreFaultKind::Loss(fields.share("loss")?),
    };
    let mut replicas = Vec::new();
    for node in fields.list("replicas") {
        let number = crate::value::count(node, 1, 1_000, fields.problems)?;
        if number > count.into() {
            let message = format!("there is no replica {number}");
            let label = format!("expected at most {count}");
            fields.problems.push(Problem::new(&node.span, message, label));
        }
        replicas.push(u16::try_from(number - 1).unwrap_or(u16::MAX));
    }
    if kind == StoreFaultKind::Down && !replicas.is_empty() {
        let message = "a store that is down is down for all";
        let problem = Problem::new(fields.span_of("replicas"), message, "of no effect here");
        fields.problems.push(problem.help("`unreachable` cuts some replicas off"));
    }
    Some(StoreFault { at: fields.time("at")?, lasts: fields.duration("for")?, kind, replicas })
}

impl Default for SharedStateSettings {
    fn default() -> Self {
        Self {
            replica: ReplicaConfig::default(),
            store: StoreConfig::default(),
            latency: Distribution::Fixed { value: 1_000_000 },
            loss: squall_determinism::Share::percent(0),
            faults: Vec::new(),
        }
    }
}
