//! How long the servers of a live run waited for the machine before they could do what was due.

use super::Lag;
use core::time::Duration;
use squall_determinism::Timestamp;

/// The scheduling lag of one part of a live run: the gateway, or the mock providers.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ServerLag {
    /// Which part.
    pub part: String,
    /// How late a timer of this part fired: of timers that were due every few milliseconds over the whole run.
    pub lag: Lag,
    /// The times in which the part did nothing although it was due, in their order.
    pub stalls: Vec<Stall>,
}

/// A time in which a part of the run did not get the processor.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Stall {
    /// From when a timer was due.
    pub from: Timestamp,
    /// When it fired.
    pub until: Timestamp,
}

impl ServerLag {
    /// The end of the last stall that something arriving at `from`, or up to `until`, has to wait for.
    fn stall_between(&self, from: Timestamp, until: Timestamp) -> Option<Timestamp> {
        let first = self.stalls.partition_point(|stall| stall.until <= from);
        let reached = self.stalls[first..].iter().take_while(|stall| stall.from <= until);
        reached.last().map(|stall| stall.until)
    }
}

/// By how much stalls may have delayed what one server sent to another at `sent`, if it takes up to `transit` between
/// two servers that run. Zero unless one of them stalled then.
#[must_use]
pub(crate) fn stalled_after(servers: &[ServerLag], sent: Timestamp, transit: Duration) -> Duration {
    let mut arrived = sent;
    // One part may stall as the other goes on: every stall that is met delays the arrival, and may meet another.
    while let Some(until) =
        servers.iter().filter_map(|server| server.stall_between(arrived, arrived + transit)).max()
    {
        arrived = until;
    }
    arrived.since(sent)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRANSIT: Duration = Duration::from_millis(25);

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn server(stalls: &[(u64, u64)]) -> ServerLag {
        let none = Duration::ZERO;
        ServerLag {
            part: "gateway".to_owned(),
            lag: Lag { p50: none, p99: none, max: none },
            stalls: stalls
                .iter()
                .map(|&(from, until)| Stall { from: at(from), until: at(until) })
                .collect(),
        }
    }

    #[test]
    fn what_meets_no_stall_is_not_delayed() {
        let servers = [server(&[(100, 200), (500, 600)]), server(&[])];
        for sent in [0, 74, 200, 400, 600, 1_000] {
            assert_eq!(stalled_after(&servers, at(sent), TRANSIT), Duration::ZERO, "{sent}");
        }
    }

    #[test]
    fn a_stall_delays_what_comes_while_it_lasts_and_just_before_it() {
        let servers = [server(&[(100, 200)])];
        for (sent, delay) in [(75, 125), (100, 100), (150, 50), (199, 1)] {
            assert_eq!(
                stalled_after(&servers, at(sent), TRANSIT),
                Duration::from_millis(delay),
                "{sent}"
            );
        }
    }

    #[test]
    fn stalls_of_two_servers_add_up_where_they_follow_each_other() {
        let servers = [server(&[(100, 200), (900, 950)]), server(&[(210, 300)])];
        assert_eq!(stalled_after(&servers, at(150), TRANSIT), Duration::from_millis(150));
    }
}
