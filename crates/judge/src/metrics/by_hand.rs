//! Metrics of a run made by hand.

use super::{Measured, Measurement, MetricQuery, MetricValue, measure};
use squall_determinism::Timestamp;
use squall_scenario::{Argument, Limit, MetricId};
use squall_testkit::by_hand::Fixture;
use std::ops::Range;

/// What the tests ask of a run.
pub(super) trait MeasureByHand {
    fn measure(
        &self,
        metric: MetricId,
        argument: Option<Argument>,
        window: Range<Timestamp>,
    ) -> Measurement;

    /// A metric that must have a value.
    fn measured(
        &self,
        metric: MetricId,
        argument: Option<Argument>,
        window: Range<Timestamp>,
    ) -> Measured {
        match self.measure(metric, argument, window) {
            Measurement::Measured(measured) => measured,
            Measurement::Inconclusive { reason } => panic!("{metric:?} is inconclusive: {reason}"),
        }
    }

    /// The value of a metric, which must have one.
    fn value(
        &self,
        metric: MetricId,
        argument: Option<Argument>,
        window: Range<Timestamp>,
    ) -> MetricValue {
        self.measured(metric, argument, window).value
    }

    /// Why a metric has no value.
    fn reason(
        &self,
        metric: MetricId,
        argument: Option<Argument>,
        window: Range<Timestamp>,
    ) -> String {
        match self.measure(metric, argument, window) {
            Measurement::Measured(measured) => panic!("{metric:?} is {measured:?}"),
            Measurement::Inconclusive { reason } => reason,
        }
    }
}

impl MeasureByHand for Fixture {
    fn measure(
        &self,
        metric: MetricId,
        argument: Option<Argument>,
        window: Range<Timestamp>,
    ) -> Measurement {
        let (scenario, recording) = (&self.scenario, &self.recording());
        let limit = Some(Limit::Fraction(0.9));
        measure(
            metric,
            &MetricQuery { scenario, recording, argument, within: self.within, window, limit },
        )
    }
}
