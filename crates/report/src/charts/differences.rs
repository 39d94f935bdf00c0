//! Differences between two sides with their intervals, each against its margin: what lies right of the band is worse.

use super::font_metrics;
use super::picture::{Anchor, Picture, TextStyle, label};
use super::theme::{self, AXIS, FAILED, GRID, Ink, Layout, PALE, QUIET, SMALL, TEXT};
use squall_judge::{BetterSide, ComparedRow, ComparisonOutcome, RunComparison, comparison_title};

pub(super) const READING: &str = "A dot is the difference of the means, a line its 95% interval, in margins of the figure. The \
     grey band is within the margin; right of it is worse, left of it better. An arrow goes beyond the axis.";

/// How many margins the axis goes to either side.
const REACH: f64 = 4.0;
const ROW: f64 = 26.0;
/// How many rows are drawn at most.
const ROWS: usize = 24;

pub(super) fn draw(comparison: &RunComparison, layout: Layout) -> Picture {
    let mut picture = Picture::new(layout, "Differences in margins", &comparison_title(comparison));
    let (shown, _) = comparison.shown();
    let drawn: Vec<_> = shown.into_iter().filter_map(ScaledDifference::of).collect();
    if drawn.is_empty() {
        picture.nothing("no figure has an interval");
        return picture;
    }
    let more = drawn.len().saturating_sub(ROWS);
    let rows = &drawn[..drawn.len().min(ROWS)];
    let axes = DifferenceAxes::new(&picture, rows.len());
    axes.frame(&mut picture);
    for (place, row) in rows.iter().enumerate() {
        axes.row(&mut picture, row, axes.top + ROW * (place as f64 + 0.5));
    }
    let more = (more > 0).then(|| format!("not shown: {more} more figures"));
    picture.close(axes.bottom + 22.0, more);
    picture
}

/// A difference and its interval in margins: positive is worse, or higher where neither is.
struct ScaledDifference<'c> {
    row: &'c ComparedRow,
    middle: f64,
    low: f64,
    high: f64,
}

impl<'c> ScaledDifference<'c> {
    fn of(row: &'c ComparedRow) -> Option<Self> {
        let (difference, (low, high)) = (row.difference?, row.interval?);
        let widest = difference.abs().max(low.abs()).max(high.abs());
        // Without a margin, whatever differs lies beyond it.
        let unit =
            if row.margin > 0.0 { row.margin } else { widest.max(f64::MIN_POSITIVE) / REACH };
        let [middle, low, high] = [difference, low, high].map(|value| value / unit);
        Some(match row.figure.better() {
            BetterSide::Higher => Self { row, middle: -middle, low: -high, high: -low },
            BetterSide::Lower | BetterSide::Neither => Self { row, middle, low, high },
        })
    }

    fn ink(&self) -> Ink {
        match self.row.outcome {
            ComparisonOutcome::Regressed => FAILED,
            ComparisonOutcome::Improved => theme::deployment(2),
            ComparisonOutcome::Changed => theme::deployment(0),
            ComparisonOutcome::Inconclusive | ComparisonOutcome::NoDifference => QUIET,
        }
    }
}

struct DifferenceAxes {
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
    margin: f64,
}

impl DifferenceAxes {
    fn new(picture: &Picture, rows: usize) -> Self {
        let margin = picture.layout.margin();
        let names = match picture.layout {
            Layout::Wide => 330.0,
            Layout::Narrow => 170.0,
        };
        let top = picture.head() + 46.0;
        let (left, right) = (margin + names, picture.width - margin);
        Self { left, right, top, bottom: top + ROW * rows as f64, margin }
    }

    fn x(&self, margins: f64) -> f64 {
        let part = (margins.clamp(-REACH, REACH) + REACH) / (2.0 * REACH);
        self.left + (self.right - self.left) * part
    }

    fn frame(&self, picture: &mut Picture) {
        let band = ((self.x(-1.0), self.top), (self.x(1.0), self.bottom));
        picture.rect(band.0, band.1, PALE.faded(0.22));
        for margins in [-4.0, -3.0, -2.0, 2.0, 3.0, 4.0] {
            let x = self.x(margins);
            picture.path(vec![(x, self.top), (x, self.bottom)], GRID, 1.0);
        }
        let zero = self.x(0.0);
        picture.path(vec![(zero, self.top), (zero, self.bottom)], AXIS, 1.0);
        let above = self.top - 12.0;
        picture.text((self.left, above), "better", label(QUIET, Anchor::Left));
        picture.text((zero, above), "± margin", label(QUIET, Anchor::Middle));
        picture.text((self.right, above), "worse", label(QUIET, Anchor::Right));
    }

    fn row(&self, picture: &mut Picture, difference: &ScaledDifference<'_>, y: f64) {
        let ink = difference.ink();
        let bold = difference.row.outcome == ComparisonOutcome::Regressed;
        let most = self.left - self.margin - 10.0;
        let name = font_metrics::cut(&difference.row.figure.name, SMALL, bold, most);
        let style = TextStyle { size: SMALL, bold, ink: TEXT, anchor: Anchor::Left };
        picture.text((self.margin, y), name, style);
        picture.path(vec![(self.x(difference.low), y), (self.x(difference.high), y)], ink, 2.5);
        if difference.middle.abs() <= REACH {
            picture.dot((self.x(difference.middle), y), 4.5, ink, true);
        }
        for (beyond, tip, back) in [
            (difference.high > REACH, self.right, -11.0),
            (difference.low < -REACH, self.left, 11.0),
        ] {
            if beyond {
                let points = vec![(tip, y), (tip + back, y - 6.0), (tip + back, y + 6.0)];
                picture.area(points, ink);
            }
        }
    }
}
