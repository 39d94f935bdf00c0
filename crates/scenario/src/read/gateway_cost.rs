//! What a gateway's work costs in virtual time.

use super::replicas::REPLICAS;
use crate::diagnostic::Problem;
use crate::fields::Fields;
use crate::model::GatewayCost;
use crate::schema::{Key, Schema, Section};

/// The cost of a gateway's work.
pub(crate) static GATEWAY_COST: Section = Section {
    id: "gateway-cost",
    phrase: "the gateway",
    about: "Replicas of the gateway, and the CPU cost of each: a pool of workers with one queue. In virtual time only; a \
         live gateway has its real cost.",
    keys: &[
        REPLICAS,
        &[
            Key::optional("workers", Schema::Count(1, 10_000), "1", "Number of workers."),
            Key::optional(
                "cpu_per_attempt",
                Schema::DURATION,
                "none",
                "CPU time of an attempt, spent before it is sent.",
            ),
            Key::optional(
                "cpu_per_failed_attempt",
                Schema::DURATION,
                "as `cpu_per_attempt`",
                "Total CPU time of a failed attempt. The part above `cpu_per_attempt` is spent \
             before the router learns of the failure.",
            ),
        ],
    ],
};

/// The cost under `gateway`.
pub(crate) fn gateway_cost(fields: &Fields<'_>) -> Option<GatewayCost> {
    let fields = fields.section("gateway")?;
    if ["workers", "cpu_per_attempt", "cpu_per_failed_attempt"]
        .iter()
        .all(|key| fields.get(key).is_none())
    {
        return None;
    }
    let cpu_per_attempt = fields.duration("cpu_per_attempt").unwrap_or_default();
    let failed = fields.duration("cpu_per_failed_attempt").unwrap_or(cpu_per_attempt);
    if failed < cpu_per_attempt {
        let message = "a failed attempt costs less than one that is answered";
        let span = fields.span_of("cpu_per_failed_attempt");
        let problem = Problem::new(span, message, "expected at least `cpu_per_attempt`");
        fields.problems.push(problem.help("it is the total cost, including `cpu_per_attempt`"));
    }
    let workers = fields.count("workers").and_then(|workers| u16::try_from(workers).ok());
    Some(GatewayCost {
        workers: workers.unwrap_or(1),
        cpu_per_attempt,
        cpu_per_failed_attempt: failed,
    })
}
