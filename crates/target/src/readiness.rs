//! Whether a target is ready: its port, its own check, and a chat of each group.

use crate::TargetError;
use crate::api::TargetApi;
use crate::http_probe;
use crate::process::TargetProcess;
use http::uri::Authority;
use squall_scenario::ReadyCheck;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};

/// What is checked, until it holds.
#[derive(Debug)]
pub(crate) struct ReadinessProbe<'a> {
    pub(crate) address: Authority,
    /// What clients will ask for.
    pub(crate) models: Vec<String>,
    pub(crate) check: ReadyCheck,
    pub(crate) api: &'a TargetApi,
    /// `None` for a target that runs already.
    pub(crate) process: Option<&'a TargetProcess>,
}

/// Between two checks.
const AGAIN_AFTER: Duration = Duration::from_millis(100);

/// How long one check may take: the first chat of LiteLLM's proxy takes up to 12 s on a busy machine.
const CHECK_WITHIN: Duration = Duration::from_secs(30);

/// How many chats of each model are sent, after the first that was answered, so that connections are open and lazy
/// parts loaded: nothing of it is counted.
const WARM_UP: usize = 8;

/// Waits until everything holds.
pub(crate) fn wait(
    probe: &ReadinessProbe<'_>,
    is_stopped: &dyn Fn() -> bool,
) -> Result<(), TargetError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(TargetError::Runtime)?.block_on(until_ready(probe, is_stopped))
}

#[expect(clippy::disallowed_methods, reason = "a target is started in real time, before any run's")]
async fn until_ready(
    probe: &ReadinessProbe<'_>,
    is_stopped: &dyn Fn() -> bool,
) -> Result<(), TargetError> {
    let (check, process) = (&probe.check, probe.process);
    let deadline = Instant::now() + check.within;
    let mut reason = "no check was answered".to_owned();
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        // A check that is under way when the target ends would wait for nothing.
        let looked = tokio::select! {
            looked = timeout(left.min(CHECK_WITHIN), look(probe)) => looked.ok(),
            () = given_up(process, is_stopped) => None,
        };
        if is_stopped() {
            return Err(TargetError::Interrupted);
        }
        if let Some((process, status)) =
            process.and_then(|process| Some((process, process.ended()?)))
        {
            return Err(TargetError::Ended { status, log: process.log_tail() });
        }
        match looked {
            Some(Ok(())) => break,
            Some(Err(told)) => reason = told,
            // A check that the deadline cut off tells less than the one before.
            None => {}
        }
        if Instant::now() >= deadline {
            let log = process.map(TargetProcess::log_tail).unwrap_or_default();
            let within = check.within;
            return Err(TargetError::NotReady { within, last: reason, log });
        }
        sleep(AGAIN_AFTER).await;
    }
    warm_up(probe).await;
    Ok(())
}

/// Ends when the target has, or the wait is to.
async fn given_up(process: Option<&TargetProcess>, is_stopped: &dyn Fn() -> bool) {
    while process.and_then(TargetProcess::ended).is_none() && !is_stopped() {
        sleep(AGAIN_AFTER).await;
    }
}

/// One look at everything.
async fn look(probe: &ReadinessProbe<'_>) -> Result<(), String> {
    if let Some(path) = &probe.check.get {
        let got = http_probe::get(&probe.address, path)
            .await
            .map_err(|error| format!("`GET {path}` at {} failed: {error}", probe.address))?;
        if got.status != 200 {
            return Err(format!("`GET {path}` was answered {}", got.told()));
        }
    }
    for model in &probe.models {
        let chat = http_probe::chat(probe.api, model, false).await;
        let chat = chat
            .map_err(|error| format!("a chat of `{model}` at {} failed: {error}", probe.address))?;
        if !chat.is_completion {
            return Err(format!("a chat of `{model}` was answered {}", chat.told()));
        }
    }
    Ok(())
}

/// Chats whose answers do not matter, half of them streams.
async fn warm_up(probe: &ReadinessProbe<'_>) {
    for model in &probe.models {
        for number in 0..WARM_UP {
            let chat = http_probe::chat(probe.api, model, number % 2 == 1);
            // One that fails shows in the run.
            let _ = timeout(CHECK_WITHIN, chat).await;
        }
    }
}
