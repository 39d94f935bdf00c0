//! The arguments of contents beside their text, and which of them Gemini refuses.

use crate::serve::{OfferedTool, PickedFields, Refused, Rules, Wants, any_object};
use serde_json::{Map, Value, json};

const WANTED: &[&str] =
    &["generationConfig", "generation_config", "tools", "toolConfig", "tool_config"];
const OTHERS: &[&str] = &[
    "contents",
    "model",
    "safetySettings",
    "safety_settings",
    "systemInstruction",
    "system_instruction",
    "cachedContent",
    "cached_content",
    "labels",
    "serviceTier",
    "store",
];
/// What Gemini has in a generation config.
const CONFIG: &[&str] = &[
    "audioTimestamp",
    "candidateCount",
    "enableAffectiveDialog",
    "enableEnhancedCivicAnswers",
    "frequencyPenalty",
    "imageConfig",
    "logprobs",
    "maxOutputTokens",
    "mediaResolution",
    "presencePenalty",
    "responseJsonSchema",
    "responseLogprobs",
    "responseMimeType",
    "responseModalities",
    "responseSchema",
    "routingConfig",
    "seed",
    "speechConfig",
    "stopSequences",
    "temperature",
    "thinkingConfig",
    "topK",
    "topP",
];

pub(super) fn wants(body: &[u8], rules: Rules) -> Result<Wants, Refused> {
    let picked = PickedFields::read(body, WANTED, rules.strict)?;
    if rules.strict
        && let Some(name) = picked.others.iter().find(|name| !OTHERS.contains(&&***name))
    {
        return Err(unknown(name, None));
    }
    let none = Map::new();
    let config = either(&picked, "generationConfig", "generation_config");
    let config = config.and_then(Value::as_object).unwrap_or(&none);
    let known = |name: &String| CONFIG.iter().any(|known| field_is(name, known));
    if let Some(name) = config.keys().find(|name| rules.strict && !known(name)) {
        return Err(unknown(name, Some("generation_config")));
    }
    let field =
        |name: &str| config.iter().find(|(key, _)| field_is(key, name)).map(|(_, value)| value);
    within(field("temperature"), "temperature", 0.0, 2.0)?;
    within(field("topP"), "top_p", 0.0, 1.0)?;
    within(field("candidateCount"), "candidate_count", 1.0, 8.0)?;
    let most = rules.max_output_tokens.map_or(f64::INFINITY, f64::from);
    if let Some(asked) = field("maxOutputTokens").and_then(Value::as_f64)
        && !(1.0..=most).contains(&asked)
    {
        let end = most + 1.0;
        let message = format!(
            "Unable to submit request because it has a maxOutputTokens value of {asked} but the supported \
             range is from 1 (inclusive) to {end} (exclusive). Update the value and try again."
        );
        return Err(Refused::new(message, Some("generation_config.max_output_tokens")));
    }
    let json = field("responseMimeType").is_some_and(|kind| kind == "application/json");
    let given = field("responseJsonSchema").or_else(|| field("responseSchema"));
    let (tools, must_call) = tools(&picked);
    let thinking = field("thinkingConfig");
    let shown = thinking.and_then(|thinking| {
        thinking.get("includeThoughts").or_else(|| thinking.get("include_thoughts"))?.as_bool()
    });
    Ok(Wants {
        tools,
        must_call,
        schema: json.then(|| given.cloned().unwrap_or_else(any_object)),
        stop: field("stopSequences")
            .and_then(Value::as_array)
            .map(|all| all.iter().filter_map(|one| one.as_str().map(str::to_owned)).collect())
            .unwrap_or_default(),
        choices: field("candidateCount").and_then(Value::as_u64).map_or(1, |n| n as u32),
        logprobs: None,
        thoughts: Some(shown.unwrap_or(false)),
    })
}

/// A field by its name in JSON, or as it is spelt in the protocol.
fn field_is(key: &str, name: &str) -> bool {
    let snake = |text: &str| text.chars().filter(|letter| *letter != '_').collect::<String>();
    key == name || snake(key).eq_ignore_ascii_case(name)
}

fn either<'a>(picked: &'a PickedFields, camel: &str, snake: &str) -> Option<&'a Value> {
    picked.get(camel).or_else(|| picked.get(snake))
}

fn unknown(name: &str, at: Option<&str>) -> Refused {
    let place = at.map_or(String::new(), |at| format!(" at '{at}'"));
    let message = format!(
        "Invalid JSON payload received. Unknown name \"{name}\"{place}: Cannot find field."
    );
    Refused { param: Some(name.to_owned().into()), ..Refused::plain(message) }
}

fn within(value: Option<&Value>, name: &'static str, least: f64, most: f64) -> Result<(), Refused> {
    let Some(value) = value else { return Ok(()) };
    if value.as_f64().is_some_and(|number| (least..=most).contains(&number)) {
        return Ok(());
    }
    let message = format!(
        "* GenerateContentRequest.generation_config.{name}: {name} must be in the range [{least:.1}, {most:.1}].\n"
    );
    Err(Refused::new(message, Some(name)))
}

/// The functions that may be called, and whether one must be.
fn tools(picked: &PickedFields) -> (Vec<OfferedTool>, bool) {
    let under = |value: &Value, camel: &str, snake: &str| {
        value.get(camel).or_else(|| value.get(snake)).cloned()
    };
    let declared = picked.get("tools").and_then(Value::as_array);
    let declared = declared.into_iter().flatten().filter_map(|tool| {
        under(tool, "functionDeclarations", "function_declarations")?.as_array().cloned()
    });
    let mut tools: Vec<OfferedTool> = declared
        .flatten()
        .filter_map(|tool| {
            let schema = under(&tool, "parametersJsonSchema", "parameters_json_schema");
            let schema = schema.or_else(|| tool.get("parameters").cloned());
            let schema = schema.unwrap_or_else(|| json!({ "type": "object" }));
            Some(OfferedTool { name: tool.get("name")?.as_str()?.to_owned(), schema })
        })
        .collect();
    let config = either(picked, "toolConfig", "tool_config")
        .and_then(|config| under(config, "functionCallingConfig", "function_calling_config"));
    let Some(config) = config else { return (tools, false) };
    if let Some(Value::Array(allowed)) =
        under(&config, "allowedFunctionNames", "allowed_function_names")
    {
        tools.retain(|tool| allowed.iter().any(|name| *name == *tool.name));
    }
    match config.get("mode").and_then(Value::as_str) {
        Some("NONE") => (Vec::new(), false),
        Some("ANY") => (tools, true),
        _ => (tools, false),
    }
}
