//! Named random streams.

use crate::Share;
use rand::rngs::Xoshiro256PlusPlus;
use rand::{Rng, SeedableRng};

/// The seed of a run: the only randomness there is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Seed(u64);

/// What a stream is for. Two purposes never share draws.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct StreamPurpose(u64);

impl Seed {
    /// The seed `value`.
    #[must_use]
    pub const fn new(value: u64) -> Self {
        Self(value)
    }

    /// The number it was made from.
    #[must_use]
    pub const fn value(self) -> u64 {
        self.0
    }

    /// This seed and those after it, `count` in all: what many runs of one scenario are given.
    pub fn following(self, count: usize) -> impl Iterator<Item = Self> + Clone {
        (0..count as u64).map(move |place| Self(self.0.wrapping_add(place)))
    }

    /// The stream for `purpose`, of one `entity` (a provider, a group), at one `ordinal` (a request, a
    /// draw). The same key gives the same draws, whatever else was drawn before.
    #[must_use]
    #[inline]
    pub fn stream(self, purpose: StreamPurpose, entity: u64, ordinal: u64) -> RandomStream {
        let mut key = mix(self.0 ^ purpose.0);
        key = mix(key ^ entity);
        key = mix(key ^ ordinal);
        RandomStream(Xoshiro256PlusPlus::seed_from_u64(key))
    }
}

impl StreamPurpose {
    /// The purpose with this name. Names are hashed at compile time, so they cost nothing.
    #[must_use]
    pub const fn named(name: &str) -> Self {
        let bytes = name.as_bytes();
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        let mut i = 0;
        while i < bytes.len() {
            hash = (hash ^ bytes[i] as u64).wrapping_mul(0x0000_0100_0000_01b3);
            i += 1;
        }
        Self(hash)
    }
}

/// The draws of one stream.
#[derive(Clone, Debug)]
pub struct RandomStream(Xoshiro256PlusPlus);

impl RandomStream {
    /// The next 64 bits.
    #[inline]
    pub fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number strictly between 0 and 1: the argument of an inverse distribution function.
    #[inline]
    pub fn unit(&mut self) -> f64 {
        ((self.0.next_u64() >> 12) as f64 + 0.5) * (1.0 / 4_503_599_627_370_496.0)
    }

    /// A whole number from 0 to `bound` − 1; 0 for a bound of 0. The bias is below `bound` / 2⁶⁴.
    #[inline]
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.0.next_u64()) * u128::from(bound)) >> 64) as u64
    }

    /// True with probability `share`. Always draws, so that a share of 0 or 1 moves no other draw.
    #[inline]
    pub fn chance(&mut self, share: Share) -> bool {
        self.below(1_000_000) < u64::from(share.ppm())
    }
}

/// The finaliser of splitmix64: every bit of the key reaches every bit of the result.
#[inline]
const fn mix(key: u64) -> u64 {
    let key = key.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let key = (key ^ (key >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let key = (key ^ (key >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    key ^ (key >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEST: StreamPurpose = StreamPurpose::named("test");

    #[test]
    fn a_key_gives_the_same_draws_every_time_and_on_every_machine() {
        let mut draws = Seed::new(7).stream(TEST, 1, 2);
        let first = draws.bits();
        assert_eq!(Seed::new(7).stream(TEST, 1, 2).bits(), first);
        assert_eq!(first, 0xd83b_1090_4b46_aebd, "the generator changed: every digest with it");
    }

    #[test]
    fn neighbouring_keys_share_nothing() {
        let draw = |purpose, entity, ordinal| Seed::new(7).stream(purpose, entity, ordinal).bits();
        let base = draw(TEST, 1, 2);
        assert_ne!(base, draw(StreamPurpose::named("tests"), 1, 2));
        assert_ne!(base, draw(TEST, 2, 1));
        assert_ne!(base, draw(TEST, 1, 3));
    }

    #[test]
    fn chance_keeps_its_share() {
        let mut draws = Seed::new(1).stream(TEST, 0, 0);
        let hits = (0..100_000).filter(|_| draws.chance(Share::percent(30))).count();
        assert!((29_400..30_600).contains(&hits), "{hits} of 100000 at 30 %");
        assert!((0..1_000).all(|_| draws.chance(Share::ALL)));
        assert!((0..1_000).all(|_| !draws.chance(Share::NONE)));
    }
}
