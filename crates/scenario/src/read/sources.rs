//! The sources of traffic: one, or a list of several.

use super::names::RouterSection;
use super::traffic::{self, SOURCE, TRAFFIC};
use super::{KnownNames, abort_rule, mix};
use crate::diagnostic::{Problem, Problems};
use crate::fields::Fields;
use crate::model::{RequestKind, TrafficSource};
use crate::node::{Node, NodeKind};
use crate::schema::Schema;
use crate::value;
use core::time::Duration;
use squall_determinism::Timestamp;
use squall_provider::name_hash;
use squall_router::GroupId;
use squall_workload::{SourceConfig, WorkloadConfig};
use std::path::Path;

/// Traffic as a file has it.
pub(crate) const SOURCES: Schema =
    Schema::Either(&[Schema::Section(&TRAFFIC), Schema::List(&Schema::Section(&SOURCE))]);

/// All traffic, by its sources.
#[derive(Debug, Default)]
pub(crate) struct SourcesSection {
    /// The sources, each with its kinds by number.
    pub(crate) sources: Vec<TrafficSource>,
    /// The kinds of all sources, one after the other.
    pub(crate) kinds: Vec<RequestKind>,
    /// What they send.
    configs: Vec<SourceConfig>,
}

impl SourcesSection {
    /// The group that the first source asks for.
    pub(crate) fn target(&self) -> Option<GroupId> {
        self.sources.first().map(|source| source.target)
    }

    /// The names that metrics may be of; none where there is one kind alone that the file does not name.
    pub(crate) fn names(&self) -> Vec<(&str, core::ops::Range<u16>)> {
        names(&self.sources, &self.configs, &self.kinds)
    }

    /// The workload.
    pub(crate) fn workload(&self, fields: &Fields<'_>, run: Option<Duration>) -> WorkloadConfig {
        WorkloadConfig {
            sources: self.configs.clone(),
            until: run.map_or(Timestamp::ZERO, Timestamp::from),
            abort: abort_rule::abort_rule(fields),
        }
    }
}

/// What metrics may be of beside groups and deployments: kinds, and sources with a mix, which are several kinds.
pub(crate) fn names<'s>(
    sources: &'s [TrafficSource],
    configs: &[SourceConfig],
    kinds: &'s [RequestKind],
) -> Vec<(&'s str, core::ops::Range<u16>)> {
    let each = (0_u16..).zip(kinds).map(|(place, kind)| (&*kind.name, place..place + 1));
    let is_mixed = |source: &&TrafficSource| source.kinds.len() > 1;
    let mixed = sources.iter().filter(is_mixed);
    let mixed = mixed.filter_map(|source| Some((source.name.as_deref()?, source.kinds.clone())));
    match (sources, configs) {
        ([source], [config]) if source.name.is_none() && config.kinds.is_empty() => Vec::new(),
        _ => each.chain(mixed).collect(),
    }
}

/// Reads `traffic` of a scenario, for a run of this length if that is known. Traces are read from `folder`, if there is one.
pub(crate) fn sources(
    fields: &Fields<'_>,
    run: Option<Duration>,
    folder: Option<&Path>,
    router: &RouterSection,
) -> SourcesSection {
    let mut read = SourcesSection::default();
    let Some(node) = fields.get("traffic") else { return read };
    let NodeKind::List(items) = &node.kind else {
        if !matches!(node.kind, NodeKind::Map(_)) {
            value::wrong_type(node, &SOURCES, fields.problems);
        } else if let Some(source) = Fields::open(node, &TRAFFIC, fields.problems) {
            read_source(&source, None, (run, folder), router, &mut read);
        }
        return read;
    };
    if items.is_empty() {
        let problem = Problem::new(&node.span, "traffic needs a source", "the list is empty");
        fields.problems.push(problem.help("write `{ name: …, group: …, rate: … }` in it"));
    }
    let mut taken = KnownNames::new("source");
    for item in items {
        let Some(source) = Fields::open(item, &SOURCE, fields.problems) else { continue };
        let name = source.name("name");
        if let Some(name) = name {
            taken.add(name, source.span_of("name"), fields.problems);
        }
        read_source(&source, Some(name.unwrap_or_default()), (run, folder), router, &mut read);
    }
    check_kinds(items, fields);
    read
}

fn read_source(
    fields: &Fields<'_>,
    name: Option<&str>,
    (run, folder): (Option<Duration>, Option<&Path>),
    router: &RouterSection,
    read: &mut SourcesSection,
) {
    let config = traffic::source(fields, run, folder);
    // Where none is asked for that exists, that was said: what else is wrong is said too.
    let target = asked_group(fields, &router.groups).unwrap_or(GroupId(0));
    let group = router.groups.iter().nth(target.index()).unwrap_or_default();
    let (kinds, mix) = mix::mix(fields, name.unwrap_or(group), target, router);
    let shifts = mix::shifts(fields, &kinds, run);
    let first = read.kinds.len() as u16;
    read.kinds.extend(kinds);
    read.sources.push(TrafficSource {
        name: name.map(str::to_owned),
        target,
        kinds: first..read.kinds.len() as u16,
    });
    // The only source that has no name has always been drawn by this.
    let mut key = name.map_or(0, |name| name_hash(name) as u32);
    while read.configs.iter().any(|other| other.key == key) {
        key = key.wrapping_add(1);
    }
    read.configs.push(SourceConfig { key, kinds: mix, shifts, ..config });
}

fn asked_group(traffic: &Fields<'_>, groups: &KnownNames) -> Option<GroupId> {
    let place = groups.find(traffic.text("group")?, traffic.span_of("group"), traffic.problems)?;
    u16::try_from(place).ok().map(GroupId)
}

/// Over all sources no two kinds have one name, and none has that of another source: metrics would not know which.
fn check_kinds(items: &[Node], fields: &Fields<'_>) {
    let mut taken = KnownNames::new("kind of request or source");
    let sources = || items.iter().filter_map(|item| Fields::reopen(item, &SOURCE, fields.problems));
    // That two sources have one name has been said.
    let said = Problems::default();
    for source in sources() {
        if let Some(name) = source.text("name") {
            taken.add(name, source.span_of("name"), &said);
        }
    }
    for source in sources() {
        let Some(NodeKind::Map(kinds)) = source.get("mix").map(|mix| &mix.kind) else { continue };
        for kind in kinds {
            taken.add(&kind.key, &kind.key_span, fields.problems);
        }
    }
}
