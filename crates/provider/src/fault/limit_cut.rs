//! Limits are a part of what they were. What was let in counts on; in flight all goes on. Its onset and its
//! tail change the part.

use super::{Behaviour, ProviderEffect};
use squall_determinism::Share;

pub(super) const fn behaviour(to: Share) -> Behaviour {
    let provider = ProviderEffect::CutsLimits(to);
    Behaviour { provider, grows_in_severity: true, ..Behaviour::NONE }
}
