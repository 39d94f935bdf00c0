//! The names of things: small, `Copy`, and never reused.

/// The shell's own name for a request: where its mailbox is. The core hands it back and never looks
/// inside.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Tag(pub u64);

/// A model group, by its place in [`RouterConfig::groups`](crate::RouterConfig::groups).
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct GroupId(pub u16);

impl GroupId {
    /// Its place in a table of groups.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A deployment, counted through all groups in the order of the configuration.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct DeploymentId(pub u16);

impl DeploymentId {
    /// Its place in a table of deployments.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A request in the core: a slot that is used again, and a generation that is not.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct RequestKey {
    /// The slot.
    pub slot: u32,
    /// How often the slot had been used before.
    pub generation: u32,
}

/// An attempt: the request, and the how-manieth attempt of it this is, from 0.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct AttemptId {
    /// The request it serves.
    pub request: RequestKey,
    /// Its place among the attempts of that request, from 0.
    pub nth: u16,
}
