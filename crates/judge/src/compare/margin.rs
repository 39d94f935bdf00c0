//! How much worse is no regression: a margin for each figure, which somebody states or which is a default by its unit.
//!
//! The defaults are the slack that `check` gives a committed baseline: a tenth of what is lost, waited or counted, and
//! beside it what the figure cannot tell apart. For a share that is 0.1 percentage points, the whole error budget of an
//! objective of 99.9 % ([Site Reliability Engineering](https://sre.google/sre-book/embracing-risk/), chapter 3); for times
//! that are read from counts per tick, a tick; for latencies 5 ms, the lag up to which a live run is valid.

use super::ComparedFigure;
use crate::metrics::BetterSide;
use crate::seeds::{SLACK, SLACK_RATIO, SLACK_SHARE};
use crate::verdict::LAG_MAX;
use squall_record::TICK;
use squall_scenario::{MetricId, MetricSpec, MetricUnit, read_duration};
use std::str::FromStr;

/// A margin that somebody stated: `success_rate=0.5%`, `failover_time(eu)=500ms`, `latency_p95=20%`.
#[derive(Clone, Debug, PartialEq)]
pub struct StatedMargin {
    /// A metric, or the name of one figure.
    pub of: String,
    size: MarginSize,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum MarginSize {
    /// In the unit of the figure.
    Absolute(f64),
    /// A part of the reference's mean.
    Relative(f64),
}

impl FromStr for StatedMargin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let Some((of, size)) = text.rsplit_once('=') else {
            let message = format!("`{text}` is not a margin: write `METRIC=SIZE`");
            return Err(message + ", such as `success_rate=0.5%`");
        };
        let (of, size) = (of.trim(), size.trim());
        let name = of.split(['(', ' ']).next().unwrap_or(of);
        let spec = MetricSpec::named(name)?;
        let size = MarginSize::read(spec, size)?;
        Ok(Self { of: of.to_owned(), size })
    }
}

impl MarginSize {
    fn read(spec: &MetricSpec, text: &str) -> Result<Self, String> {
        let wrong =
            |expected: &str| format!("`{text}` is no margin of `{}`: {expected}", spec.name);
        let number = |text: &str| {
            let number = text.trim().parse::<f64>().ok();
            number.filter(|number| number.is_finite() && *number >= 0.0)
        };
        let part = text.strip_suffix('%').map(|percent| number(percent).map(|part| part / 100.0));
        match (spec.unit, part) {
            (_, Some(None)) => Err(wrong("expected a percentage, such as `5%`")),
            (MetricUnit::Percent, Some(Some(part))) => Ok(Self::Absolute(part)),
            (MetricUnit::Percent, None) => Err(wrong("expected percentage points, such as `0.5%`")),
            (_, Some(Some(part))) => Ok(Self::Relative(part)),
            (MetricUnit::Duration, None) => read_duration(text)
                .map(|time| Self::Absolute(time.as_secs_f64() * 1e3))
                .map_err(|_| wrong("expected a duration or a part, such as `200ms` or `10%`")),
            (MetricUnit::Count | MetricUnit::Ratio | MetricUnit::Dollars, None) => {
                number(text.trim_start_matches('$'))
                    .map(Self::Absolute)
                    .ok_or_else(|| wrong("expected a number or a part, such as `3` or `10%`"))
            }
        }
    }
}

/// The margin of a figure whose mean is this in the reference: the one stated for just this figure, else for its metric,
/// else the default.
pub(super) fn margin(stated: &[StatedMargin], figure: &ComparedFigure, reference: f64) -> f64 {
    let named = |name: &str| stated.iter().rev().find(|margin| margin.of == name);
    match named(&figure.name).or_else(|| named(figure.metric.spec().name)) {
        Some(StatedMargin { size: MarginSize::Absolute(size), .. }) => *size,
        Some(StatedMargin { size: MarginSize::Relative(part), .. }) => part * reference.abs(),
        None => default(figure, reference),
    }
}

fn default(figure: &ComparedFigure, reference: f64) -> f64 {
    let millis = |time: std::time::Duration| time.as_secs_f64() * 1e3;
    match (figure.metric.spec().unit, figure.better()) {
        (MetricUnit::Percent, BetterSide::Higher) => (1.0 - reference) * SLACK + SLACK_SHARE,
        (MetricUnit::Percent, BetterSide::Lower) => reference * SLACK + SLACK_SHARE,
        (MetricUnit::Percent, BetterSide::Neither) => 10.0 * SLACK_SHARE,
        (MetricUnit::Duration, _) if is_latency(figure.metric) => {
            reference * SLACK + millis(LAG_MAX)
        }
        (MetricUnit::Duration, _) => reference * SLACK + millis(TICK),
        (MetricUnit::Count, _) => reference * SLACK + 1.0,
        (MetricUnit::Ratio, _) => reference * SLACK * 0.5 + SLACK_RATIO,
        (MetricUnit::Dollars, _) => reference * SLACK,
    }
}

/// Whether a time is measured of each request, and not read from counts per tick.
fn is_latency(metric: MetricId) -> bool {
    ["latency", "ttft", "answer_time"].iter().any(|part| metric.spec().name.starts_with(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(stated: &[&str], name: &str, reference: f64) -> f64 {
        let stated: Vec<_> = stated.iter().map(|text| text.parse().expect("a margin")).collect();
        let figure = ComparedFigure::named(name, true).expect("a figure");
        (margin(&stated, &figure, reference) * 1e9).round() / 1e9
    }

    #[test]
    fn defaults_are_a_tenth_of_what_is_lost_and_what_cannot_be_told_apart() {
        assert_eq!(of(&[], "success_rate", 0.97), 0.004);
        assert_eq!(of(&[], "wasted_tokens", 0.03), 0.004);
        assert_eq!(of(&[], "attempt_share(eu)", 0.5), 0.01);
        assert_eq!(of(&[], "failover_time(eu)", 1_200.0), 220.0);
        assert_eq!(of(&[], "latency_p95", 1_200.0), 125.0);
        assert_eq!(of(&[], "throttled(eu)", 40.0), 5.0);
        assert_eq!(of(&[], "retry_amplification", 1.2), 0.08);
        assert_eq!(of(&[], "cost", 2.0), 0.2);
    }

    #[test]
    fn a_stated_margin_holds_for_its_metric_and_one_of_a_figure_for_that_alone() {
        let stated =
            ["latency_p95=20%", "failover_time=500ms", "failover_time(eu)=1s", "success_rate=0.5%"];
        assert_eq!(of(&stated, "latency_p95(chat)", 1_000.0), 200.0);
        assert_eq!(of(&stated, "failover_time(us)", 1_000.0), 500.0);
        assert_eq!(of(&stated, "failover_time(eu)", 1_000.0), 1_000.0);
        assert_eq!(of(&stated, "success_rate during calm", 0.9), 0.005);
    }

    #[test]
    fn what_is_no_margin_is_refused_with_what_was_expected() {
        let wrong = |text: &str| text.parse::<StatedMargin>().expect_err("it is none");
        assert_eq!(
            wrong("success_rate"),
            "`success_rate` is not a margin: write `METRIC=SIZE`, such as `success_rate=0.5%`"
        );
        assert_eq!(
            wrong("sucess_rate=1%"),
            "no metric is called `sucess_rate`: did you mean `success_rate`?"
        );
        assert_eq!(
            wrong("success_rate=3"),
            "`3` is no margin of `success_rate`: expected percentage points, such as `0.5%`"
        );
        assert!(wrong("failover_time=fast").contains("expected a duration or a part"));
        assert!(wrong("throttled=-1").contains("expected a number or a part"));
        assert!(wrong("throttled=x%").contains("expected a percentage"));
    }
}
