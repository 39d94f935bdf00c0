//! The journal: every input with its time, in processing order, and the digest of its outputs. Replayed
//! through a new core, it gives the same outputs byte for byte, or reports the first difference.
//!
//! A frame is an encoded input and time, then the digest of the encoded outputs. Everything is a
//! sequence of words, written as variable-length integers; the same words feed the digest of a run.

mod input;
mod output;
mod request_trace;
mod shared;
mod varint;

pub use input::{decode_input, encode_input};
pub use output::{digest_output, encode_output};
pub use request_trace::{RequestTrace, RequestTraces, TraceStep, TraceStepKind, explain};

use crate::{ConfigError, Router, RouterConfig, RouterInput, RouterOutput};
use alloc::vec::Vec;
use squall_determinism::{Digest, Seed, Timestamp};
use varint::{WordReader, WordSink as _};

/// Writes one frame behind `frame`: the input, and the digest of the outputs it gave.
pub fn encode_frame(now: Timestamp, input: &RouterInput, outputs: u64, frame: &mut Vec<u8>) {
    encode_input(now, input, frame);
    frame.extend_from_slice(&outputs.to_le_bytes());
}

/// Writes the frame of an arrival behind `frame`, with the place in the run of the request that arrives: the
/// core knows it by its tag alone, which another request is given later.
pub fn encode_arrival(
    now: Timestamp,
    input: &RouterInput,
    request: u64,
    outputs: u64,
    frame: &mut Vec<u8>,
) {
    encode_input(now, input, frame);
    frame.word(request);
    frame.extend_from_slice(&outputs.to_le_bytes());
}

/// A frame that was read back.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct JournalFrame {
    /// The time of the input.
    pub now: Timestamp,
    /// The input.
    pub input: RouterInput,
    /// The place in the run of the request that arrives with it, where the driver knew it.
    pub request: Option<u64>,
    /// The digest of the outputs it gave.
    pub outputs: u64,
}

/// Reads a frame; `None` if the bytes are none.
#[must_use]
pub fn decode_frame(frame: &[u8]) -> Option<JournalFrame> {
    let (body, outputs) = frame.split_last_chunk::<8>()?;
    let mut words = WordReader(body);
    let (now, input) = input::read(&mut words)?;
    let named = matches!(input, RouterInput::Arrived(_)) && !words.0.is_empty();
    let request = if named { Some(words.word()?) } else { None };
    let outputs = u64::from_le_bytes(*outputs);
    words.0.is_empty().then_some(JournalFrame { now, input, request, outputs })
}

/// The digest of the outputs of one input.
#[must_use]
pub fn digest_outputs<'a>(outputs: impl IntoIterator<Item = &'a RouterOutput>) -> u64 {
    let mut digest = Digest::new();
    outputs.into_iter().for_each(|output| digest_output(output, &mut digest));
    digest.short()
}

/// Feeds the frames of a journal to a fresh router, and compares what it does. `changes` are the
/// configurations that were prepared, in their order.
///
/// # Errors
/// The first frame that cannot be read, or whose outputs differ.
pub fn replay<'a>(
    config: RouterConfig,
    changes: impl IntoIterator<Item = RouterConfig>,
    seed: Seed,
    epoch_nanos: u64,
    frames: impl IntoIterator<Item = &'a [u8]>,
) -> Result<Replayed, ReplayError> {
    let mut replayer = Replayer::new(config, changes, seed, epoch_nanos)?;
    for frame in frames {
        replayer.step(frame, |_, _| {})?;
    }
    Ok(replayer.replayed)
}

/// Feeds frames to a fresh router, one by one.
#[derive(Debug)]
struct Replayer {
    router: Router,
    replayed: Replayed,
    outputs: Vec<RouterOutput>,
}

impl Replayer {
    fn new(
        config: RouterConfig,
        changes: impl IntoIterator<Item = RouterConfig>,
        seed: Seed,
        epoch_nanos: u64,
    ) -> Result<Self, ReplayError> {
        let mut router = Router::new(config, seed, epoch_nanos)?;
        for change in changes {
            router.prepare(change)?;
        }
        let replayed = Replayed { frames: 0, outputs: 0 };
        Ok(Self { router, replayed, outputs: Vec::new() })
    }

    /// Takes the next frame, and keeps its outputs. `before` sees the router before it is told the input.
    fn step(
        &mut self,
        frame: &[u8],
        before: impl FnOnce(&mut Router, &JournalFrame),
    ) -> Result<JournalFrame, ReplayError> {
        let index = self.replayed.frames;
        let frame = decode_frame(frame).ok_or(ReplayError::Unreadable { frame: index })?;
        before(&mut self.router, &frame);
        self.outputs.clear();
        self.router.handle(frame.now, frame.input);
        self.outputs.extend(core::iter::from_fn(|| self.router.poll()));
        if digest_outputs(&self.outputs) != frame.outputs {
            return Err(ReplayError::Diverged { frame: index, at: frame.now });
        }
        self.replayed.frames += 1;
        self.replayed.outputs += self.outputs.len() as u64;
        Ok(frame)
    }
}

/// What a replay went through.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Replayed {
    /// Inputs.
    pub frames: u64,
    /// Outputs, all of them as recorded.
    pub outputs: u64,
}

/// Why a journal could not be replayed to its end.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// The configuration is not one a router can run with.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A frame that is no input: the journal is damaged, or of another version.
    #[error("frame {frame} of the journal cannot be read")]
    Unreadable {
        /// Which, from 0.
        frame: u64,
    },
    /// The core decided otherwise than it did in the run.
    #[error("the outputs of frame {frame}, at {at}, differ from those recorded")]
    Diverged {
        /// Which, from 0.
        frame: u64,
        /// The time of its input.
        at: Timestamp,
    },
}

#[cfg(test)]
mod tests;
