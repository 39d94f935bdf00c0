//! How vendors say in prose what they have no code for. All is compared in lower case.
//!
//! A phrase stands here because a vendor's server sends it; who says it is in the comment beside it.

/// The longest message that is looked through, in bytes: prompts are echoed in some.
const LOOKED_AT: usize = 8 << 10;

/// A message as it is compared.
pub(super) fn lower(message: &str) -> String {
    let end = (0..=LOOKED_AT.min(message.len())).rev().find(|&end| message.is_char_boundary(end));
    message[..end.unwrap_or(0)].to_lowercase()
}

/// Each says alone that the prompt does not fit the model.
const PROMPT_TOO_LONG: [&str; 34] = [
    "context_length_exceeded",
    "exceed_context_size",    // llama.cpp's type
    "maximum context length", // OpenAI, vLLM, DeepSeek, Mistral, SGLang, Together
    "max context length",     // Ollama
    "available context size", // llama.cpp
    "exceeds the context",    // LM Studio
    "exceed context limit",   // Anthropic
    "exceeds context limit",
    "context window exceeds limit", // MiniMax
    "exceeds the context window",   // OpenAI's responses
    "exceed the context window",
    "longer than the model's context length", // SGLang
    "greater than the context length",        // LM Studio
    "when context the overflows",             // LM Studio, as it writes it
    "maximum prompt length",                  // xAI
    "maximum model length",                   // vLLM
    "max_model_len",                          // vLLM
    "prompt is too long",                     // Anthropic, Fireworks
    "prompt too long",                        // Ollama
    "prompt 超长",                            // Zhipu
    "prompt has too many tokens",             // AI21
    "input is too long",                      // Bedrock
    "input too long",
    "too many input tokens",                        // Bedrock's Titan
    "range of input length should be",              // DashScope
    "`inputs` tokens + `max_new_tokens`",           // TGI, Together
    "`inputs` must have less than",                 // TGI
    "number of tokens in the prompt cannot exceed", // Cohere
    "reduce the length of the messages",            // OpenAI, Groq, Cerebras
    "reduce the length of the prompt",              // Bedrock
    "exceeded model token limit",                   // Moonshot
    "input tokens exceed the configured limit",     // OpenAI
    "maximum input token",                          // Azure AI
    "model_max_prompt_tokens_exceeded",             // GitHub
];

/// Of what a prompt is made, and that there is too much of it.
const PROMPT: [&str; 6] = [
    "input token",  // Gemini, watsonx
    "prompt token", // GitHub Copilot
    "prompt length",
    "input length",    // Ollama, Anthropic
    "prompt contains", // Mistral
    "context length",
];
const TOO_MUCH: [&str; 8] = [
    "exceed",
    "longer than",
    "larger than",
    "greater than",
    "too large",
    "too long",
    "only supports up to", // Vertex
    "only supports",
];

/// A text of the prompt that is too long for any model there; other fields have limits too.
const STRING_TOO_LONG: &str = "string too long. expected a string with maximum length";

/// Whether the prompt is too long for the model. That the answer which was asked for would be is an error
/// of the request.
pub(super) fn is_prompt_too_long(message: &str) -> bool {
    let about_the_answer = ["max_tokens", "max_completion_tokens", "max_output_tokens"]
        .into_iter()
        .any(|field| message.trim_start_matches(['`', '\'', '"']).starts_with(field));
    let any = |phrases: &[&str]| phrases.iter().any(|phrase| message.contains(phrase));
    if about_the_answer && !message.contains("context") {
        return false;
    }
    any(&PROMPT_TOO_LONG)
        || (any(&PROMPT) && any(&TOO_MUCH))
        || (message.contains(STRING_TOO_LONG)
            && any(&["invalid 'messages", "invalid 'input", "invalid 'prompt"]))
}

/// Each says that a policy on content stopped the prompt or the answer.
const AGAINST_POLICY: [&str; 18] = [
    "content policy",
    "content management policy", // Azure
    "content filtering policy",  // Anthropic
    "content_policy_violation",
    "content filter",
    "responsible ai polic",                      // Azure
    "rejected as a result of our safety system", // OpenAI's images
    "violating our usage polic",                 // OpenAI
    "violates usage guidelines",                 // xAI
    "content exists risk",                       // DeepSeek
    "inappropriate content",                     // DashScope
    "data_inspection_failed",                    // DashScope
    "considered high risk",                      // Moonshot
    "your input was flagged",                    // OpenRouter
    "requires moderation",                       // OpenRouter
    "blocked by guardrail",                      // Bedrock
    "prohibited_content",                        // Gemini
    "不安全或敏感内容",                          // Zhipu
];

/// Whether a policy on content stopped it.
pub(super) fn is_against_policy(message: &str) -> bool {
    AGAINST_POLICY.into_iter().any(|phrase| message.contains(phrase))
}

/// Each says that this one request is more than the account may ever ask for at once.
const TOO_LARGE: [&str; 10] = [
    "request too large",                // OpenAI, Groq
    "request body too large",           // GitHub
    "request entity too large",         // nginx
    "payload size exceeds",             // Gemini
    "request exceeds the maximum size", // Anthropic
    "long context requests",            // Anthropic: they need another tier
    "fewer max_tokens",                 // OpenRouter
    "can only afford",                  // OpenRouter
    "prompt tokens limit exceeded",     // OpenRouter
    "tokens_limit_reached",             // GitHub
];

/// Whether the request alone is over a limit: no wait mends that, and smaller ones are served.
pub(super) fn is_request_too_large(message: &str) -> bool {
    if TOO_LARGE.into_iter().any(|phrase| message.contains(phrase)) {
        return true;
    }
    // `Limit 30000, Used 29000, Requested 2000` is a limit of the minute; `Requested 41023` is more.
    match (number_behind(message, "limit"), number_behind(message, "requested")) {
        (Some(limit), Some(requested)) => requested > limit,
        _ => false,
    }
}

/// The first number that stands right behind this word: `limit 30000`, `limit: 30,000`.
fn number_behind(message: &str, word: &str) -> Option<u64> {
    message.match_indices(word).find_map(|(at, _)| {
        let rest = message[at + word.len()..].trim_start_matches([' ', ':', '=']);
        let digits: String = rest.chars().take_while(|c| c.is_ascii_digit() || *c == ',').collect();
        digits.replace(',', "").parse().ok()
    })
}

/// Each says that the key is wrong, whatever was asked.
const WRONG_KEY: [&str; 12] = [
    "incorrect api key",
    "invalid api key",
    "invalid api-key",
    "invalid x-api-key",
    "api key not valid", // Gemini
    "api key not found", // Gemini
    "api key is invalid",
    "api key expired",
    "invalid authentication",
    "invalid subscription key",  // Azure
    "no auth credentials found", // OpenRouter
    "invalid token",
];

pub(super) fn is_wrong_key(message: &str) -> bool {
    WRONG_KEY.into_iter().any(|phrase| message.contains(phrase))
}

/// Each says that the account has no money left.
const SPENT: [&str; 9] = [
    "insufficient balance", // DeepSeek, Zhipu
    "insufficient credit",  // OpenRouter
    "insufficient quota",
    "insufficient funds",
    "credit balance is too low",               // Anthropic
    "exceeded_current_quota",                  // Moonshot
    "enforced_spend_limit_reached",            // Anthropic
    "reached your specified api usage limits", // Anthropic
    "out of call volume quota",                // Azure
];

pub(super) fn is_spent(message: &str) -> bool {
    SPENT.into_iter().any(|phrase| message.contains(phrase))
}

/// Each says that there is no such model.
const NO_MODEL: [&str; 7] = [
    "is not a valid model", // OpenRouter
    "invalid model name",   // LiteLLM
    "unknown model",        // Mistral and others
    "model not exist",      // DashScope, DeepSeek
    "model_not_found",
    "no such model",
    "no endpoints found for", // OpenRouter
];

/// Whether the model that the deployment names is not there.
pub(super) fn is_no_model(message: &str) -> bool {
    let any = |phrases: &[&str]| phrases.iter().any(|phrase| message.contains(phrase));
    let named = any(&["the model", "model `", "model '", "model \"", "model:", "models/"]);
    any(&NO_MODEL) || (named && any(&["does not exist", "not found", "do not have access to it"]))
}

/// What a request may name by an id, and how those ids begin.
const NAMED_BY_REQUESTS: [&str; 8] =
    ["file", "files", "response", "vector", "container", "conversation", "batch", "cachedcontent"];
const IDS: [&str; 7] = ["file-", "file_", "resp_", "vs_", "conv_", "cntr_", "msg_"];

/// Whether what is not there was named by the request, not by the deployment.
pub(super) fn is_of_the_request(message: &str, param: &str) -> bool {
    let mut words = message.split(|c: char| !c.is_alphanumeric());
    param.ends_with("_id")
        || IDS.into_iter().any(|id| message.contains(id))
        || words.any(|word| NAMED_BY_REQUESTS.contains(&word))
}

/// Whether a server says that it has too much to do.
pub(super) fn is_overloaded(message: &str) -> bool {
    ["overloaded", "high demand", "capacity"].into_iter().any(|phrase| message.contains(phrase))
}
