//! A setting of a deployment, and a check of configurations that uses it.

use super::edit::{Addition, after, before};

const CONFIG: &str = "crates/router/src/config/deployment.rs";

pub(super) const ADDITION: Addition = Addition {
    what: "a setting of a deployment or group",
    goal: 4,
    own: None,
    word: "example_setting",
    documents: &["docs/SCENARIOS.md", "docs/schema/scenario.json", "docs/schema/gateway.json"],
    edits: &[
        after(
            CONFIG,
            "    pub features: Features,",
            "    /// An example. `None` for none.
    pub example_setting: Option<u32>,",
        ),
        after(CONFIG, "            features: Features::ALL,", "            example_setting: None,"),
        before(
            "crates/scenario/src/read/deployment.rs",
            "    /// Supported features beyond plain chat.",
            "    /// An example.
    example_setting: Maybe(Count::<u32>::SOME, \"none\");",
        ),
        before(
            "crates/router/src/config/validation.rs",
            "if group.deployments.iter().all(|deployment| deployment.weight == 0) {",
            "        if group.deployments.iter().any(|deployment| deployment.example_setting == Some(0)) {
            return Err(ConfigError::NoWeight { group: index });
        }",
        ),
        after("crates/router/tests/behaviour/main.rs", "mod timeouts;", TEST),
    ],
};

const TEST: &str = "
#[test]
fn an_example_setting_of_zero_is_refused() {
    let mut group = squall_router::GroupConfig::new(\"chat\");
    let deployment = squall_router::DeploymentConfig::new(\"a\");
    let valid = squall_router::DeploymentConfig { example_setting: Some(1), ..deployment };
    let config = |group| squall_router::RouterConfig { groups: vec![group], ..Default::default() };
    group.deployments = vec![valid.clone()];
    assert!(config(group.clone()).validate().is_ok());
    group.deployments = vec![squall_router::DeploymentConfig { example_setting: Some(0), ..valid }];
    assert!(config(group).validate().is_err());
}";
