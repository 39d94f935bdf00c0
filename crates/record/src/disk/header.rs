//! `run.json`.

use super::cannot_read;
use super::checked::{self, FileInfo, MAX_RUN_BYTES};
use crate::RecordError;
use crate::error::{FORMAT, OLDEST_FORMAT};
use crate::{
    CellMarks, ChangeInfo, DeploymentInfo, JoinCounts, Lacked, Lag, Mode, RunEnd, RunHeader,
    ServerLag, ShardInfo, ShardSet, Stall, TargetInfo, TraceInfo,
};
use serde::{Deserialize, Serialize};
use squall_determinism::Timestamp;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HeaderFile {
    format: u32,
    /// The checksum of this file with an empty text here.
    checksum: String,
    version: String,
    state: RecordingState,
    /// How far a run under way has come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reached_ns: Option<u64>,
    scenario: String,
    mode: String,
    seed: u64,
    digest: String,
    duration_ns: u64,
    interrupted_at_ns: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    torn: Option<u32>,
    groups: Vec<String>,
    deployments: Vec<DeploymentFile>,
    providers: Vec<String>,
    #[serde(default)]
    kinds: Vec<String>,
    #[serde(default)]
    changes: Vec<ChangeFile>,
    lag: Option<LagFile>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    server_lag: Vec<ServerLagFile>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    target: Option<TargetFile>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    shards: Option<ShardsFile>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lacked: Option<LackedFile>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    marks: Option<MarksFile>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    traces: Vec<TraceEntry>,
    scenario_text: String,
    /// The other files as they were written, by name; none while the run is under way.
    pub(super) files: BTreeMap<String, FileInfo>,
}

/// How far the recording is.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
enum RecordingState {
    /// The run is under way, or its process has ended in the middle of it.
    Running,
    Complete,
    Interrupted,
    Aborted,
    BrokenTrace,
    Killed,
}

/// What tells of which form a file is, whatever else is in it.
#[derive(Debug, Deserialize)]
struct FormatFile {
    format: Option<u32>,
    version: Option<String>,
    scenario_text: Option<String>,
}

#[derive(Debug, Deserialize, Serialize)]
struct LackedFile {
    file_descriptors: u64,
    file_limit: Option<u64>,
    local_ports: u64,
    memory: u64,
}

/// A trace that gave the times of requests.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct TraceEntry {
    name: String,
    sha256: Option<String>,
    fault: Option<String>,
}

impl TraceEntry {
    fn of(trace: &TraceInfo) -> Self {
        let TraceInfo { name, sha256, fault } = trace.clone();
        Self { name, sha256, fault }
    }

    fn into_trace(self) -> TraceInfo {
        let Self { name, sha256, fault } = self;
        TraceInfo { name, sha256, fault }
    }
}

/// What the cells keep apart.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct MarksFile {
    cuts_ns: Vec<u64>,
    within_ns: Vec<u64>,
}

#[derive(Debug, Deserialize, Serialize)]
struct DeploymentFile {
    name: String,
    group: String,
    provider: String,
    weight: u32,
}

#[derive(Debug, Deserialize, Serialize)]
struct ChangeFile {
    at_ns: u64,
    what: String,
    /// By deployment.
    weights: Vec<u32>,
}

#[derive(Debug, Deserialize, Serialize)]
struct LagFile {
    p50_ns: u64,
    p99_ns: u64,
    max_ns: u64,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct ServerLagFile {
    part: String,
    lag: LagFile,
    /// From when until when.
    stalls_ns: Vec<(u64, u64)>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct TargetFile {
    name: String,
    version: Option<String>,
    cpu_ns: Option<u64>,
    peak_memory: Option<u64>,
    cpu_of_others_ns: Option<u64>,
    cpu_idle_ns: Option<u64>,
    died: Option<DiedFile>,
    join: JoinFile,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    has_own_providers: bool,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct DiedFile {
    at_ns: u64,
    how: String,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct JoinFile {
    attempts: u64,
    header: u64,
    user: u64,
    prompt: u64,
    content: u64,
    unknown: u64,
    guessed_deployment: u64,
}

/// The shards that it is of.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct ShardsFile {
    of: u32,
    members: Vec<ShardFile>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct ShardFile {
    number: u32,
    /// Since 1970.
    began_ns: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    digest: Option<String>,
}

impl ShardsFile {
    fn of(shards: &ShardSet) -> Self {
        let members = shards.members.iter().map(|member| ShardFile {
            number: member.number,
            began_ns: member.began.map(|began| began.as_nanos() as u64),
            digest: member.digest.clone(),
        });
        Self { of: shards.of, members: members.collect() }
    }

    fn into_shards(self) -> Result<ShardSet, String> {
        let numbers: Vec<_> = self.members.iter().map(|member| member.number).collect();
        let are_known = numbers.iter().all(|number| (1..=self.of).contains(number));
        if numbers.is_empty() || !are_known || !numbers.is_sorted_by(|a, b| a < b) {
            return Err(format!("there are no such shards of {}: {numbers:?}", self.of));
        }
        let members = self.members.into_iter().map(|member| ShardInfo {
            number: member.number,
            began: member.began_ns.map(Duration::from_nanos),
            digest: member.digest,
        });
        Ok(ShardSet { of: self.of, members: members.collect() })
    }
}

impl TargetFile {
    fn of(target: &TargetInfo) -> Self {
        let JoinCounts { attempts, header, user, prompt, content, unknown, guessed_deployment } =
            target.join;
        Self {
            name: target.name.clone(),
            version: target.version.clone(),
            cpu_ns: target.cpu.map(|cpu| cpu.as_nanos() as u64),
            peak_memory: target.peak_memory,
            cpu_of_others_ns: target.cpu_of_others.map(|cpu| cpu.as_nanos() as u64),
            cpu_idle_ns: target.cpu_idle.map(|cpu| cpu.as_nanos() as u64),
            died: target
                .died
                .as_ref()
                .map(|(at, how)| DiedFile { at_ns: at.as_nanos(), how: how.clone() }),
            join: JoinFile { attempts, header, user, prompt, content, unknown, guessed_deployment },
            has_own_providers: target.has_own_providers,
        }
    }

    fn into_target(self) -> TargetInfo {
        let JoinFile { attempts, header, user, prompt, content, unknown, guessed_deployment } =
            self.join;
        TargetInfo {
            name: self.name,
            version: self.version,
            cpu: self.cpu_ns.map(Duration::from_nanos),
            peak_memory: self.peak_memory,
            cpu_of_others: self.cpu_of_others_ns.map(Duration::from_nanos),
            cpu_idle: self.cpu_idle_ns.map(Duration::from_nanos),
            died: self.died.map(|died| (Timestamp::from_nanos(died.at_ns), died.how)),
            join: JoinCounts {
                attempts,
                header,
                user,
                prompt,
                content,
                unknown,
                guessed_deployment,
            },
            has_own_providers: self.has_own_providers,
        }
    }
}

impl MarksFile {
    /// `None` for nothing.
    fn of(marks: &CellMarks) -> Option<Self> {
        (*marks != CellMarks::default()).then(|| Self {
            cuts_ns: marks.cuts.iter().map(|cut| cut.as_nanos()).collect(),
            within_ns: marks.within.iter().map(|limit| limit.as_nanos() as u64).collect(),
        })
    }

    fn into_marks(self) -> CellMarks {
        CellMarks {
            cuts: self.cuts_ns.into_iter().map(Timestamp::from_nanos).collect(),
            within: self.within_ns.into_iter().map(Duration::from_nanos).collect(),
        }
    }
}

impl LagFile {
    const fn of(lag: Lag) -> Self {
        Self {
            p50_ns: lag.p50.as_nanos() as u64,
            p99_ns: lag.p99.as_nanos() as u64,
            max_ns: lag.max.as_nanos() as u64,
        }
    }

    const fn into_lag(self) -> Lag {
        Lag {
            p50: Duration::from_nanos(self.p50_ns),
            p99: Duration::from_nanos(self.p99_ns),
            max: Duration::from_nanos(self.max_ns),
        }
    }
}

impl ServerLagFile {
    fn of(server: &ServerLag) -> Self {
        let stalls = server.stalls.iter();
        Self {
            part: server.part.clone(),
            lag: LagFile::of(server.lag),
            stalls_ns: stalls.map(|s| (s.from.as_nanos(), s.until.as_nanos())).collect(),
        }
    }

    fn into_server_lag(self) -> ServerLag {
        let time = Timestamp::from_nanos;
        let stalls = self.stalls_ns.into_iter();
        ServerLag {
            part: self.part,
            lag: self.lag.into_lag(),
            stalls: stalls
                .map(|(from, until)| Stall { from: time(from), until: time(until) })
                .collect(),
        }
    }
}

impl HeaderFile {
    /// Of a run under way, which has come as far as `at`.
    pub(super) fn running(header: &RunHeader, at: Timestamp) -> Self {
        let this = Self::of(header, BTreeMap::new());
        Self { state: RecordingState::Running, reached_ns: Some(at.as_nanos()), ..this }
    }

    /// The bytes of the file.
    pub(super) fn sealed(mut self) -> Result<Vec<u8>, RecordError> {
        self.checksum = self.own_checksum()?;
        json(&self)
    }

    fn own_checksum(&mut self) -> Result<String, RecordError> {
        let told = std::mem::take(&mut self.checksum);
        let bytes = json(self);
        self.checksum = told;
        Ok(checked::sha256(&bytes?))
    }

    /// Whether there is a recording's at a path, of whatever form.
    pub(super) fn is_at(path: &Path) -> bool {
        let bytes = checked::bytes(path, MAX_RUN_BYTES);
        let read = bytes.ok().and_then(|(bytes, _)| serde_json::from_slice(&bytes).ok());
        read.is_some_and(|FormatFile { version, scenario_text, .. }| {
            version.is_some() && scenario_text.is_some()
        })
    }

    /// Reads it, and sees that nobody changed it.
    pub(super) fn read(path: &Path) -> Result<Self, RecordError> {
        let malformed = |problem: String| RecordError::Malformed { path: path.to_owned(), problem };
        let (bytes, _) = checked::bytes(path, MAX_RUN_BYTES)?;
        let told: FormatFile =
            serde_json::from_slice(&bytes).map_err(|error| malformed(error.to_string()))?;
        if !told.format.is_some_and(|format| (OLDEST_FORMAT..=FORMAT).contains(&format)) {
            return Err(RecordError::Form {
                path: path.to_owned(),
                format: told.format.unwrap_or(1),
                version: told.version.unwrap_or_else(|| "unknown".to_owned()),
            });
        }
        let mut this: Self =
            serde_json::from_slice(&bytes).map_err(|error| malformed(error.to_string()))?;
        let own = this.own_checksum()?;
        if this.checksum != own {
            let what = "its contents do not have the checksum that it tells".to_owned();
            return Err(RecordError::Changed { path: path.to_owned(), what });
        }
        Ok(this)
    }

    /// Of which form it is.
    pub(super) const fn form(&self) -> u32 {
        self.format
    }

    /// Whether its cells are not those of `timeseries.bin`.
    pub(super) const fn is_old(&self) -> bool {
        self.format < 6
    }

    pub(super) fn is_running(&self) -> bool {
        self.state == RecordingState::Running
    }

    pub(super) fn of(header: &RunHeader, files: BTreeMap<String, FileInfo>) -> Self {
        let deployments = header.deployments.iter().map(|deployment| DeploymentFile {
            name: deployment.name.clone(),
            group: header.groups[usize::from(deployment.group)].clone(),
            provider: header.providers[usize::from(deployment.provider)].clone(),
            weight: deployment.weight,
        });
        let changes = header.changes.iter().map(|change| ChangeFile {
            at_ns: change.at.as_nanos(),
            what: change.what.clone(),
            weights: change.weights.clone(),
        });
        let (state, torn) = match header.ended {
            RunEnd::Complete => (RecordingState::Complete, None),
            RunEnd::Interrupted { .. } => (RecordingState::Interrupted, None),
            RunEnd::Aborted { .. } => (RecordingState::Aborted, None),
            RunEnd::BrokenTrace { .. } => (RecordingState::BrokenTrace, None),
            RunEnd::Killed { torn, .. } => (RecordingState::Killed, Some(torn)),
        };
        let lacked = header.lacked;
        Self {
            format: FORMAT,
            checksum: String::new(),
            version: header.version.clone(),
            state,
            reached_ns: None,
            torn,
            files,
            lacked: lacked.any().then_some(LackedFile {
                file_descriptors: lacked.file_descriptors,
                file_limit: lacked.file_limit,
                local_ports: lacked.local_ports,
                memory: lacked.memory,
            }),
            marks: MarksFile::of(&header.marks),
            traces: header.traces.iter().map(TraceEntry::of).collect(),
            scenario: header.scenario.clone(),
            mode: header.mode.as_str().to_owned(),
            seed: header.seed,
            digest: header.digest.clone(),
            duration_ns: header.duration.as_nanos() as u64,
            interrupted_at_ns: header.ended.cut_at().map(Timestamp::as_nanos),
            groups: header.groups.clone(),
            deployments: deployments.collect(),
            providers: header.providers.clone(),
            kinds: header.kinds.clone(),
            changes: changes.collect(),
            lag: header.lag.map(LagFile::of),
            server_lag: header.server_lag.iter().map(ServerLagFile::of).collect(),
            target: header.target.as_ref().map(TargetFile::of),
            shards: header.shards.as_ref().map(ShardsFile::of),
            scenario_text: header.scenario_text.clone(),
        }
    }

    pub(super) fn into_header(self) -> Result<RunHeader, String> {
        let deployments = self.deployments.into_iter().map(|deployment| {
            Ok(DeploymentInfo {
                group: place(&self.groups, &deployment.group)?,
                provider: place(&self.providers, &deployment.provider)?,
                name: deployment.name,
                weight: deployment.weight,
            })
        });
        let changes = self.changes.into_iter().map(|change| ChangeInfo {
            at: Timestamp::from_nanos(change.at_ns),
            what: change.what,
            weights: change.weights,
        });
        let at = |nanos: Option<u64>| {
            nanos.map(Timestamp::from_nanos).ok_or_else(|| "it does not say when".to_owned())
        };
        let ended = match self.state {
            RecordingState::Complete => RunEnd::Complete,
            RecordingState::Interrupted => RunEnd::Interrupted { at: at(self.interrupted_at_ns)? },
            RecordingState::Aborted => RunEnd::Aborted { at: at(self.interrupted_at_ns)? },
            RecordingState::BrokenTrace => RunEnd::BrokenTrace { at: at(self.interrupted_at_ns)? },
            RecordingState::Killed => {
                RunEnd::Killed { at: at(self.interrupted_at_ns)?, torn: self.torn.unwrap_or(0) }
            }
            RecordingState::Running => RunEnd::Killed { at: at(self.reached_ns)?, torn: 0 },
        };
        let lacked = self.lacked.map_or_else(Lacked::default, |lacked| Lacked {
            file_descriptors: lacked.file_descriptors,
            file_limit: lacked.file_limit,
            local_ports: lacked.local_ports,
            memory: lacked.memory,
        });
        Ok(RunHeader {
            deployments: deployments.collect::<Result<_, String>>()?,
            scenario: self.scenario,
            scenario_text: self.scenario_text,
            seed: self.seed,
            mode: Mode::from_word(&self.mode).ok_or_else(|| format!("no mode `{}`", self.mode))?,
            duration: Duration::from_nanos(self.duration_ns),
            ended,
            lacked,
            marks: self.marks.map(MarksFile::into_marks).unwrap_or_default(),
            traces: self.traces.into_iter().map(TraceEntry::into_trace).collect(),
            groups: self.groups,
            providers: self.providers,
            kinds: self.kinds,
            changes: changes.collect(),
            lag: self.lag.map(LagFile::into_lag),
            server_lag: self.server_lag.into_iter().map(ServerLagFile::into_server_lag).collect(),
            target: self.target.map(TargetFile::into_target),
            shards: self.shards.map(ShardsFile::into_shards).transpose()?,
            digest: self.digest,
            version: self.version,
        })
    }
}

fn json(file: &HeaderFile) -> Result<Vec<u8>, RecordError> {
    serde_json::to_vec(file)
        .map_err(|error| cannot_read(Path::new(super::RUN), std::io::Error::other(error)))
}

/// The place of a name in a list.
pub(super) fn place(names: &[String], name: &str) -> Result<u16, String> {
    let place = names.iter().position(|other| other == name);
    place
        .and_then(|place| u16::try_from(place).ok())
        .ok_or_else(|| format!("nothing is named `{name}`"))
}
