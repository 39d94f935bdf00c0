//! When a run ends early: `abort_when: error_rate > 20% for 10s`.

use crate::fields::Fields;
use crate::schema::Schema;
use crate::unit::{self, Misfit};
use core::time::Duration;
use squall_workload::AbortRule;

/// The metric that a rule is about.
const ERROR_RATE: &str = "error_rate";

/// Reads the rule of a scenario, if it has one.
pub(crate) fn abort_rule(fields: &Fields<'_>) -> Option<AbortRule> {
    fields.parsed("abort_when", |shape| matches!(shape, Schema::Text), rule)
}

/// Reads a rule.
fn rule(text: &str) -> Result<AbortRule, Misfit> {
    let none = || {
        Misfit::new(format!("`{text}` is no rule to abort by"), "expected a rule")
            .help("write `error_rate > 20% for 10s`: the share that fails in every one of the last ten seconds")
    };
    let words: Vec<_> = text.split_whitespace().collect();
    let [ERROR_RATE, ">", share, "for", time] = words[..] else { return Err(none()) };
    let (over, lasting) = (unit::share(share)?, unit::duration(time)?);
    if lasting < Duration::from_secs(1) || lasting.subsec_nanos() != 0 {
        let message = format!("`{time}` is not a number of whole seconds");
        return Err(
            Misfit::new(message, "failures are counted by the second").help("write at least `1s`")
        );
    }
    Ok(AbortRule { over, lasting })
}

#[cfg(test)]
mod tests {
    use super::*;
    use squall_determinism::Share;

    #[test]
    fn a_rule_names_a_share_and_a_time() {
        let read = rule("error_rate > 20% for 10s").map_err(|_| ()).expect("it is one");
        assert_eq!(read, AbortRule { over: Share::percent(20), lasting: Duration::from_secs(10) });
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "error_rate > 20%",
            "error_rate < 20% for 10s",
            "success_rate > 20% for 10s",
            "error_rate > 20 for 10s",
            "error_rate > 120% for 10s",
            "error_rate > 20% for 0s",
            "error_rate > 20% for 1500ms",
            "error_rate > 20% for 10s 10s",
        ] {
            assert!(rule(text).is_err(), "{text}");
        }
    }
}
