//! The files people write: scenarios, gateway and mock configurations. Their schema, their reading,
//! diagnostics that point at line and column, and expectations as a syntax tree. The only crate that
//! parses YAML.
//!
//! Each section of a file is a table of keys beside the function that reads it (`read/`). The reader
//! refuses keys that its table lacks, and the [JSON Schema](json_schema) and the
//! [reference](reference_markdown) are written from the same tables.

mod checklist;
mod diagnostic;
mod expectation;
mod fields;
mod json_schema;
mod litellm;
mod model;
mod node;
mod read;
mod reference;
mod setting;
mod shape;
mod unit;
mod value;
mod yaml;

pub use checklist::{Checklist, Item, ItemKind, Rise, Stage, StageFault, StaticCheck};
pub use diagnostic::{Diagnostics, Problem, Related};
pub use expectation::{
    Argument, Comparison, Expectation, Limit, METRICS, MetricId, MetricSpec, Of, Unit,
};
pub use json_schema::json_schema;
pub use litellm::{Finding, InitOptions, LitellmDeployment, LitellmFile, Support};
pub use model::{
    ApiKey, Change, DeploymentLink, EPOCH_NANOS, GatewayCost, GatewayFile, GatewayProvider,
    MockFile, MockProvider, Phase, RequestKind, Scenario, ScenarioProvider, ServerConfig,
    StreamUsage,
};
pub use read::{check_key, read_fault};
pub use reference::reference_markdown;
pub use setting::{Found, PathError, Setting, value_at};
pub use unit::read_duration;
