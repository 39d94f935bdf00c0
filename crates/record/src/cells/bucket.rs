//! Values of about the same size as one: two significant digits, as hdrhistogram cuts them, and a
//! count, in four bytes.

/// So many values in one bucket: twelve bits of bucket, twenty of count.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Bucket(u32);

impl Bucket {
    /// More than this go into a second bucket of the same index.
    pub(crate) const COUNT_MAX: u32 = (1 << COUNT_BITS) - 1;

    /// `count` values like `value`; at most [`COUNT_MAX`](Self::COUNT_MAX).
    pub(crate) fn new(value: u32, count: u32) -> Self {
        debug_assert!(count <= Self::COUNT_MAX);
        Self(index(value) << COUNT_BITS | count)
    }

    /// Its place among the buckets; grows with the value.
    pub(crate) fn index(self) -> u32 {
        self.0 >> COUNT_BITS
    }

    /// The largest value that falls in it.
    pub(crate) fn value(self) -> u32 {
        let index = self.index();
        if index < EXACT {
            return index;
        }
        let shift = (index - EXACT) / HALF + 1;
        let digits = (index - EXACT) % HALF + HALF;
        (((u64::from(digits) + 1) << shift) - 1) as u32
    }

    /// How many values it holds.
    pub(crate) fn count(self) -> u32 {
        self.0 & Self::COUNT_MAX
    }

    /// The same bucket with one more value, if it has room.
    pub(crate) fn one_more(self) -> Option<Self> {
        (self.count() < Self::COUNT_MAX).then_some(Self(self.0 + 1))
    }
}

/// The bucket that a value falls in: itself up to 255, its leading eight binary digits above.
#[inline]
pub(super) fn index(value: u32) -> u32 {
    if value < EXACT {
        return value;
    }
    let shift = u32::BITS - DIGITS - value.leading_zeros();
    EXACT + (shift - 1) * HALF + ((value >> shift) - HALF)
}

const COUNT_BITS: u32 = 20;
const DIGITS: u32 = 8;
/// Values below this have a bucket of their own.
const EXACT: u32 = 1 << DIGITS;
/// Buckets in each further power of two.
const HALF: u32 = EXACT / 2;

#[cfg(test)]
mod tests {
    use super::*;
    use hdrhistogram::Histogram;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn buckets_are_those_of_hdrhistogram(value in 0_u32..3_600_000_000) {
            let histogram = Histogram::<u64>::new_with_bounds(1, 3_600_000_000, 2).unwrap();
            let bucket = Bucket::new(value, 7);
            prop_assert_eq!(u64::from(bucket.value()), histogram.highest_equivalent(value.into()));
            prop_assert_eq!(index(bucket.value()), bucket.index());
            prop_assert_eq!(bucket.count(), 7);
        }

        #[test]
        fn a_larger_value_has_no_smaller_index(one: u32, other: u32) {
            prop_assert!(index(one.min(other)) <= index(one.max(other)));
        }
    }

    #[test]
    fn the_largest_value_fits_its_twelve_bits() {
        assert_eq!(Bucket::new(u32::MAX, 1).index() >> 12, 0);
        assert_eq!(Bucket::new(u32::MAX, 1).value(), u32::MAX);
    }
}
