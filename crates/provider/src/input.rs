//! What the shell tells the provider.

/// The shell's own name for an attempt, not used again while the attempt runs.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Tag(pub u64);

/// One thing that happened outside.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Input {
    /// An attempt came in.
    Arrived(Arrival),
    /// The shell has delivered the last byte of an attempt's plan: its place is free.
    Delivered {
        /// Which attempt.
        tag: Tag,
    },
    /// The caller hung up: work on the attempt stops and its place is free.
    Gone {
        /// Which attempt.
        tag: Tag,
    },
    /// Time passed: fires the timers that are due, those due at this very moment included.
    Tick,
}

/// One attempt.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Arrival {
    /// The shell's name for it.
    pub tag: Tag,
    /// The request it serves, from its token; a hash of the body where there is no token. Draws are
    /// keyed by it, never by arrival order, so that live and simulated draw alike.
    pub request: u64,
    /// Tokens of the prompt.
    pub input_tokens: u32,
    /// Tokens of the answer, if the request says.
    pub output_tokens: Option<u32>,
    /// Whether tokens are wanted as they come.
    pub stream: bool,
}
