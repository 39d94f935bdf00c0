//! Whether a program under test is ready: it has answered a request of each group.

use crate::TargetError;
use crate::process::TargetProcess;
use crate::program_lines::ProgramLines;
use squall_wire::chat::{NewChat, ResponseMode};
use squall_wire::{ProgramAnswer, ProgramRequest, RequestToken};
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};

/// A prompt and an answer of a few words.
const TOKEN: RequestToken =
    RequestToken { request: 0, input_tokens: 8, output_tokens: 4, session: None };

/// How long one answer is waited for before the program is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// So many lines that are no answers, before the first answer, are the output of another kind of program.
const MOST_OTHER_LINES: u32 = 1_000;

/// Asks for each model until an answer is a success. Lines that are no answers (a banner, a warning) are passed over.
pub(crate) fn wait(
    lines: &mut ProgramLines,
    models: &[String],
    process: &TargetProcess,
    within: Duration,
    is_stopped: &dyn Fn() -> bool,
) -> Result<(), TargetError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(TargetError::Runtime)?.block_on(async {
        for model in models {
            until_answered(lines, model, process, within, is_stopped).await?;
        }
        Ok(())
    })
}

#[expect(clippy::disallowed_methods, reason = "a target is started in real time, before any run's")]
async fn until_answered(
    lines: &mut ProgramLines,
    model: &str,
    process: &TargetProcess,
    within: Duration,
    is_stopped: &dyn Fn() -> bool,
) -> Result<(), TargetError> {
    let deadline = Instant::now() + within;
    let mut last = format!("a chat of `{model}` was not answered");
    let mut other_lines = 0;
    ask(lines, model);
    loop {
        if is_stopped() {
            return Err(TargetError::Interrupted);
        }
        match timeout(LOOK_EVERY, lines.answers.recv()).await {
            Ok(Some(line)) => match ProgramAnswer::read(&line) {
                Some(ProgramAnswer { ok: true, .. }) => return Ok(()),
                Some(answer) => {
                    last = failed(model, &answer);
                    sleep(LOOK_EVERY).await;
                    ask(lines, model);
                }
                None => {
                    other_lines += 1;
                    last = no_answer(&line);
                    if other_lines >= MOST_OTHER_LINES {
                        return Err(TargetError::NoAnswers { last, log: process.log_tail() });
                    }
                }
            },
            // Its output has ended: so will it.
            Ok(None) => sleep(LOOK_EVERY).await,
            Err(_) => {}
        }
        if let Some(status) = process.ended() {
            return Err(TargetError::Ended { status, log: process.log_tail() });
        }
        if Instant::now() >= deadline {
            return Err(TargetError::NotReady { within, last, log: process.log_tail() });
        }
    }
}

fn ask(lines: &ProgramLines, model: &str) {
    let prompt = NewChat { model, token: TOKEN, delivery: ResponseMode::Whole }.prompt();
    let request = ProgramRequest {
        id: "ready",
        model,
        prompt: &prompt,
        stream: false,
        max_tokens: TOKEN.output_tokens,
        token: &TOKEN.to_string(),
    };
    // One that has gone is seen to have ended.
    let _ = lines.requests.send(request.line());
}

fn failed(model: &str, answer: &ProgramAnswer) -> String {
    let class = answer.class.as_deref().unwrap_or("a failure");
    let error = answer.error.as_deref().unwrap_or_default();
    format!("a chat of `{model}` was answered with {class}: {error}")
}

fn no_answer(line: &str) -> String {
    const SHOWN: usize = 200;
    let shown: String = line.chars().filter(|c| !c.is_control()).take(SHOWN).collect();
    format!("a line of its output is no answer: {shown}")
}
