//! A part of a plan: one process of several that carry it out together.

use core::fmt;
use core::str::FromStr;

/// One of the equal parts of a plan that several processes carry out: of things that are counted from 0, it has those
/// whose number, divided by how many shards there are, leaves its place. So the parts are disjoint and leave nothing out,
/// and each of them is spread over the whole plan.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Shard {
    /// From 0.
    place: u32,
    /// At least 1.
    of: u32,
}

/// The most shards that a plan is divided into.
const MOST: u32 = 65_536;

impl Shard {
    /// The one shard of a plan that is not divided.
    pub const WHOLE: Self = Self { place: 0, of: 1 };

    /// Number `number`, from 1, of `of` shards.
    ///
    /// # Errors
    /// When there is no such shard.
    pub const fn new(number: u32, of: u32) -> Result<Self, ShardError> {
        match (number, of) {
            (_, 0 | 65_537..) => Err(ShardError::Count { of }),
            (0, _) => Err(ShardError::Number { number, of }),
            (number, of) if number > of => Err(ShardError::Number { number, of }),
            (number, of) => Ok(Self { place: number - 1, of }),
        }
    }

    /// Its number, from 1.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.place + 1
    }

    /// How many shards there are.
    #[must_use]
    pub const fn of(self) -> u32 {
        self.of
    }

    /// Whether it is the whole plan.
    #[must_use]
    pub const fn is_whole(self) -> bool {
        self.of == 1
    }

    /// Whether the thing with this number of the plan is its own.
    #[must_use]
    pub fn has(self, ordinal: u64) -> bool {
        ordinal % u64::from(self.of) == u64::from(self.place)
    }

    /// The number in the plan of its own thing number `own`, from 0.
    #[must_use]
    pub fn ordinal_of(self, own: u64) -> u64 {
        own * u64::from(self.of) + u64::from(self.place)
    }

    /// The number among its own things, from 0, of the thing with this number of the plan; `None` if that is another shard's.
    #[must_use]
    pub fn own_of(self, ordinal: u64) -> Option<u64> {
        self.has(ordinal).then_some(ordinal / u64::from(self.of))
    }
}

impl Default for Shard {
    /// The whole.
    fn default() -> Self {
        Self::WHOLE
    }
}

impl fmt::Display for Shard {
    /// As it is typed: `2/8`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number(), self.of)
    }
}

impl FromStr for Shard {
    type Err = ShardError;

    fn from_str(text: &str) -> Result<Self, ShardError> {
        // `u32` would take a sign.
        let number = |text: &str| match text.bytes().all(|byte| byte.is_ascii_digit()) {
            true => text.parse().map_err(|_| ShardError::Form),
            false => Err(ShardError::Form),
        };
        let (place, of) = text.trim().split_once('/').ok_or(ShardError::Form)?;
        Self::new(number(place)?, number(of)?)
    }
}

/// Why there is no such shard.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ShardError {
    /// The text is not of the form.
    Form,
    /// There cannot be so many.
    Count {
        /// How many.
        of: u32,
    },
    /// There are not so many.
    Number {
        /// The number that was asked for.
        number: u32,
        /// How many there are.
        of: u32,
    },
}

impl fmt::Display for ShardError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Form => write!(f, "write the shard's number and how many there are, as in `2/8`"),
            Self::Count { of } => {
                write!(f, "a plan has 1 to {MOST} shards, and {of} is none of these counts")
            }
            Self::Number { number, of } => {
                write!(f, "there is no shard {number} of {of}: they are numbered from 1 to {of}")
            }
        }
    }
}

impl core::error::Error for ShardError {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;
    use std::vec::Vec;

    #[test]
    fn the_shards_of_a_plan_are_disjoint_and_leave_nothing_out() {
        for of in [1, 2, 3, 8] {
            let shards: Vec<_> = (1..=of).map(|number| Shard::new(number, of).unwrap()).collect();
            for ordinal in 0..100_u64 {
                let having: Vec<_> = shards.iter().filter(|shard| shard.has(ordinal)).collect();
                assert_eq!(having.len(), 1, "{ordinal} of {of}");
                let own = having[0].own_of(ordinal).unwrap();
                assert_eq!(having[0].ordinal_of(own), ordinal);
            }
        }
    }

    #[test]
    fn a_shard_is_read_as_it_is_written() {
        let shard: Shard = "2/8".parse().unwrap();
        assert_eq!((shard.number(), shard.of(), shard.to_string().as_str()), (2, 8, "2/8"));
        assert_eq!("1/1".parse(), Ok(Shard::WHOLE));
    }

    #[test]
    fn what_is_no_shard_is_refused_with_what_was_expected() {
        let number = |number, of| Err(ShardError::Number { number, of });
        assert_eq!("9/8".parse::<Shard>(), number(9, 8));
        assert_eq!("0/8".parse::<Shard>(), number(0, 8));
        assert_eq!("1/0".parse::<Shard>(), Err(ShardError::Count { of: 0 }));
        assert_eq!("1/65537".parse::<Shard>(), Err(ShardError::Count { of: 65_537 }));
        for text in ["", "2", "x/8", "2/x", "+2/8", "-2/8", "2/8/9", "2 of 8", "2/99999999999"] {
            assert_eq!(text.parse::<Shard>(), Err(ShardError::Form), "{text}");
        }
    }
}
