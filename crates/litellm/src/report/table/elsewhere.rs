//! Settings that have nothing to do with where requests go.

use super::{SettingRow, Words, aside, exact, none};

const ROUTER: Words = &["router_settings"];
const EITHER: Words = &["router_settings", "litellm_settings"];
const PROCESS: Words = &["litellm_settings"];

pub(super) const ROWS: &[SettingRow] = &[
    aside(
        ROUTER,
        &["cache_responses", "caching_groups", "client_ttl"],
        none("answers are not cached"),
    ),
    aside(ROUTER, &["alerting_config"], none("no alerts; see the report")),
    aside(
        ROUTER,
        &[
            "debug_level",
            "set_verbose",
            "router_general_settings",
            "assistants_config",
            "search_tools",
        ],
        none("no effect on routing"),
    ),
    aside(EITHER, &["cache", "cache_params"], none("answers are not cached")),
    aside(
        PROCESS,
        &[
            "drop_params",
            "modify_params",
            "set_verbose",
            "json_logs",
            "turn_off_message_logging",
            "redact_user_api_key_info",
            "telemetry",
            "enable_json_schema_validation",
        ],
        none("no effect on routing"),
    ),
    aside(
        PROCESS,
        &["callbacks", "success_callback", "failure_callback", "service_callback"],
        none("no callbacks; see the report"),
    ),
    aside(
        PROCESS,
        &["tag_budget_config", "max_budget", "budget_duration"],
        none("budgets apply to deployments and providers"),
    ),
    aside(
        PROCESS,
        &["priority_reservation", "priority_reservation_settings"],
        none("requests set their own priority"),
    ),
    aside(&["general_settings"], &["*"], none("a setting of LiteLLM's proxy")),
    aside(&["environment_variables"], &["*"], none("set it in the environment of the gateway")),
    aside(&[""], &["include"], exact("included files are read as LiteLLM reads them")),
    aside(&[""], &["credential_list"], exact("read by the deployments that name them")),
    aside(
        &[""],
        &[
            "guardrails",
            "mcp_servers",
            "mcp_tools",
            "prompts",
            "vector_store_registry",
            "files_settings",
            "finetune_settings",
            "assistant_settings",
            "callback_settings",
            "search_tools",
            "policies",
            "default_vertex_config",
            "agents",
            "agent_list",
        ],
        none("a section of LiteLLM's proxy"),
    ),
];
