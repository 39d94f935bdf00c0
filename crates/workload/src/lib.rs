//! Who asks, and when: arrival processes, spike shapes, token sizes, and clients that lose patience.
//! Sans-IO: it says what to send at which intended time; a driver sends it. See [`Workload`].

#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod abort;
mod arrivals;
mod calls;
mod config;
mod expected;
mod input;
mod output;
mod patience;
mod planned;
mod rate;
mod retry;
mod sdk;
mod source;
mod trace;
mod workload;

pub use abort::AbortRule;
pub use arrivals::Arrivals;
pub use config::{ClientConfig, KindConfig, Shift, SourceConfig, WorkloadConfig};
pub use expected::ExpectedRequests;
pub use input::{ClientAnswer, WorkloadInput};
pub use output::{ClientRequest, Ordinal, RetriedCall, SentCall, WorkloadOutput};
pub use planned::PlannedTraffic;
pub use rate::{
    Decay, Diurnal, DoubleHump, Plateau, Polyline, Rate, RateCurve, RateSegment, Shifted, Surge,
};
pub use retry::{
    BeyondLongest, CallFailure, ClientBackoff, ClientJitter, ClientRetries, RetriedStatuses,
    RetryAfterRule,
};
pub use sdk::Sdk;
pub use trace::{
    TraceCount, TraceFault, TraceIdentity, TraceReplay, TraceRows, TraceSizes, TraceSource,
    TraceWindow, TracedRequest,
};
pub use workload::Workload;
