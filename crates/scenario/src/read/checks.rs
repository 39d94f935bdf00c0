//! Checks that several readers share.

use crate::diagnostic::Problem;
use crate::fields::Fields;
use core::time::Duration;

/// A cap below its base would silently be the base.
pub(super) fn check_cap(fields: &Fields<'_>, base: Duration, cap: Duration) {
    if cap < base {
        let secs = |duration: Duration| duration.as_secs_f64();
        let message = format!("`cap` ({}s) is below `base` ({}s)", secs(cap), secs(base));
        let at = if fields.get("cap").is_some() { "cap" } else { "base" };
        let problem = Problem::new(fields.span_of(at), message, "expected `cap` ≥ `base`");
        fields.problems.push(problem);
    }
}

/// Settings beside `litellm`, whose formula takes their place.
pub(super) fn of_no_effect(fields: &Fields<'_>, others: &[&str]) {
    for other in others {
        if fields.get(other).is_some() {
            let message = format!("`{other}` has no effect beside `litellm`");
            let problem = Problem::new(fields.key_span(other), message, "of no effect here");
            fields.problems.push(problem.related(fields.key_span("litellm"), "its formula holds"));
        }
    }
}
