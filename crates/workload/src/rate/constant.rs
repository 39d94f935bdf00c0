//! Always the same.

pub(super) const fn rps(rps: f64) -> f64 {
    rps
}
