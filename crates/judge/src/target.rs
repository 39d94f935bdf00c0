//! What is known of a gateway that was tested in place of the built-in one, in lines for people and as a part of the
//! summary.

use crate::text;
use schemars::JsonSchema;
use serde::Serialize;
use squall_record::{JoinCounts, Recording, TargetInfo};
use std::time::Duration;

/// A gateway that was tested in place of the built-in one.
#[derive(Clone, Debug, JsonSchema, PartialEq, Serialize)]
pub struct TargetSummary {
    /// Its name.
    pub name: String,
    /// Its version, where that is known.
    pub version: Option<String>,
    /// CPU time ÷ requests, in µs; none where the system does not tell.
    pub cpu_us_per_request: Option<u64>,
    /// The most resident memory of all its processes, in bytes.
    pub peak_memory_bytes: Option<u64>,
    /// Attempts that reached a provider.
    pub attempts: u64,
    /// Those of which the request is known.
    pub joined: u64,
    /// Those with the token in its header.
    pub joined_by_header: u64,
    /// Those with the token as `user`.
    pub joined_by_user: u64,
    /// Those with the token as the first word of the prompt.
    pub joined_by_prompt: u64,
    /// Those with the token behind other words.
    pub joined_by_content: u64,
    /// Those for a model of no deployment, counted for the first one of their provider.
    pub guessed_deployment: u64,
}

impl TargetSummary {
    /// Of a recording; `None` for one of the built-in gateway.
    #[must_use]
    pub fn of(recording: &Recording) -> Option<Self> {
        let target = recording.header.target.as_ref()?;
        let JoinCounts { attempts, header, user, prompt, content, unknown, guessed_deployment } =
            target.join;
        Some(Self {
            name: target.name.clone(),
            version: target.version.clone(),
            cpu_us_per_request: cpu_us_per_request(target, recording),
            peak_memory_bytes: target.peak_memory,
            attempts,
            joined: attempts - unknown,
            joined_by_header: header,
            joined_by_user: user,
            joined_by_prompt: prompt,
            joined_by_content: content,
            guessed_deployment,
        })
    }
}

fn cpu_us_per_request(target: &TargetInfo, recording: &Recording) -> Option<u64> {
    let (requests, _) = recording.cells.counts();
    let cpu = target.cpu?.as_micros();
    u64::try_from(cpu.checked_div(requests.into())?).ok()
}

/// Less CPU time than this in a whole run is known to a tenth at best.
const CPU_RESOLVED: Duration = Duration::from_millis(100);

/// What is known of the target, a line each.
pub(crate) fn target_lines(recording: &Recording) -> Vec<String> {
    let (Some(target), Some(summary)) = (&recording.header.target, TargetSummary::of(recording))
    else {
        return Vec::new();
    };
    let version = target.version.as_ref().map(|version| format!(" {version}")).unwrap_or_default();
    let mut first = format!("{}{version}", target.name);
    if let (Some(cpu), Some(total)) = (summary.cpu_us_per_request, target.cpu) {
        // Linux counts in hundredths of a second.
        let about = if total < CPU_RESOLVED { "about " } else { "" };
        first += &format!("; {about}{} µs of CPU time per request", text::count(cpu));
    }
    if let Some(memory) = target.peak_memory {
        first += &format!("; at most {} MiB resident", text::count(memory >> 20));
    }
    let attempts = if target.has_own_providers {
        "its providers are its own: what it asked of them is unknown".to_owned()
    } else {
        joined(&target.join)
    };
    vec![first, attempts]
}

/// How attempts were joined to requests.
fn joined(join: &JoinCounts) -> String {
    if join.attempts == 0 {
        return "no attempt reached a provider".to_owned();
    }
    let share = |count: u64| text::percent(count as f64 / join.attempts as f64);
    let places = [
        (join.header, "header"),
        (join.user, "user"),
        (join.prompt, "prompt"),
        (join.content, "content"),
    ];
    let places: Vec<_> = (places.iter().filter(|(count, _)| *count > 0))
        .map(|(count, place)| format!("{place} {}", share(*count)))
        .collect();
    let known = share(join.attempts - join.unknown);
    let mut line = format!("{known} of {} attempts joined to requests", text::count(join.attempts));
    if !places.is_empty() {
        line += &format!(" (token in: {})", places.join(", "));
    }
    if join.guessed_deployment > 0 {
        line += &format!(
            "; {} asked for a model of no deployment and count for the first of their provider",
            text::count(join.guessed_deployment)
        );
    }
    line
}
