//! The names of faults in a lane above a panel, so that they cover no data: faults that are alike and begin and end
//! together share a name, names that would meet stand below one another, and of more than there is room for the number is
//! told.

use super::font_metrics;
use super::theme::SMALL;

/// A fault of a provider, for a shaded stretch.
#[derive(Clone, Debug)]
pub(super) struct FaultSpan {
    pub(super) provider: u16,
    /// Which deployments it hits.
    pub(super) whom: Vec<String>,
    /// What it does.
    pub(super) what: String,
    pub(super) from: f64,
    pub(super) to: f64,
}

/// Whether a fault is named with whom it hits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum FaultNaming {
    WithDeployment,
    Alone,
}

/// A name and its place in the lane.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct FaultLabel {
    pub(super) text: String,
    pub(super) left: f64,
    /// From the top, from 0.
    pub(super) row: usize,
    /// When its faults begin, in seconds.
    pub(super) from: f64,
}

/// How many rows a lane has at most, and how high each is.
const ROWS: usize = 3;
pub(super) const ROW: f64 = 16.0;
/// From the start of a fault to its name, and from a name to the next.
const INDENT: f64 = 5.0;
const GAP: f64 = 8.0;
/// How many deployments of a fault are named.
const NAMED: usize = 2;

/// Lays the names out along an axis from `left` to `right`, on which `x` gives the place of a second.
pub(super) fn lay_out(
    faults: &[&FaultSpan],
    naming: FaultNaming,
    (left, right): (f64, f64),
    x: impl Fn(f64) -> f64,
) -> Vec<FaultLabel> {
    let mut labels: Vec<FaultLabel> = Vec::new();
    let mut ends: Vec<f64> = Vec::new();
    let mut left_out = 0;
    for (from, text) in names(faults, naming) {
        let text = font_metrics::cut(&text, SMALL, true, right - left - 2.0 * INDENT);
        let wide = font_metrics::width(&text, SMALL, true);
        let start = (x(from) + INDENT).min(right - wide - 2.0).max(left);
        let row = ends.iter().position(|&end| end <= start).unwrap_or(ends.len());
        if row == ROWS {
            left_out += 1;
            continue;
        }
        let end = start + wide + GAP;
        match ends.get_mut(row) {
            Some(last) => *last = end,
            None => ends.push(end),
        }
        labels.push(FaultLabel { text, left: start, row, from });
    }
    if left_out > 0 {
        tell_of_more(&mut labels, left_out, right);
    }
    labels
}

/// How high the lane of these names is.
pub(super) fn height(labels: &[FaultLabel]) -> f64 {
    let rows = labels.iter().map(|label| label.row + 1).max().unwrap_or(0);
    if rows == 0 { 0.0 } else { ROW * rows as f64 + 4.0 }
}

/// Tells behind the last name how many others have none.
fn tell_of_more(labels: &mut [FaultLabel], count: usize, right: f64) {
    let last = labels.iter_mut().filter(|label| label.row + 1 == ROWS);
    let Some(last) = last.max_by(|one, other| one.left.total_cmp(&other.left)) else { return };
    let more = format!(" +{count} more");
    let room = right - last.left - font_metrics::width(&more, SMALL, true);
    last.text = font_metrics::cut(&last.text, SMALL, true, room) + &more;
}

/// The names by their times: those of faults that are alike, with all whom they hit.
fn names(faults: &[&FaultSpan], naming: FaultNaming) -> Vec<(f64, String)> {
    let is_same = |one: &FaultSpan, other: &FaultSpan| {
        let is_near = |one: f64, other: f64| (one - other).abs() < 0.05;
        one.what == other.what && is_near(one.from, other.from) && is_near(one.to, other.to)
    };
    let mut groups: Vec<Vec<&FaultSpan>> = Vec::new();
    for fault in faults {
        match groups.iter_mut().find(|group| is_same(group[0], fault)) {
            Some(group) => group.push(fault),
            None => groups.push(vec![fault]),
        }
    }
    groups.sort_by(|one, other| one[0].from.total_cmp(&other[0].from));
    let name = |group: &Vec<&FaultSpan>| match naming {
        FaultNaming::WithDeployment => format!("{}: {}", whom(group), group[0].what),
        FaultNaming::Alone => group[0].what.clone(),
    };
    groups.iter().map(|group| (group[0].from, name(group))).collect()
}

fn whom(group: &[&FaultSpan]) -> String {
    let mut names: Vec<&str> =
        group.iter().flat_map(|fault| &fault.whom).map(|name| &name[..]).collect();
    names.dedup();
    match names.len().saturating_sub(NAMED) {
        0 | 1 => names.join(", "),
        more => format!("{} +{more}", names[..NAMED].join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(whom: &str, what: &str, from: f64) -> FaultSpan {
        FaultSpan {
            provider: 0,
            whom: vec![whom.to_owned()],
            what: what.to_owned(),
            from,
            to: from + 10.0,
        }
    }

    fn laid(faults: &[FaultSpan]) -> Vec<FaultLabel> {
        let faults: Vec<_> = faults.iter().collect();
        lay_out(&faults, FaultNaming::WithDeployment, (0.0, 500.0), |seconds| seconds * 5.0)
    }

    #[test]
    fn faults_that_are_alike_share_a_name() {
        let twelve: Vec<_> =
            (0..12).map(|place| fault(&format!("d{place}"), "503", 30.0)).collect();
        let labels = laid(&twelve);
        assert_eq!(labels.len(), 1);
        assert_eq!(labels[0].text, "d0, d1 +10: 503");
    }

    #[test]
    fn names_never_meet_and_of_too_many_the_number_is_told() {
        let many: Vec<_> =
            (0..12).map(|place| fault("deployment", "refused", 30.0 + f64::from(place))).collect();
        let labels = laid(&many);
        assert_eq!(labels.len(), 3, "{labels:?}");
        assert!(labels[2].text.ends_with(" +9 more"), "{labels:?}");
        for label in &labels {
            let end = label.left + font_metrics::width(&label.text, SMALL, true);
            assert!(label.left >= 0.0 && end <= 500.0, "{label:?}");
        }
        assert!(height(&labels) <= 3.0 * ROW + 4.0);
    }
}
