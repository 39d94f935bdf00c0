//! `squall mock --findings`: what the clients of mock providers do wrong.

use crate::args::{FindingsArgs, MockArgs};
use crate::error::{CliError, Exit};
use crate::terminal;
use serde_json::Value;
use squall_determinism::Timestamp;
use squall_judge::{
    ClientEvidence, FindingSettings, FindingsReport, Judgement, findings_json, findings_lines,
    judge_findings, put_json,
};
use squall_mock_provider::{CallLog, CallsSeen, FindingsApi, JudgeCalls};
use std::collections::BTreeMap;
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How long a server goes on after its end is asked for: whoever hung up before is seen to have gone.
pub(super) const SETTLE: Duration = Duration::from_millis(100);

/// How clients are judged.
#[derive(Debug)]
struct ClientJudge {
    settings: FindingSettings,
    /// The names of the providers.
    providers: Vec<String>,
}

impl ClientJudge {
    fn report(&self, seen: &CallsSeen, client_done: bool) -> FindingsReport {
        let evidence = ClientEvidence {
            attempts: &seen.attempts,
            open: seen.open,
            forgotten: seen.forgotten,
            providers: &self.providers,
            behind: &BTreeMap::new(),
            now: seen.now,
            client_done,
        };
        judge_findings(&evidence, &self.settings)
    }
}

impl JudgeCalls for ClientJudge {
    fn judge(&self, seen: &CallsSeen, client_done: bool) -> Value {
        let report = self.report(seen, client_done);
        let mut answer = findings_json(&report);
        answer["table"] = findings_lines(&report).join("\n").into();
        answer
    }
}

/// The judgement of clients while a server runs and at its end.
pub(super) struct Findings {
    calls: Arc<CallLog>,
    judge: Arc<ClientJudge>,
    file: Option<PathBuf>,
}

impl Findings {
    /// The judgement that was asked for, if any. Its file is begun, so that one that cannot be written is told before
    /// anything was seen.
    pub(super) fn new(args: &MockArgs, providers: Vec<String>) -> Result<Option<Self>, CliError> {
        let FindingsArgs { findings, max_attempts, allow } = &args.findings;
        let Some(file) = findings.clone() else { return Ok(None) };
        if let Some(path) = &file {
            File::create(path).map_err(|source| {
                let what = format!("cannot write `{}`", path.display());
                CliError::Io { what, source }
            })?;
        }
        let settings = FindingSettings { max_attempts: *max_attempts, allowed: allow.clone() };
        let judge = Arc::new(ClientJudge { settings, providers });
        Ok(Some(Self { calls: Arc::default(), judge, file }))
    }

    pub(super) fn calls(&self) -> Arc<CallLog> {
        Arc::clone(&self.calls)
    }

    pub(super) fn api(&self) -> FindingsApi {
        FindingsApi { calls: self.calls(), judge: Arc::clone(&self.judge) as Arc<dyn JudgeCalls> }
    }

    /// Tells what was found, now that no attempt comes any more.
    pub(super) fn conclude(&self, now: Timestamp) -> Result<Exit, CliError> {
        let report = self.judge.report(&self.calls.seen(0, now), true);
        findings_lines(&report).iter().for_each(terminal::data);
        terminal::field("findings", || findings_json(&report));
        if let Some(path) = &self.file {
            put_json(path, &findings_json(&report))?;
        }
        Ok(match report.judgement() {
            Judgement::Met => Exit::Met,
            Judgement::Missed => Exit::Missed,
            Judgement::Inconclusive => Exit::Inconclusive,
        })
    }
}

/// Tells what a server has found so far: the answer of its API.
pub(super) fn tell(answer: &Value) -> Exit {
    terminal::field("findings", || {
        let mut answer = answer.clone();
        if let Some(fields) = answer.as_object_mut() {
            fields.remove("table");
        }
        answer
    });
    terminal::data(answer["table"].as_str().unwrap_or_default());
    match answer["verdict"].as_str() {
        Some("met") => Exit::Met,
        Some("missed") => Exit::Missed,
        _ => Exit::Inconclusive,
    }
}
