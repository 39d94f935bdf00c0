//! An entry of `model_list`: one deployment, or one for each of its organizations.

use crate::setting;
use crate::upstream::{self, LitellmUpstream, UpstreamAddress};
use core::time::Duration;
use squall_config_file::diagnostic::{Problem, Problems};
use squall_config_file::name::is_name;
use squall_config_file::node::{Node, NodeKind};
use squall_router::Money;

/// The number of tags that a router knows.
const TAGS_MAX: usize = 64;

/// A deployment as the file has it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ModelEntry {
    /// Its place in `model_list`.
    pub(crate) item: usize,
    /// The line of its group's name.
    pub(crate) line: u32,
    /// Its own name, unique in the file.
    pub(crate) name: String,
    /// `model_name`.
    pub(crate) group: String,
    /// The model without its provider.
    pub(crate) model: String,
    /// Where it is, by its place in the file's upstreams.
    pub(crate) upstream: usize,
    /// The provider's word.
    pub(crate) provider: String,
    pub(crate) weight: Option<f64>,
    pub(crate) rpm: Option<u64>,
    pub(crate) tpm: Option<u64>,
    pub(crate) order: Option<u32>,
    pub(crate) max_parallel: Option<u32>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) stream_timeout: Option<Duration>,
    pub(crate) cooldown_time: Option<Duration>,
    /// Bits of the file's tags.
    pub(crate) tags: u64,
    /// Whether a tag of it is `default`.
    pub(crate) is_default: bool,
    pub(crate) budget: Option<(Money, Duration)>,
    pub(crate) input_cost: Option<f64>,
    pub(crate) output_cost: Option<f64>,
    pub(crate) max_input_tokens: Option<u32>,
    /// The number of its region.
    pub(crate) region: Option<u8>,
    /// Whether the file says that it cannot search the web.
    pub(crate) no_web_search: bool,
}

/// What was read so far.
#[derive(Debug, Default)]
pub(crate) struct PartialEntry {
    pub(crate) entries: Vec<ModelEntry>,
    pub(crate) upstreams: Vec<LitellmUpstream>,
    pub(crate) tags: Vec<String>,
    pub(crate) regions: Vec<String>,
}

/// Reads an entry of the list.
pub(super) fn read(item: usize, node: &Node, found: &mut PartialEntry, problems: &Problems) {
    if !matches!(node.kind, NodeKind::Map(_)) {
        let message = format!("expected a deployment, found {}", node.found());
        problems.push(Problem::new(&node.span, message, "expected a mapping"));
        return;
    }
    let group = required(node, "model_name", "a deployment", problems);
    let params = setting::get(Some(node), "litellm_params");
    if params.is_none() {
        let message = "a deployment without `litellm_params`";
        let problem = Problem::new(&node.span, message, "expected `litellm_params` with a `model`");
        problems.push(problem.help("write `litellm_params: { model: provider/model }`"));
    }
    let model = params.and_then(|params| required(params, "model", "`litellm_params`", problems));
    let (Some(group), Some(model), Some(params)) = (group, model, params) else { return };
    let has_base = setting::get(Some(params), "api_base").is_some();
    let Some(model_text) = setting::text(Some(model)) else { return };
    let Some((provider, model_name)) = upstream::split(model_text, has_base) else {
        let message = format!("the provider of `{model_text}` is unknown");
        let problem = Problem::new(&model.span, message, "LiteLLM refuses a model without one");
        problems.push(problem.help(format!("write `provider/{model_text}`")));
        return;
    };
    let organizations = setting::items(setting::get(Some(params), "organization")).len().max(1);
    for copy in 0..organizations {
        let mut entry = one(node, params, provider, found, problems);
        entry.item = item;
        entry.line = group.line;
        entry.group = setting::text(Some(group)).unwrap_or_default().to_owned();
        entry.model = model_name.to_owned();
        entry.name = name(node, &entry.group, (organizations > 1).then_some(copy), found, problems);
        found.entries.push(entry);
    }
}

fn required<'n>(node: &'n Node, key: &str, of: &str, problems: &Problems) -> Option<&'n Node> {
    match setting::get(Some(node), key) {
        Some(value) if setting::text(Some(value)).is_some() => Some(value),
        Some(value) => {
            let message = format!("`{key}` is {}", value.found());
            problems.push(Problem::new(&value.span, message, "expected a text"));
            None
        }
        None => {
            let message = format!("{of} without `{key}`");
            problems.push(Problem::new(&node.span, message, format!("`{key}` is missing here")));
            None
        }
    }
}

/// Its id if it has one, or else its group and a number.
fn name(
    node: &Node,
    group: &str,
    copy: Option<usize>,
    found: &PartialEntry,
    problems: &Problems,
) -> String {
    let id = setting::get(setting::get(Some(node), "model_info"), "id");
    let given = setting::text(id).map(|id| match copy {
        Some(copy) => format!("{id}-{}", copy + 1),
        None => id.to_owned(),
    });
    let taken = |name: &str| found.entries.iter().any(|entry| entry.name == name);
    if let (Some(given), Some(id)) = (&given, id)
        && taken(given)
    {
        let message = format!("the id `{given}` is given twice");
        problems.push(Problem::new(&id.span, message, "an id belongs to one deployment"));
    }
    if let Some(given) = given {
        return as_name(&given);
    }
    let before = found.entries.iter().filter(|entry| entry.group == group).count();
    let group = as_name(group);
    (before + 1..)
        .map(|number| format!("{group}-{number}"))
        .find(|name| !taken(name))
        .unwrap_or_default()
}

/// The text with what no name of ours may have replaced.
fn as_name(text: &str) -> String {
    let text = text.replace('*', "any");
    let fits = |c: char| c.is_ascii_alphanumeric() || "._-/:".contains(c);
    let text: String = text.chars().map(|c| if fits(c) { c } else { '-' }).collect();
    if is_name(&text) { text } else { format!("d{text}") }
}

/// All of an entry but what it is called.
fn one(
    node: &Node,
    params: &Node,
    provider: &str,
    found: &mut PartialEntry,
    problems: &Problems,
) -> ModelEntry {
    let info = setting::get(Some(node), "model_info");
    let param = |key: &str| setting::get(Some(params), key);
    let anywhere = |key: &str| {
        param(key).or_else(|| setting::get(Some(node), key)).or_else(|| setting::get(info, key))
    };
    let address = UpstreamAddress {
        api_base: setting::text(param("api_base")),
        api_key: setting::text(param("api_key")),
        api_version: setting::text(param("api_version")),
    };
    let api = upstream::upstream(provider, address);
    let (tags, is_default) = tags(param("tags"), &mut found.tags, problems);
    let region = param("region_name").or_else(|| param("aws_region_name"));
    let region = setting::text(region).and_then(|name| number_of(name, &mut found.regions));
    let budget = setting::number(param("max_budget"), problems).map(Money::dollars);
    let period = setting::period(param("budget_duration"), problems);
    let timeout = param("timeout").or_else(|| param("request_timeout"));
    let search = setting::switch(setting::get(info, "supports_web_search"), problems);
    ModelEntry {
        item: 0,
        line: 0,
        name: String::new(),
        group: String::new(),
        model: String::new(),
        upstream: upstream::place(&mut found.upstreams, api),
        provider: provider.to_owned(),
        weight: setting::number(param("weight"), problems),
        rpm: setting::count(anywhere("rpm"), problems),
        tpm: setting::count(anywhere("tpm"), problems),
        order: setting::small(param("order"), problems),
        max_parallel: setting::small(param("max_parallel_requests"), problems),
        timeout: setting::seconds(timeout, problems),
        stream_timeout: setting::seconds(param("stream_timeout"), problems),
        cooldown_time: setting::seconds(param("cooldown_time"), problems),
        tags,
        is_default,
        budget: budget.zip(period),
        input_cost: setting::number(anywhere("input_cost_per_token"), problems),
        output_cost: setting::number(anywhere("output_cost_per_token"), problems),
        max_input_tokens: setting::small(setting::get(info, "max_input_tokens"), problems),
        region,
        no_web_search: search == Some(false),
    }
}

fn tags(node: Option<&Node>, known: &mut Vec<String>, problems: &Problems) -> (u64, bool) {
    let (mut bits, mut is_default) = (0, false);
    for item in setting::items(node) {
        let Some(tag) = setting::text(Some(item)) else { continue };
        if tag == "default" {
            is_default = true;
            continue;
        }
        match number_of(tag, known).filter(|number| usize::from(*number) < TAGS_MAX) {
            Some(number) => bits |= 1 << number,
            None => {
                let message = "more than 64 tags";
                problems.push(Problem::new(&item.span, message, "at most 64 tags are supported"));
            }
        }
    }
    (bits, is_default)
}

fn number_of(name: &str, known: &mut Vec<String>) -> Option<u8> {
    let place = known.iter().position(|other| other == name).unwrap_or_else(|| {
        known.push(name.to_owned());
        known.len() - 1
    });
    u8::try_from(place).ok()
}
