//! Which shards of a run a recording is of.

use core::time::Duration;
use squall_determinism::Shard;

/// The shards whose requests a recording has, of a run that several processes carried out together.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ShardSet {
    /// How many shards the run has.
    pub of: u32,
    /// Those that are in the recording, by rising number.
    pub members: Vec<ShardInfo>,
}

/// A shard that was recorded.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ShardInfo {
    /// Its number, from 1.
    pub number: u32,
    /// When its traffic began, since 1970 by the clock of its machine; `None` in virtual time.
    pub began: Option<Duration>,
    /// The digest of its own recording, once it is joined with others.
    pub digest: Option<String>,
}

impl ShardSet {
    /// A shard by itself.
    #[must_use]
    pub fn one(shard: Shard, began: Option<Duration>) -> Self {
        let member = ShardInfo { number: shard.number(), began, digest: None };
        Self { of: shard.of(), members: vec![member] }
    }

    /// The numbers of those that are not in the recording.
    #[must_use]
    pub fn missing(&self) -> Vec<u32> {
        let is_there = |number: &u32| self.members.iter().any(|member| member.number == *number);
        (1..=self.of).filter(|number| !is_there(number)).collect()
    }

    /// Whether it is all of them.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.members.len() as u64 == u64::from(self.of)
    }

    /// How long after the first of its shards the last one began, each by the clock of its own machine; `None` unless all
    /// tell.
    #[must_use]
    pub fn spread(&self) -> Option<Duration> {
        let began: Option<Vec<_>> = self.members.iter().map(|member| member.began).collect();
        let began = began?;
        Some(began.iter().max()?.saturating_sub(*began.iter().min()?))
    }
}
