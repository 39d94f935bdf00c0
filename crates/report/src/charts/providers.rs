//! What each deployment produced, and how long its attempts took.

use super::legend::{self, Mark};
use super::panel::{Named, Panel, Unit, ceiling, plain, seconds};
use super::picture::Picture;
use super::story::Story;
use super::theme::{WIDTH, deployment as ink_of};

/// How many seconds a bin of the tokens has.
const BIN: usize = 2;

pub(super) fn draw(story: &Story<'_>) -> Picture {
    let sums: Vec<_> =
        (0..story.deployments()).map(|each| story.attempts(each, 0..story.seconds)).collect();
    let tokens: u64 = sums.iter().map(|cell| cell.output_tokens).sum();
    let answered: u32 = sums.iter().map(|cell| cell.succeeded).sum();
    let subtitle = format!(
        "output tokens per second by start of the attempt ({BIN} s bins), and the median latency of \
         attempts that succeeded (5 s bins of 5 or more); n = {answered} attempts"
    );
    let title = format!("{} tokens, by deployment", crate::text::count(tokens));
    let mut picture = Picture::new(WIDTH, 640.0, title, &subtitle);
    if tokens == 0 {
        picture.nothing("no tokens in this run");
        return picture;
    }
    let names: Vec<_> = (0..story.deployments()).map(|each| story.name(each)).collect();
    let entries: Vec<_> =
        names.iter().enumerate().map(|(each, name)| (*name, ink_of(each), Mark::Line)).collect();
    legend::draw(&mut picture, 76.0, 84.0, &entries);
    let rates: Vec<_> = (0..story.deployments()).map(|each| token_rates(story, each)).collect();
    draw_lines(&mut picture, story, 134.0, ("tokens/s", plain), &rates);
    let medians: Vec<_> = (0..story.deployments()).map(|each| medians(story, each)).collect();
    draw_lines(&mut picture, story, 394.0, ("p50", seconds), &medians);
    picture
}

type Series = Vec<(f64, Option<f64>)>;

fn draw_lines(
    picture: &mut Picture,
    story: &Story<'_>,
    top: f64,
    (name, write): (&str, fn(f64) -> String),
    series: &[Series],
) {
    let most = series.iter().flatten().filter_map(|&(_, value)| value).fold(0.0, f64::max);
    let panel = Panel {
        left: 76.0,
        right: WIDTH - 28.0,
        top,
        bottom: top + 200.0,
        seconds: story.seconds as f64,
        most: ceiling(most),
    };
    panel.faults(picture, story.faults.iter(), Named::WithDeployment);
    panel.frame(picture, story, &Unit { name, write, lines: 4.0 });
    for (deployment, line) in series.iter().enumerate() {
        panel.line(picture, line, ink_of(deployment), 2.5);
    }
}

fn token_rates(story: &Story<'_>, deployment: usize) -> Series {
    let starts = (0..story.seconds).step_by(BIN);
    let rates = starts.map(|start| {
        let tokens = story.attempts(deployment, start..start + BIN).output_tokens;
        (start as f64 + BIN as f64 / 2.0, Some(tokens as f64 / BIN as f64))
    });
    rates.collect()
}

fn medians(story: &Story<'_>, deployment: usize) -> Series {
    let latency = &story.recording.cells.deployments[deployment].latency;
    let width = latency.width().as_secs_f64();
    let medians = (0..latency.bins()).map(|bin| {
        let values = latency.merged(bin..bin + 1);
        let median = (values.len() >= 5).then(|| values.value_at_quantile(0.5) as f64 / 1e6);
        ((bin as f64 + 0.5) * width, median)
    });
    medians.collect()
}
