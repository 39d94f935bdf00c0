//! The arguments of a message beside its text, and which of them Anthropic refuses.

use crate::serve::{OfferedTool, PickedFields, Refused, Rules, Wants};
use serde_json::{Value, json};

const WANTED: &[&str] = &[
    "temperature",
    "top_p",
    "top_k",
    "stop_sequences",
    "tools",
    "tool_choice",
    "thinking",
    "max_tokens",
    "output_format",
    "output_config",
    "model",
];
const OTHERS: &[&str] = &[
    "cache_control",
    "container",
    "context_management",
    "inference_geo",
    "mcp_servers",
    "messages",
    "metadata",
    "service_tier",
    "speed",
    "stream",
    "system",
];

/// The least that a model may think, in tokens.
const BUDGET_LEAST: u64 = 1_024;

pub(super) fn wants(body: &[u8], rules: Rules) -> Result<Wants, Refused> {
    let picked = PickedFields::read(body, WANTED, rules.strict)?;
    if rules.strict
        && let Some(name) = picked.others.iter().find(|name| !OTHERS.contains(&&***name))
    {
        return Err(refused(name, "Extra inputs are not permitted"));
    }
    within(&picked, "temperature", 0.0, 1.0)?;
    within(&picked, "top_p", 0.0, 1.0)?;
    within(&picked, "top_k", 0.0, f64::INFINITY)?;
    within(&picked, "max_tokens", 1.0, f64::INFINITY)?;
    let asked = picked.get("max_tokens").and_then(Value::as_u64).unwrap_or(0);
    if let Some(most) = rules.max_output_tokens.filter(|most| asked > u64::from(*most)) {
        let model = picked.get("model").and_then(Value::as_str).unwrap_or_default();
        let message = format!(
            "max_tokens: {asked} > {most}, which is the maximum allowed number of output tokens for {model}"
        );
        return Err(Refused::new(message, Some("max_tokens")));
    }
    let thoughts = thoughts(&picked, asked)?;
    let (tools, must_call) = tools(&picked)?;
    if thoughts && must_call {
        let message = "Thinking may not be enabled when tool_choice forces tool use.";
        return Err(Refused::new(message, Some("thinking")));
    }
    let format = picked.get("output_config").and_then(|config| config.get("format"));
    let format = format.or_else(|| picked.get("output_format"));
    let schema = format
        .filter(|format| format.get("type").is_some_and(|kind| kind == "json_schema"))
        .and_then(|format| format.get("schema").cloned());
    Ok(Wants {
        tools,
        must_call,
        schema,
        stop: stop(&picked)?,
        choices: 1,
        logprobs: None,
        thoughts: Some(thoughts),
    })
}

fn refused(name: &str, what: &str) -> Refused {
    Refused { param: Some(name.to_owned().into()), ..Refused::plain(format!("{name}: {what}")) }
}

fn within(picked: &PickedFields, name: &str, least: f64, most: f64) -> Result<(), Refused> {
    let Some(value) = picked.get(name) else { return Ok(()) };
    match value.as_f64() {
        None => Err(refused(name, "Input should be a valid number")),
        Some(number) if number > most => {
            Err(refused(name, &format!("Input should be less than or equal to {most}")))
        }
        Some(number) if number < least => {
            Err(refused(name, &format!("Input should be greater than or equal to {least}")))
        }
        Some(_) => Ok(()),
    }
}

fn thoughts(picked: &PickedFields, max_tokens: u64) -> Result<bool, Refused> {
    let Some(thinking) = picked.get("thinking") else { return Ok(false) };
    match thinking.get("type").and_then(Value::as_str) {
        Some("adaptive") => Ok(true),
        Some("enabled") => {
            let budget = thinking.get("budget_tokens").and_then(Value::as_u64);
            let name = "thinking.enabled.budget_tokens";
            let budget = budget.ok_or_else(|| refused(name, "Field required"))?;
            if budget < BUDGET_LEAST {
                let what = format!("Input should be greater than or equal to {BUDGET_LEAST}");
                return Err(refused(name, &what));
            }
            if budget >= max_tokens {
                let message = "`max_tokens` must be greater than `thinking.budget_tokens`. Please consult our \
                               documentation at \
                               https://docs.claude.com/en/docs/build-with-claude/extended-thinking#max-tokens-and-context-window-size";
                return Err(Refused::new(message, Some("max_tokens")));
            }
            Ok(true)
        }
        _ => Ok(false),
    }
}

fn stop(picked: &PickedFields) -> Result<Vec<String>, Refused> {
    let Some(stop) = picked.get("stop_sequences") else { return Ok(Vec::new()) };
    let texts = stop.as_array().and_then(|all| {
        all.iter().map(|one| one.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>()
    });
    let texts = texts.ok_or_else(|| refused("stop_sequences", "Input should be a valid list"))?;
    if texts.iter().any(|text| text.trim().is_empty()) {
        let what = "each stop sequence must contain non-whitespace";
        return Err(refused("stop_sequences", what));
    }
    Ok(texts)
}

/// The tools that may be called, and whether one must be.
fn tools(picked: &PickedFields) -> Result<(Vec<OfferedTool>, bool), Refused> {
    let choice = picked.get("tool_choice");
    let Some(Value::Array(declared)) = picked.get("tools") else {
        return match choice {
            Some(_) => {
                Err(refused("tool_choice", "may only be specified while providing `tools`."))
            }
            None => Ok((Vec::new(), false)),
        };
    };
    let mut tools: Vec<OfferedTool> = declared
        .iter()
        .filter_map(|tool| {
            let schema = tool.get("input_schema").cloned();
            let schema = schema.unwrap_or_else(|| json!({ "type": "object" }));
            Some(OfferedTool { name: tool.get("name")?.as_str()?.to_owned(), schema })
        })
        .collect();
    Ok(match choice.and_then(|choice| choice.get("type")).and_then(Value::as_str) {
        Some("any") => (tools, true),
        Some("none") => (Vec::new(), false),
        Some("tool") => {
            let name = choice.and_then(|choice| choice.get("name")).and_then(Value::as_str);
            let name = name.ok_or_else(|| refused("tool_choice.tool.name", "Field required"))?;
            tools.retain(|tool| tool.name == name);
            if tools.is_empty() {
                let message = format!("Tool '{name}' not found in provided tools");
                return Err(Refused::new(message, Some("tool_choice")));
            }
            (tools, true)
        }
        _ => (tools, false),
    })
}
