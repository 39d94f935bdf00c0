//! What a reader of a trace may be told.

use crate::{TimeUnit, TraceFormat};
use std::time::Duration;

/// What a reader of a trace may be told; by default everything is found in the file.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct TraceOptions {
    /// The format; found from the first lines by default.
    pub format: Option<TraceFormat>,
    /// Other columns than those of the format.
    pub columns: TraceColumns,
    /// The unit of times that are numbers; that of the format by default.
    pub time_unit: Option<TimeUnit>,
    /// What a line of an access log looks like, in the notation of nginx (`$name`) or of Envoy (`%NAME%`).
    pub log_format: Option<String>,
    /// How much earlier a row may be than the latest one before it; 10 s by default, 5 min of access logs, which are in
    /// the order of answers.
    pub reorder: Option<Duration>,
}

/// The columns that are read: names of a header, keys of JSON objects, or variables of a log format.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct TraceColumns {
    /// When a request was made.
    pub time: Option<String>,
    /// Tokens of its prompt.
    pub input_tokens: Option<String>,
    /// Tokens of its answer.
    pub output_tokens: Option<String>,
    /// What kind it is of: a model, a tenant. Not read by default.
    pub kind: Option<String>,
    /// Its session. Not read by default.
    pub session: Option<String>,
}
