//! A day by its measured hours, again and again.

use super::polyline::Polyline;
use crate::RateCurve;
use core::time::Duration;

/// Hours of a day.
pub(crate) const HOURS: u32 = 24;

impl RateCurve {
    /// A day whose hours have these rates in relation to each other, with a mean of so many requests per second. It lasts
    /// `period`, and begins with the first hour.
    #[must_use]
    pub fn hours(mean: f64, hours: &[f64; HOURS as usize], period: Duration) -> Self {
        let scale = mean * f64::from(HOURS) / hours.iter().sum::<f64>();
        let day = hours.iter().fold(Polyline::new(hours[0] * scale, 0.0), |day, hour| {
            day.line(hour * scale, hour * scale, period / HOURS)
        });
        Self::Polyline(day.repeated(u64::MAX))
    }
}
