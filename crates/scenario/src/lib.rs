//! The files people write: scenarios, gateway and mock configurations. Their schema, their reading,
//! diagnostics that point at line and column, and expectations as a syntax tree. The only crate that
//! parses YAML.

mod expectation;
mod model;

pub use expectation::{Argument, Comparison, Expectation, Limit, MetricId, MetricSpec, Of, Unit};
pub use model::{DeploymentLink, EPOCH_NANOS, Format, Phase, Scenario, ScenarioProvider};
