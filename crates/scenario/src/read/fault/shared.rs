//! Faults of several providers at once: a cloud, an edge or a region that they share.

use super::{FAULT, faults};
use crate::diagnostic::Problem;
use crate::fields::Fields;
use crate::read::KnownNames;
use crate::schema::{Key, Schema, Section};
use crate::value;
use core::time::Duration;
use squall_provider::FaultConfig;

/// A fault of several providers.
pub(crate) static SHARED: Section = Section {
    id: "shared-fault",
    phrase: "a shared fault",
    about: "A fault that affects several providers at once, such as those that share a cloud, an \
         edge or a region. Each provider draws the affected attempts independently.",
    keys: &[
        &[Key::required(
            "providers",
            Schema::List(&Schema::Reference("provider")),
            "The affected providers, at least two.",
        )],
        FAULT.keys[0],
        FAULT.keys[1],
        FAULT.keys[2],
    ],
};

/// The shared faults of a file, each with the providers that have it, by place.
pub(crate) struct SharedFaults(Vec<(Vec<usize>, Vec<FaultConfig>)>);

impl SharedFaults {
    /// Those of the provider that is called `name`.
    pub(crate) fn of(&self, known: &KnownNames, name: &str) -> Vec<FaultConfig> {
        let place = known.position(name);
        let hit = self.0.iter().filter(|(places, _)| places.iter().any(|hit| Some(*hit) == place));
        hit.flat_map(|(_, faults)| faults.iter().copied()).collect()
    }
}

/// Reads the shared faults under `faults`, of providers that are `known`.
pub(crate) fn shared(
    fields: &Fields<'_>,
    known: &KnownNames,
    run: Option<Duration>,
) -> SharedFaults {
    let sections = fields.sections("faults");
    let read = |fields: &Fields<'_>| {
        let nodes = fields.list("providers");
        let places = nodes.iter().filter_map(|node| {
            let name = value::scalar(node, &Schema::Reference("provider"), fields.problems)?;
            known.find(name, &node.span, fields.problems)
        });
        let places: Vec<_> = places.collect();
        if nodes.len() == 1 {
            let message = "a shared fault needs at least two providers";
            let problem = Problem::new(fields.span_of("providers"), message, "only one here");
            fields.problems.push(problem.help("write it under that provider's `faults`"));
        }
        (places, faults(fields, run))
    };
    SharedFaults(sections.iter().map(read).collect())
}
