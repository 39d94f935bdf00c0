//! The journal: every input with its time, in the order of the lock, and the digest of the outputs it
//! gave. Fed to a fresh core, it gives the same outputs byte for byte, or says where it does not.
//!
//! A frame is an encoded input and time, then the digest of the encoded outputs. Everything is a
//! sequence of words, written as variable-length integers; the same words feed the digest of a run.

mod input;
mod output;
mod words;

pub use input::{decode_input, encode_input};
pub use output::{digest_output, encode_output};

use crate::{ConfigError, Router, RouterConfig, RouterInput, RouterOutput};
use alloc::vec::Vec;
use squall_determinism::{Digest, Seed, Timestamp};

/// Writes one frame behind `frame`: the input, and the digest of the outputs it gave.
pub fn encode_frame(now: Timestamp, input: &RouterInput, outputs: u64, frame: &mut Vec<u8>) {
    encode_input(now, input, frame);
    frame.extend_from_slice(&outputs.to_le_bytes());
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
    let mut router = Router::new(config, seed, epoch_nanos)?;
    for change in changes {
        router.prepare(change)?;
    }
    let mut replayed = Replayed { frames: 0, outputs: 0 };
    let mut outputs = Vec::new();
    for frame in frames {
        let index = replayed.frames;
        let unreadable = || ReplayError::Unreadable { frame: index };
        let Some((body, recorded)) = frame.split_last_chunk::<8>() else {
            return Err(unreadable());
        };
        let (now, input) = decode_input(body).ok_or_else(unreadable)?;
        outputs.clear();
        router.handle(now, input);
        outputs.extend(core::iter::from_fn(|| router.poll()));
        if digest_outputs(&outputs) != u64::from_le_bytes(*recorded) {
            return Err(ReplayError::Diverged { frame: index, at: now });
        }
        replayed.frames += 1;
        replayed.outputs += outputs.len() as u64;
    }
    Ok(replayed)
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
