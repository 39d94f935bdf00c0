//! How late requests were sent.

use squall_record::{Lag, RequestRow};
use std::time::Duration;

/// The lag over all rows, by nearest rank; `None` without rows.
pub(crate) fn lag(rows: &[RequestRow]) -> Option<Lag> {
    let mut late: Vec<Duration> = rows.iter().map(|row| row.sent.since(row.intended)).collect();
    late.sort_unstable();
    let max = *late.last()?;
    let at = |percent: usize| late[(late.len() * percent).div_ceil(100).max(1) - 1];
    Some(Lag { p50: at(50), p99: at(99), max })
}

#[cfg(test)]
mod tests {
    use super::*;
    use squall_determinism::Timestamp;
    use squall_record::RequestOutcome;

    fn late_by(millis: u64) -> RequestRow {
        RequestRow {
            request: 0,
            group: 0,
            kind: 0,
            intended: Timestamp::from_secs(1),
            sent: Timestamp::from_secs(1) + Duration::from_millis(millis),
            first_token: None,
            ended: Timestamp::from_secs(2),
            stream: false,
            input_tokens: 1,
            output_tokens: 1,
            received_tokens: 0,
            outcome: RequestOutcome::GaveUp,
            status: 0,
        }
    }

    #[test]
    fn ranks_are_those_of_requests_that_were_sent() {
        assert_eq!(lag(&[]), None);
        let rows: Vec<_> = (1..=200).rev().map(late_by).collect();
        let ms = Duration::from_millis;
        assert_eq!(lag(&rows), Some(Lag { p50: ms(100), p99: ms(198), max: ms(200) }));
        assert_eq!(lag(&[late_by(3)]), Some(Lag { p50: ms(3), p99: ms(3), max: ms(3) }));
    }
}
