//! What a request may ask for in its headers and its body, and what is said about nonsense.

use crate::answers::COMPLETION;
use crate::rig::{always, ask_with, gateway_of, get, provider, whole};
use squall_gateway::{Gateway, GatewaySetup, NameTables};
use squall_router::{Features, RateLimits, RegionId, Tags, TenantConfig};
use std::collections::BTreeMap;
use std::time::Duration;

const BODY: &str = r#"{"model":"chat","messages":[{"role":"user","content":"hi"}]}"#;

/// Two deployments that answer, of a set-up that is changed before it starts.
async fn pair(change: impl FnOnce(&mut GatewaySetup)) -> Gateway {
    let [a, b] =
        [always(whole("200 OK", COMPLETION)).await, always(whole("200 OK", COMPLETION)).await];
    gateway_of(&[a, b], change).await
}

#[tokio::test]
async fn tags_regions_and_features_choose_the_deployment() {
    let gateway = pair(|setup| {
        let deployments = &mut setup.router.groups[0].deployments;
        deployments[1].tags = Tags(2);
        deployments[1].region = Some(RegionId(0));
        deployments[0].features = Features::NONE;
        deployments[0].region = Some(RegionId(1));
        setup.name_tables.tags = vec!["free".to_owned(), "paid".to_owned()];
        setup.name_tables.regions = vec!["eu".to_owned(), "us".to_owned()];
    })
    .await;
    for header in [
        "x-squall-tags: paid",
        "x-litellm-tags: paid",
        "x-squall-region: eu",
        "x-squall-features: vision",
    ] {
        for _ in 0..3 {
            let answer = ask_with(&gateway, &format!("{header}\r\n"), BODY).await;
            assert!(answer.contains("x-squall-deployment: d1"), "{header}: {answer}");
        }
    }
    let tools = r#"{"model":"chat","messages":[{"role":"user","content":"hi"}],"tools":[{}]}"#;
    assert!(ask_with(&gateway, "", tools).await.contains("x-squall-deployment: d1"));
}

#[tokio::test]
async fn nonsense_is_told_what_was_expected() {
    let gateway = pair(|setup| setup.name_tables.tags = vec!["paid".to_owned()]).await;
    let cases = [
        ("x-squall-priority: high", "expected a whole number"),
        ("x-squall-timeout: soon", "expected a time such as `5s`"),
        ("x-squall-timeout: -1s", "expected a time such as `5s`"),
        ("x-squall-tags: payed", "known: paid"),
        ("x-squall-region: eu", "none is configured"),
        ("x-squall-fallbacks: smal", "no group is called `smal`"),
        ("x-squall-features: vison", "known: tools, vision"),
        ("x-squall-tenant: nobody", "no tenant is called `nobody`"),
    ];
    for (header, said) in cases {
        let answer = ask_with(&gateway, &format!("{header}\r\n"), BODY).await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{header}: {answer}");
        assert!(answer.contains(said), "{header}: {answer}");
        let name = header.split(':').next().unwrap_or_default();
        assert!(answer.contains(&format!(r#""param":"{name}""#)), "{answer}");
    }
}

#[tokio::test]
async fn a_request_may_ask_for_no_retry() {
    let ill = always(whole("503 Service Unavailable", "{}")).await;
    let well = always(whole("200 OK", COMPLETION)).await;
    let gateway = gateway_of(&[ill, well], |_| {}).await;
    let answer = ask_with(&gateway, "x-squall-retries: 0\r\n", BODY).await;
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    let answer = ask_with(&gateway, "x-litellm-num-retries: 1\r\n", BODY).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test]
async fn a_request_may_ask_for_its_own_time_out() {
    let (slow, _told) = crate::rig::hanging_provider(String::new()).await;
    let gateway = gateway_of(&[slow], |_| {}).await;
    let headers = "x-squall-timeout: 50ms\r\nx-squall-retries: 0\r\n";
    // The gateway's own is a minute.
    let asked = tokio::time::timeout(Duration::from_secs(55), ask_with(&gateway, headers, BODY));
    let answer = asked.await.expect("it does not wait for a minute");
    assert!(answer.contains(r#""code":"timeout""#), "{answer}");
}

#[tokio::test]
async fn a_tenant_is_known_by_its_key() {
    let gateway = pair(|setup| {
        setup.router.tenants =
            vec![TenantConfig { name: "team".to_owned(), limits: RateLimits::default() }];
        setup.name_tables.keys = BTreeMap::from([("team".to_owned(), "sk-team".to_owned())]);
    })
    .await;
    let answer = ask_with(&gateway, "authorization: Bearer sk-team\r\n", BODY).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    for headers in ["", "authorization: Bearer sk-other\r\n", "x-squall-tenant: team\r\n"] {
        let answer = ask_with(&gateway, headers, BODY).await;
        assert!(answer.starts_with("HTTP/1.1 401"), "{headers}: {answer}");
        assert!(!answer.contains("sk-team"), "{answer}");
    }
}

#[tokio::test]
async fn a_pattern_names_the_model_upstream() {
    let (addr, asked) = provider(whole("200 OK", COMPLETION)).await;
    let gateway = gateway_of(&[addr], |setup| {
        setup.router.groups[0].name = "openai/*".to_owned();
        setup.router.groups[0].aliases = vec!["best".to_owned()];
        setup.upstreams[0].model = "up-*".to_owned();
        setup.name_tables = NameTables::default();
    })
    .await;
    let models = get(&gateway, "/v1/models").await;
    assert!(models.contains(r#""id":"best""#) && !models.contains("openai"), "{models}");
    let body = r#"{"model":"openai/gpt-5","messages":[{"role":"user","content":"hi"}]}"#;
    let answer = ask_with(&gateway, "", body).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let asked = asked.await.expect("it was asked");
    assert!(asked.contains(r#""model":"up-gpt-5""#), "{asked}");
}

/// What LiteLLM's clients say in the body to its proxy is understood, and no provider hears of it.
#[tokio::test]
async fn the_keys_of_litellms_clients_are_understood_and_never_go_upstream() {
    let (first, heard) = provider(whole("200 OK", COMPLETION)).await;
    let second = always(whole("200 OK", COMPLETION)).await;
    let gateway = gateway_of(&[first, second], |setup| {
        setup.router.groups[0].deployments[0].tags = Tags(1);
        setup.router.groups[0].deployments[1].tags = Tags(2);
        setup.name_tables.tags = vec!["paid".to_owned(), "free".to_owned()];
    })
    .await;
    let body = r#"{"model":"chat","messages":[{"role":"user","content":"hi"}],"num_retries":0,"timeout":30,
        "fallbacks":["nowhere"],"metadata":{"tags":["paid"],"team":"x"},"mock_testing_fallbacks":true}"#;
    let answer = ask_with(&gateway, "", body).await;
    assert!(answer.contains("x-squall-deployment: d0"), "the tag chose it: {answer}");
    let heard = heard.await.expect("it was asked");
    for key in ["num_retries", "timeout", "fallbacks", "tags", "mock_"] {
        assert!(!heard.contains(key), "{key}: {heard}");
    }
    assert!(heard.contains(r#""metadata":{"team":"x"}"#), "the rest stays: {heard}");
}

/// A request that asks for no retries in its body gets none, as with the header.
#[tokio::test]
async fn a_body_that_asks_for_no_retries_gets_one_attempt() {
    let (failing, count) = crate::rig::counting(whole("500 Oops", "{}")).await;
    let gateway = gateway_of(&[failing], |_| {}).await;
    let once = r#"{"model":"chat","messages":[{"role":"user","content":"hi"}],"num_retries":0}"#;
    ask_with(&gateway, "", once).await;
    assert_eq!(count.load(std::sync::atomic::Ordering::Relaxed), 1);
}
