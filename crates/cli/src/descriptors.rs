//! The limit on open files: raised, and said at the start when it is too low for what is asked.

use crate::error::CliError;
use crate::terminal;
use squall_record::{AttemptRow, RequestRow};
use squall_scenario::Scenario;
use squall_sim::{RowRetention, SimOptions};

/// Sockets of a request in flight in a live run: the client's and the gateway's towards it, the gateway's to
/// its provider and the provider's own.
const SOCKETS_PER_REQUEST: u64 = 4;

/// What a live run has open whoever asks: files, listeners, event queues of its runtimes.
const OPEN_BESIDES: u64 = 64;

/// Below this a server is told of: some hundred requests at once.
const FEW: u64 = 1_024;

/// Raises the limit, and says so if a live run of the scenario needs more files than it may open.
pub(crate) fn say_what_is_too_few(scenario: &Scenario) -> Result<(), CliError> {
    let Some(limit) = squall_net::raise_file_limit() else { return Ok(()) };
    // Nobody is in flight for longer than clients wait: where that much fits, nothing needs to be known.
    let sockets = scenario.workload.most_in_flight() * SOCKETS_PER_REQUEST as f64;
    if sockets + OPEN_BESIDES as f64 <= limit as f64 {
        return Ok(());
    }
    let needed = needed(scenario)?;
    if needed > limit {
        terminal::status(format_args!(
            "too few file descriptors: this run needs about {needed}, and the limit of the \
             process is {limit}; raise it with `ulimit -n {needed}`, or the run will be \
             inconclusive"
        ));
    }
    Ok(())
}

/// Raises the limit for a server that holds `sockets` of them for each request, and says so if it is low.
pub(crate) fn raise_for_server(sockets: u64) {
    let Some(limit) = squall_net::raise_file_limit() else { return };
    if limit < FEW {
        let requests = limit.saturating_sub(OPEN_BESIDES) / sockets;
        terminal::status(format_args!(
            "few file descriptors: the limit of the process is {limit}, enough for about \
             {requests} concurrent requests; raise it with `ulimit -n 65536`"
        ));
    }
}

/// How many files a live run has open at its busiest: as many as in virtual time.
fn needed(scenario: &Scenario) -> Result<u64, CliError> {
    let recording =
        squall_sim::simulate(scenario, SimOptions { keep: RowRetention::Rows, journal: false })?;
    let requests = recording.requests.iter().map(|row: &RequestRow| (row.sent, row.ended));
    let attempts = recording.attempts.iter().map(|row: &AttemptRow| (row.started, row.ended));
    let open = most_at_once(requests) + most_at_once(attempts);
    Ok(open * (SOCKETS_PER_REQUEST / 2) + OPEN_BESIDES)
}

/// How many stretches of time overlap where most do. One without length holds nothing open.
fn most_at_once<T: Ord + Copy>(stretches: impl Iterator<Item = (T, T)>) -> u64 {
    let mut edges: Vec<(T, bool)> = stretches
        .filter(|(from, to)| from < to)
        .flat_map(|(from, to)| [(from, true), (to, false)])
        .collect();
    // Where one ends and another begins, the first has ended.
    edges.sort_unstable();
    let (mut open, mut most) = (0_u64, 0);
    for (_, begins) in edges {
        open = if begins { open + 1 } else { open.saturating_sub(1) };
        most = most.max(open);
    }
    most
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlaps_are_counted_where_there_are_most() {
        assert_eq!(most_at_once([(0, 10), (5, 15), (10, 20), (12, 13)].into_iter()), 3);
        assert_eq!(most_at_once(std::iter::empty::<(u8, u8)>()), 0);
        assert_eq!(most_at_once([(3, 3), (3, 3)].into_iter()), 0);
    }
}
