//! Percentiles of latency and of time to first token, over time, from intended time.

use super::legend::{self, Mark};
use super::panel::{Named, Panel, Unit, ceiling, seconds};
use super::picture::Picture;
use super::story::Story;
use super::theme::{ANSWERED, Ink, THROTTLED, TOTAL, WIDTH};
use hdrhistogram::Histogram;
use squall_record::{GroupCells, Latencies};

/// How many bins there are along the time axis at most.
const BINS: usize = 90;

/// A percentile, and how many values a bin needs for it.
struct Line {
    name: &'static str,
    quantile: f64,
    needs: u64,
    ink: Ink,
    width: f64,
}

const LINES: [Line; 3] = [
    Line {
        name: "p99 (bins with 100 or more)",
        quantile: 0.99,
        needs: 100,
        ink: TOTAL,
        width: 1.5,
    },
    Line { name: "p95 (20 or more)", quantile: 0.95, needs: 20, ink: THROTTLED, width: 2.0 },
    Line { name: "p50 (5 or more)", quantile: 0.5, needs: 5, ink: ANSWERED, width: 3.0 },
];

pub(super) fn draw_latency(story: &Story<'_>) -> Picture {
    draw(story, "Latency", "from intended time to the last byte", |group| &group.latency)
}

pub(super) fn draw_ttft(story: &Story<'_>) -> Picture {
    draw(story, "Time to first token", "from intended time to the first token", |group| &group.ttft)
}

fn draw(story: &Story<'_>, what: &str, how: &str, of: fn(&GroupCells) -> &Latencies) -> Picture {
    let width = story.seconds.div_ceil(BINS).max(2);
    let merged = |seconds: std::ops::Range<usize>| {
        let mut sum: Option<Histogram<u64>> = None;
        for group in &story.recording.cells.groups {
            let values = of(group).merged(seconds.clone());
            match &mut sum {
                Some(sum) => drop(sum.add(values)),
                None => sum = Some(values),
            }
        }
        sum
    };
    let all = merged(0..story.seconds);
    let n = all.as_ref().map_or(0, Histogram::len);
    let title = match &all {
        Some(all) if n > 0 => format!(
            "{what}: {} in the middle, {} at p95",
            seconds(all.value_at_quantile(0.5) as f64 / 1e6),
            seconds(all.value_at_quantile(0.95) as f64 / 1e6),
        ),
        _ => what.to_owned(),
    };
    let subtitle = format!("{how}, by intended time, in bins of {width} s; n = {n}");
    let mut picture = Picture::new(WIDTH, 430.0, title, &subtitle);
    if n == 0 {
        picture.nothing("nothing was answered in this run");
        return picture;
    }
    let starts: Vec<_> = (0..story.seconds).step_by(width).collect();
    let bins: Vec<_> = starts.iter().filter_map(|&start| merged(start..start + width)).collect();
    let value = |bin: &Histogram<u64>, line: &Line| {
        (bin.len() >= line.needs).then(|| bin.value_at_quantile(line.quantile) as f64 / 1e6)
    };
    let values = LINES.iter().flat_map(|line| bins.iter().filter_map(|bin| value(bin, line)));
    let panel = Panel {
        left: 76.0,
        right: WIDTH - 28.0,
        top: 128.0,
        bottom: 386.0,
        seconds: story.seconds as f64,
        most: ceiling(values.fold(0.0, f64::max)),
    };
    panel.faults(&mut picture, story.faults.iter(), Named::WithDeployment);
    panel.frame(&mut picture, story, &Unit { name: "seconds", write: seconds, lines: 5.0 });
    for line in &LINES {
        let points = starts.iter().zip(&bins);
        let points: Vec<_> = points
            .map(|(&start, bin)| (start as f64 + width as f64 / 2.0, value(bin, line)))
            .collect();
        panel.line(&mut picture, &points, line.ink, line.width);
    }
    let entries = LINES.each_ref().map(|line| (line.name, line.ink, Mark::Line));
    legend::draw(&mut picture, 76.0, 84.0, &entries);
    picture
}
