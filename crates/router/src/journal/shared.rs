//! What the store of shared state answered, as words.

use super::varint::{WordReader, WordSink};
use alloc::vec::Vec;
use squall_shared_state::{
    DeploymentKey, Grant, Notice, NoticeState, ResourceKey, SharedInput, SyncReplyHead,
};

const REPLIED: u64 = 0;
const GRANTED: u64 = 1;
const TOLD: u64 = 2;
const PERMITTED: u64 = 3;
const FAILED: u64 = 4;

pub(super) fn put(kind: u64, input: SharedInput, bytes: &mut Vec<u8>) {
    bytes.word(kind);
    let mut put = |words: &[u64]| words.iter().for_each(|&word| bytes.word(word));
    match input {
        SharedInput::Replied(head) => {
            let SyncReplyHead { number, epoch, members, restate, lease_ms, sequence } = head;
            put(&[REPLIED, number, epoch, members, restate.into(), lease_ms, sequence]);
        }
        SharedInput::Granted(grant) => {
            let Grant { resource, allowed, alone, share, scarce, used, short } = grant;
            let resource = resource.0;
            put(&[GRANTED, resource, allowed, alone, share, scarce.into(), used, short.into()]);
        }
        SharedInput::Told(Notice { deployment, state }) => {
            let [state, remaining_ms, cause] = match state {
                NoticeState::Recovered => [0; 3],
                NoticeState::Out { remaining_ms, cause } => [1, remaining_ms, cause.into()],
            };
            put(&[TOLD, deployment.0, state, remaining_ms, cause]);
        }
        SharedInput::Permitted(deployment) => put(&[PERMITTED, deployment.0]),
        SharedInput::Failed { number } => put(&[FAILED, number]),
    }
}

pub(super) fn read(words: &mut WordReader<'_>) -> Option<SharedInput> {
    Some(match words.word()? {
        REPLIED => SharedInput::Replied(SyncReplyHead {
            number: words.word()?,
            epoch: words.word()?,
            members: words.word()?,
            restate: words.word()? == 1,
            lease_ms: words.word()?,
            sequence: words.word()?,
        }),
        GRANTED => SharedInput::Granted(Grant {
            resource: ResourceKey(words.word()?),
            allowed: words.word()?,
            alone: words.word()?,
            share: words.word()?,
            scarce: words.word()? == 1,
            used: words.word()?,
            short: words.word()? == 1,
        }),
        TOLD => {
            let deployment = DeploymentKey(words.word()?);
            let is_out = words.word()? == 1;
            let out = NoticeState::Out { remaining_ms: words.word()?, cause: words.narrow()? };
            let state = if is_out { out } else { NoticeState::Recovered };
            SharedInput::Told(Notice { deployment, state })
        }
        PERMITTED => SharedInput::Permitted(DeploymentKey(words.word()?)),
        FAILED => SharedInput::Failed { number: words.word()? },
        _ => return None,
    })
}
