//! What a recording of a scenario begins with.

use crate::Scenario;
use squall_record::{Lacked, Mode, RunEnd, RunHeader, Topology};

impl Scenario {
    /// Everyone who takes part, under the numbers that the router gives them.
    #[must_use]
    pub fn topology(&self) -> Topology {
        Topology::new(&self.router, self.changes.iter().map(|change| &change.router))
    }

    /// The header of a recording that comes to its end, before anything has happened.
    #[must_use]
    pub fn run_header(&self, mode: Mode) -> RunHeader {
        let topology = self.topology();
        RunHeader {
            scenario: self.name.clone(),
            scenario_text: self.text.clone(),
            seed: self.seed.value(),
            mode,
            duration: self.duration,
            ended: RunEnd::Complete,
            deployments: topology.infos(self.deployments.iter().map(|link| link.provider)),
            changes: topology.changes(self.changes.iter().map(|change| (change.at, &*change.what))),
            groups: topology.groups,
            providers: self.providers.iter().map(|provider| provider.name.clone()).collect(),
            kinds: self.kinds.iter().map(|kind| kind.name.clone()).collect(),
            lag: None,
            server_lag: Vec::new(),
            target: None,
            lacked: Lacked::default(),
            digest: String::new(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}
