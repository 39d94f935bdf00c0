//! Phases, and with them how long a run lasts.

use crate::diagnostic::Problem;
use crate::fields::Fields;
use crate::model::Phase;
use crate::node::Node;
use crate::schema::Schema;
use crate::{unit, value};
use core::ops::Range;
use core::time::Duration;
use squall_determinism::Timestamp;

/// The phases, and how long the run lasts: as `duration` says, else to the end of the last phase.
pub(crate) fn phases(fields: &Fields<'_>) -> (Vec<Phase>, Option<Duration>) {
    let duration = fields.duration("duration");
    let mut phases: Vec<(Phase, &Range<usize>)> = Vec::new();
    let entries = fields.named("phases");
    let mut unread = false;
    for entry in entries {
        let Some((start, end)) = stretch(&entry.value, fields) else {
            unread = true;
            continue;
        };
        let phase = Phase { name: entry.key.clone(), start, end };
        let overlap = phases.iter().find(|(other, _)| phase.start < other.end && other.start < end);
        if let Some((other, span)) = overlap {
            let message = format!("phases `{}` and `{}` overlap", other.name, phase.name);
            fields.problems.push(
                Problem::new(&entry.value.span, message, "begins before the other ends")
                    .related(span, format!("`{}`", other.name)),
            );
        }
        if let Some(duration) = duration.filter(|duration| end > Timestamp::from(*duration)) {
            let message = format!("phase `{}` ends after the run", phase.name);
            let label = format!("the run ends at {}s", duration.as_secs_f64());
            fields.problems.push(
                Problem::new(&entry.value.span, message, label)
                    .related(fields.span_of("duration"), "it says so here"),
            );
        }
        phases.push((phase, &entry.value.span));
    }
    let phases: Vec<_> = phases.into_iter().map(|(phase, _)| phase).collect();
    let last = phases.iter().map(|phase| phase.end).max();
    // With a phase that cannot be read, the end is not known, and nothing is said to lie past it.
    let last = last.filter(|_| !unread && fields.get("duration").is_none());
    let run = duration.or_else(|| last.map(|end| end.since(Timestamp::ZERO)));
    if fields.get("duration").is_none() && entries.is_empty() {
        fields.problems.push(
            Problem::new(
                fields.span,
                "the scenario has no duration",
                "expected \
                 `duration` or `phases`",
            )
            .help("add `phases: { calm: 0s..20s }` or `duration: 20s`"),
        );
    }
    (phases, run)
}

/// A stretch of time, with a problem at the very part that is wrong.
fn stretch(node: &Node, fields: &Fields<'_>) -> Option<(Timestamp, Timestamp)> {
    let text = value::scalar(node, &Schema::Stretch, fields.problems)?;
    match unit::range(text) {
        Ok((start, end)) => Some((Timestamp::from(start), Timestamp::from(end))),
        Err((part, misfit)) => {
            value::push_misfit(&node.part(&part), misfit, fields.problems);
            None
        }
    }
}
