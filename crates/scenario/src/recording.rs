//! What a recording of a scenario begins with.

use crate::Scenario;
use squall_record::{CellMarks, Lacked, Mode, RunEnd, RunHeader, Topology, TraceInfo};
use squall_workload::{Arrivals, SourceConfig, TraceIdentity};

impl Scenario {
    /// Everyone who takes part, under the numbers that the router gives them.
    #[must_use]
    pub fn topology(&self) -> Topology {
        Topology::new(&self.router, self.changes.iter().map(|change| &change.router))
    }

    /// What the cells of a recording keep apart, so that each expectation is judged exactly: the ends of phases and of the
    /// warm-up where the bins of a distribution do not end, and latencies within which answers count.
    #[must_use]
    pub fn cell_marks(&self) -> CellMarks {
        let ends = self.phases.iter().flat_map(|phase| [phase.start, phase.end]);
        let cuts = ends.filter(|end| !end.as_nanos().is_multiple_of(1_000_000_000));
        // Of deployments too, whose bins are of five seconds.
        let warm_up =
            Some(self.warm_up).filter(|end| !end.as_nanos().is_multiple_of(5_000_000_000));
        let cuts = cuts.chain(warm_up);
        let within = self.expectations.iter().filter_map(|expectation| expectation.within);
        CellMarks { cuts: sorted(cuts.collect()), within: sorted(within.collect()) }
    }

    /// The traces that give the times of requests.
    fn traces(&self) -> Vec<TraceInfo> {
        let of_source = |source: &SourceConfig| {
            let Arrivals::Trace { replay } = &source.arrivals else { return None };
            let TraceIdentity { name, sha256 } = replay.source.identity();
            Some(TraceInfo { name, sha256, fault: None })
        };
        self.workload.sources.iter().filter_map(of_source).collect()
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
            shards: None,
            lacked: Lacked::default(),
            marks: self.cell_marks(),
            traces: self.traces(),
            digest: String::new(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}

/// Each once, in order.
fn sorted<T: Ord>(mut values: Vec<T>) -> Vec<T> {
    values.sort_unstable();
    values.dedup();
    values
}
