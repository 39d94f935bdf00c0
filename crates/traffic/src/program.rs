//! A program in place of an API: requests are lines that it reads, answers are lines that it writes, in any order.

use crate::reading::AnswerProgress;
use crate::setup::ProgramPipes;
use squall_clock::Clock;
use squall_determinism::Timestamp;
use squall_failure::{Failure, FailureClass, FailureSource};
use squall_wire::chat::{NewChat, ResponseMode};
use squall_wire::{ProgramAnswer, ProgramRequest, RequestToken};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::Duration;
use tokio::sync::oneshot;

/// The requests that a program has not answered, by their ids.
#[derive(Debug, Default)]
struct Unanswered {
    waiting: BTreeMap<String, oneshot::Sender<ProgramAnswer>>,
    /// Its output has ended: nothing more will be answered.
    is_over: bool,
}

/// A program, shared by all requests.
#[derive(Debug)]
pub(crate) struct ProgramClient {
    requests: Mutex<mpsc::Sender<String>>,
    unanswered: Arc<Mutex<Unanswered>>,
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ProgramClient {
    /// Hands answers to whoever waits for them, on the tokio runtime that it is called from.
    pub(crate) fn start(pipes: ProgramPipes) -> Self {
        let ProgramPipes { requests, mut answers } = pipes;
        let unanswered = Arc::<Mutex<Unanswered>>::default();
        let waiting = Arc::clone(&unanswered);
        tokio::spawn(async move {
            while let Some(line) = answers.recv().await {
                let Some(answer) = ProgramAnswer::read(&line) else { continue };
                let id = answer.id.clone().unwrap_or_default();
                if let Some(asker) = lock(&waiting).waiting.remove(&id) {
                    // One that has given up does not listen.
                    let _ = asker.send(answer);
                }
            }
            let mut waiting = lock(&waiting);
            waiting.is_over = true;
            waiting.waiting.clear();
        });
        Self { requests: Mutex::new(requests), unanswered }
    }

    /// Asks for a chat and waits for its answer.
    pub(crate) async fn ask(
        &self,
        chat: &NewChat<'_>,
        clock: Clock,
        seen: &mut AnswerProgress,
    ) -> Result<(), Failure> {
        let gone = || Failure::new(FailureClass::Connect, FailureSource::Gateway);
        let (id, sent) = (chat.token.request.to_string(), clock.now());
        let (told, answer) = oneshot::channel();
        {
            let mut unanswered = lock(&self.unanswered);
            if unanswered.is_over {
                return Err(gone());
            }
            unanswered.waiting.insert(id.clone(), told);
        }
        let token: RequestToken = chat.token;
        let line = ProgramRequest {
            id: &id,
            model: chat.model,
            prompt: &chat.prompt(),
            stream: chat.delivery != ResponseMode::Whole,
            max_tokens: token.output_tokens,
            token: &token.to_string(),
        };
        lock(&self.requests).send(line.line()).map_err(|_| gone())?;
        let answer = answer.await.map_err(|_| gone())?;
        take_in(&answer, sent, seen);
        if answer.ok { Ok(()) } else { Err(failure(&answer)) }
    }
}

/// What a client has seen of an answer.
fn take_in(answer: &ProgramAnswer, sent: Timestamp, seen: &mut AnswerProgress) {
    seen.status = answer.status.unwrap_or(0);
    let ttft = answer.ttft_ms.filter(|ttft| ttft.is_finite() && *ttft >= 0.0);
    seen.first_token = ttft.map(|ttft| sent + Duration::from_secs_f64(ttft / 1e3));
    seen.usage = answer.usage.is_some();
    seen.tokens = answer.usage.map_or(0, |usage| usage.output_tokens);
    let message = serde_json::json!({
        "model": answer.model,
        "choices": [{ "index": 0, "message": { "role": "assistant", "content": answer.text } }],
    });
    seen.text.read(message.to_string().as_bytes());
}

/// The failure that a program tells; one that it has no word for is the server's.
fn failure(answer: &ProgramAnswer) -> Failure {
    let class = answer.class.as_deref().and_then(FailureClass::from_word);
    let class = class.unwrap_or(FailureClass::Server);
    let failure = Failure::new(class, class.response_source());
    answer.status.map_or(failure, |status| failure.with_status(status))
}
