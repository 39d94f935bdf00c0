//! One recording of three logs.

use crate::testbed::ServerLogs;
use squall_net::{Shortages, shortages};
use squall_record::{Lacked, Logs, Mode, Recording, RowRetention, RunEnd, RunHeader};
use squall_scenario::Scenario;
use squall_traffic::DriverLog;

/// Joins the logs of clients, gateway and providers.
pub(crate) fn recording(
    header: RunHeader,
    keep: RowRetention,
    driver: DriverLog,
    servers: ServerLogs,
) -> Recording {
    let ServerLogs { gateway, providers, lag } = servers;
    let header = RunHeader { server_lag: lag, ..header };
    let mut attempts = gateway.refused;
    let mut notes = gateway.notes;
    for provider in providers {
        attempts.extend(provider.attempts);
        notes.extend(provider.notes);
    }
    let journal = Some(gateway.journal);
    Recording::of_logs(header, keep, Logs { requests: driver.requests, attempts, notes, journal })
}

/// What the process lacked since a look at its counts.
pub(crate) fn lacked(before: Shortages, file_limit: Option<u64>) -> Lacked {
    let counted = shortages().since(before);
    Lacked {
        file_descriptors: counted.file_descriptors,
        file_limit,
        local_ports: counted.local_ports,
        memory: counted.memory,
    }
}

/// What a recording of a scenario says that has not come to its end.
pub(crate) fn header(scenario: &Scenario, ended: RunEnd) -> RunHeader {
    RunHeader { ended, ..scenario.run_header(Mode::Live) }
}
