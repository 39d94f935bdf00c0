//! Traffic: who asks, when, and how much.

use super::arrivals::{ARRIVALS, arrivals};
use super::distribution::{self, TOKEN_DISTRIBUTION};
use super::mix::{KIND, SHIFT};
use super::rate::RATE;
use crate::fields::Fields;
use crate::schema::{Key, Schema, Section};
use core::time::Duration;
use squall_determinism::{Distribution, Share, Timestamp};
use squall_workload::{ClientConfig, WorkloadConfig};

/// Traffic.
pub(crate) static TRAFFIC: Section = Section {
    id: "traffic",
    phrase: "traffic",
    about: "The client traffic.",
    keys: &[&[
        Key::required("group", Schema::Reference("group"), "The model group that clients request."),
        Key::optional(
            "arrivals",
            ARRIVALS,
            "poisson",
            "The arrival process: `poisson`, independent users; `even`, constant intervals; bursts (`gamma`, \
             `weibull`, `on_off`, `hawkes`); given times; or a closed loop of clients.",
        ),
        Key::optional(
            "rate",
            RATE,
            "required unless closed loop or given times",
            "Requests per second: constant, or a list of segments.",
        ),
        Key::required("prompt_tokens", TOKEN_DISTRIBUTION, "Prompt tokens."),
        Key::required("output_tokens", TOKEN_DISTRIBUTION, "Output tokens."),
        Key::optional("stream", Schema::Percent, "0%", "Share of requests that ask for a stream."),
        Key::optional("client", Schema::Section(&CLIENT), "as below", "Client behaviour."),
        Key::optional(
            "mix",
            Schema::Named(&Schema::Section(&KIND)),
            "one kind without extras",
            "Kinds of requests, drawn by share.",
        ),
        Key::optional(
            "shifts",
            Schema::List(&Schema::Section(&SHIFT)),
            "none",
            "Changes of the mix during the run.",
        ),
    ]],
};

static CLIENT: Section = Section {
    id: "client",
    phrase: "a client",
    about: "Client behaviour.",
    keys: &[&[Key::optional(
        "timeout",
        Schema::SPAN,
        "60s",
        "The client disconnects if the answer is not complete within this time, counted from the \
         intended send time.",
    )]],
};

const TIMEOUT: Duration = Duration::from_secs(60);

/// Reads traffic for a run of this length, if that is known.
pub(crate) fn traffic(fields: &Fields<'_>, run: Option<Duration>) -> WorkloadConfig {
    let nothing = Distribution::Fixed { value: 0 };
    let timeout = fields.section("client").and_then(|client| client.duration("timeout"));
    WorkloadConfig {
        arrivals: arrivals(fields, run),
        until: run.map_or(Timestamp::ZERO, Timestamp::from),
        prompt_tokens: distribution::tokens(fields, "prompt_tokens").unwrap_or(nothing),
        output_tokens: distribution::tokens(fields, "output_tokens").unwrap_or(nothing),
        stream: fields.share("stream").unwrap_or(Share::NONE),
        client: ClientConfig { timeout: timeout.unwrap_or(TIMEOUT) },
        kinds: Vec::new(),
        shifts: Vec::new(),
        abort: None,
    }
}
