//! The warm-up of a run, which no metric counts.

use crate::diagnostic::Problem;
use crate::fields::Fields;
use core::time::Duration;
use squall_determinism::Timestamp;

/// Until when nothing is counted. A warm-up that leaves nothing to count is a problem.
pub(crate) fn warm_up(fields: &Fields<'_>, run: Option<Duration>) -> Timestamp {
    let Some(warm_up) = fields.duration("warm_up") else { return Timestamp::ZERO };
    if let Some(run) = run.filter(|run| warm_up >= *run) {
        let message = "the warm-up lasts as long as the run: nothing would be counted";
        let label = format!("the run ends at {}s", run.as_secs_f64());
        let said = if fields.get("duration").is_some() { "duration" } else { "phases" };
        fields.problems.push(
            Problem::new(fields.span_of("warm_up"), message, label)
                .related(fields.span_of(said), "its length is from here")
                .help("shorten `warm_up`, or lengthen the run"),
        );
    }
    Timestamp::from(warm_up)
}
