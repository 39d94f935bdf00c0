//! A scenario around a LiteLLM file: mock providers for its deployments, traffic, and drills.

mod family;

use super::LitellmFile;
use super::read::ModelEntry;
use core::fmt::Write as _;
use squall_config_file::name::quoted;
use squall_router::{LitellmStrategy, Profile};

/// What is asked of [`LitellmFile::scenario_yaml`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct InitOptions {
    /// The scenario's name; characters that no folder's name may have are replaced.
    pub name: String,
    /// The path of the LiteLLM file as the scenario names it; `None` writes the router out in our own
    /// syntax.
    pub reference: Option<String>,
    /// By whose formulas the router works.
    pub profile: Profile,
}

/// Requests per second where no limit says how many there may be.
const USUAL_RPS: f64 = 20.0;
/// The mean tokens of a request, prompt and answer, of the sizes below.
const TOKENS: f64 = 720.0;
/// Requests during the calm that prove something.
const ENOUGH: f64 = 160.0;
/// Requests per second at a deployment before its fault that show whether they go elsewhere.
const SEEN: f64 = 6.0;
/// At most so many, so that a run is over soon.
const RPS_MAX: f64 = 200.0;

impl LitellmFile {
    /// A scenario around this file that runs at once: a mock provider for each deployment, with its
    /// limits and a latency of its family, traffic at about 60 % of what the limits allow, and a day on
    /// which the largest deployment breaks. `inline` is the router in our own syntax, for options without a
    /// reference.
    #[must_use]
    pub fn scenario_yaml(&self, options: &InitOptions, inline: &str) -> String {
        let group = self.busiest();
        let entries = self.open_to_all(group);
        let largest = entries.iter().max_by(|a, b| share(a).total_cmp(&share(b)));
        let largest = largest.map_or("", |entry| entry.name.as_str());
        let second = entries.iter().find(|entry| entry.name != largest);
        let second = second.map_or("", |entry| entry.name.as_str());
        let mut out = String::new();
        let path = self.path.replace('\n', " ");
        let _ = writeln!(
            out,
            "# A scenario for {path}, written by `squall init`. Adjust it as needed."
        );
        let _ = writeln!(out, "name: {}", folder_name(&options.name));
        out.push_str("seed: 1\n\n");
        let rps = rate(&entries);
        // Long enough for the calm to prove something.
        let scale = ((ENOUGH / rps / 10.0).ceil() as u64).max(1);
        let at = |seconds: u64| seconds * scale;
        let _ = writeln!(
            out,
            "phases: {{ calm: 0s..{}s, spike: {}s..{}s, outage: {}s..{}s, recovery: {}s..{}s }}\n",
            at(20),
            at(20),
            at(35),
            at(35),
            at(55),
            at(55),
            at(80)
        );
        let _ = writeln!(out, "traffic:\n  group: {}", quoted(group));
        let _ =
            writeln!(out, "  arrivals: poisson\n  # The spike is 60 % of the limits of the group.");
        let _ = writeln!(
            out,
            "  rate: [ {{ at: 0s, rps: {:.1} }}, {{ at: {}s, rps: {rps:.1} }}, {{ at: {}s, rps: {:.1} }} ]",
            rps / 2.0,
            at(20),
            at(35),
            rps / 2.0
        );
        out.push_str("  prompt_tokens: { lognormal: { median: 420, p95: 1900 } }\n");
        out.push_str("  output_tokens: { lognormal: { median: 60, p95: 200 } }\n");
        out.push_str("  stream: 70%\n  client: { timeout: 30s }\n\nproviders:\n");
        for entry in &self.entries {
            provider(entry, largest, second, scale, &mut out);
        }
        out.push('\n');
        out.push_str(&router_of(options, inline));
        out.push_str("\nexpect:\n  # Without faults, nearly all requests succeed.\n");
        out.push_str("  - success_rate >= 99% during calm\n");
        if entries.len() > 1 {
            out.push_str(
                "  # While the largest deployment is down, the others take most of its traffic.\n",
            );
            out.push_str("  - success_rate >= 90%\n  - retry_amplification <= 2\n");
        }
        // LiteLLM often keeps sending to a busy deployment that broke: not to be expected of it.
        let by_weight = self.settings.strategy == LitellmStrategy::SimpleShuffle;
        let part = part(&entries, largest);
        if by_weight && options.profile == Profile::Squall && part < 1.0 && rps * part >= SEEN {
            let _ = writeln!(out, "  - failover_time({largest}) <= 10s");
        }
        out
    }

    /// The deployments of a group that serve requests without tags.
    fn open_to_all(&self, group: &str) -> Vec<&ModelEntry> {
        let all = || self.entries_of(group);
        let by_tags = self.settings.tag_filtering && all().any(|entry| entry.is_default);
        all().filter(|entry| !by_tags || entry.is_default).collect()
    }

    /// The group with the most deployments, the first of several; a pattern only if there is no other.
    fn busiest(&self) -> &str {
        let groups = self.groups();
        let many = |group: &str| (!group.contains('*'), self.entries_of(group).count());
        let mut best = groups.first().copied().unwrap_or_default();
        for group in groups {
            if many(group) > many(best) {
                best = group;
            }
        }
        best
    }
}

fn router_of(options: &InitOptions, inline: &str) -> String {
    let Some(reference) = &options.reference else { return inline.to_owned() };
    let (reference, profile) = (quoted(reference), options.profile.as_str());
    format!("router: {{ litellm: {reference}, profile: {profile} }}\n")
}

/// The part of the group's requests that a deployment gets.
fn part(entries: &[&ModelEntry], name: &str) -> f64 {
    let all: f64 = entries.iter().map(|entry| share(entry)).sum();
    let own = entries.iter().find(|entry| entry.name == name);
    if all > 0.0 { own.map_or(0.0, |own| share(own) / all) } else { 1.0 / entries.len() as f64 }
}

fn share(entry: &ModelEntry) -> f64 {
    let rpm = entry.rpm.map(|rpm| rpm as f64);
    entry.weight.or(rpm).or_else(|| entry.tpm.map(|tpm| tpm as f64)).unwrap_or(0.0)
}

/// 60 % of the requests per minute that the group's limits allow, as requests per second.
fn rate(entries: &[&ModelEntry]) -> f64 {
    let most = |entry: &&ModelEntry| {
        let rpm = entry.rpm.map(|rpm| rpm as f64);
        let tpm = entry.tpm.map(|tpm| tpm as f64 / TOKENS);
        rpm.map_or(tpm, |rpm| Some(tpm.map_or(rpm, |tpm| tpm.min(rpm))))
    };
    let rpm: f64 = entries.iter().filter_map(most).sum();
    if rpm <= 0.0 {
        return USUAL_RPS;
    }
    (rpm * 0.6 / 60.0).clamp(0.2, RPS_MAX)
}

fn provider(entry: &ModelEntry, largest: &str, second: &str, scale: u64, out: &mut String) {
    let family = family::of(&entry.provider, &entry.model);
    let name = quoted(&entry.name);
    let _ = writeln!(out, "  {name}:  # {}/{}", entry.provider, entry.model);
    let (median, p95, between) = (family.first_ms, family.first_p95_ms, family.between_ms);
    let _ = writeln!(out, "    ttft: {{ lognormal: {{ median: {median}ms, p95: {p95}ms }} }}");
    let _ = writeln!(out, "    itl: {between}ms");
    let above_zero = |limit: &u64| *limit > 0;
    let rpm = entry.rpm.filter(above_zero).map(|rpm| format!("rpm: {rpm}"));
    let tpm = entry.tpm.filter(above_zero).map(|tpm| format!("tpm: {tpm}"));
    let limits: Vec<_> = rpm.into_iter().chain(tpm).collect();
    if !limits.is_empty() {
        let _ = writeln!(out, "    limits: {{ {} }}", limits.join(", "));
    }
    if entry.name == largest {
        out.push_str("    # The largest deployment answers 503, then refuses connections.\n");
        let (fails, refuses, long) = (35 * scale, 45 * scale, 10 * scale);
        let _ = writeln!(out, "    faults:\n      - {{ at: {fails}s, for: {long}s, error: 503 }}");
        let _ = writeln!(out, "      - {{ at: {refuses}s, for: {long}s, outage: refuse }}");
    } else if entry.name == second {
        out.push_str(
            "    # A burst of 429s, as if another application used up the shared quota.\n",
        );
        let (at, long) = (25 * scale, 3 * scale);
        let _ = writeln!(out, "    faults:\n      - {{ at: {at}s, for: {long}s, error: 429 }}");
    }
}

/// A name that a folder can have.
fn folder_name(text: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let name: String = text.chars().map(|c| if fits(c) { c } else { '-' }).collect();
    let name = name.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
    if name.is_empty() { "litellm".to_owned() } else { name.to_owned() }
}
