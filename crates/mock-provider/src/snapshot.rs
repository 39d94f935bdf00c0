//! A provider at a moment: its load, its limits and its faults.

use crate::recent_stats::Second;
use squall_determinism::Timestamp;
use squall_provider::{FaultConfig, ProviderStatus};

/// What the core and the driver say of themselves at a moment.
#[derive(Debug)]
pub(crate) struct ProviderSnapshot {
    pub(crate) now: Timestamp,
    pub(crate) status: ProviderStatus,
    /// Those that have not ended: number, setup, whether it lasts, hits.
    pub(crate) faults: Vec<(u16, FaultConfig, bool, u64)>,
    pub(crate) seconds: Vec<Second>,
}
