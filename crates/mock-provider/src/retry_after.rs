//! How a refusal says when to come again.

use http::header::RETRY_AFTER;
use http::{HeaderMap, HeaderName, HeaderValue};
use squall_provider::RetryAfter;
use squall_wire::write_retry_after;
use std::time::{Duration, SystemTime};

const RETRY_AFTER_MS: HeaderName = HeaderName::from_static("retry-after-ms");

/// Writes that one may come again after `wait`, in this form. `unix` is the wall time, since 1970.
pub(crate) fn write(headers: &mut HeaderMap, wait: Duration, form: RetryAfter, unix: Duration) {
    let (name, value) = match form {
        RetryAfter::Exact | RetryAfter::Wrong { .. } => return write_retry_after(headers, wait),
        RetryAfter::Absent => return,
        RetryAfter::Seconds => (RETRY_AFTER, seconds(wait).to_string()),
        RetryAfter::Millis => (RETRY_AFTER_MS, (wait.as_secs_f64() * 1e3).to_string()),
        RetryAfter::Date => {
            let at = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds(unix + wait));
            (RETRY_AFTER, httpdate::fmt_http_date(at))
        }
    };
    if let Ok(value) = HeaderValue::from_str(&value) {
        headers.insert(name, value);
    }
}

fn seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use squall_wire::read_retry_after;

    /// What the core says that a reader learns is what a reader learns.
    #[test]
    fn each_form_is_read_as_the_core_says() {
        let unix = Duration::from_millis(1_767_225_600_250);
        let now = SystemTime::UNIX_EPOCH + unix;
        let wait = Duration::from_millis(12_400);
        for form in [
            RetryAfter::Exact,
            RetryAfter::Seconds,
            RetryAfter::Millis,
            RetryAfter::Date,
            RetryAfter::Absent,
            RetryAfter::Wrong { factor_milli: 100 },
        ] {
            let told = form.stated(wait, unix.as_nanos() as u64);
            let mut headers = HeaderMap::new();
            if let Some(told) = told {
                write(&mut headers, told, form, unix);
            }
            assert_eq!(read_retry_after(&headers, now), told, "{form:?}: {headers:?}");
        }
    }
}
