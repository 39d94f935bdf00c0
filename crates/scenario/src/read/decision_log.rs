//! What a gateway writes down of the router's decisions.

use crate::model::DecisionLogSettings;
use crate::settings::{Bytes, Count, Flag, Maybe, Percent, Text, settings};

settings! {
    /// The decision log of a gateway.
    pub(super) static DECISION_LOG: DecisionLogSettings = (
        "decision-log",
        "a decision log",
        "The decisions about single requests, a line in JSON each: candidates and why each was passed over, attempts, waits, \
         cooldowns. Neither prompts nor answers nor keys are in it. A full disk or a slow one never holds up a request: \
         lines are dropped and counted. `sample` and `failed` are taken on by a reload; the others require a restart."
    );
    /// The share of requests, by a digest of their ids: a request that one replica takes is taken by every other.
    sample: Percent;
    /// Whether every request that failed is written besides.
    failed: Flag;
    /// The file, relative to this one. It is opened anew on SIGHUP.
    path: Maybe(Text, "the log of the process");
    /// The size at which the file is put aside as `PATH.1`, and that as `PATH.2`.
    max_size: Bytes;
    /// How many files that were put aside are kept.
    keep: Count::<u32>::between(0, 1_000);
}
