//! The settings of LiteLLM 1.80 that are known here, and how far each profile keeps them.

use super::{Kept, Support};

/// A setting that is known.
#[derive(Debug)]
pub(super) struct SettingRow {
    sections: &'static [&'static str],
    keys: &'static [&'static str],
    /// By LiteLLM's formulas.
    pub(super) theirs: Kept,
    /// By ours.
    pub(super) ours: Kept,
}

pub(super) fn find(section: &str, key: &str) -> Option<&'static SettingRow> {
    let all = ENTRY.iter().chain(ROUTING).chain(ELSEWHERE);
    all.into_iter().find(|row| {
        row.sections.contains(&section) && (row.keys.contains(&key) || row.keys.contains(&"*"))
    })
}

const EXACT: Kept = Kept(Support::Exact, "");

const fn exact(note: &'static str) -> Kept {
    Kept(Support::Exact, note)
}

const fn near(note: &'static str) -> Kept {
    Kept(Support::Approximate, note)
}

const fn none(note: &'static str) -> Kept {
    Kept(Support::NotSupported, note)
}

const fn same(
    sections: &'static [&'static str],
    keys: &'static [&'static str],
    kept: Kept,
) -> SettingRow {
    SettingRow { sections, keys, theirs: kept, ours: kept }
}

const PARAMS: &[&str] = &["litellm_params"];
const INFO: &[&str] = &["model_info"];
const ANY_OF_ENTRY: &[&str] = &["model_list", "litellm_params", "model_info"];
const ROUTER: &[&str] = &["router_settings"];
const EITHER: &[&str] = &["router_settings", "litellm_settings"];

const ENTRY: &[SettingRow] = &[
    same(&["model_list"], &["model_name"], EXACT),
    same(PARAMS, &["model"], EXACT),
    same(PARAMS, &["api_base", "api_key"], EXACT),
    same(
        PARAMS,
        &["api_version"],
        exact(
            "a query parameter of `base_url`; a value in the environment is not read: 2024-10-21 \
             applies",
        ),
    ),
    same(
        PARAMS,
        &["organization"],
        near("a list creates one deployment each; the organization itself is not sent"),
    ),
    SettingRow {
        sections: PARAMS,
        keys: &["weight"],
        theirs: EXACT,
        ours: exact("smooth weighted round robin instead of random; applies to every entry"),
    },
    SettingRow {
        sections: ANY_OF_ENTRY,
        keys: &["rpm", "tpm"],
        theirs: EXACT,
        ours: exact("an enforced limit; without weights, also the traffic share"),
    },
    same(PARAMS, &["order"], EXACT),
    SettingRow {
        sections: PARAMS,
        keys: &["max_parallel_requests"],
        theirs: near("without the reset of counters every 10 min in 1.80"),
        ours: exact("a concurrency slot is held until the end of the answer"),
    },
    SettingRow {
        sections: PARAMS,
        keys: &["timeout", "request_timeout"],
        theirs: near("limits the whole answer; 1.80 limits each read"),
        ours: exact("the whole answer"),
    },
    SettingRow {
        sections: PARAMS,
        keys: &["stream_timeout"],
        theirs: exact("to the first token, and between tokens"),
        ours: exact("to the first token"),
    },
    SettingRow {
        sections: PARAMS,
        keys: &["cooldown_time"],
        theirs: EXACT,
        ours: near(
            "the first open interval; each failed probe doubles it. After a 429, \
             Retry-After applies",
        ),
    },
    same(
        PARAMS,
        &["max_retries"],
        exact(
            "retries are made by the router: those of the SDK stay \
         at 0",
        ),
    ),
    same(PARAMS, &["num_retries"], none("mostly ignored in 1.80: the router's number applies")),
    same(PARAMS, &["tags", "max_budget", "budget_duration"], EXACT),
    same(
        ANY_OF_ENTRY,
        &["input_cost_per_token", "output_cost_per_token"],
        exact("without a value the price is unknown: there is no price map"),
    ),
    same(
        ANY_OF_ENTRY,
        &["input_cost_per_second", "output_cost_per_second"],
        none("only token prices are supported"),
    ),
    same(PARAMS, &["region_name", "aws_region_name"], near("matched literally, not as eu or us")),
    same(PARAMS, &["mock_response"], none("requests are always sent; use a mock provider")),
    same(
        PARAMS,
        &["configurable_clientside_auth_params", "litellm_credential_name", "drop_params"],
        none("ignored: the router uses the key of the file"),
    ),
    same(PARAMS, &["use_in_pass_through"], none("only chat completions are served")),
    same(
        PARAMS,
        &[
            "auto_router_config_path",
            "auto_router_config",
            "auto_router_default_model",
            "auto_router_embedding_model",
        ],
        none("groups are selected by name only"),
    ),
    same(
        PARAMS,
        &["temperature", "max_tokens", "top_p", "seed", "extra_headers"],
        none("requests are sent unchanged"),
    ),
    same(INFO, &["id"], exact("the deployment's name")),
    same(INFO, &["max_input_tokens"], exact("enforced by pre-call checks")),
    same(INFO, &["supports_web_search"], EXACT),
    same(
        INFO,
        &["base_model", "max_tokens"],
        none("there is no model map: set `max_input_tokens` and the costs"),
    ),
    same(INFO, &["mode"], near("every deployment is treated as a chat model")),
    same(INFO, &["supported_environments"], none("every deployment is used, in any environment")),
    same(INFO, &["team_id", "team_public_model_name"], none("every team may use every group")),
    same(
        INFO,
        &[
            "health_check_model",
            "health_check_timeout",
            "health_check_voice",
            "disable_background_health_check",
        ],
        none("no active health checks"),
    ),
];

const ROUTING: &[SettingRow] = &[
    SettingRow {
        sections: ROUTER,
        keys: &["routing_strategy"],
        theirs: EXACT,
        ours: near("Squall's equivalent strategy"),
    },
    SettingRow {
        sections: ROUTER,
        keys: &["routing_strategy_args"],
        theirs: near("`lowest_latency_buffer` and `ttl`; the list is always of 10"),
        ours: near("`lowest_latency_buffer` only; latencies decay within 10 s"),
    },
    same(EITHER, &["num_retries"], EXACT),
    SettingRow {
        sections: EITHER,
        keys: &["max_fallbacks"],
        theirs: exact("maximum nesting of fallback lists, at most 8"),
        ours: near("maximum number of fallbacks per request"),
    },
    SettingRow {
        sections: ROUTER,
        keys: &["retry_after"],
        theirs: EXACT,
        ours: near("the upper bound of the first backoff, which is drawn from zero"),
    },
    SettingRow {
        sections: ROUTER,
        keys: &["retry_policy", "model_group_retry_policy"],
        theirs: near("500, 502 and 504 are one class of failure"),
        ours: near("if another attempt could succeed; a bad request is never retried"),
    },
    SettingRow {
        sections: EITHER,
        keys: &["allowed_fails"],
        theirs: EXACT,
        ours: near("consecutive failures"),
    },
    SettingRow {
        sections: ROUTER,
        keys: &["allowed_fails_policy"],
        theirs: EXACT,
        ours: none("the circuit breaker distinguishes throttled, failed and misconfigured"),
    },
    SettingRow {
        sections: ROUTER,
        keys: &["cooldown_time"],
        theirs: EXACT,
        ours: near(
            "the first open interval; each failed probe doubles it. After a 429, \
             Retry-After applies",
        ),
    },
    same(ROUTER, &["disable_cooldowns"], EXACT),
    SettingRow {
        sections: EITHER,
        keys: &["fallbacks", "default_fallbacks"],
        theirs: exact("a deployment id as target is replaced by its group"),
        ours: near("depth first, no group twice; loops are removed"),
    },
    SettingRow {
        sections: EITHER,
        keys: &["context_window_fallbacks", "content_policy_fallbacks"],
        theirs: exact("a group without an entry has no fallback if others have one"),
        ours: exact("a group without an entry uses its general list"),
    },
    same(
        &["router_settings"],
        &["timeout"],
        near("limits the whole answer; 1.80 limits each read"),
    ),
    same(
        &["litellm_settings"],
        &["request_timeout"],
        near("limits the whole answer; 1.80 limits each read"),
    ),
    same(ROUTER, &["stream_timeout"], exact("to the first token")),
    SettingRow {
        sections: ROUTER,
        keys: &["default_max_parallel_requests"],
        theirs: near("without the reset of counters every 10 min in 1.80"),
        ours: exact("a concurrency slot is held until the end of the answer"),
    },
    SettingRow {
        sections: ROUTER,
        keys: &["enable_pre_call_checks"],
        theirs: near("context window; in 1.80 rpm and order too; prompt tokens are estimated"),
        ours: exact("always on: context window, limits, order, region"),
    },
    SettingRow {
        sections: ROUTER,
        keys: &["enable_weighted_failover"],
        theirs: exact("before the fallbacks, each deployment that was not asked"),
        ours: exact("always on: a retry goes to a deployment that was not tried"),
    },
    same(ROUTER, &["enable_tag_filtering", "tag_filtering_match_any"], EXACT),
    same(ROUTER, &["model_group_alias"], exact("`hidden` is not kept: aliases are listed")),
    same(
        ROUTER,
        &["provider_budget_config"],
        exact("each provider's budget is shared by all its deployments"),
    ),
];

const ELSEWHERE: &[SettingRow] = &[
    same(
        ROUTER,
        &["optional_pre_call_checks"],
        none("deployments are not selected by prompt caches or earlier answers"),
    ),
    same(
        ROUTER,
        &["redis_url", "redis_host", "redis_port", "redis_password", "cache_kwargs"],
        none("a single gateway with state in memory"),
    ),
    same(
        ROUTER,
        &["cache_responses", "caching_groups", "client_ttl"],
        none("answers are not cached"),
    ),
    same(
        ROUTER,
        &["default_priority", "polling_interval"],
        none("requests set their own priority; nothing is polled"),
    ),
    same(ROUTER, &["alerting_config"], none("no alerts; see the report")),
    same(ROUTER, &["default_litellm_params"], none("requests are sent unchanged")),
    same(
        ROUTER,
        &["ignore_invalid_deployments"],
        none("an invalid deployment is an error, not skipped"),
    ),
    same(
        ROUTER,
        &["debug_level", "set_verbose", "router_general_settings"],
        none("ignored: no effect on routing"),
    ),
    same(EITHER, &["cache", "cache_params"], none("answers are not cached")),
    same(
        &["litellm_settings"],
        &[
            "drop_params",
            "modify_params",
            "set_verbose",
            "json_logs",
            "turn_off_message_logging",
            "telemetry",
        ],
        none("ignored: no effect on routing"),
    ),
    same(
        &["litellm_settings"],
        &["callbacks", "success_callback", "failure_callback"],
        none("no callbacks; see the report"),
    ),
    same(
        &["litellm_settings"],
        &["tag_budget_config", "max_budget", "budget_duration"],
        none("budgets apply to deployments and providers"),
    ),
    same(
        &["litellm_settings"],
        &["priority_reservation", "priority_reservation_settings"],
        none("requests set their own priority"),
    ),
    same(
        &["general_settings"],
        &["*"],
        none("a setting of LiteLLM's proxy without effect on routing"),
    ),
    same(&["environment_variables"], &["*"], none("set it in the environment of the gateway")),
];
