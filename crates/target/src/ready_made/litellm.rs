//! LiteLLM's proxy: a list of models, and the settings of its router.

mod settings;
mod support;

use super::{Exported, ReadyMade, Tuning, template, templates};
use crate::install_recipe::InstallRecipe;
use crate::routing_view::{DeploymentView, RoutingView};
use core::fmt::Write as _;
use core::time::Duration;
use squall_scenario::{ReadyCheck, Scenario, TargetConfig, TargetStart};
use squall_wire::Format;

/// LiteLLM's proxy. Its extra `proxy` asks for packages that PyPI does not have (`litellm-proxy`,
/// `litellm-proxy-extras`); the wheel holds the proxy itself, so that what it imports is listed here.
#[derive(Debug)]
pub(super) struct LitellmProxy;

const REQUIREMENTS: &[&str] = &[
    "litellm==1.110.2",
    "apscheduler>=3.11.2,<4",
    "azure-identity>=1.25.2,<2",
    "azure-storage-blob>=12.28,<13",
    "backoff>=2.2.1,<3",
    "backports-zstd>=1,<2; python_version<'3.14'",
    "cryptography>=49,<51",
    "expression>=5.6,<6",
    "fastapi>=0.136.3,<1",
    "fastapi-sso>=0.19,<1",
    "granian>=2.7.4,<3",
    "gunicorn>=23,<24",
    "hiredis>=3,<4",
    "httpx2>=2.10,<3",
    "inquirerpy>=0.3.4,<1",
    "mcp>=2.3,<3",
    "orjson>=3.11.6,<4",
    "pyjwt>=2.13,<3",
    "pynacl>=1.6.2,<2",
    "python-multipart>=0.0.27,<1",
    "redis>=5,<9",
    "restrictedpython>=8.5,<9",
    "rich>=13.9.4,<14",
    "rq>=2.7,<3",
    "semver>=3.0.4,<4",
    "soundfile>=0.12.1,<1",
    "starlette>=1.0.1,<2",
    "tomlkit>=0.13.3,<1",
    "uvicorn>=0.33,<1",
    "uvloop>=0.22.1,<1",
    "websockets>=15.0.1,<16",
];

/// The key of its administrator, with which clients ask: it refuses short ones, and to start without one.
const MASTER_KEY: &str = "sk-squall-target-on-loopback-1";

/// It takes up to a minute to start on a busy machine, and as long again for its first answer.
const READY_WITHIN: Duration = Duration::from_secs(180);

impl ReadyMade for LitellmProxy {
    fn name(&self) -> &'static str {
        "litellm"
    }

    fn version(&self) -> &'static str {
        "1.110.2"
    }

    fn install(&self) -> InstallRecipe {
        InstallRecipe::Python { requirements: REQUIREMENTS }
    }

    fn export(&self, scenario: &Scenario, tuning: Tuning) -> Exported {
        let view = RoutingView::new(scenario);
        let command = [
            "litellm",
            "--config",
            "${dir}/litellm.yaml",
            "--host",
            "127.0.0.1",
            "--port",
            "${port}",
        ];
        let env = [
            // Without it the proxy fetches a list of prices when it starts.
            ("LITELLM_LOCAL_MODEL_COST_MAP", "True"),
            ("LITELLM_TELEMETRY", "False"),
            ("LITELLM_LOG", "ERROR"),
        ];
        let start = TargetStart {
            command: templates(&command),
            files: vec![("litellm.yaml".to_owned(), template(&configuration(&view, tuning)))],
            env: env.map(|(name, value)| (name.to_owned(), template(value))).to_vec(),
            ready: ReadyCheck { get: Some("/health/readiness".to_owned()), within: READY_WITHIN },
            ..TargetStart::default()
        };
        let target = TargetConfig {
            url: template("http://127.0.0.1:${port}/v1"),
            headers: vec![("authorization".to_owned(), template(&format!("Bearer {MASTER_KEY}")))],
            start: Some(start),
            ..TargetConfig::default()
        };
        Exported { target, notes: support::notes(&view, tuning) }
    }
}

fn configuration(view: &RoutingView<'_>, tuning: Tuning) -> String {
    let mut out = String::from("model_list:\n");
    for group in view.groups() {
        for deployment in &group.deployments {
            out.push_str(&model(view, deployment, tuning));
        }
    }
    out.push_str(&settings::router(view, tuning));
    let _ = writeln!(out, "general_settings:\n  master_key: {MASTER_KEY}");
    if tuning.is_tuned() {
        // So that the token by which requests and attempts are joined gets through.
        out.push_str("  forward_client_headers_to_llm_api: true\n");
        out.push_str("litellm_settings:\n  telemetry: false\n  drop_params: true\n");
    }
    out
}

fn model(view: &RoutingView<'_>, deployment: &DeploymentView<'_>, tuning: Tuning) -> String {
    let (vendor, base) = match deployment.provider.format {
        Format::OpenAi => ("openai", deployment.placeholder("url")),
        Format::Azure => ("azure", deployment.placeholder("origin")),
        Format::Anthropic => ("anthropic", deployment.placeholder("origin")),
        Format::Gemini => ("gemini", deployment.placeholder("url")),
    };
    let mut lines = vec![
        format!("model: \"{vendor}/{}\"", deployment.model),
        format!("api_base: \"{base}\""),
        format!("api_key: \"{}\"", deployment.api_key()),
        format!("weight: {}", deployment.config.weight),
    ];
    let mut info = vec![format!("id: \"{}\"", id(view, deployment))];
    if tuning.is_tuned() {
        settings::of_deployment(view, deployment, &mut lines, &mut info);
    }
    let lines: Vec<_> = lines.iter().map(|line| format!("      {line}\n")).collect();
    format!(
        "  - model_name: \"{}\"\n    litellm_params:\n{}    model_info: {{ {} }}\n",
        deployment.group.name,
        lines.concat(),
        info.join(", ")
    )
}

/// Its id in LiteLLM. A group whose name is the id of a deployment would be that deployment alone, and never retried.
fn id(view: &RoutingView<'_>, deployment: &DeploymentView<'_>) -> String {
    let name = &deployment.config.name;
    match view.router.groups.iter().any(|group| group.name == *name) {
        true => format!("{name}-deployment"),
        false => name.clone(),
    }
}
