//! The latest attempts at the providers of a server, for a judgement of their callers.

use crate::lock::lock;
use bytes::Bytes;
use squall_determinism::{Digest, Timestamp};
use squall_provider::name_hash;
use squall_record::{CallAttempt, CallKey};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;

/// A log shared by the providers of a server: calls that go from one to another are seen whole.
#[derive(Debug, Default)]
pub struct CallLog(Mutex<CallLogState>);

#[derive(Debug, Default)]
struct CallLogState {
    latest: VecDeque<CallAttempt>,
    /// From when on attempts at a provider count, where others were forgotten.
    since: BTreeMap<u16, Timestamp>,
    forgotten: u64,
}

/// How many attempts are kept, about 30 MB: a server may run for days.
const KEPT: usize = 1 << 17;

/// The attempts at the providers of a server so far.
#[derive(Clone, Debug, Default)]
pub struct CallsSeen {
    /// Those that have ended, in the order of their ends.
    pub attempts: Vec<CallAttempt>,
    /// How many more there were before, which are not kept.
    pub forgotten: u64,
    /// How many have not ended.
    pub open: usize,
    /// When this was so.
    pub now: Timestamp,
}

impl CallLog {
    pub(crate) fn add(&self, attempt: CallAttempt) {
        let mut state = lock(&self.0);
        if state.since.get(&attempt.provider).is_some_and(|&since| attempt.row.started < since) {
            return;
        }
        if state.latest.len() == KEPT {
            state.latest.pop_front();
            state.forgotten += 1;
        }
        state.latest.push_back(attempt);
    }

    /// Forgets the attempts at a provider that came before `now`, and those that are under way.
    pub(crate) fn clear(&self, provider: u16, now: Timestamp) {
        let mut state = lock(&self.0);
        state.latest.retain(|attempt| attempt.provider != provider);
        state.since.insert(provider, now);
    }

    /// The attempts that have ended. `open` counts those that have not.
    pub fn seen(&self, open: usize, now: Timestamp) -> CallsSeen {
        let state = lock(&self.0);
        let attempts = state.latest.iter().copied().collect();
        CallsSeen { attempts, forgotten: state.forgotten, open, now }
    }
}

/// Whose attempt it is, to a judgement of callers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Caller {
    pub(crate) call: CallKey,
    pub(crate) target: u64,
}

impl Caller {
    /// The caller of a request: of its token if it bears one, else known by its body.
    pub(crate) fn new(token: Option<u64>, body: &Bytes, model: &str, key: Option<&str>) -> Self {
        let call = token.map_or_else(|| CallKey::Body(body_hash(body, model)), CallKey::Token);
        let mut target = Digest::new();
        target.word(name_hash(model));
        target.word(key.map_or(0, name_hash));
        Self { call, target: target.short() }
    }
}

/// The hash of a body without the first mention of its model: a fallback to another model sends the same otherwise.
fn body_hash(body: &[u8], model: &str) -> u64 {
    let quoted = format!("\"{model}\"");
    let at = body.windows(quoted.len()).position(|window| window == quoted.as_bytes());
    let (before, after) = match at {
        Some(at) => (&body[..at], &body[at + quoted.len()..]),
        None => (body, &[][..]),
    };
    let mut digest = Digest::new();
    digest.bytes(before);
    digest.bytes(after);
    digest.short()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider_server::new_row;

    #[test]
    fn a_body_is_the_same_with_another_model_and_another_with_another_prompt() {
        let body = |model: &str, prompt: &str| {
            let body = format!(r#"{{"model":"{model}","messages":[{{"content":"{prompt}"}}]}}"#);
            body_hash(body.as_bytes(), model)
        };
        assert_eq!(body("gpt-4o", "hi"), body("gpt-4o-mini", "hi"));
        assert_ne!(body("gpt-4o", "hi"), body("gpt-4o", "ho"));
    }

    #[test]
    fn a_limit_is_about_a_model_and_a_key() {
        let target = |model: &str, key: Option<&str>| {
            Caller::new(None, &Bytes::from_static(b"{}"), model, key).target
        };
        assert_eq!(target("a", Some("sk-1")), target("a", Some("sk-1")));
        assert_ne!(target("a", Some("sk-1")), target("a", Some("sk-2")));
        assert_ne!(target("a", Some("sk-1")), target("b", Some("sk-1")));
        assert_ne!(target("a", None), target("a", Some("sk-1")));
    }

    #[test]
    fn the_oldest_attempt_makes_room_and_is_counted() {
        let log = CallLog::default();
        let attempt = |provider| CallAttempt {
            row: new_row(None, Timestamp::ZERO),
            provider,
            call: CallKey::Token(1),
            target: 0,
            broken: None,
            silence: None,
            malformed_event: None,
        };
        log.add(attempt(7));
        (0..KEPT).for_each(|_| log.add(attempt(0)));
        let seen = log.seen(0, Timestamp::ZERO);
        assert_eq!((seen.attempts.len(), seen.forgotten), (KEPT, 1));
        assert!(seen.attempts.iter().all(|attempt| attempt.provider == 0));
        log.clear(0, Timestamp::from_secs(1));
        // One that was under way.
        log.add(attempt(0));
        assert!(log.seen(0, Timestamp::ZERO).attempts.is_empty());
        log.add(attempt(7));
        let later = new_row(None, Timestamp::from_secs(1));
        log.add(CallAttempt { row: later, ..attempt(0) });
        assert_eq!(log.seen(0, Timestamp::ZERO).attempts.len(), 2);
    }
}
