//! `requests.csv` and `attempts.csv`.

use super::header::place;
use crate::{
    AnswerSeen, AttemptOutcome, AttemptRow, RequestOutcome, RequestRow, RunHeader, SeenBy,
};
use serde::{Deserialize, Serialize};
use squall_determinism::Timestamp;
use squall_failure::{FailureClass, FailureSource, ProviderLimitKind};
use std::time::Duration;

/// The columns of `requests.csv`.
pub(super) const REQUEST_COLUMNS: [&str; 19] = [
    "request",
    "group",
    "kind",
    "outcome",
    "class",
    "source",
    "status",
    "stream",
    "intended_ns",
    "sent_ns",
    "first_token_ns",
    "ended_ns",
    "input_tokens",
    "output_tokens",
    "received_tokens",
    "whole",
    "usage",
    "model",
    "calls",
];

/// The columns of `attempts.csv`.
pub(super) const ATTEMPT_COLUMNS: [&str; 16] = [
    "request",
    "ordinal",
    "deployment",
    "seen_by",
    "outcome",
    "class",
    "status",
    "retry_after_ns",
    "fault",
    "limit",
    "stream",
    "started_ns",
    "first_token_ns",
    "ended_ns",
    "input_tokens",
    "output_tokens",
];

#[derive(Debug, Deserialize, Serialize)]
pub(super) struct RequestLine {
    request: u64,
    group: String,
    kind: Option<String>,
    outcome: String,
    class: Option<String>,
    source: Option<String>,
    status: u16,
    stream: bool,
    intended_ns: u64,
    sent_ns: u64,
    first_token_ns: Option<u64>,
    ended_ns: u64,
    input_tokens: u32,
    output_tokens: u32,
    received_tokens: u32,
    whole: bool,
    usage: bool,
    /// The deployment whose model the answer names.
    model: Option<String>,
    #[serde(default = "one_call")]
    calls: u16,
}

/// What forms before 8 do not tell.
const fn one_call() -> u16 {
    1
}

impl RequestLine {
    pub(super) fn of(row: &RequestRow, header: &RunHeader) -> Self {
        let (outcome, class, source) = match row.outcome {
            RequestOutcome::Succeeded => ("succeeded", None, None),
            RequestOutcome::Failed { class, source } => ("failed", Some(class), Some(source)),
            RequestOutcome::GaveUp => ("gave_up", None, None),
            RequestOutcome::Unfinished => ("unfinished", None, None),
        };
        Self {
            request: row.request,
            group: header.groups[usize::from(row.group)].clone(),
            kind: header.kinds.get(usize::from(row.kind)).cloned(),
            outcome: outcome.to_owned(),
            class: class.map(|class| class.as_str().to_owned()),
            source: source.map(|source| source.as_str().to_owned()),
            status: row.status,
            stream: row.stream,
            intended_ns: row.intended.as_nanos(),
            sent_ns: row.sent.as_nanos(),
            first_token_ns: row.first_token.map(Timestamp::as_nanos),
            ended_ns: row.ended.as_nanos(),
            input_tokens: row.input_tokens,
            output_tokens: row.output_tokens,
            received_tokens: row.received_tokens,
            whole: row.answer.whole,
            usage: row.answer.usage,
            model: row
                .answer
                .model
                .and_then(|place| header.deployments.get(usize::from(place)))
                .map(|deployment| deployment.name.clone()),
            calls: row.calls,
        }
    }

    pub(super) fn into_row(self, header: &RunHeader) -> Result<RequestRow, String> {
        let outcome = match self.outcome.as_str() {
            "succeeded" => RequestOutcome::Succeeded,
            "failed" => {
                let source = self.source.as_deref().and_then(FailureSource::from_word);
                let source = source.ok_or("a failed request needs a source")?;
                RequestOutcome::Failed { class: class(self.class.as_deref())?, source }
            }
            "gave_up" => RequestOutcome::GaveUp,
            "unfinished" => RequestOutcome::Unfinished,
            other => return Err(format!("no outcome `{other}`")),
        };
        Ok(RequestRow {
            request: self.request,
            group: place(&header.groups, &self.group)?,
            kind: self.kind.map_or(Ok(0), |kind| place(&header.kinds, &kind))?,
            intended: Timestamp::from_nanos(self.intended_ns),
            sent: Timestamp::from_nanos(self.sent_ns),
            first_token: self.first_token_ns.map(Timestamp::from_nanos),
            ended: Timestamp::from_nanos(self.ended_ns),
            stream: self.stream,
            input_tokens: self.input_tokens,
            output_tokens: self.output_tokens,
            received_tokens: self.received_tokens,
            outcome,
            status: self.status,
            answer: AnswerSeen {
                whole: self.whole,
                usage: self.usage,
                model: self.model.map(|name| deployment(header, &name)).transpose()?,
            },
            calls: self.calls,
        })
    }
}

#[derive(Debug, Deserialize, Serialize)]
pub(super) struct AttemptLine {
    request: Option<u64>,
    ordinal: u16,
    deployment: String,
    seen_by: String,
    outcome: String,
    class: Option<String>,
    status: u16,
    retry_after_ns: Option<u64>,
    fault: Option<u16>,
    limit: Option<String>,
    stream: bool,
    started_ns: u64,
    first_token_ns: Option<u64>,
    ended_ns: u64,
    input_tokens: u32,
    output_tokens: u32,
}

impl AttemptLine {
    pub(super) fn of(row: &AttemptRow, header: &RunHeader) -> Self {
        let (outcome, class) = match row.outcome {
            AttemptOutcome::Succeeded => ("succeeded", None),
            AttemptOutcome::Failed { class } => ("failed", Some(class)),
            AttemptOutcome::Abandoned => ("abandoned", None),
            AttemptOutcome::Unfinished => ("unfinished", None),
        };
        let deployment = header.deployments.get(usize::from(row.deployment));
        Self {
            request: row.request,
            ordinal: row.ordinal,
            deployment: deployment.map(|each| each.name.clone()).unwrap_or_default(),
            seen_by: match row.seen_by {
                SeenBy::Provider => "provider".to_owned(),
                SeenBy::Gateway => "gateway".to_owned(),
            },
            outcome: outcome.to_owned(),
            class: class.map(|class| class.as_str().to_owned()),
            status: row.status,
            retry_after_ns: row.retry_after.map(|wait| wait.as_nanos() as u64),
            fault: row.fault,
            limit: row.limit.map(|limit| limit.as_str().to_owned()),
            stream: row.stream,
            started_ns: row.started.as_nanos(),
            first_token_ns: row.first_token.map(Timestamp::as_nanos),
            ended_ns: row.ended.as_nanos(),
            input_tokens: row.input_tokens,
            output_tokens: row.output_tokens,
        }
    }

    pub(super) fn into_row(self, header: &RunHeader) -> Result<AttemptRow, String> {
        let outcome = match self.outcome.as_str() {
            "succeeded" => AttemptOutcome::Succeeded,
            "failed" => AttemptOutcome::Failed { class: class(self.class.as_deref())? },
            "abandoned" => AttemptOutcome::Abandoned,
            "unfinished" => AttemptOutcome::Unfinished,
            other => return Err(format!("no outcome `{other}`")),
        };
        Ok(AttemptRow {
            request: self.request,
            ordinal: self.ordinal,
            deployment: deployment(header, &self.deployment)?,
            seen_by: match self.seen_by.as_str() {
                "provider" => SeenBy::Provider,
                "gateway" => SeenBy::Gateway,
                other => return Err(format!("nobody called `{other}` sees attempts")),
            },
            started: Timestamp::from_nanos(self.started_ns),
            first_token: self.first_token_ns.map(Timestamp::from_nanos),
            ended: Timestamp::from_nanos(self.ended_ns),
            outcome,
            status: self.status,
            retry_after: self.retry_after_ns.map(Duration::from_nanos),
            fault: self.fault,
            limit: self.limit.as_deref().map(limit).transpose()?,
            stream: self.stream,
            input_tokens: self.input_tokens,
            output_tokens: self.output_tokens,
        })
    }
}

pub(super) fn class(word: Option<&str>) -> Result<FailureClass, String> {
    let word = word.ok_or("a failure needs a class")?;
    FailureClass::from_word(word).ok_or_else(|| format!("no class `{word}`"))
}

fn limit(word: &str) -> Result<ProviderLimitKind, String> {
    ProviderLimitKind::from_word(word).ok_or_else(|| format!("no limit `{word}`"))
}

pub(super) fn deployment(header: &RunHeader, name: &str) -> Result<u16, String> {
    let place = header.deployments.iter().position(|deployment| deployment.name == name);
    let place = place.and_then(|place| u16::try_from(place).ok());
    place.ok_or_else(|| format!("no deployment `{name}`"))
}
