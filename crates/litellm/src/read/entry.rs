//! An entry of `model_list`: one deployment, or one for each of its organizations.

use crate::setting;
use crate::surroundings::LoadReference;
use crate::upstream::{self, LitellmUpstream, UpstreamAddress};
use core::ops::Range;
use core::time::Duration;
use squall_config_file::diagnostic::{Problem, Problems};
use squall_config_file::name::{is_name, is_pattern};
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
    /// Whether its API is spoken here.
    pub(crate) is_spoken: bool,
    /// The provider's word.
    pub(crate) provider: String,
    /// `model_info.mode`: `chat`, `embedding`, `image_generation`; empty where it is not said.
    pub(crate) mode: String,
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
    /// The places in `model_list` of the deployments that LiteLLM leaves out.
    pub(crate) dropped: Vec<usize>,
}

/// What an entry is read with.
#[derive(Clone, Copy)]
pub(super) struct EntryContext<'c> {
    pub(super) credentials: &'c [Node],
    /// Whether `model_info.rpm` and `.tpm` are limits, as the strategies by usage have it.
    pub(super) info_limits: bool,
    pub(super) load: LoadReference<'c>,
    pub(super) problems: &'c Problems,
}

/// The parameters of a deployment: its own, and below them those of the credential that it names.
#[derive(Clone, Copy)]
struct Params<'n> {
    own: &'n Node,
    credential: Option<&'n Node>,
}

impl<'n> Params<'n> {
    fn get(&self, key: &str) -> Option<&'n Node> {
        setting::get(Some(self.own), key).or_else(|| setting::get(self.credential, key))
    }

    fn text(&self, key: &str) -> Option<&'n str> {
        setting::text(self.get(key))
    }
}

/// Reads an entry of the list.
pub(super) fn read(item: usize, node: &Node, found: &mut PartialEntry, context: EntryContext<'_>) {
    let problems = context.problems;
    if !matches!(node.kind, NodeKind::Map(_)) {
        let message = format!("expected a deployment, found {}", node.found());
        problems.push(Problem::new(&node.span, message, "expected a mapping"));
        return;
    }
    let group = required(node, "model_name", "a deployment", problems);
    let own = setting::get(Some(node), "litellm_params");
    if own.is_none() {
        let message = "a deployment without `litellm_params`";
        let problem = Problem::new(&node.span, message, "expected `litellm_params` with a `model`");
        problems.push(problem.help("write `litellm_params: { model: provider/model }`"));
    }
    let has_model =
        own.is_some_and(|own| setting::entries(Some(own)).iter().any(|entry| entry.key == "model"));
    let model = own.and_then(|own| {
        // Of a variable that is not set nothing is left.
        if has_model {
            setting::get(Some(own), "model")
        } else {
            required(own, "model", "`litellm_params`", problems)
        }
    });
    let (Some(group), Some(own)) = (group, own) else { return };
    if !has_model {
        return;
    }
    if !setting::text(Some(group)).is_some_and(is_pattern) {
        let message = format!("{} is no name that a request can ask for here", group.found());
        let label = "expected one line, with one `*` at most: left out";
        problems.push(Problem::new(&group.span, message, label).warning());
        found.dropped.push(item);
        return;
    }
    let params = Params { own, credential: credential(own, context) };
    let Some((provider, model)) = usable(node, params, model, problems) else {
        found.dropped.push(item);
        return;
    };
    let organizations = setting::items(params.get("organization")).len().max(1);
    for copy in 0..organizations {
        let mut entry = one(node, params, provider, found, context);
        entry.item = item;
        entry.line = group.line;
        entry.group = setting::text(Some(group)).unwrap_or_default().to_owned();
        entry.model = model.to_owned();
        entry.name = name(node, &entry.group, (organizations > 1).then_some(copy), found, problems);
        found.entries.push(entry);
    }
}

/// The values of the credential that a deployment names.
fn credential<'n>(own: &Node, context: EntryContext<'n>) -> Option<&'n Node> {
    let name = setting::get(Some(own), "litellm_credential_name")?;
    let wanted = setting::text(Some(name))?;
    let of_name =
        |node: &&Node| setting::text(setting::get(Some(node), "credential_name")) == Some(wanted);
    let found = context.credentials.iter().find(of_name);
    if found.is_none() {
        let message = format!("no credential is called `{wanted}`");
        let label = "not in `credential_list`: LiteLLM goes on without it";
        context.problems.push(Problem::new(&name.span, message, label).warning());
    }
    setting::get(found, "credential_values")
}

/// The provider and the model, unless LiteLLM drops the deployment, which is told.
fn usable<'n>(
    node: &Node,
    params: Params<'n>,
    model: Option<&'n Node>,
    problems: &Problems,
) -> Option<(&'n str, &'n str)> {
    let dropped = |span: &Range<usize>, message: String, label: &str| {
        let problem = Problem::new(span, message, label).warning();
        let help = "LiteLLM drops this deployment and goes on with the others, as is done here";
        problems.push(problem.help(help));
    };
    let Some(model) = model else {
        let key = setting::entries(Some(params.own)).iter().find(|entry| entry.key == "model")?;
        let message = "the model of this deployment is not set".to_owned();
        let problem =
            Problem::new(&key.value.span, message, "empty, or a variable that is not set");
        let help = "LiteLLM does not start like this; the deployment is left out here";
        problems.push(problem.help(help).warning());
        return None;
    };
    for key in ["rpm", "tpm", "itpm", "otpm", "max_retries"] {
        let Some(value) = setting::get(Some(params.own), key) else { continue };
        let is_whole = setting::text(Some(value)).is_some_and(is_whole);
        if !is_whole {
            dropped(&value.span, format!("`{key}` is {}", value.found()), "not a whole number");
            return None;
        }
    }
    let is_list = |node: &Node| matches!(node.kind, NodeKind::List(_));
    if let Some(tags) = params.get("tags").filter(|tags| !is_list(tags)) {
        dropped(&tags.span, format!("`tags` is {}", tags.found()), "expected a list");
        return None;
    }
    for key in ["api_key", "api_base", "organization", "api_version"] {
        let Some(value) = setting::get(Some(params.own), key) else { continue };
        if setting::is_bare_number(value) {
            dropped(&value.span, format!("`{key}` is a number"), "expected a text, in quotes");
            return None;
        }
    }
    let Some(text) = setting::text(Some(model)) else {
        dropped(&model.span, format!("`model` is {}", model.found()), "expected a text");
        return None;
    };
    let base = params.text("api_base").or_else(|| params.text("base_url"));
    let split = upstream::split(text, params.text("custom_llm_provider"), base);
    if split.is_none() {
        let message = format!("LiteLLM knows no provider for `{text}`");
        let span = if model.span.is_empty() { &node.span } else { &model.span };
        let help = format!(
            "LiteLLM drops this deployment: write `provider/{text}`, such as `openai/{text}` for a server with OpenAI's API"
        );
        problems
            .push(Problem::new(span, message, "no provider before the model").warning().help(help));
    }
    split
}

/// Whether Python's pydantic takes a text for an integer.
fn is_whole(text: &str) -> bool {
    let digits = text.trim().trim_start_matches(['-', '+']);
    let digits = digits.strip_suffix(".0").unwrap_or(digits);
    !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit() || b == b'_')
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
    let taken = |name: &str| found.entries.iter().any(|entry| entry.name == name);
    let given = setting::text(id).map(|id| match copy {
        Some(copy) => as_name(&format!("{id}-{}", copy + 1)),
        None => as_name(id),
    });
    if let (Some(given), Some(id)) = (&given, id) {
        if !taken(given) {
            return given.clone();
        }
        let message = format!("the id `{given}` is given twice");
        let problem = Problem::new(&id.span, message, "an id belongs to one deployment").warning();
        let help = "LiteLLM counts failures and usage of the two as of one; here they are two";
        problems.push(problem.help(help));
        return numbered(given, 2, &taken);
    }
    let before = found.entries.iter().filter(|entry| entry.group == group).count();
    numbered(&as_name(group), before + 1, &taken)
}

/// The first of `NAME-2`, `NAME-3`, … that is free.
fn numbered(name: &str, from: usize, taken: &dyn Fn(&str) -> bool) -> String {
    let mut numbered = (from..).map(|number| format!("{name}-{number}"));
    numbered.find(|name| !taken(name)).unwrap_or_default()
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
    params: Params<'_>,
    provider: &str,
    found: &mut PartialEntry,
    context: EntryContext<'_>,
) -> ModelEntry {
    let problems = context.problems;
    let info = setting::get(Some(node), "model_info");
    let param = |key: &str| params.get(key);
    let above = |key: &str| param(key).or_else(|| setting::get(Some(node), key));
    let anywhere = |key: &str| above(key).or_else(|| setting::get(info, key));
    let limit = |key: &str| match context.info_limits {
        true => setting::count(anywhere(key), problems),
        false => setting::count(above(key), problems),
    };
    let (tags, is_default) = tags(param("tags"), &mut found.tags, problems);
    let region = param("region_name").or_else(|| param("aws_region_name"));
    let region = setting::text(region).and_then(|name| number_of(name, &mut found.regions));
    let budget = setting::number(param("max_budget"), problems).map(Money::dollars);
    let period = setting::period(param("budget_duration"), problems);
    let timeout = param("timeout").or_else(|| param("request_timeout"));
    let search = setting::switch(setting::get(info, "supports_web_search"), problems);
    let api = upstream::upstream(provider, address(params), context.load);
    ModelEntry {
        item: 0,
        line: 0,
        name: String::new(),
        group: String::new(),
        model: String::new(),
        is_spoken: api.is_spoken,
        upstream: upstream::place(&mut found.upstreams, api),
        provider: provider.to_owned(),
        mode: setting::text(setting::get(info, "mode")).unwrap_or_default().to_owned(),
        weight: setting::number(param("weight"), problems),
        rpm: limit("rpm"),
        tpm: limit("tpm"),
        order: setting::small(param("order").or_else(|| setting::get(info, "order")), problems),
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

/// Where a deployment is called, and by which key.
fn address<'n>(params: Params<'n>) -> UpstreamAddress<'n> {
    const SIGN_IN: [&str; 5] = [
        "azure_ad_token",
        "client_secret",
        "azure_username",
        "azure_ad_token_provider",
        "tenant_id",
    ];
    UpstreamAddress {
        api_base: params.text("api_base").or_else(|| params.text("base_url")),
        api_key: params.text("api_key"),
        api_version: params.text("api_version"),
        signs_in: SIGN_IN.iter().any(|key| params.get(key).is_some()),
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
        let is_new = !known.iter().any(|other| other == tag);
        if is_new && known.len() >= TAGS_MAX {
            let message = format!("the tag `{tag}` is one more than 64");
            let problem = Problem::new(&item.span, message, "not kept: a router knows 64 tags");
            let help = "requests cannot ask for this tag here; LiteLLM knows any number";
            problems.push(problem.help(help).warning());
            continue;
        }
        bits |= number_of(tag, known).map_or(0, |number| 1 << number);
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
