//! One recording of three logs.

use crate::front::FrontLog;
use crate::testbed::ServerLogs;
use crate::under_test::UnderTest;
use squall_net::{Shortages, shortages};
use squall_record::{
    JoinCounts, Lacked, Logs, Mode, Recording, RowRetention, RunEnd, RunHeader, TargetInfo,
};
use squall_scenario::Scenario;
use squall_traffic::DriverLog;
use std::time::Duration;

/// Joins the logs of clients, gateway and providers.
pub(crate) fn recording(
    header: RunHeader,
    keep: RowRetention,
    driver: DriverLog,
    servers: ServerLogs,
) -> Recording {
    let ServerLogs { front, providers, lag } = servers;
    let FrontLog { gateway, lag: front_lag, usage } = front;
    let join = providers.iter().fold(JoinCounts::default(), |join, each| join.plus(each.join));
    let target = header.target.map(|target| TargetInfo {
        cpu: usage.map(|usage| usage.cpu),
        // Until here it was counted among the others.
        cpu_of_others: target
            .cpu_of_others
            .map(|others| others.saturating_sub(usage.map_or(Duration::ZERO, |usage| usage.cpu))),
        peak_memory: usage.map(|usage| usage.peak_memory),
        join,
        ..target
    });
    let is_built_in = target.is_none();
    let server_lag = front_lag.into_iter().chain(lag).collect();
    let header = RunHeader { server_lag, target, ..header };
    let mut attempts = gateway.refused;
    let mut notes = gateway.notes;
    notes.extend(driver.notes);
    for provider in providers {
        attempts.extend(provider.attempts);
        notes.extend(provider.notes);
    }
    let journal = (is_built_in && keep == RowRetention::Rows).then_some(gateway.journal);
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

/// What is known of another gateway before the run.
pub(crate) fn target_info(target: &UnderTest) -> TargetInfo {
    TargetInfo {
        name: target.options.name.clone(),
        version: target.options.version.clone(),
        has_own_providers: target.ports.is_none(),
        ..TargetInfo::default()
    }
}
