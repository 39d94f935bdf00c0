//! What the headers of shards have in common, and what is joined of them.

use super::MergeError;
use crate::{Lacked, Lag, RunEnd, RunHeader, TargetInfo, TraceInfo};
use squall_determinism::Digest;

/// Whether two recordings are of one plan.
pub(super) fn require_one_plan(
    (first, a): (&str, &RunHeader),
    (label, b): (&str, &RunHeader),
) -> Result<(), MergeError> {
    let of = |header: &RunHeader| header.shards.as_ref().map_or(1, |shards| shards.of);
    let target = |header: &RunHeader| header.target.as_ref().map(|target| target.name.clone());
    let other = |what: String| {
        let (first, label) = (first.to_owned(), label.to_owned());
        Err(MergeError::OtherPlan { first, label, what })
    };
    if a.scenario != b.scenario {
        return other(format!(
            "one is of the scenario `{}`, and the other of `{}`",
            a.scenario, b.scenario
        ));
    }
    if a.scenario_text != b.scenario_text {
        return other(text_difference(&a.scenario_text, &b.scenario_text));
    }
    if a.seed != b.seed {
        return other(format!("one has the seed {}, and the other {}", a.seed, b.seed));
    }
    if of(a) != of(b) {
        return other(format!("one is of {} shards, and the other of {}", of(a), of(b)));
    }
    if a.version != b.version {
        return other(format!(
            "one was run by squall {}, and the other by {}",
            a.version, b.version
        ));
    }
    if a.mode != b.mode {
        return other(format!("one is {}, and the other {}", a.mode.as_str(), b.mode.as_str()));
    }
    // The digest of a trace is known where it was computed.
    let differ = |(a, b): (&TraceInfo, &TraceInfo)| {
        a.name != b.name || a.sha256.as_ref().zip(b.sha256.as_ref()).is_some_and(|(a, b)| a != b)
    };
    if a.traces.len() != b.traces.len() || a.traces.iter().zip(&b.traces).any(differ) {
        return other("their traces differ".to_owned());
    }
    if target(a) != target(b) {
        let told = |name: Option<String>| name.unwrap_or_else(|| "the built-in router".to_owned());
        return other(format!("one tested {}, and the other {}", told(target(a)), told(target(b))));
    }
    let shape = |header: &RunHeader| {
        let RunHeader { duration, groups, deployments, providers, kinds, changes, marks, .. } =
            header.clone();
        (duration, groups, deployments, providers, kinds, changes, marks)
    };
    if shape(a) != shape(b) {
        return other("their groups, deployments or kinds of requests differ".to_owned());
    }
    Ok(())
}

/// The first line in which two scenarios differ.
fn text_difference(a: &str, b: &str) -> String {
    let mut lines = a.lines().zip(b.lines()).zip(1..);
    match lines.find(|((a, b), _)| a != b) {
        Some(((a, b), line)) => {
            format!(
                "line {line} of the scenario is `{}` in one, and `{}` in the other",
                a.trim(),
                b.trim()
            )
        }
        None => "the scenario has more lines in one than in the other".to_owned(),
    }
}

impl RunHeader {
    /// Adds what the header of another shard of the same plan tells.
    pub(super) fn join(&mut self, other: Self) {
        self.ended = worse_end(self.ended, other.ended);
        self.lag = match (self.lag, other.lag) {
            // With rows these are measured again. Without them the quantiles of all are not known; none is above the
            // greatest of the shards.
            (Some(a), Some(b)) => {
                Some(Lag { p50: a.p50.max(b.p50), p99: a.p99.max(b.p99), max: a.max.max(b.max) })
            }
            (lag, None) | (None, lag) => lag,
        };
        for (trace, other) in self.traces.iter_mut().zip(other.traces) {
            trace.fault = trace.fault.take().or(other.fault);
        }
        self.server_lag.extend(other.server_lag);
        self.target = self.target.take().zip(other.target).map(|(a, b)| joined_target(a, b));
        self.lacked = joined_lacked(self.lacked, other.lacked);
        if let (Some(shards), Some(others)) = (&mut self.shards, other.shards) {
            shards.members.extend(others.members);
            shards.members.sort_by_key(|member| member.number);
            let mut digest = Digest::new();
            for member in &shards.members {
                digest.word(member.number.into());
                digest.bytes(member.digest.as_deref().unwrap_or_default().as_bytes());
            }
            self.digest = digest.to_string();
        }
    }
}

/// How a run ended whose shards ended so: as the worst of them, when the first was cut short.
fn worse_end(a: RunEnd, b: RunEnd) -> RunEnd {
    let (Some(first), Some(second)) = (a.cut_at(), b.cut_at()) else {
        return if a.cut_at().is_some() { a } else { b };
    };
    let at = first.min(second);
    // The worst of them, which is the last here.
    let rank = |end: RunEnd| match end {
        RunEnd::Complete => 0,
        RunEnd::Aborted { .. } => 1,
        RunEnd::BrokenTrace { .. } => 2,
        RunEnd::Interrupted { .. } => 3,
        RunEnd::Killed { .. } => 4,
    };
    let worst = if rank(b) > rank(a) { b } else { a };
    match worst {
        RunEnd::Complete => RunEnd::Complete,
        RunEnd::Aborted { .. } => RunEnd::Aborted { at },
        RunEnd::BrokenTrace { .. } => RunEnd::BrokenTrace { at },
        RunEnd::Interrupted { .. } => RunEnd::Interrupted { at },
        RunEnd::Killed { .. } => RunEnd::Killed { at, torn: torn(a) + torn(b) },
    }
}

/// How many lines were cut off in the middle.
const fn torn(end: RunEnd) -> u32 {
    match end {
        RunEnd::Killed { torn, .. } => torn,
        RunEnd::Complete
        | RunEnd::Aborted { .. }
        | RunEnd::BrokenTrace { .. }
        | RunEnd::Interrupted { .. } => 0,
    }
}

/// What shards know of the one target of them all. Processes and machines are each shard's own.
fn joined_target(a: TargetInfo, b: TargetInfo) -> TargetInfo {
    TargetInfo {
        name: a.name,
        version: a.version.or(b.version),
        died: a.died.into_iter().chain(b.died).min_by_key(|(at, _)| *at),
        join: a.join.plus(b.join),
        has_own_providers: a.has_own_providers,
        ..TargetInfo::default()
    }
}

fn joined_lacked(a: Lacked, b: Lacked) -> Lacked {
    Lacked {
        file_descriptors: a.file_descriptors + b.file_descriptors,
        file_limit: a.file_limit.into_iter().chain(b.file_limit).min(),
        local_ports: a.local_ports + b.local_ports,
        memory: a.memory + b.memory,
    }
}
