//! The gateway that was tested in place of the built-in one.

use core::time::Duration;
use squall_determinism::Timestamp;

/// What is known of the gateway that a run tested in place of the built-in one. It tells nothing of itself: what only
/// a router knows is missing from the recording.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct TargetInfo {
    /// What it is called: a ready-made target's name, a file's, or a URL.
    pub name: String,
    /// Its version, where that is known.
    pub version: Option<String>,
    /// CPU time of its processes during the run; `None` for a gateway that was not started by the run, and where
    /// the system does not tell.
    pub cpu: Option<Duration>,
    /// The most resident memory of its processes during the run, in bytes.
    pub peak_memory: Option<u64>,
    /// CPU time that other programs of the machine used during the run; `None` where the system does not tell. What
    /// they took, the gateway may have lacked.
    pub cpu_of_others: Option<Duration>,
    /// CPU time that nobody used, over all processors; `None` likewise.
    pub cpu_idle: Option<Duration>,
    /// When it ended by itself, and how.
    pub died: Option<(Timestamp, String)>,
    /// In which places the token of a request came through it.
    pub join: JoinCounts,
    /// No mock provider stood behind it: what it asked of its own is unknown.
    pub has_own_providers: bool,
}

/// Of how many attempts the request is known, and by what.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct JoinCounts {
    /// All attempts that reached a provider.
    pub attempts: u64,
    /// Those with the token in its header.
    pub header: u64,
    /// Those with the token as `user`, or in what a format has for it.
    pub user: u64,
    /// Those with the token as the first word of the prompt.
    pub prompt: u64,
    /// Those with the token behind other words.
    pub content: u64,
    /// Those with the token in no place: nobody knows which request they served.
    pub unknown: u64,
    /// Those for a model that none of the several deployments of their provider has: they are counted for its first
    /// one.
    pub guessed_deployment: u64,
}

impl JoinCounts {
    /// The sum with those of another provider.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            attempts: self.attempts + other.attempts,
            header: self.header + other.header,
            user: self.user + other.user,
            prompt: self.prompt + other.prompt,
            content: self.content + other.content,
            unknown: self.unknown + other.unknown,
            guessed_deployment: self.guessed_deployment + other.guessed_deployment,
        }
    }
}
