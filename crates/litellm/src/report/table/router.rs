//! The settings of the router.

use super::{EXACT, SettingRow, Words, each, exact, near, none, same};

const ROUTER: Words = &["router_settings"];
const PROCESS: Words = &["litellm_settings"];
const EITHER: Words = &["router_settings", "litellm_settings"];

const OPEN_INTERVAL: &str =
    "the first open interval; each failed probe doubles it. After a 429, Retry-After applies";

pub(super) const ROWS: &[SettingRow] = &[
    each(ROUTER, &["routing_strategy"], EXACT, near("our own algorithm of the same kind")),
    same(
        ROUTER,
        &["routing_strategy_args"],
        near("`lowest_latency_buffer` and `ttl`; the list of latencies is always of 10"),
    ),
    each(
        EITHER,
        &["num_retries"],
        EXACT,
        near("at deployments not tried yet where there are any, and within a retry budget"),
    ),
    each(
        EITHER,
        &["max_fallbacks"],
        exact("counts the depth of lists, as in LiteLLM; at most 8"),
        near("counts the groups that a request may move to"),
    ),
    each(
        ROUTER,
        &["retry_after"],
        EXACT,
        near("LiteLLM waits at least this long; here waits are drawn between zero and it"),
    ),
    same(
        ROUTER,
        &["retry_policy", "model_group_retry_policy"],
        near("by class of failure; exceptions that share a class share its number"),
    ),
    each(
        POLICY,
        &["InternalServerErrorRetries", "ServiceUnavailableErrorRetries", "DefaultRetries"],
        near("500, 502 and 504 are one class of failure"),
        near("retries after failures of servers"),
    ),
    same(
        POLICY,
        &[
            "BadRequestErrorRetries",
            "AuthenticationErrorRetries",
            "TimeoutErrorRetries",
            "RateLimitErrorRetries",
            "ContentPolicyViolationErrorRetries",
        ],
        exact("retries after failures of this class"),
    ),
    each(
        POLICY,
        &["NotFoundErrorRetries"],
        EXACT,
        near("a model that is not there is rarely retried"),
    ),
    same(POLICY, &["*"], exact("no such exception in LiteLLM's policy: ignored, as there")),
    each(EITHER, &["allowed_fails"], EXACT, near("consecutive failures")),
    each(
        FAILS,
        &[
            "BadRequestErrorAllowedFails",
            "AuthenticationErrorAllowedFails",
            "TimeoutErrorAllowedFails",
            "RateLimitErrorAllowedFails",
            "ContentPolicyViolationErrorAllowedFails",
        ],
        EXACT,
        none("the circuit breaker distinguishes throttled, failed and misconfigured"),
    ),
    each(
        FAILS,
        &[
            "InternalServerErrorAllowedFails",
            "ServiceUnavailableErrorAllowedFails",
            "BadGatewayErrorAllowedFails",
            "NotFoundErrorAllowedFails",
        ],
        EXACT,
        none("the circuit breaker distinguishes throttled, failed and misconfigured"),
    ),
    same(FAILS, &["*"], exact("no such threshold in LiteLLM's policy: ignored, as there")),
    each(ROUTER, &["cooldown_time"], EXACT, near(OPEN_INTERVAL)),
    same(ROUTER, &["disable_cooldowns"], EXACT),
    each(
        EITHER,
        &["fallbacks", "default_fallbacks"],
        near("a deployment id as target is replaced by its group"),
        near("depth first, no group twice: lists may lead back to each other"),
    ),
    each(
        EITHER,
        &["context_window_fallbacks", "content_policy_fallbacks"],
        near(
            "a group without an entry may have none if others have one; in 1.110 long prompts go to its list",
        ),
        near("a group without an entry uses its general list; LiteLLM may raise the error there"),
    ),
    same(ROUTER, &["timeout"], near("limits the whole answer; LiteLLM limits each read")),
    same(PROCESS, &["request_timeout"], near("limits the whole answer; LiteLLM limits each read")),
    each(
        ROUTER,
        &["stream_timeout"],
        near("to the first token and between tokens; LiteLLM limits each read, of headers too"),
        near("to the first token; LiteLLM limits each read of a stream"),
    ),
    each(
        ROUTER,
        &["default_max_parallel_requests"],
        near("without the reset of counters every 10 min in 1.80"),
        near("held until the end of the answer; what is beyond it waits or goes to the others"),
    ),
    each(
        ROUTER,
        &["enable_pre_call_checks"],
        near("context window; in 1.80 rpm and order too; prompt tokens are estimated"),
        near("always on: context window, limits, order, region; prompt tokens are estimated"),
    ),
    same(ROUTER, &["enable_tag_filtering", "tag_filtering_match_any"], EXACT),
    same(ROUTER, &["model_group_alias"], exact("`hidden` is not kept: aliases are listed")),
    each(
        ROUTER,
        &["provider_budget_config"],
        exact("each provider's budget is shared by all its deployments"),
        near("each provider's budget is shared by all its deployments, over a rolling period"),
    ),
    each(
        ROUTER,
        &["enable_weighted_failover"],
        exact("before the fallbacks, each deployment that was not asked"),
        near("always on: a retry goes to a deployment that was not tried"),
    ),
    same(
        ROUTER,
        &[
            "optional_pre_call_checks",
            "deployment_affinity_ttl_seconds",
            "model_group_affinity_config",
        ],
        none("deployments are not selected by prompt caches or earlier answers"),
    ),
    same(ROUTER, &["routing_groups", "plugins"], none("one strategy serves all groups")),
    same(ROUTER, &["tag_routing_prefix"], none("tags are matched as they stand")),
    same(
        ROUTER,
        &["enable_mid_stream_fallback_continuation"],
        none("a broken stream ends with its error"),
    ),
    same(
        ROUTER,
        &["enable_health_check_routing", "health_check_staleness_threshold"],
        none("health comes from requests, and from probes that a gateway file configures"),
    ),
    same(
        ROUTER,
        &["redis_url", "redis_host", "redis_port", "redis_password", "redis_db", "cache_kwargs"],
        none("a single gateway with state in memory"),
    ),
    same(
        ROUTER,
        &["default_priority", "polling_interval"],
        none("requests set their own priority; nothing is polled"),
    ),
    same(ROUTER, &["default_litellm_params"], none("not sent: requests are sent as they come")),
    same(
        ROUTER,
        &["fallback_on_unsupported_params"],
        none("no parameter is refused before a request is sent"),
    ),
    same(
        ROUTER,
        &["ignore_invalid_deployments"],
        exact("LiteLLM's proxy drops invalid deployments whatever this says, as is done here"),
    ),
];

const POLICY: Words = &["retry_policy"];
const FAILS: Words = &["allowed_fails_policy"];
