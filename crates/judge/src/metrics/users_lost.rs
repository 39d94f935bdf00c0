//! `users_lost(d)`: of each fault that hits d, the requests for d's group whose user asked during it and which failed or
//! were given up, whoever failed them; the most of any fault. On the grid of 100 ms.
//!
//! Minimum sample: none, for none is an answer. Faults that touch or overlap are one.

use super::faults::{all_windows, no_fault};
use super::{Measured, Measurement, MetricQuery, MetricValue};
use crate::text;

pub(super) fn measure(ask: &MetricQuery<'_>) -> Measurement {
    let Some(deployment) = ask.deployment() else {
        return Measurement::inconclusive("a deployment is required");
    };
    let faults = all_windows(ask.scenario, deployment);
    let faults = faults.into_iter().filter(|fault| ask.window.contains(&fault.start));
    let group = usize::from(ask.info(deployment).group);
    let (cells, name) = (&ask.recording.cells.groups[group], &ask.recording.header.groups[group]);
    let (mut most, mut n, mut detail) = (None, 0, Vec::new());
    for fault in faults {
        let (start, end) = (text::moment(fault.start), fault.end.min(ask.traffic_end()));
        if end < fault.end && ask.recording.header.ended.cut_at().is_some() {
            return Measurement::inconclusive(format!("fault at {start}: the run ended during it"));
        }
        let sum = cells.sum(fault.start..end);
        let ended = u64::from(sum.arrived - sum.unfinished);
        let lost = ended - u64::from(sum.succeeded);
        let (lost_text, of) = (text::count(lost), text::count(ended));
        detail.push((
            lost,
            format!("fault at {start}: {lost_text} of {of} requests for {name} lost"),
        ));
        most = most.max(Some(lost));
        n += ended;
    }
    let Some(most) = most else { return no_fault(ask, deployment, "in this window") };
    // The worst first: it is what a miss is explained by.
    detail.sort_by_key(|(lost, _)| std::cmp::Reverse(*lost));
    let detail = detail.into_iter().map(|(_, line)| line).collect();
    Measurement::Measured(Measured { value: MetricValue::Count(most), n, of: "requests", detail })
}
