//! The run so far, by time, with a fixed number of points however long it is.

use crate::model::Course;
use hdrhistogram::Histogram;
use std::collections::VecDeque;
use std::time::Duration;

/// How many points the whole run has at most.
const POINTS: u64 = 240;

/// Latencies in milliseconds, to two digits.
#[derive(Clone, Debug)]
pub(crate) struct Millis(Histogram<u32>);

impl Default for Millis {
    fn default() -> Self {
        let Ok(histogram) = Histogram::new_with_bounds(1, LATENCY_MAX_MS, 2) else {
            unreachable!("the bounds are constants that it takes");
        };
        Self(histogram)
    }
}

/// An hour: whatever is longer counts as that.
const LATENCY_MAX_MS: u64 = 3_600_000;

impl Millis {
    pub(crate) fn add(&mut self, latency: Duration) {
        self.0.saturating_record(latency.as_millis() as u64);
    }

    pub(crate) fn add_all(&mut self, other: &Self) {
        // Both have the same bounds, so that nothing is refused.
        let _ = self.0.add(&other.0);
    }

    /// A quantile; `None` if there is nothing.
    pub(crate) fn quantile(&self, quantile: f64) -> Option<u64> {
        (!self.0.is_empty()).then(|| self.0.value_at_quantile(quantile))
    }
}

/// How a request ended, as the course counts it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum EndedRequest {
    /// Whole, after so long.
    Well(Duration),
    /// In any other way.
    Badly,
}

/// Counts of one point.
#[derive(Clone, Copy, Debug, Default)]
struct CoursePoint {
    offered: u64,
    succeeded: u64,
    failed: u64,
    p50_ms: Option<u64>,
    p95_ms: Option<u64>,
}

/// What happened up to now.
#[derive(Debug)]
pub(crate) struct RunCourse {
    step_s: u64,
    whole: usize,
    points: Vec<CoursePoint>,
    /// Attempts by deployment, for each point.
    attempts: Vec<Vec<u64>>,
    /// The latencies of the latest points: requests of earlier ones no longer change them.
    latencies: VecDeque<(usize, Millis)>,
}

impl RunCourse {
    pub(crate) fn new(duration: Duration, deployments: usize) -> Self {
        let seconds = duration.as_secs_f64().ceil() as u64;
        let step_s = seconds.div_ceil(POINTS).max(1);
        Self {
            step_s,
            whole: usize::try_from(seconds.div_ceil(step_s)).unwrap_or(usize::MAX).max(1),
            points: Vec::new(),
            attempts: vec![Vec::new(); deployments],
            latencies: VecDeque::new(),
        }
    }

    /// So many requests were sent around this time.
    pub(crate) fn offered(&mut self, at_s: f64, count: u64) {
        let place = self.place(at_s);
        self.point(place).offered += count;
    }

    /// A request ended.
    pub(crate) fn ended(&mut self, at_s: f64, ended: EndedRequest) {
        let place = self.place(at_s);
        let point = self.point(place);
        match ended {
            EndedRequest::Badly => point.failed += 1,
            EndedRequest::Well(latency) => {
                point.succeeded += 1;
                self.latency(place, latency);
            }
        }
    }

    /// An attempt ended.
    pub(crate) fn attempt(&mut self, at_s: f64, deployment: usize) {
        let place = self.place(at_s);
        if let Some(counts) = self.attempts.get_mut(deployment) {
            if counts.len() <= place {
                counts.resize(place + 1, 0);
            }
            counts[place] += 1;
        }
    }

    /// The points that are over.
    pub(crate) fn course(&self, now_s: f64) -> Course {
        let over = self.over(now_s);
        let points = || (0..over).map(|place| self.points.get(place).copied().unwrap_or_default());
        let rate = |count: u64| self.rate(count);
        Course {
            step_s: self.step_s,
            points: self.whole,
            offered_rps: points().map(|point| rate(point.offered)).collect(),
            succeeded_rps: points().map(|point| rate(point.succeeded)).collect(),
            failed_rps: points().map(|point| rate(point.failed)).collect(),
            p50_ms: points().map(|point| point.p50_ms).collect(),
            p95_ms: points().map(|point| point.p95_ms).collect(),
        }
    }

    /// Attempts per second of a deployment, at the points that are over.
    pub(crate) fn attempts_rps(&self, deployment: usize, now_s: f64) -> Vec<f64> {
        let counts = self.attempts.get(deployment).map_or(&[][..], Vec::as_slice);
        let count = |place| counts.get(place).copied().unwrap_or(0);
        (0..self.over(now_s)).map(|place| self.rate(count(place))).collect()
    }

    fn rate(&self, count: u64) -> f64 {
        count as f64 / self.step_s as f64
    }

    fn over(&self, now_s: f64) -> usize {
        ((now_s / self.step_s as f64) as usize).min(self.whole)
    }

    /// What comes after the end counts to its last point.
    fn place(&self, at_s: f64) -> usize {
        ((at_s.max(0.0) / self.step_s as f64) as usize).min(self.whole - 1)
    }

    fn point(&mut self, place: usize) -> &mut CoursePoint {
        if self.points.len() <= place {
            self.points.resize(place + 1, CoursePoint::default());
        }
        &mut self.points[place]
    }

    fn latency(&mut self, place: usize, latency: Duration) {
        /// Points whose latencies may still change.
        const OPEN: usize = 3;
        let newest = self.latencies.back().map(|&(place, _)| place);
        if newest.is_none_or(|newest| newest < place) {
            self.latencies.push_back((place, Millis::default()));
            if self.latencies.len() > OPEN {
                self.latencies.pop_front();
            }
        }
        let Some((_, millis)) = self.latencies.iter_mut().find(|(at, _)| *at == place) else {
            return;
        };
        millis.add(latency);
        let (p50_ms, p95_ms) = (millis.quantile(0.5), millis.quantile(0.95));
        let point = self.point(place);
        (point.p50_ms, point.p95_ms) = (p50_ms, p95_ms);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LATENCY: Duration = Duration::from_millis(100);

    #[test]
    fn a_short_run_has_a_point_for_each_second_and_shows_those_that_are_over() {
        let mut course = RunCourse::new(Duration::from_secs(10), 1);
        course.offered(0.5, 7);
        course.ended(0.9, EndedRequest::Well(LATENCY));
        course.ended(1.1, EndedRequest::Badly);
        course.attempt(1.2, 0);
        course.attempt(1.3, 9);
        let at = course.course(2.0);
        assert_eq!((at.step_s, at.points), (1, 10));
        assert_eq!(at.offered_rps, [7.0, 0.0]);
        assert_eq!(at.succeeded_rps, [1.0, 0.0]);
        assert_eq!(at.failed_rps, [0.0, 1.0]);
        assert_eq!(at.p50_ms, [Some(100), None]);
        assert_eq!(course.attempts_rps(0, 2.9), [0.0, 1.0]);
        assert_eq!(course.course(1.9).offered_rps, [7.0]);
    }

    #[test]
    fn a_day_has_no_more_points_than_a_chart_and_what_ends_late_is_its_last() {
        let mut course = RunCourse::new(Duration::from_secs(86_400), 1);
        for second in 0..86_500 {
            course.offered(f64::from(second), 2);
            course.ended(f64::from(second), EndedRequest::Well(LATENCY));
        }
        let at = course.course(86_500.0);
        assert_eq!((at.step_s, at.points, at.offered_rps.len()), (360, 240, 240));
        assert_eq!(at.offered_rps[..239], [2.0; 239]);
        assert_eq!(at.offered_rps[239], (720.0 + 200.0) / 360.0);
        assert!(course.latencies.len() <= 3);
        assert_eq!(at.p95_ms[0], Some(100));
    }
}
