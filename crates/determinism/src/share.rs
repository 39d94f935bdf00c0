//! A part of a whole.

use core::fmt;

/// A share between 0 and 1, kept as an integer of parts per million.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Share(u32);

impl Share {
    /// None of it.
    pub const NONE: Self = Self(0);
    /// All of it.
    pub const ALL: Self = Self(1_000_000);

    /// `parts` per million; `None` over a million.
    #[must_use]
    pub const fn from_ppm(parts: u32) -> Option<Self> {
        if parts <= 1_000_000 { Some(Self(parts)) } else { None }
    }

    /// `percent` of the whole, at most all of it.
    #[must_use]
    pub const fn percent(percent: u32) -> Self {
        if percent >= 100 { Self::ALL } else { Self(percent * 10_000) }
    }

    /// Parts per million.
    #[must_use]
    pub const fn ppm(self) -> u32 {
        self.0
    }

    /// As a fraction, for charts and prose.
    #[must_use]
    pub fn as_f64(self) -> f64 {
        f64::from(self.0) / 1e6
    }

    /// This share of `whole`, rounded down.
    #[must_use]
    pub const fn of(self, whole: u64) -> u64 {
        (whole as u128 * self.0 as u128 / 1_000_000) as u64
    }
}

impl fmt::Display for Share {
    /// As a percentage with as many decimals as it needs: `70%`, `0.5%`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", f64::from(self.0) / 10_000.0)
    }
}
