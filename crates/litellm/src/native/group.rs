//! A group and its deployments as our files write them.

use super::{GROUP, policy, value};
use crate::LitellmFile;
use core::fmt::Write as _;
use core::time::Duration;
use squall_router::{
    AllOut, DeploymentConfig, Features, GroupConfig, GroupId, Price, Profile, RouterConfig,
    Strategy, TagMatch,
};

pub(super) fn group(
    file: &LitellmFile,
    config: &RouterConfig,
    group: &GroupConfig,
    served: &dyn Fn(usize) -> (String, Option<String>),
    out: &mut String,
) {
    let _ = writeln!(out, "    {}:", value::quoted(&group.name));
    let mut put = |key: &str, text: Option<String>| {
        if let Some(text) = text {
            let _ = writeln!(out, "{GROUP}{key}: {text}");
        }
    };
    let names = |list: &[GroupId]| {
        value::list(list.iter().map(|id| value::quoted(&config.groups[id.index()].name)))
    };
    let aliases = group.aliases.iter().map(|alias| value::quoted(alias));
    put("aliases", (!group.aliases.is_empty()).then(|| value::list(aliases)));
    put("strategy", strategy(file, config, group));
    put("retries", policy::retries(&group.retries));
    put("backoff", policy::backoff(group.retry_rule));
    put("cooldown", policy::cooldown(group.cooldown));
    put("when_unavailable", matches!(group.when_all_out, AllOut::Fail).then(|| "fail".to_owned()));
    put("timeouts", policy::timeouts(group.timeouts, Default::default()));
    let usual = GroupConfig::new("");
    let deadline = Some(group.deadline).filter(|deadline| *deadline != usual.deadline);
    put("deadline", deadline.map(value::duration));
    let has_fallback = !group.fallbacks.general.is_empty();
    let wait = Duration::from_secs(if has_fallback { 0 } else { 10 });
    let wait = Some(group.max_queue_wait).filter(|own| *own != wait);
    put("max_queue_wait", wait.map(value::duration));
    let tags = match group.tags {
        TagMatch::Any => None,
        TagMatch::All => Some("all"),
        TagMatch::Ignore => Some("ignore"),
    };
    put("tag_match", tags.map(str::to_owned));
    put("pre_call_checks", (!group.pre_call_checks).then(|| "false".to_owned()));
    let general = &group.fallbacks.general;
    put("fallback", (!general.is_empty()).then(|| names(general)));
    let special = |list: &Option<Vec<GroupId>>| list.as_deref().map(names);
    put("context_window_fallback", special(&group.fallbacks.context_window));
    put("content_policy_fallback", special(&group.fallbacks.content_policy));
    let _ = writeln!(out, "{GROUP}deployments:");
    for deployment in &group.deployments {
        one(file, group, deployment, served, out);
    }
}

/// The strategy, where it is not the default. LiteLLM's shuffle is told by what it weighs by: that is
/// what its profile reads.
fn strategy(file: &LitellmFile, config: &RouterConfig, group: &GroupConfig) -> Option<String> {
    let place = config.groups.iter().position(|each| each.name == group.name)?;
    let ours = file.router(Profile::Squall).groups[place].strategy.clone();
    let shuffles =
        group.strategy == Strategy::Litellm(squall_router::LitellmStrategy::SimpleShuffle);
    let told = if shuffles { ours } else { group.strategy.clone() };
    (told != Strategy::default()).then(|| policy::strategy(&told))
}

fn one(
    file: &LitellmFile,
    group: &GroupConfig,
    deployment: &DeploymentConfig,
    served: &dyn Fn(usize) -> (String, Option<String>),
    out: &mut String,
) {
    let place = file.entries.iter().position(|entry| entry.name == deployment.name);
    let Some(place) = place else { return };
    let (provider, model) = served(place);
    let line = file.entries[place].line;
    let name = value::quoted(&deployment.name);
    let _ = writeln!(out, "{GROUP}  - name: {name}  # line {line}");
    let mut put = |key: &str, text: Option<String>| {
        if let Some(text) = text {
            let _ = writeln!(out, "{GROUP}    {key}: {text}");
        }
    };
    put("provider", Some(value::quoted(&provider)));
    put("model", model.as_deref().map(value::quoted));
    put("weight", (deployment.weight != 1).then(|| deployment.weight.to_string()));
    put("order", (deployment.order > 0).then(|| deployment.order.to_string()));
    let mut limits = deployment.limits;
    let declared = deployment.declared;
    // By LiteLLM's profile limits are read as what its formulas weigh by.
    let steady = |per_minute| squall_router::RateLimit {
        per_minute,
        window: squall_router::RateWindow::Gcra { burst: None },
    };
    limits.rpm = limits.rpm.or_else(|| declared.rpm.filter(|rpm| *rpm > 0).map(steady));
    limits.tpm = limits.tpm.or_else(|| declared.tpm.filter(|tpm| *tpm > 0).map(steady));
    put("limits", policy::limits(&limits));
    let own = deployment.timeouts.and_then(|own| policy::timeouts(own, group.timeouts));
    put("timeouts", own);
    put("cooldown", deployment.cooldown.and_then(policy::cooldown));
    let price = deployment.price;
    put(
        "price",
        (price != Price::default()).then(|| {
            let (input, output) =
                (value::per_million(price.input), value::per_million(price.output));
            value::braces(&[("input", input), ("output", output)])
        }),
    );
    let budgets = deployment.spends_from.iter().map(|spend| value::budget(spend.index()));
    put("budgets", (!deployment.spends_from.is_empty()).then(|| value::list(budgets)));
    let tags = (0..).zip(&file.tags).filter(|(bit, _)| deployment.tags.0 >> bit & 1 == 1);
    let tags: Vec<_> = tags.map(|(_, tag): (u32, _)| value::quoted(tag)).collect();
    put("tags", (!tags.is_empty()).then(|| value::list(tags)));
    put("default_pool", deployment.default_pool.then(|| "true".to_owned()));
    put("max_input_tokens", deployment.max_input_tokens.map(|tokens| tokens.to_string()));
    put(
        "features",
        (deployment.features != Features::ALL).then(|| {
            let words = Features::WORDS.into_iter().filter(|word| {
                Features::from_word(word).is_some_and(|one| deployment.features.holds(one))
            });
            value::list(words.map(str::to_owned))
        }),
    );
    let region = deployment.region.and_then(|region| file.regions.get(usize::from(region.0)));
    put("region", region.map(|region| value::quoted(region)));
}
