//! What every chart knows: the run, its seconds, its phases and its faults.

use super::fault_labels::FaultSpan;
use super::font_metrics;
use super::theme::{BODY, Layout};
use super::walked_rows::WalkedRows;
use squall_determinism::Timestamp;
use squall_judge::text;
use squall_record::{AttemptCell, DeploymentCells, GroupCells, Recording, RequestCell};
use squall_scenario::Scenario;
use std::ops::Range;
use std::rc::Rc;
use std::time::Duration;

/// Widths of bins that people can reckon with, in seconds.
const WIDTHS: [usize; 15] =
    [1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1_200, 1_800, 3_600, 7_200, 14_400];
/// How many deployments get a panel of their own on a chart.
const PANELS: usize = 12;

/// A run, as charts see it.
#[derive(Clone)]
pub(super) struct ChartContext<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) recording: &'a Recording,
    pub(super) layout: Layout,
    /// How long the time axis is, in seconds.
    pub(super) seconds: usize,
    /// The faults, by provider.
    faults: Vec<FaultSpan>,
    /// The names of the deployments, as they have room beside a panel.
    short_names: Vec<String>,
    /// What takes a walk over all of them: once for all charts, in every layout.
    pub(super) walked: Rc<WalkedRows>,
}

impl<'a> ChartContext<'a> {
    /// The same run in another layout.
    pub(super) fn laid_out(&self, layout: Layout) -> Self {
        let names: Vec<_> = (0..self.deployments()).map(|each| self.name(each)).collect();
        let short_names = font_metrics::distinct(&names, BODY, true, layout.name_room());
        Self { layout, short_names, ..self.clone() }
    }

    pub(super) fn new(scenario: &'a Scenario, recording: &'a Recording, layout: Layout) -> Self {
        let cells = &recording.cells;
        let groups = cells.groups.iter().map(GroupCells::end);
        let end = groups.chain(cells.deployments.iter().map(DeploymentCells::end)).max();
        let recorded = end.unwrap_or_default().as_nanos().div_ceil(1_000_000_000) as usize;
        let planned = scenario.duration.as_secs_f64().ceil() as usize;
        let faults = (0_u16..).zip(&scenario.providers).flat_map(|(number, provider)| {
            let whom = deployments_of(recording, number);
            provider.config.faults.iter().map(move |fault| FaultSpan {
                provider: number,
                whom: whom.clone(),
                what: fault.to_string(),
                from: fault.at.as_secs_f64(),
                to: fault.until().as_secs_f64(),
            })
        });
        let names = recording.header.deployments.iter().map(|info| info.name.as_str());
        let names: Vec<_> = names.collect();
        Self {
            scenario,
            recording,
            layout,
            seconds: recorded.max(planned).max(1),
            faults: faults.collect(),
            short_names: font_metrics::distinct(&names, BODY, true, layout.name_room()),
            walked: Rc::default(),
        }
    }

    /// The faults of one provider, or of all.
    pub(super) fn faults_of(&self, provider: Option<u16>) -> Vec<&FaultSpan> {
        let hit = |fault: &&FaultSpan| provider.is_none_or(|provider| provider == fault.provider);
        self.faults.iter().filter(hit).collect()
    }

    /// The number of deployments.
    pub(super) fn deployments(&self) -> usize {
        self.recording.header.deployments.len()
    }

    /// The stretches of `width` seconds that the run is cut into; the last may be shorter.
    pub(super) fn bins(&self, width: usize) -> impl Iterator<Item = Range<usize>> + use<> {
        let seconds = self.seconds;
        (0..seconds).step_by(width).map(move |start| start..(start + width).min(seconds))
    }

    /// The width of a bin, in seconds: at least `least`, and so that a chart has no more bins than its layout.
    pub(super) fn bin_width(&self, least: usize) -> usize {
        self.width_of(self.layout.bins(), least)
    }

    /// The width of a step, in seconds, so that the run has no more of them than `most`.
    pub(super) fn step_of(&self, most: usize) -> usize {
        self.width_of(most, 1)
    }

    /// The width of a bin, in seconds: at least `least`, and so that the run has no more of them than `most`.
    pub(super) fn width_of(&self, most: usize, least: usize) -> usize {
        let fits = |width: &usize| *width >= least && self.seconds.div_ceil(*width) <= most;
        WIDTHS.into_iter().find(fits).unwrap_or_else(|| self.seconds.div_ceil(most).max(least))
    }

    /// The width of a bin in words.
    pub(super) fn bin_width_told(&self, least: usize) -> String {
        text::duration(Duration::from_secs(self.bin_width(least) as u64))
    }

    /// The rate that the scenario asks for at a time, in requests per second; none in a closed loop,
    /// which has no rate, nor after the end of the traffic.
    pub(super) fn asked_rate(&self, seconds: f64) -> Option<f64> {
        let at = Timestamp::from_nanos((seconds * 1e9) as u64);
        let workload = &self.scenario.workload;
        workload.rate_at(at).filter(|_| at < workload.until)
    }

    /// Splits deployments into those that get a panel and a line about the others: those to which
    /// `amount` gives nothing, and, of many, all but the [`PANELS`] to which it gives most.
    pub(super) fn panels(
        &self,
        deployments: impl Iterator<Item = usize>,
        amount: impl Fn(usize) -> u32,
        nothing: &str,
    ) -> (Vec<usize>, Option<String>) {
        let (mut shown, idle): (Vec<_>, Vec<_>) =
            deployments.partition(|&deployment| amount(deployment) > 0);
        shown.sort_by_key(|&deployment| std::cmp::Reverse(amount(deployment)));
        let more = shown.split_off(shown.len().min(PANELS));
        shown.sort_unstable();
        let mut parts = Vec::new();
        if !more.is_empty() {
            parts.push(format!("not shown: {} with fewer", more.len()));
        }
        if idle.len() > PANELS {
            parts.push(format!("{nothing}: {} deployments", idle.len()));
        } else if !idle.is_empty() {
            let names: Vec<_> = idle.iter().map(|&deployment| self.name(deployment)).collect();
            parts.push(format!("{nothing}: {}", names.join(", ")));
        }
        (shown, (!parts.is_empty()).then(|| parts.join("; ")))
    }

    /// Whether the built-in gateway was tested. Another one tells nothing of its cooldowns and waits.
    pub(super) const fn is_built_in(&self) -> bool {
        self.recording.header.target.is_none()
    }

    /// Whether attempts are known: not those of a target with providers of its own.
    pub(super) fn knows_attempts(&self) -> bool {
        self.recording.header.knows_attempts()
    }

    /// Whether the rows of attempts were kept: long runs go without.
    pub(super) fn has_rows(&self) -> bool {
        self.recording.has_rows()
    }

    pub(super) fn name(&self, deployment: usize) -> &str {
        &self.recording.header.deployments[deployment].name
    }

    /// The name, as it has room beside a panel: no two are the same.
    pub(super) fn short_name(&self, deployment: usize) -> &str {
        &self.short_names[deployment]
    }

    pub(super) fn provider(&self, deployment: usize) -> u16 {
        self.recording.header.deployments[deployment].provider
    }

    /// The weights of a deployment, each with the time from which it holds.
    pub(super) fn weights(&self, deployment: usize) -> Vec<(Timestamp, f64)> {
        let header = &self.recording.header;
        let times = header.changes.iter().map(|change| change.at);
        let times = std::iter::once(Timestamp::ZERO).chain(times);
        times.map(|time| (time, f64::from(header.weight_at(deployment, time)))).collect()
    }

    /// What became of the requests of a stretch of seconds, all groups together.
    pub(super) fn requests(&self, seconds: Range<usize>) -> RequestCell {
        let mut sum = RequestCell::default();
        for group in &self.recording.cells.groups {
            let cell = group.sum(window(&seconds));
            sum.arrived += cell.arrived;
            sum.client_retries += cell.client_retries;
            sum.succeeded += cell.succeeded;
            sum.answered += cell.answered;
            sum.lost += cell.lost;
            sum.received_tokens += cell.received_tokens;
            sum.gave_up += cell.gave_up;
            sum.failed.iter_mut().zip(cell.failed).for_each(|(sum, more)| *sum += more);
        }
        sum
    }

    /// The sources of traffic with their names; none if there is one alone.
    pub(super) fn sources(&self) -> Vec<(&'a str, Range<u16>)> {
        let sources = self.scenario.sources.iter();
        let named =
            sources.filter_map(|source| Some((source.name.as_deref()?, source.kinds.clone())));
        let named: Vec<_> = named.collect();
        if named.len() > 1 { named } else { Vec::new() }
    }

    /// How many requests of these kinds were to be sent in a stretch of seconds.
    pub(super) fn offered(&self, kinds: Range<u16>, seconds: &Range<usize>) -> u32 {
        let cells = &self.recording.cells.kinds;
        let cells = kinds.filter_map(|kind| cells.get(usize::from(kind)));
        cells.map(|cells| cells.sum(window(seconds)).arrived).sum()
    }

    /// What became of the attempts of a deployment in a stretch of seconds.
    pub(super) fn attempts(&self, deployment: usize, seconds: Range<usize>) -> AttemptCell {
        self.recording.cells.deployments[deployment].sum(window(&seconds))
    }
}

/// Seconds as a window of time.
pub(super) fn window(seconds: &Range<usize>) -> Range<Timestamp> {
    Timestamp::from_secs(seconds.start as u64)..Timestamp::from_secs(seconds.end as u64)
}

fn deployments_of(recording: &Recording, provider: u16) -> Vec<String> {
    let header = &recording.header;
    let of_it = header.deployments.iter().filter(|info| info.provider == provider);
    let names: Vec<_> = of_it.map(|info| info.name.clone()).collect();
    if names.is_empty() { vec![header.providers[usize::from(provider)].clone()] } else { names }
}
