//! Tells of a certificate that expires, while there is time and when it has.

use super::{CertificateInfo, TlsServer};
use squall_clock::Clock;
use std::sync::Arc;
use std::time::Duration;

/// From so long before its end on, a certificate is warned of.
const WARN_WITHIN: i64 = 14 * DAY;

const DAY: i64 = 24 * 60 * 60;

/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// How a certificate stands in time.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Validity {
    NotYet,
    Valid,
    /// It ends within so many days, rounded up.
    Ends {
        days: i64,
    },
    Expired,
}

impl Validity {
    fn at(now: i64, certificate: &CertificateInfo) -> Self {
        let left = certificate.not_after.saturating_sub(now);
        if now < certificate.not_before {
            Self::NotYet
        } else if left < 0 {
            Self::Expired
        } else if left <= WARN_WITHIN {
            Self::Ends { days: (left + DAY - 1) / DAY }
        } else {
            Self::Valid
        }
    }

    fn log(self, certificate: &CertificateInfo) {
        let CertificateInfo { names, until, .. } = certificate;
        match self {
            Self::Valid => {}
            Self::NotYet => tracing::warn!(
                target: "squall_gateway::tls", names, "the certificate is not valid yet: clients refuse it"
            ),
            Self::Ends { days } => tracing::warn!(
                target: "squall_gateway::tls", names, not_after = until, days,
                "the certificate expires soon: put another in its files, which are read again"
            ),
            Self::Expired => tracing::error!(
                target: "squall_gateway::tls", names, not_after = until,
                "the certificate has expired: the gateway goes on serving, and clients refuse it"
            ),
        }
    }
}

/// Looks at the certificate in use now and then, and tells whenever it stands otherwise than before: each day of its last
/// two weeks, and when it has expired. Never ends.
pub(crate) async fn watch_expiry(server: Arc<TlsServer>, clock: Clock, epoch_nanos: u64) {
    let mut told = None;
    loop {
        let certificate = server.current().info;
        let nanos = epoch_nanos.saturating_add(clock.now().as_nanos());
        let validity = Validity::at((nanos / 1_000_000_000).cast_signed(), &certificate);
        let now = Some((validity, certificate.not_after));
        if now != told {
            validity.log(&certificate);
            told = now;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_warned_of_each_day_of_its_last_two_weeks_and_after_its_end() {
        let certificate = CertificateInfo {
            names: "llm.example.com".to_owned(),
            not_before: 100,
            not_after: 100 * DAY,
            until: String::new(),
        };
        let at = |now| Validity::at(now, &certificate);
        assert_eq!(at(99), Validity::NotYet);
        assert_eq!(at(100), Validity::Valid);
        assert_eq!(at(86 * DAY - 1), Validity::Valid);
        assert_eq!(at(86 * DAY), Validity::Ends { days: 14 });
        assert_eq!(at(99 * DAY), Validity::Ends { days: 1 });
        assert_eq!(at(100 * DAY), Validity::Ends { days: 0 });
        assert_eq!(at(100 * DAY + 1), Validity::Expired);
    }
}
