//! What of a router is named as changed, and what a gateway file keeps of it.

use super::*;
use crate::GatewayFile;

const TEXT: &str = "\
name: export
phases: { all: 0s..10s }
traffic: { group: chat, arrivals: even, rate: 5, prompt_tokens: 10, output_tokens: 10 }
providers: { p: { ttft: 100ms, itl: 10ms } }
router:
  retry_budget: { min_per_second: 3 }
  retries: 1
  budgets: { team: { limit: $5, period: 1d } }
  groups:
    chat:
      fallback: [spare]
      cooldown: { failure: { cap: 1m } }
      hedge: never
      deployments:
        - { name: one, provider: p, weight: 7, limits: { rpm: 60 }, budgets: [team] }
        - { name: two, provider: p, timeouts: { total: 90s } }
    spare:
      retries: 2
      deployments: [ { name: three, provider: p } ]
";

fn scenario(text: &str) -> Scenario {
    Scenario::read("export.yaml", text).unwrap_or_else(|problems| panic!("{problems}"))
}

#[test]
fn settings_that_are_not_at_their_defaults_are_named_each_by_its_path() {
    let settings = scenario(TEXT).changed_settings();
    let told: Vec<_> =
        settings.iter().map(|each| format!("{} = {}", each.path, each.value)).collect();
    assert_eq!(
        told,
        [
            "router.retry_budget.min_per_second = 3",
            "router.budgets.team.limit = $5",
            "router.budgets.team.period = 1d",
            "router.groups.chat.fallback = [spare]",
            "router.groups.chat.retries = 1",
            "router.groups.chat.hedge = never",
            "router.groups.chat.cooldown.failure.cap = 60s",
            "router.groups.chat.deployments.one.weight = 7",
            "router.groups.chat.deployments.one.limits.rpm = 60",
            "router.groups.chat.deployments.one.budgets = [team]",
            "router.groups.chat.deployments.two.timeouts.total = 90s",
        ]
    );
    let one = settings.iter().find(|each| each.key == "weight").unwrap();
    assert_eq!((one.owner, one.group.as_deref()), (SettingOwner::Deployment, Some("chat")));
}

#[test]
fn a_gateway_file_has_the_same_router_and_the_providers_where_they_are() {
    for profile in ["", "  profile: litellm-1.80\n"] {
        let scenario = scenario(&TEXT.replace("router:\n", &format!("router:\n{profile}")));
        let address = ExportedProvider {
            base_url: "http://127.0.0.1:9001/v1".to_owned(),
            api_key: Some("sk-one".to_owned()),
        };
        let text = scenario.to_gateway_yaml("127.0.0.1:4000", &[address]);
        let file = GatewayFile::read("gateway.yaml", &text);
        let file = file.unwrap_or_else(|problems| panic!("{problems}"));
        assert_eq!(file.router, scenario.router, "{text}");
        assert_eq!(file.before_profile, scenario.before_profile);
        assert_eq!(file.deployments, scenario.deployments);
        assert_eq!(file.listen.to_string(), "127.0.0.1:4000");
        assert_eq!(file.providers[0].base_url, "http://127.0.0.1:9001/v1");
    }
}
