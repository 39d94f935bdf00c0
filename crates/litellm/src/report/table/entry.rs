//! The settings of a deployment.

use super::{EXACT, SettingRow, Words, aside, each, exact, near, none, same};

const PARAMS: Words = &["litellm_params"];
const INFO: Words = &["model_info"];
const TOP: Words = &["model_list", "litellm_params"];
const ANY: Words = &["model_list", "litellm_params", "model_info"];

const NOT_SENT: &str =
    "not sent: LiteLLM adds it to requests that do not say it; requests are sent as they come";

pub(super) const ROWS: &[SettingRow] = &[
    same(&["model_list"], &["model_name"], EXACT),
    same(PARAMS, &["model", "custom_llm_provider"], EXACT),
    same(PARAMS, &["api_base", "base_url", "api_key"], EXACT),
    same(PARAMS, &["api_version"], exact("a query parameter of `base_url`")),
    same(
        PARAMS,
        &["organization"],
        near("a list creates one deployment each; the organization itself is not sent"),
    ),
    each(
        PARAMS,
        &["weight"],
        EXACT,
        near("the same shares, by smooth weighted round robin instead of at random"),
    ),
    each(
        TOP,
        &["rpm", "tpm"],
        EXACT,
        near(
            "a weight there and no limit; here the same share, and an enforced limit: what is beyond it \
             goes to the others",
        ),
    ),
    same(INFO, &["rpm", "tpm"], EXACT),
    same(&["litellm_params", "model_info"], &["order"], EXACT),
    each(
        PARAMS,
        &["max_parallel_requests"],
        near("without the reset of counters every 10 min in 1.80"),
        near("held until the end of the answer; what is beyond it waits or goes to the others"),
    ),
    each(
        PARAMS,
        &["timeout", "request_timeout"],
        near("limits the whole answer; LiteLLM limits each read"),
        near("the whole answer; LiteLLM limits each read"),
    ),
    each(
        PARAMS,
        &["stream_timeout"],
        near("to the first token and between tokens; LiteLLM limits each read, of headers too"),
        near("to the first token; LiteLLM limits each read of a stream"),
    ),
    each(
        PARAMS,
        &["cooldown_time"],
        EXACT,
        near(
            "the first open interval; each failed probe doubles it. After a 429, \
             Retry-After applies",
        ),
    ),
    same(
        PARAMS,
        &["max_retries"],
        exact("retries are made by the router: those of the SDK stay at 0"),
    ),
    same(PARAMS, &["num_retries"], none("the router's number applies; in 1.110 this one would")),
    same(PARAMS, &["tags"], EXACT),
    each(
        PARAMS,
        &["max_budget", "budget_duration"],
        EXACT,
        near("a budget over a rolling period; prices are those that the file states"),
    ),
    same(
        ANY,
        &["input_cost_per_token", "output_cost_per_token"],
        exact("the price; there is no price map for deployments without it"),
    ),
    same(
        ANY,
        &["input_cost_per_second", "output_cost_per_second"],
        none("only token prices are supported"),
    ),
    same(PARAMS, &["region_name", "aws_region_name"], near("matched literally, not as eu or us")),
    same(
        PARAMS,
        &["litellm_credential_name"],
        exact("its values hold where the deployment says nothing itself"),
    ),
    aside(PARAMS, &["mock_response"], none("requests are always sent; use a mock provider")),
    aside(
        PARAMS,
        &["azure_ad_token", "tenant_id", "client_id", "client_secret", "azure_username"],
        none("LiteLLM signs in with it, which is not done here: a key is needed"),
    ),
    aside(
        PARAMS,
        &["configurable_clientside_auth_params", "drop_params", "additional_drop_params"],
        none("the key and the parameters are those of the file and of the request"),
    ),
    aside(PARAMS, &["use_in_pass_through"], none("only chat completions are served")),
    aside(
        PARAMS,
        &[
            "auto_router_config_path",
            "auto_router_config",
            "auto_router_default_model",
            "auto_router_embedding_model",
            "complexity_router_config",
        ],
        none("groups are selected by name only"),
    ),
    aside(
        PARAMS,
        &[
            "temperature",
            "max_tokens",
            "max_completion_tokens",
            "top_p",
            "top_k",
            "seed",
            "stop",
            "n",
            "user",
            "presence_penalty",
            "frequency_penalty",
            "response_format",
            "reasoning_effort",
            "thinking",
            "extra_body",
            "extra_headers",
            "headers",
            "metadata",
            "tools",
            "tool_choice",
            "stream",
            "dimensions",
            "encoding_format",
            "input_type",
            "allowed_openai_params",
        ],
        none(NOT_SENT),
    ),
    same(INFO, &["id"], exact("the deployment's name")),
    same(
        INFO,
        &["max_input_tokens"],
        exact("prompts beyond it go elsewhere, in LiteLLM with `enable_pre_call_checks`"),
    ),
    same(INFO, &["supports_web_search"], EXACT),
    same(
        INFO,
        &["mode"],
        near("a drill asks for embeddings and images in their way; the router treats all alike"),
    ),
    same(
        INFO,
        &["allowed_fails", "allowed_fails_policy", "cooldown_time"],
        none("the group's cooldown applies; in 1.110 this one would"),
    ),
    aside(
        INFO,
        &["base_model", "max_tokens", "max_output_tokens"],
        none("there is no model map: set `max_input_tokens` and the costs"),
    ),
    aside(INFO, &["supported_environments"], none("every deployment is used, in any environment")),
    aside(INFO, &["*"], none("information that is only shown")),
];
