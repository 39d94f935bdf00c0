//! One recording of the logs of clients, gateway and providers.

use crate::{
    AttemptRow, Collector, Lag, NoteRow, Recording, RequestRow, RowRetention, RunHeader,
    SeriesLayout, join,
};
use std::collections::BTreeMap;

/// What the parts of a live run have logged, each in the order in which things happened to it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Logs {
    /// What the clients saw.
    pub requests: Vec<RequestRow>,
    /// What the providers saw, and the attempts that reached none of them.
    pub attempts: Vec<AttemptRow>,
    /// Decisions of the router, and faults.
    pub notes: Vec<NoteRow>,
    /// The journal of the router.
    pub journal: Option<Vec<u8>>,
}

impl Recording {
    /// The recording of a live run. Attempts are joined to requests by the token that rode in each; the lag
    /// and the digest of the header are made from the rows. The order of the logs does not matter.
    #[must_use]
    pub fn of_logs(header: RunHeader, keep: RowRetention, logs: Logs) -> Self {
        let Logs { mut requests, mut attempts, notes, journal } = logs;
        let shape = SeriesLayout {
            groups: header.groups.len(),
            deployments: header.deployments.len(),
            kinds: header.kinds.len(),
        };
        let mut collector = Collector::new(shape, keep)
            .with_server_lag(header.server_lag.clone())
            .with_marks(&header.marks);
        // A model that no deployment has is a stranger's request: it is none of the run's.
        attempts.retain(|row| usize::from(row.deployment) < header.deployments.len());
        join(&mut attempts);
        attempts
            .sort_by_key(|row| (row.ended, row.request, row.ordinal, row.started, row.deployment));
        requests.sort_by_key(|row| (row.ended, row.request));
        let kinds: BTreeMap<_, _> = requests.iter().map(|row| (row.request, row.kind)).collect();
        let lag = Lag::of(&requests);
        let mut requests = requests.iter().peekable();
        for attempt in &attempts {
            while let Some(request) = requests.next_if(|request| request.ended < attempt.ended) {
                collector.request(request);
            }
            match attempt.request.and_then(|request| kinds.get(&request)) {
                Some(&kind) => collector.attempt_for(kind, attempt),
                None => collector.attempt(attempt),
            }
        }
        requests.for_each(|request| collector.request(request));
        notes.into_iter().for_each(|note| collector.note(note));
        let recording = collector.finish(RunHeader { lag, ..header });
        Self { journal, ..recording }
    }

    /// The digest of the rows as they are now, of a recording of a live run. It is the header's, unless
    /// somebody changed one of the two.
    #[must_use]
    pub fn digest_of_rows(&self) -> String {
        let logs = Logs {
            requests: self.requests.clone(),
            attempts: self.attempts.clone(),
            ..Logs::default()
        };
        Self::of_logs(self.header.clone(), RowRetention::Cells, logs).header.digest
    }
}
