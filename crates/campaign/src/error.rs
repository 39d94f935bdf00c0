//! Why runs could not be made.

use crate::difference::Difference;
use squall_router::ConfigError;

/// Why runs could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CampaignError {
    /// The router refuses a configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Two runs of one seed differ.
    #[error("two runs of {scenario} with seed {seed} differ: {difference}")]
    Differ {
        /// The scenario's name.
        scenario: String,
        /// The seed.
        seed: u64,
        /// Where they part.
        difference: Box<Difference>,
    },
}
