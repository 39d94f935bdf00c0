//! What a drill does: which groups take how much traffic, which deployment of each breaks and when, and what is left then.

use super::InitOptions;
use super::drill_request::DrillRequest;
use super::family;
use crate::LitellmFile;
use crate::read::ModelEntry;
use core::time::Duration;
use squall_config_file::name::is_name;
use squall_router::{GroupId, Profile, RouterConfig, TagMatch};

/// Requests per second where no limit says how many there may be, of all groups together and of one at least.
const USUAL_RPS: f64 = 20.0;
const USUAL_RPS_MIN: f64 = 2.0;
/// At most so many of all groups, so that a run is over soon; and at least so many of one.
const RPS_MAX: f64 = 200.0;
const RPS_MIN: f64 = 0.2;
/// Requests during the calm that prove something, and during an outage.
const ENOUGH: f64 = 160.0;
const ENOUGH_OF_OUTAGE: f64 = 60.0;
/// Seconds of the calm, of the spike, of an outage and of the time after it, at least.
const CALM: f64 = 20.0;
const SPIKE: f64 = 15.0;
const OUTAGE: f64 = 20.0;
const AFTER: f64 = 25.0;
/// How long requests may fail beyond an outage, in seconds: a cooldown where the file states none, and the time in which
/// those that wait are served.
const COOLDOWN: u64 = 5;
const CATCH_UP: u64 = 10;
/// How long a slow answer takes at most, in seconds.
const SLOWEST: f64 = 30.0;

/// A group of the drill.
#[derive(Debug)]
pub(super) struct DrillGroup<'f> {
    pub(super) name: &'f str,
    /// The name of its kind of request.
    pub(super) kind: String,
    pub(super) workload: DrillRequest,
    /// Requests per second in the spike.
    pub(super) rps: f64,
    /// The deployment that breaks.
    pub(super) largest: &'f str,
    /// The deployment that another application's traffic throttles for a while.
    pub(super) throttled: Option<&'f str>,
    /// The part of its requests that the largest gets.
    pub(super) share: f64,
    /// Whether a request has somewhere else to go: a sibling, or a fallback.
    pub(super) has_way_out: bool,
    /// Seconds from the start: its outage, and the end of the time after it.
    pub(super) outage: (u64, u64),
    pub(super) until: u64,
    /// How long it may fail in all, in seconds, where there is no way out.
    pub(super) may_fail: u64,
}

impl DrillGroup<'_> {
    /// The name of the phase of its outage, where `many` have one.
    pub(super) fn phase(&self, many: bool) -> String {
        if many { format!("outage-{}", self.kind) } else { "outage".to_owned() }
    }
}

/// All of a drill.
#[derive(Debug)]
pub(super) struct DrillPlan<'f> {
    pub(super) groups: Vec<DrillGroup<'f>>,
    /// The ends of the calm and of the spike, in seconds.
    pub(super) calm: u64,
    pub(super) spike: u64,
    pub(super) end: u64,
}

impl<'f> DrillPlan<'f> {
    pub(super) fn new(file: &'f LitellmFile, options: &InitOptions) -> Self {
        let config = file.router(options.profile);
        let ours = file.router(Profile::Squall);
        let asked = |name: &str| options.group.as_deref().is_none_or(|group| group == name);
        let names = file.groups();
        let of_all = names.iter().enumerate().filter(|(_, name)| asked(name));
        let mut groups: Vec<_> = of_all
            .map(|(place, name)| group(file, name, place, (&config, &ours), options))
            .collect();
        name_kinds(&mut groups);
        let unlimited = groups.iter().filter(|group| group.rps <= 0.0).count();
        let usual = (USUAL_RPS / unlimited.max(1) as f64).max(USUAL_RPS_MIN);
        groups.iter_mut().filter(|group| group.rps <= 0.0).for_each(|group| group.rps = usual);
        let all: f64 = groups.iter().map(|group| group.rps).sum();
        let most = options.rps.unwrap_or_else(|| all.min(RPS_MAX));
        if all > 0.0 {
            groups.iter_mut().for_each(|group| group.rps *= most / all);
        }
        let cooldown = file.settings.cooldown_time.map_or(COOLDOWN, |time| time.as_secs());
        Self::timed(groups, most, cooldown + CATCH_UP)
    }

    /// Gives every group its outage, one after the other.
    fn timed(mut groups: Vec<DrillGroup<'f>>, rps: f64, beyond: u64) -> Self {
        // In the calm there is half of the spike's traffic.
        let scale = (ENOUGH / (rps / 2.0) / CALM).ceil().max(1.0);
        let seconds = |seconds: f64| seconds.ceil() as u64;
        let calm = seconds(CALM * scale);
        let spike = calm + seconds(SPIKE * scale);
        let mut at = spike;
        for group in &mut groups {
            let long = seconds((ENOUGH_OF_OUTAGE / (group.rps / 2.0)).max(OUTAGE));
            group.outage = (at, at + long);
            group.until = at + long + seconds(AFTER.max(long as f64 / 2.0));
            // What began in the outage may still be under way when it is over.
            let answer = if group.workload == DrillRequest::Media { seconds(SLOWEST) } else { 0 };
            group.may_fail = long + beyond + answer;
            at = group.until;
        }
        Self { groups, calm, spike, end: at }
    }

    /// Whether each group has an outage of its own, so that phases and expectations have its name.
    pub(super) fn has_many(&self) -> bool {
        self.groups.len() > 1
    }

    pub(super) fn rps(&self) -> f64 {
        self.groups.iter().map(|group| group.rps).sum()
    }
}

fn group<'f>(
    file: &'f LitellmFile,
    name: &'f str,
    place: usize,
    (config, ours): (&RouterConfig, &RouterConfig),
    options: &InitOptions,
) -> DrillGroup<'f> {
    let entries: Vec<&ModelEntry> = file.entries_of(name).collect();
    let open = open_to_all(file, place, config);
    // The shares that the file means, by whose formulas ever it is routed.
    let shares = ours.groups[place].expected_shares();
    let all: u64 = open.iter().map(|entry| shares[*entry]).sum();
    let share = |entry: usize| match all {
        0 => 1.0 / open.len().max(1) as f64,
        all => shares[entry] as f64 / all as f64,
    };
    let most = |best: &usize, other: &usize| share(*best).total_cmp(&share(*other));
    // Of several alike the first.
    let largest = open.iter().rev().copied().max_by(most).unwrap_or(0);
    let siblings: Vec<usize> = open.iter().copied().filter(|entry| *entry != largest).collect();
    let workload = entries.first().map_or(DrillRequest::Chat, |entry| DrillRequest::of(entry));
    DrillGroup {
        name,
        kind: String::new(),
        workload,
        rps: rate(&entries, &open, workload, options),
        largest: entries.get(largest).map_or("", |entry| entry.name.as_str()),
        throttled: siblings.first().map(|entry| entries[*entry].name.as_str()),
        share: share(largest),
        has_way_out: !siblings.is_empty() || falls_back(ours, place),
        outage: (0, 0),
        until: 0,
        may_fail: 0,
    }
}

/// The deployments that serve requests without tags, by their places in the group.
fn open_to_all(file: &LitellmFile, place: usize, config: &RouterConfig) -> Vec<usize> {
    let group = &config.groups[place];
    let filters = file.settings.tag_filtering && group.tags != TagMatch::Ignore;
    let has_default = group.deployments.iter().any(|deployment| deployment.default_pool);
    let all = 0..group.deployments.len();
    let by_tags = filters && has_default;
    all.filter(|entry| !by_tags || group.deployments[*entry].default_pool).collect()
}

/// Whether a fallback of the group leads to another.
fn falls_back(config: &RouterConfig, place: usize) -> bool {
    let own = GroupId(u16::try_from(place).unwrap_or(u16::MAX));
    config.groups[place].fallbacks.general.iter().any(|to| *to != own)
}

/// 60 % of the requests that the group's limits allow, per second; 0 where no limit says how many.
fn rate(
    entries: &[&ModelEntry],
    open: &[usize],
    workload: DrillRequest,
    options: &InitOptions,
) -> f64 {
    let of = |entry: &ModelEntry| {
        let per_second = |per_minute: f64| per_minute / 60.0;
        let rpm = entry.rpm.map(|rpm| per_second(rpm as f64));
        let tpm = entry.tpm.map(|tpm| per_second(tpm as f64 / workload.tokens()));
        let at_once = entry
            .max_parallel
            .map(|most| f64::from(most) / family::seconds(entry, workload, options.ttft));
        [rpm, tpm, at_once].into_iter().flatten().reduce(f64::min)
    };
    let limits: Vec<f64> = open.iter().filter_map(|entry| of(entries.get(*entry)?)).collect();
    let all: f64 = limits.iter().sum();
    if limits.is_empty() || all <= 0.0 { 0.0 } else { (all * 0.6).clamp(RPS_MIN, RPS_MAX) }
}

/// Gives every group a kind of request whose name no other and no group has.
fn name_kinds(groups: &mut [DrillGroup<'_>]) {
    let mut taken: Vec<String> = Vec::new();
    for group in groups {
        let fits = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '-' };
        let text: String = group.name.replace('*', "any").chars().map(fits).collect();
        let text = text.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
        let base = if is_name(text) { format!("to-{text}") } else { "to-group".to_owned() };
        let mut names = (1_u32..).map(|number| match number {
            1 => base.clone(),
            number => format!("{base}-{number}"),
        });
        group.kind = names.find(|name| !taken.contains(name)).unwrap_or_default();
        taken.push(group.kind.clone());
    }
}

/// What is assumed of how fast a deployment answers, where a time-out makes it matter.
pub(super) fn assumption(
    file: &LitellmFile,
    entry: &ModelEntry,
    p95: Duration,
) -> Option<Duration> {
    let settings = &file.settings;
    let stream = entry.stream_timeout.or(settings.stream_timeout);
    let whole = entry.timeout.or(settings.timeout);
    let shortest = [stream, whole].into_iter().flatten().min()?;
    (shortest < p95 * 4).then_some(shortest)
}
