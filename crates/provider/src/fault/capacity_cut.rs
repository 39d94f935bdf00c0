//! Places are a part of what they were. Attempts in flight go on, over the number if need be. Its onset and
//! its tail change the part; a recovery gives places back while it lasts.

use super::{Behaviour, ProviderEffect, Recovery};
use squall_determinism::Share;

pub(super) const fn behaviour(to: Share, recovery: Option<Recovery>) -> Behaviour {
    let provider = ProviderEffect::CutsCapacity(to, recovery);
    Behaviour { provider, grows_in_severity: true, ..Behaviour::NONE }
}
