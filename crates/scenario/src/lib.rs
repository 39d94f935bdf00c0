//! The files people write: scenarios, gateway and mock configurations. Their schema, their reading,
//! and expectations as a syntax tree.
//!
//! Each section of a file is a table of keys beside the function that reads it (`read/`). The reader
//! refuses keys that its table lacks, and the [JSON Schema](json_schema) and the
//! [reference](reference_markdown) are written from the same tables.

// A wildcard arm over an enum of ours hides what is forgotten when one more variant is added.
#![cfg_attr(not(test), warn(clippy::wildcard_enum_match_arm))]

mod checklist;
mod compose;
mod demand;
mod effective;
mod expectation;
mod export;
mod fields;
mod former_names;
mod import;
mod json_schema;
mod lint;
mod model;
mod overrides;
mod read;
mod recording;
mod reference;
mod schema;
mod settings;
mod target;
mod template;
mod trace_source;
mod traffic_problem;
mod value;
mod warnings;

pub use checklist::{
    Checklist, ChecklistItem, ItemKind, Rise, RolloutStage, StageFault, StaticCheck,
};
pub use compose::{CaseVariable, Surroundings, VariableOrigin, VariableSetting, is_composed_text};
pub use demand::ExcessDemand;
pub use effective::{
    Effective, EffectiveError, EffectiveOptions, EffectiveSetting, SettingDifference, SettingOrigin,
};
pub use expectation::{
    Argument, Comparison, Expectation, Limit, METRICS, MetricId, MetricSpec, MetricUnit, Scope,
};
pub use export::{ChangedSetting, ExportedProvider, SettingOwner};
pub use import::{gateway_yaml, litellm_scenario_yaml};
pub use json_schema::{FileKind, json_schema};
pub use lint::{CheckedConfig, ConfigCheckOptions, LINTS, Lint, LintFinding};
pub use model::{
    ApiKey, ClockReading, ConfigChange, DecisionLogSettings, DeploymentLink, EPOCH_NANOS,
    GatewayCost, GatewayFile, GatewayProvider, GatewayReplicas, MockFile, MockProviderConfig,
    Phase, RequestKind, Scenario, ScenarioProvider, SharedStateSettings, StartTime, StoreFault,
    StoreFaultKind, StoreLink, TrafficSource,
};
pub use overrides::{Override, PathError, PathTarget, value_at};
pub use read::{
    CaseScenario, FaultSample, LatencyPreset, arrival_words, check_key, fault_samples,
    latency_preset, read_fault, variable_of_url,
};
pub use reference::{KeyExample, reference_markdown};
pub use settings::Written;
pub use squall_config_file::{Diagnostics, Problem, Related, Severity, read_duration};
pub use target::{ReadyCheck, TargetConfig, TargetFormat, TargetStart, TargetStop};
pub use template::{Placeholder, ProviderPart, Template, TemplatePart};
pub use traffic_problem::traffic_problem;
pub use warnings::warnings;

use squall_config_file::{diagnostic, node, unit, yaml};
