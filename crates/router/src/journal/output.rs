//! Outputs as words. Notes are left out: they annotate, and may grow without changing what was done.

use super::input::{put_failure, put_usage};
use super::varint::{WordSink, nanos};
use crate::{Outcome, RequestKey, RequestTag, RouterOutput, SharedOutput};
use alloc::vec::Vec;
use squall_determinism::Digest;

/// Writes an output behind `bytes`; a note writes nothing.
pub fn encode_output(output: &RouterOutput, bytes: &mut Vec<u8>) {
    put(output, bytes);
}

/// Takes an output into a digest; a note changes nothing.
#[inline]
pub fn digest_output(output: &RouterOutput, digest: &mut Digest) {
    put(output, digest);
}

#[inline]
fn put(output: &RouterOutput, sink: &mut impl WordSink) {
    match *output {
        RouterOutput::Accepted { tag, request } => put_head(0, 0, tag, request, sink),
        RouterOutput::StartAttempt(start) => {
            let what = u64::from(start.attempt.nth)
                | u64::from(start.deployment.0) << 16
                | u64::from(start.wants_limits) << 32
                | u64::from(start.may_continue) << 33
                | start.continues.map_or(0, |by| 1 + by as u64) << 34;
            put_head(1, what, start.tag, start.attempt.request, sink);
            sink.word(nanos(start.connect_timeout));
            sink.word(nanos(start.between_tokens_timeout));
        }
        RouterOutput::CancelAttempt { tag, attempt, reason } => {
            let what = u64::from(attempt.nth) | (reason as u64) << 16;
            put_head(2, what, tag, attempt.request, sink);
        }
        RouterOutput::Commit { tag, attempt } => {
            put_head(3, attempt.nth.into(), tag, attempt.request, sink);
        }
        RouterOutput::Done { tag, request, outcome: Outcome::Succeeded { deployment, usage } } => {
            put_head(4, deployment.0.into(), tag, request, sink);
            put_usage(usage, sink);
        }
        RouterOutput::Done { tag, request, outcome: Outcome::Failed { failure, committed } } => {
            put_head(5, committed.into(), tag, request, sink);
            put_failure(failure, sink);
        }
        RouterOutput::Done { tag, request, outcome: Outcome::ClientGone } => {
            put_head(6, 0, tag, request, sink);
        }
        RouterOutput::Check { deployment, timeout } => {
            sink.word(7 | u64::from(deployment.0) << 8);
            sink.word(nanos(timeout));
        }
        RouterOutput::Shared(SharedOutput::Sync { number }) => {
            sink.word(8);
            sink.word(number);
        }
        RouterOutput::Note(_) => {}
    }
}

/// What every output begins with: its kind and a few small numbers, the driver's name for the request,
/// and the core's.
#[inline]
fn put_head(kind: u64, what: u64, tag: RequestTag, request: RequestKey, sink: &mut impl WordSink) {
    sink.word(kind | what << 8);
    sink.word(tag.0);
    sink.word(u64::from(request.slot) | u64::from(request.generation) << 32);
}
