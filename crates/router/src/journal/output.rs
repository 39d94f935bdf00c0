//! Outputs as words. Notes are left out: they annotate, and may grow without changing what was done.

use super::input::{put_attempt, put_failure, put_request, put_usage};
use super::words::{Sink, nanos};
use crate::Outcome;
use crate::Output;
use alloc::vec::Vec;
use squall_determinism::Digest;

/// Writes an output behind `bytes`; a note writes nothing.
pub fn encode_output(output: &Output, bytes: &mut Vec<u8>) {
    put(output, bytes);
}

/// Takes an output into a digest; a note changes nothing.
#[inline]
pub fn digest_output(output: &Output, digest: &mut Digest) {
    put(output, digest);
}

#[inline]
fn put(output: &Output, sink: &mut impl Sink) {
    match *output {
        Output::Accepted { tag, request } => {
            sink.word(0);
            sink.word(tag.0);
            put_request(request, sink);
        }
        Output::StartAttempt(start) => {
            sink.word(1);
            sink.word(start.tag.0);
            put_attempt(start.attempt, sink);
            sink.word(start.deployment.0.into());
            sink.word(nanos(start.connect_timeout));
            sink.word(nanos(start.between_tokens_timeout));
        }
        Output::CancelAttempt { tag, attempt, reason } => {
            sink.word(2);
            sink.word(tag.0);
            put_attempt(attempt, sink);
            sink.word(reason as u64);
        }
        Output::Commit { tag, attempt } => {
            sink.word(3);
            sink.word(tag.0);
            put_attempt(attempt, sink);
        }
        Output::Done { tag, request, outcome } => {
            sink.word(4);
            sink.word(tag.0);
            put_request(request, sink);
            put_outcome(outcome, sink);
        }
        Output::Note(_) => {}
    }
}

#[inline]
fn put_outcome(outcome: Outcome, sink: &mut impl Sink) {
    match outcome {
        Outcome::Succeeded { deployment, usage } => {
            sink.word(0);
            sink.word(deployment.0.into());
            put_usage(usage, sink);
        }
        Outcome::Failed { failure, committed } => {
            sink.word(1);
            put_failure(failure, sink);
            sink.word(committed.into());
        }
        Outcome::ClientGone => sink.word(2),
    }
}
