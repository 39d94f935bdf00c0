//! Identifiers: small, `Copy`, and never reused.

/// The driver's identifier of a request. The core returns it and never interprets it.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct RequestTag(pub u64);

/// A model group. In a configuration it is a place in [`RouterConfig::groups`](crate::RouterConfig::groups);
/// at a router it is that place in its first configuration, and those that came later follow.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct GroupId(pub u16);

impl GroupId {
    /// Its place in a table of groups.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A deployment, counted through all groups in the order of the configuration; those that came with
/// later configurations follow. Never used again for another.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct DeploymentId(pub u16);

impl DeploymentId {
    /// Its place in a table of deployments.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A tenant. In a configuration it is a place in [`RouterConfig::tenants`](crate::RouterConfig::tenants);
/// at a router it is that place in its first configuration, and those that came later follow.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct TenantId(pub u16);

impl TenantId {
    /// Its place in a table of tenants.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A spend budget, by its index in [`RouterConfig::spend_budgets`](crate::RouterConfig::spend_budgets).
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct SpendBudgetId(pub u16);

impl SpendBudgetId {
    /// Its place in a table of budgets.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A configuration that a router was given; 0 is the one it began with.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ConfigId(pub u16);

/// A region. The driver assigns the numbers.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct RegionId(pub u8);

/// A set of tags, out of at most 64 that a router knows. The driver assigns the numbers.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct Tags(pub u64);

impl Tags {
    /// No tag.
    pub const NONE: Self = Self(0);

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether a tag is in both.
    #[must_use]
    pub const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether every tag of `other` is in this.
    #[must_use]
    pub const fn holds(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// What a request needs of a model, or a model can do, beyond chat.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct Features(pub u16);

impl Features {
    /// Nothing more.
    pub const NONE: Self = Self(0);
    /// All there is.
    pub const ALL: Self = Self(u16::MAX);
    /// Tool calls.
    pub const TOOLS: Self = Self(1);
    /// Images in the prompt.
    pub const VISION: Self = Self(1 << 1);
    /// Structured output by a JSON schema.
    pub const JSON_SCHEMA: Self = Self(1 << 2);
    /// Web search.
    pub const WEB_SEARCH: Self = Self(1 << 3);
    /// The words for them in files, in the order of their bits.
    pub const WORDS: [&'static str; 4] = ["tools", "vision", "json_schema", "web_search"];

    /// Whether every feature of `other` is in this.
    #[must_use]
    pub const fn holds(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Those of both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The feature that `word` names.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::WORDS.iter().position(|known| *known == word).map(|bit| Self(1 << bit))
    }
}

/// The core's identifier of a request: a slot, which is reused, and a generation, which is not.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct RequestKey {
    /// The slot.
    pub slot: u32,
    /// The generation: how often the slot was used before.
    pub generation: u32,
}

/// An attempt: the request, and the attempt's number, from 0.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct AttemptId {
    /// The request it serves.
    pub request: RequestKey,
    /// Its place among the attempts of that request, from 0.
    pub nth: u16,
}
