//! What a provider counts for `/metrics`, in Prometheus' text format: attempts by how they ended and by the fault
//! that hit them, tokens, attempts in flight, and how long the first token and the whole took.

use squall_record::{AttemptOutcome, AttemptRow};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

/// The content type of Prometheus' text format.
pub(crate) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The most faults that have series of their own: what is injected for days is counted together from then on.
const FAULTS_MOST: u16 = 200;

/// Upper bounds of latencies, in seconds.
const BOUNDS: [f64; 14] =
    [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0];

/// Since the start of the provider.
#[derive(Debug, Default)]
pub(crate) struct ProviderMetrics {
    attempts: BTreeMap<(&'static str, HitFault), u64>,
    input_tokens: u64,
    output_tokens: u64,
    first_token: DurationHistogram,
    whole: DurationHistogram,
}

/// The fault that hit an attempt.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum HitFault {
    None,
    Number(u16),
    Other,
}

#[derive(Debug, Default)]
struct DurationHistogram {
    /// By the bound below which it lies; the last for all above.
    counts: [u64; BOUNDS.len() + 1],
    sum: Duration,
}

impl ProviderMetrics {
    /// Counts an attempt that has ended.
    pub(crate) fn count(&mut self, row: &AttemptRow) {
        let outcome = match row.outcome {
            AttemptOutcome::Succeeded => "succeeded",
            AttemptOutcome::Failed { class } => class.as_str(),
            AttemptOutcome::Abandoned => "abandoned",
            AttemptOutcome::Unfinished => "unfinished",
        };
        let fault = match row.fault {
            None => HitFault::None,
            Some(number) if number < FAULTS_MOST => HitFault::Number(number),
            Some(_) => HitFault::Other,
        };
        *self.attempts.entry((outcome, fault)).or_default() += 1;
        self.input_tokens += u64::from(row.input_tokens);
        self.output_tokens += u64::from(row.output_tokens);
        if let Some(first) = row.first_token {
            self.first_token.add(first.since(row.started));
        }
        self.whole.add(row.ended.since(row.started));
    }

    /// Everything, of the provider of this name.
    pub(crate) fn text(&self, provider: &str, in_flight: usize) -> String {
        let provider = escaped(provider);
        let mut out = String::with_capacity(4_096);
        let head = |name: &str, kind: &str, help: &str, out: &mut String| {
            writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}")
                .expect("a String takes all");
        };
        let name = "squall_mock_attempts_total";
        head(
            name,
            "counter",
            "Completed attempts, by outcome (a failure class) and fault.",
            &mut out,
        );
        for ((outcome, fault), count) in &self.attempts {
            let fault = match fault {
                HitFault::None => String::new(),
                HitFault::Number(number) => number.to_string(),
                HitFault::Other => "other".to_owned(),
            };
            writeln!(
                out,
                "{name}{{provider=\"{provider}\",outcome=\"{outcome}\",fault=\"{fault}\"}} {count}"
            )
            .expect("a String takes all");
        }
        let name = "squall_mock_tokens_total";
        head(name, "counter", "Prompt and output tokens of completed attempts.", &mut out);
        for (kind, count) in [("input", self.input_tokens), ("output", self.output_tokens)] {
            writeln!(out, "{name}{{provider=\"{provider}\",kind=\"{kind}\"}} {count}")
                .expect("a String takes all");
        }
        let name = "squall_mock_in_flight";
        head(name, "gauge", "Attempts in flight.", &mut out);
        writeln!(out, "{name}{{provider=\"{provider}\"}} {in_flight}").expect("a String takes all");
        for (name, help, histogram) in [
            ("squall_mock_first_token_seconds", "Time to first token.", &self.first_token),
            ("squall_mock_attempt_seconds", "Duration of attempts.", &self.whole),
        ] {
            head(name, "histogram", help, &mut out);
            histogram.push(&mut out, name, &provider);
        }
        out
    }
}

impl DurationHistogram {
    fn add(&mut self, took: Duration) {
        let seconds = took.as_secs_f64();
        let place = BOUNDS.iter().position(|bound| seconds <= *bound).unwrap_or(BOUNDS.len());
        self.counts[place] += 1;
        self.sum = self.sum.saturating_add(took);
    }

    fn push(&self, out: &mut String, name: &str, provider: &str) {
        let mut below = 0;
        for (place, count) in self.counts.iter().enumerate() {
            below += count;
            let bound = BOUNDS.get(place).map_or_else(|| "+Inf".to_owned(), f64::to_string);
            writeln!(out, "{name}_bucket{{provider=\"{provider}\",le=\"{bound}\"}} {below}")
                .expect("a String takes all");
        }
        let sum = self.sum.as_secs_f64();
        writeln!(
            out,
            "{name}_sum{{provider=\"{provider}\"}} {sum}\n{name}_count{{provider=\"{provider}\"}} {below}"
        )
        .expect("a String takes all");
    }
}

/// A value of a label.
fn escaped(text: &str) -> String {
    text.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider_server::new_row;
    use squall_determinism::Timestamp;
    use squall_failure::FailureClass;

    #[test]
    fn what_ended_is_counted_by_outcome_and_fault_and_series_are_bounded() {
        let mut metrics = ProviderMetrics::default();
        let at = Timestamp::from_secs(1);
        let row = new_row(None, at);
        let first_token = Some(Timestamp::from_millis(1_040));
        let ended = Timestamp::from_millis(3_000);
        let outcome = AttemptOutcome::Succeeded;
        metrics.count(&AttemptRow {
            outcome,
            first_token,
            ended,
            input_tokens: 3,
            output_tokens: 9,
            ..row
        });
        let outcome = AttemptOutcome::Failed { class: FailureClass::Overloaded };
        for fault in 0..1_000 {
            metrics.count(&AttemptRow { outcome, fault: Some(fault), ..row });
        }
        let text = metrics.text("e\"u", 2);
        for line in [
            r#"squall_mock_attempts_total{provider="e\"u",outcome="succeeded",fault=""} 1"#,
            r#"squall_mock_attempts_total{provider="e\"u",outcome="overloaded",fault="7"} 1"#,
            r#"squall_mock_attempts_total{provider="e\"u",outcome="overloaded",fault="other"} 800"#,
            r#"squall_mock_tokens_total{provider="e\"u",kind="output"} 9"#,
            r#"squall_mock_in_flight{provider="e\"u"} 2"#,
            r#"squall_mock_first_token_seconds_bucket{provider="e\"u",le="0.025"} 0"#,
            r#"squall_mock_first_token_seconds_bucket{provider="e\"u",le="0.05"} 1"#,
            r#"squall_mock_attempt_seconds_bucket{provider="e\"u",le="+Inf"} 1001"#,
            r#"squall_mock_attempt_seconds_sum{provider="e\"u"} 2"#,
            r#"squall_mock_attempt_seconds_count{provider="e\"u"} 1001"#,
        ] {
            assert!(text.lines().any(|told| told == line), "{line} is not in\n{text}");
        }
        assert!(text.lines().count() < 300);
    }
}
