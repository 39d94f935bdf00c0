//! What the driver tells the provider.

use crate::{AttemptTag, FaultConfig};
use alloc::boxed::Box;

/// One thing that happened outside.
#[derive(Clone, Debug, PartialEq)]
pub enum ProviderInput {
    /// An attempt came in.
    Arrived(AttemptArrival),
    /// The driver has delivered the last byte of an attempt's plan: its place is free.
    Delivered {
        /// Which attempt.
        tag: AttemptTag,
    },
    /// The caller hung up: work on the attempt stops and its place is free.
    Gone {
        /// Which attempt.
        tag: AttemptTag,
    },
    /// Something goes wrong that the script does not have: from `at` on, not before now. Its number is that
    /// of [`Provider::faults`](crate::Provider::faults) before it. Ignored once there are
    /// [`Provider::FAULTS_MAX`](crate::Provider::FAULTS_MAX).
    Inject(Box<FaultConfig>),
    /// A fault ends now, or does not begin at all.
    EndFault {
        /// By its place in the configuration.
        fault: u16,
    },
    /// The script stands still: no fault begins or ends by itself.
    Pause,
    /// It goes on. All that was to come comes later by the pause.
    Resume,
    /// Every fault ends, nothing is to come, and limits are whole again.
    Reset,
    /// Time passed: fires the timers that are due, those due at this very moment included.
    Tick,
}

/// One attempt.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct AttemptArrival {
    /// The driver's name for it.
    pub tag: AttemptTag,
    /// The request it serves, from its token; a hash of the body where there is no token. Draws are
    /// keyed by it, never by arrival order, so that live and simulated draw alike.
    pub request: u64,
    /// The model's name, as [`name_hash`] tells it.
    pub model: u64,
    /// The key that it comes with, likewise; 0 without one.
    pub key: u64,
    /// The session that it belongs to, if any: what tells its user.
    pub session: Option<u64>,
    /// Tokens of the prompt.
    pub input_tokens: u32,
    /// Tokens of the answer, if the request says.
    pub output_tokens: Option<u32>,
    /// Whether tokens are wanted as they come.
    pub stream: bool,
    /// Where the request's last message is a beginning of the answer, how many tokens of it that is; `None` for
    /// a request that does not end so, as nearly all do.
    pub prefill: Option<u32>,
    /// Where its last message quotes a beginning of the answer and asks to go on from its end, how many tokens of it
    /// that is; `None` where it does not. Every model does as it is asked.
    pub quoted: Option<u32>,
}

/// A name as a number: of a model or of a key. Two names have one number once in 2⁶⁴ pairs.
#[must_use]
pub fn name_hash(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
