//! How long a provider asks to be left alone: `retry-after-ms` and `retry-after`.

use http::{HeaderMap, HeaderName, HeaderValue, header::RETRY_AFTER};
use std::time::{Duration, SystemTime};

/// The wait that the headers ask for: `retry-after-ms` (milliseconds, maybe with a fraction) before
/// `retry-after` (seconds, or an HTTP date counted from `now`; a date in the past is no wait), at most 584 years.
/// `None` where there is neither, or nothing that can be read.
#[must_use]
pub fn read_retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let millis = text(headers, &RETRY_AFTER_MS).and_then(|text| seconds(text, 1e-3));
    millis.or_else(|| {
        let text = text(headers, &RETRY_AFTER)?;
        seconds(text, 1.0).or_else(|| {
            let date = httpdate::parse_http_date(text).ok()?;
            Some(date.duration_since(now).unwrap_or_default().min(LONGEST))
        })
    })
}

/// Writes both headers: whole seconds, rounded up, and exact milliseconds.
pub fn write_retry_after(headers: &mut HeaderMap, wait: Duration) {
    let whole = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    headers.insert(RETRY_AFTER, HeaderValue::from(whole));
    let mut millis = wait.as_millis().to_string();
    let part = wait.subsec_nanos() % 1_000_000;
    if part > 0 {
        millis.push_str(format!(".{part:06}").trim_end_matches('0'));
    }
    let millis = HeaderValue::from_str(&millis).expect("digits and a point only");
    headers.insert(RETRY_AFTER_MS, millis);
}

/// What fits into nanoseconds of 64 bits, as times of ours do.
const LONGEST: Duration = Duration::from_nanos(u64::MAX);

const RETRY_AFTER_MS: HeaderName = HeaderName::from_static("retry-after-ms");

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

/// A number of units of so many seconds, to the nanosecond; `None` for what is not one.
fn seconds(text: &str, unit: f64) -> Option<Duration> {
    let value = text.parse::<f64>().ok()? * unit;
    let nanos = (value * 1e9).round();
    // The cast saturates: a wait of centuries is as good as any other.
    (value.is_finite() && value >= 0.0).then(|| Duration::from_nanos(nanos as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&'static str, &'static str)]) -> Option<Duration> {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        let headers = pairs
            .iter()
            .map(|&(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
        read_retry_after(&headers, now)
    }

    #[test]
    fn seconds_milliseconds_and_dates_are_read() {
        assert_eq!(read(&[]), None);
        assert_eq!(read(&[("retry-after", "20")]), Some(Duration::from_secs(20)));
        assert_eq!(read(&[("retry-after-ms", "1500.5")]), Some(Duration::from_micros(1_500_500)));
        let later = "Sun, 06 Nov 1994 08:50:07 GMT";
        assert_eq!(read(&[("retry-after", later)]), Some(Duration::from_secs(30)));
        let earlier = "Sun, 06 Nov 1994 08:00:00 GMT";
        assert_eq!(read(&[("retry-after", earlier)]), Some(Duration::ZERO));
    }

    #[test]
    fn a_wait_of_centuries_is_the_same_in_every_form() {
        for text in ["Wed, 07 Nov 4046 00:00:00 GMT", "63839065600", "1e300"] {
            let read = read(&[("retry-after", text)]);
            assert_eq!(read, Some(Duration::from_nanos(u64::MAX)), "{text}");
        }
    }

    #[test]
    fn milliseconds_go_before_seconds_unless_they_cannot_be_read() {
        let both = [("retry-after", "2"), ("retry-after-ms", "1250")];
        assert_eq!(read(&both), Some(Duration::from_millis(1_250)));
        let broken = [("retry-after", "2"), ("retry-after-ms", "soon")];
        assert_eq!(read(&broken), Some(Duration::from_secs(2)));
    }

    #[test]
    fn what_is_no_wait_is_ignored() {
        for text in ["-1", "NaN", "inf", "soon", ""] {
            assert_eq!(read(&[("retry-after", text)]), None, "{text:?}");
        }
    }

    #[test]
    fn seconds_are_rounded_up_and_milliseconds_are_exact() {
        let mut headers = HeaderMap::new();
        let wait = Duration::from_nanos(1_500_250_000);
        write_retry_after(&mut headers, wait);
        assert_eq!(headers["retry-after"], "2");
        assert_eq!(headers["retry-after-ms"], "1500.25");
        assert_eq!(read_retry_after(&headers, SystemTime::UNIX_EPOCH), Some(wait));
        write_retry_after(&mut headers, Duration::from_secs(20));
        assert_eq!(headers["retry-after"], "20");
        assert_eq!(headers["retry-after-ms"], "20000");
    }
}
