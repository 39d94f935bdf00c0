//! How much of its limits each provider let pass, over the last minute, or the window of a limit that is shorter.

use super::chart_context::{ChartContext, window};
use super::chart_data::{ChartData, SeriesKind};
use super::fault_labels::FaultNaming;
use super::legend::{self, LegendMark};
use super::panel::{AxisUnit, LineStroke, Panel, PanelPosition, STRIP, ceiling, percent};
use super::picture::{Anchor, Picture, ShapeRole, label};
use super::theme::{Ink, QUIET, TEXT, deployment as ink_of, is_dashed};
use squall_failure::FailureClass;
use squall_judge::text;
use squall_provider::{FaultKind, ProviderLimits, ProviderRateLimit, ProviderWindow};
use squall_record::AttemptCell;

/// What is used counts for so many seconds, unless the windows of the limit are shorter.
const MINUTE: usize = 60;
/// How many providers are drawn.
const LINES: usize = 12;
const PANEL: f64 = 130.0;
/// From the end of a panel to the next.
const GAP: f64 = 30.0;
const LIMIT: &str = "limit";

/// A limit per minute.
struct LimitOfMinute {
    /// Its key in a scenario.
    key: &'static str,
    what: &'static str,
    of: fn(&ProviderLimits) -> Option<ProviderRateLimit>,
    used: fn(&AttemptCell) -> u64,
}

const LIMITS: [LimitOfMinute; 4] = [
    LimitOfMinute {
        key: "rpm",
        what: "attempts that were not throttled ÷ rpm",
        of: |limits| limits.rpm,
        used: |cell| {
            let throttled = cell.failed[usize::from(FailureClass::Throttled.code())];
            cell.started.saturating_sub(throttled).into()
        },
    },
    LimitOfMinute {
        key: "tpm",
        what: "tokens of prompts and answers ÷ tpm",
        of: |limits| limits.tpm,
        used: |cell| cell.billed_tokens + cell.output_tokens,
    },
    LimitOfMinute {
        key: "input_tpm",
        what: "tokens of prompts ÷ input_tpm",
        of: |limits| limits.input_tpm,
        used: |cell| cell.billed_tokens,
    },
    LimitOfMinute {
        key: "output_tpm",
        what: "tokens of answers ÷ output_tpm",
        of: |limits| limits.output_tpm,
        used: |cell| cell.output_tokens,
    },
];

/// A provider with a limit.
struct LimitedProvider {
    /// Its place in the header.
    place: usize,
    name: String,
    /// The deployments that call it.
    deployments: Vec<usize>,
    /// How many it lets through in a minute, over all keys.
    limit: u64,
    /// Over how many seconds they are counted.
    window: usize,
}

impl LimitedProvider {
    fn ink(&self) -> Ink {
        ink_of(self.number())
    }

    fn stroke(&self) -> LineStroke {
        LineStroke { width: 2.0, dashed: is_dashed(self.number()) }
    }

    /// Its first deployment, whose colour it has.
    fn number(&self) -> usize {
        self.deployments.first().copied().unwrap_or(self.place)
    }

    /// What it had passed in the window before a time in seconds, as a part of the limit.
    fn used(&self, context: &ChartContext<'_>, limit: &LimitOfMinute, until: usize) -> f64 {
        let cells = &context.recording.cells.deployments;
        let last = window(&(until.saturating_sub(self.window)..until));
        let used =
            self.deployments.iter().map(|&each| (limit.used)(&cells[each].sum(last.clone())));
        used.sum::<u64>() as f64 * MINUTE as f64 / self.window as f64 / self.limit as f64
    }

    /// When faults leave a part of its limits, and which.
    fn cuts(&self, context: &ChartContext<'_>) -> Vec<(f64, f64, f64)> {
        let faults = context.scenario.providers[self.place].config.faults.iter();
        let cuts = faults.filter_map(|fault| match fault.kind {
            FaultKind::LimitCut { to } => {
                let left = f64::from(to.ppm()) / 1e6;
                Some((fault.at.as_secs_f64(), fault.until().as_secs_f64(), left))
            }
            _ => None,
        });
        cuts.collect()
    }
}

/// Over how many seconds a limit counts: slices of it may be short.
fn window_of(limit: ProviderRateLimit) -> usize {
    match limit.window {
        ProviderWindow::Slice(length) => (length.as_secs_f64().ceil() as usize).clamp(1, MINUTE),
        ProviderWindow::Gcra { .. } | ProviderWindow::Fixed | ProviderWindow::Sliding => MINUTE,
    }
}

/// The providers that have a limit and were called.
fn limited(context: &ChartContext<'_>, limit: &LimitOfMinute) -> Vec<LimitedProvider> {
    let providers = context.scenario.providers.iter().enumerate();
    let all = providers.filter_map(|(place, provider)| {
        let of_it = |&each: &usize| usize::from(context.provider(each)) == place;
        let deployments: Vec<_> = (0..context.deployments()).filter(of_it).collect();
        let started = |&each: &usize| context.attempts(each, 0..context.seconds).started;
        if deployments.iter().map(started).sum::<u32>() == 0 {
            return None;
        }
        let limits = &provider.config.limits;
        let keys = if limits.per_key { deployments.len() as u64 } else { 1 };
        let rate = (limit.of)(limits)?;
        Some(LimitedProvider {
            place,
            name: provider.name.clone(),
            deployments,
            limit: rate.per_minute.saturating_mul(keys).max(1),
            window: window_of(rate),
        })
    });
    all.take(LINES).collect()
}

/// The limits that any provider has, with those.
fn all_limited(context: &ChartContext<'_>) -> Vec<(&'static LimitOfMinute, Vec<LimitedProvider>)> {
    let all = LIMITS.iter().map(|limit| (limit, limited(context, limit)));
    all.filter(|(_, providers)| !providers.is_empty()).collect()
}

/// Whether a provider that was called has a limit per minute.
pub(super) fn applies(context: &ChartContext<'_>) -> bool {
    context.knows_attempts() && !all_limited(context).is_empty()
}

pub(super) fn draw(context: &ChartContext<'_>) -> Picture {
    let all = all_limited(context);
    let width = context.bin_width(1);
    let ends: Vec<_> = context.bins(width).map(|bin| bin.end).collect();
    let lines: Vec<Vec<Vec<f64>>> = all
        .iter()
        .map(|(limit, providers)| {
            let used = |provider: &LimitedProvider| {
                ends.iter().map(|&end| provider.used(context, limit, end)).collect()
            };
            providers.iter().map(used).collect()
        })
        .collect();
    let attempts = |each: usize| context.attempts(each, 0..context.seconds).started;
    let n: u32 = (0..context.deployments()).map(attempts).sum();
    let subtitle = format!(
        "of each provider in the last minute, or the last window of a limit that is shorter; by start of \
         the attempt, from the providers' logs; n = {} attempts",
        text::count(n.into())
    );
    let mut picture = Picture::new(context.layout, title(&all, &lines), &subtitle);
    if all.is_empty() {
        picture.nothing("no provider with a limit was called in this run");
        return picture;
    }
    let mut named: Vec<&LimitedProvider> = Vec::new();
    for provider in all.iter().flat_map(|(_, providers)| providers) {
        if !named.iter().any(|other| other.place == provider.place) {
            named.push(provider);
        }
    }
    named.sort_by_key(|provider| provider.place);
    let entries = named
        .iter()
        .map(|provider| (provider.name.as_str(), provider.ink(), provider.stroke().mark()));
    let entries: Vec<_> = entries.chain([(LIMIT, TEXT, LegendMark::Dashes(1.5))]).collect();
    let mut top = legend::draw(&mut picture, &entries) + STRIP + 24.0;
    let mut bottom = top;
    for (number, ((limit, providers), lines)) in all.iter().zip(&lines).enumerate() {
        let place = PanelPosition::of(number, all.len());
        let panel = UsePanel { top, limit, place, ends: &ends };
        bottom = panel.draw(&mut picture, context, providers, lines);
        top = bottom + GAP;
    }
    picture.close(bottom, None);
    picture
}

/// The limit of which most was used.
fn title(all: &[(&LimitOfMinute, Vec<LimitedProvider>)], lines: &[Vec<Vec<f64>>]) -> String {
    let peaks = all.iter().zip(lines).flat_map(|((limit, providers), lines)| {
        let peak = |line: &Vec<f64>| line.iter().copied().fold(0.0, f64::max);
        providers.iter().zip(lines).map(move |(provider, line)| (peak(line), limit.key, provider))
    });
    let highest = peaks.max_by(|one, other| one.0.total_cmp(&other.0));
    highest.map_or_else(
        || "Limits used".to_owned(),
        |(peak, key, provider)| {
            format!("Limits used: up to {} of {key}, by {}", percent(peak), provider.name)
        },
    )
}

/// The panel of one limit.
struct UsePanel<'p> {
    top: f64,
    limit: &'p LimitOfMinute,
    place: PanelPosition,
    ends: &'p [usize],
}

impl UsePanel<'_> {
    /// Draws it, and tells how far down it reaches.
    fn draw(
        &self,
        picture: &mut Picture,
        context: &ChartContext<'_>,
        providers: &[LimitedProvider],
        lines: &[Vec<f64>],
    ) -> f64 {
        let most = lines.iter().flatten().copied().fold(1.0, f64::max);
        let faults = context.faults_of(None);
        let first = matches!(self.place, PanelPosition::First | PanelPosition::Alone);
        let mut panel = Panel::new(context, self.top, PANEL, ceiling(most)).wide();
        if first {
            panel = panel.below_names(&faults, FaultNaming::WithDeployment);
        }
        panel.faults(picture, &faults);
        let unit = AxisUnit { name: "", write: percent, lines: 4.0 };
        panel.frame(picture, context, &unit, self.place);
        let above = if first { STRIP + 12.0 } else { 14.0 };
        let over = (panel.left, panel.head() - above);
        picture.text(over, self.limit.what, label(QUIET, Anchor::Left));
        picture.series(LIMIT, |picture| {
            let ends = [panel.at((0.0, 1.0)), panel.at((panel.seconds, 1.0))];
            picture.dashes(&ends, TEXT, 1.5);
        });
        for (provider, line) in providers.iter().zip(lines) {
            let ends = self.ends.iter().map(|&end| end as f64);
            let points: Vec<_> = ends.zip(line.iter().map(|&used| Some(used))).collect();
            picture.series(&provider.name, |picture| {
                panel.line(picture, &points, provider.ink(), provider.stroke());
                for (from, to, left) in provider.cuts(context) {
                    let ends = [panel.at((from, left)), panel.at((to, left))];
                    picture.within(ShapeRole::Data, |picture| {
                        picture.dashes(&ends, provider.ink(), 1.5);
                    });
                }
            });
        }
        if first {
            panel.fault_names(picture, &faults, FaultNaming::WithDeployment);
        }
        panel.end()
    }
}

/// The numbers of the chart: what was used of each limit up to the end of each step.
pub(super) fn series(context: &ChartContext<'_>, data: &mut ChartData) {
    for (limit, providers) in all_limited(context) {
        for provider in providers {
            let ends = context.bins(data.step).map(|bin| bin.end);
            let used =
                ends.map(|end| (provider.used(context, limit, end) * 1_000.0).round() as u64);
            let most = text::count(provider.limit);
            let name = format!("{}: {} of {most}", provider.name, limit.key);
            data.counts("limits", (name, SeriesKind::Permille, provider.ink()), used);
        }
    }
}
