//! Faults of one provider that contradict each other.

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
    for (entry, fault) in written {
        report_idle(fields, config, *entry, fault);
    }
}

fn contradict(one: &FaultConfig, other: &FaultConfig) -> bool {
    let overlap = one.at < other.until() && other.at < one.until();
    let refuses = |fault: &FaultConfig| fault.kind == FaultKind::Refuse;
    let swallows =
        |fault: &FaultConfig| fault.kind == FaultKind::BlackHole && fault.share == Share::ALL;
    overlap && (refuses(one) && swallows(other) || refuses(other) && swallows(one))
}

/// A fault of limits, capacity or a cache that the provider does not have.
fn report_idle(fields: &Fields<'_>, config: &ProviderConfig, entry: usize, fault: &FaultConfig) {
    let limits = config.limits;
    let rates = [limits.rpm, limits.tpm, limits.input_tpm, limits.output_tpm];
    let (key, missing, help) = match fault.kind {
        FaultKind::LimitCut { .. } if rates.iter().all(Option::is_none) => {
            ("limits_cut", "limits", "give the provider `limits`, such as `{ rpm: 600 }`")
        }
        FaultKind::CapacityCut { .. } if config.capacity.is_none() => {
            ("capacity_cut", "capacity", "give the provider a `capacity: { concurrent: 100 }`")
        }
        FaultKind::ColdCache if config.prefill.cache.is_none() => {
            ("cold_cache", "cache", "give the provider a `prefill` with a `cache`")
        }
        _ => return,
    };
    if let Some(section) = fields.sections("faults").get(entry) {
        let message = format!("`{key}` of a provider without {missing}");
        let problem = Problem::new(section.key_span(key), message, "of no effect here");
        fields.problems.push(problem.help(help));
    }
}
