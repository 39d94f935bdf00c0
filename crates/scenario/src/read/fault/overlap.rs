//! Faults of one provider that contradict each other.

use super::kind::KINDS;
use crate::diagnostic::Problem;
use crate::fields::Fields;
use squall_determinism::Share;
use squall_provider::{FaultConfig, FaultKind, ProviderConfig};

/// Reports faults that contradict each other, or that have nothing to work on. `written` tells which entry
/// of `faults` each fault comes from.
pub(crate) fn report(
    fields: &Fields<'_>,
    config: &ProviderConfig,
    written: &[(usize, FaultConfig)],
) {
    for (place, (entry, fault)) in written.iter().enumerate() {
        let others = written[..place].iter().filter(|(other, _)| other != entry);
        if let Some((other, _)) = others.into_iter().find(|(_, other)| contradict(fault, other)) {
            let sections = fields.sections("faults");
            let (Some(this), Some(that)) = (sections.get(*entry), sections.get(*other)) else {
                continue;
            };
            let message = "two outages contradict each other: connections are both refused and \
                 accepted";
            let problem = Problem::new(this.span_of("outage"), message, "at the same time as");
            let problem = problem.related(that.span_of("outage"), "this one");
            fields.problems.push(problem.help("let one end before the other begins"));
            return;
        }
    }
    for (entry, _) in written {
        report_idle(fields, config, *entry);
    }
}

fn contradict(one: &FaultConfig, other: &FaultConfig) -> bool {
    let overlap = one.at < other.until() && other.at < one.until();
    let refuses = |fault: &FaultConfig| fault.kind == FaultKind::Refuse;
    let swallows =
        |fault: &FaultConfig| fault.kind == FaultKind::BlackHole && fault.share == Share::ALL;
    overlap && (refuses(one) && swallows(other) || refuses(other) && swallows(one))
}

/// A fault of something that the provider does not have.
fn report_idle(fields: &Fields<'_>, config: &ProviderConfig, entry: usize) {
    let Some(section) = fields.sections("faults").into_iter().nth(entry) else { return };
    let given = KINDS.iter().find(|kind| section.get(kind.key.name).is_some());
    let Some((key, needed)) = given.and_then(|kind| Some((kind.key.name, kind.needs?))) else {
        return;
    };
    if !(needed.has)(config) {
        let message = format!("`{key}` of a provider without {}", needed.name);
        let problem = Problem::new(section.key_span(key), message, "of no effect here");
        fields.problems.push(problem.help(needed.help));
    }
}
