//! Virtual keys: who is let in, for what and how often, and what the admin API does to them.

use crate::admin::{act, done, start_with};
use crate::answers::COMPLETION;
use crate::rig::{always, ask_with, counting, exchange, gateway_of, get, whole};
use serde_json::{Value, json};
use squall_gateway::{
    Gateway, KeyChangeError, KeyDocument, KeyHash, KeyStore, NameTables, Reload, StartError,
    UpstreamConfig, VirtualKey,
};
use squall_router::{Money, Price, RateLimit, RateLimits, RateWindow, TenantConfig};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

const CHAT: &str = r#"{"model":"chat","max_tokens":5,"messages":[{"role":"user","content":"hi"}]}"#;

/// The key `sk-ID` with this id.
fn key(id: &str, more: &Value) -> VirtualKey {
    let mut document = json!({ "id": id, "hash": KeyHash::of(&format!("sk-{id}")).to_string() });
    let more = more.as_object().expect("fields").clone();
    document.as_object_mut().expect("fields").extend(more);
    let document: KeyDocument = serde_json::from_value(document).expect("a document");
    VirtualKey::new(document).expect("a key")
}

async fn gateway(keys: Vec<VirtualKey>) -> (Gateway, Arc<std::sync::atomic::AtomicUsize>) {
    let (addr, calls) = counting(whole("200 OK", COMPLETION)).await;
    let gateway = gateway_of(&[addr], |setup| {
        let tenant = TenantConfig { name: "web".to_owned(), limits: RateLimits::default() };
        setup.router.tenants.push(tenant);
        setup.keys = Some(keys);
    })
    .await;
    (gateway, calls)
}

/// The status and the body of an answer to a chat with this key.
async fn chat(gateway: &Gateway, key: &str) -> (u16, Value) {
    let answer = ask_with(gateway, &format!("authorization: Bearer {key}\r\n"), CHAT).await;
    parts(&answer)
}

fn parts(answer: &str) -> (u16, Value) {
    let status = answer.get(9..12).and_then(|status| status.parse().ok()).expect("a status");
    let (_, body) = answer.split_once("\r\n\r\n").expect("a head");
    (status, serde_json::from_str(body).unwrap_or_default())
}

fn message(error: &Value) -> &str {
    error["error"]["message"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn only_keys_that_are_known_valid_and_enabled_are_let_in_and_the_others_are_told_why() {
    let (gateway, calls) = gateway(vec![
        key("good", &json!({})),
        key("off", &json!({ "disabled": true })),
        key("old", &json!({ "expires": "2020-01-01T00:00:00Z" })),
        key("later", &json!({ "expires": "2999-01-01T00:00:00Z" })),
    ])
    .await;
    for key in ["sk-good", "sk-later"] {
        assert_eq!(chat(&gateway, key).await.0, 200, "{key}");
    }
    for (key, told) in [
        ("sk-other", "the key of this request is invalid"),
        ("sk-off", "the key `off` is disabled"),
        ("sk-old", "the key `old` has expired: it was valid until 2020-01-01T00:00:00Z"),
    ] {
        let (status, error) = chat(&gateway, key).await;
        assert_eq!((status, message(&error)), (401, told));
        assert_eq!(error["error"]["code"], "invalid_api_key");
    }
    let (status, error) = parts(&ask_with(&gateway, "", CHAT).await);
    assert!(status == 401 && message(&error).contains("requires a key"), "{error}");
    assert_eq!(calls.load(std::sync::atomic::Ordering::Relaxed), 2, "nobody else was served");
    let page = get(&gateway, "/metrics").await;
    for (reason, count) in [("missing", 1), ("unknown", 1), ("disabled", 1), ("expired", 1)] {
        let line = format!("squall_key_refused_total{{reason=\"{reason}\"}} {count}");
        assert!(page.contains(&line), "no `{line}`");
    }
    assert!(!page.contains("good") && !page.contains("sk-"), "keys are no labels");
}

#[tokio::test]
async fn a_request_over_the_rate_of_its_key_is_refused_before_its_body_is_there() {
    let (gateway, _) =
        gateway(vec![key("slow", &json!({ "rpm": 2 })), key("free", &json!({}))]).await;
    assert_eq!([chat(&gateway, "sk-slow").await.0, chat(&gateway, "sk-slow").await.0], [200, 200]);
    // The body that is announced never comes.
    let head = "POST /v1/chat/completions HTTP/1.1\r\nhost: gateway\r\nauthorization: Bearer sk-slow\r\ncontent-length: 1000\r\n\r\n";
    let answer = exchange(&gateway, head).await;
    let (status, error) = parts(&answer);
    assert_eq!(
        (status, error["error"]["code"].as_str()),
        (429, Some("rate_limit_exceeded")),
        "{answer}"
    );
    assert!(
        message(&error).contains("the key `slow` has reached its requests per minute"),
        "{error}"
    );
    assert!(answer.to_ascii_lowercase().contains("\r\nretry-after: "), "{answer}");
    assert_eq!(chat(&gateway, "sk-free").await.0, 200, "another key has its own");
}

#[tokio::test]
async fn models_and_fallbacks_that_a_key_does_not_have_are_forbidden() {
    let (gateway, calls) = gateway(vec![
        key("other", &json!({ "models": ["gpt-*"] })),
        key("chat", &json!({ "models": ["chat"] })),
    ])
    .await;
    let (status, error) = chat(&gateway, "sk-other").await;
    assert_eq!((status, error["error"]["code"].as_str()), (403, Some("model_not_allowed")));
    assert_eq!(message(&error), "the key `other` may not ask for the model `chat`");
    assert_eq!(calls.load(std::sync::atomic::Ordering::Relaxed), 0);
    assert_eq!(chat(&gateway, "sk-chat").await.0, 200);
}

#[tokio::test]
async fn a_list_of_models_has_those_that_the_key_may_ask_for_and_counts_against_no_limit() {
    let (addr, _) = counting(whole("200 OK", COMPLETION)).await;
    let gateway = gateway_of(&[addr], |setup| {
        setup.router.groups[0].aliases.push("gpt-5".to_owned());
        setup.keys = Some(vec![
            key("all", &json!({})),
            key("one", &json!({ "models": ["gpt-*"], "rpm": 1 })),
            key("none", &json!({ "models": ["claude"] })),
            key("off", &json!({ "disabled": true })),
        ]);
    })
    .await;
    let list = async |key: &str, path: &str| {
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: gateway\r\nconnection: close\r\nauthorization: Bearer {key}\r\n\r\n"
        );
        let answer = exchange(&gateway, &request).await;
        let (status, body) = parts(&answer);
        let ids = body["data"].as_array().into_iter().flatten().map(|each| each["id"].clone());
        (status, ids.collect::<Vec<_>>())
    };
    assert_eq!(list("sk-all", "/v1/models").await, (200, vec![json!("chat"), json!("gpt-5")]));
    for _ in 0..3 {
        assert_eq!(list("sk-one", "/v1/models").await, (200, vec![json!("gpt-5")]));
    }
    assert_eq!(list("sk-none", "/v1/models").await, (200, vec![]));
    assert_eq!(list("sk-one", "/v1/models/gpt-5").await.0, 200);
    assert_eq!(list("sk-one", "/v1/models/chat").await.0, 404, "as if it were not there");
    for key in ["sk-off", "sk-nobody", ""] {
        assert_eq!(list(key, "/v1/models").await.0, 401, "{key}");
    }
}

#[tokio::test]
async fn tokens_and_the_budget_of_a_key_hold_by_what_its_requests_used() {
    const COUNTED: &str = r#"{"choices":[{"index":0,"message":{"content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7}}"#;
    let (addr, _) = counting(whole("200 OK", COUNTED)).await;
    let used = 7;
    let gateway = gateway_of(&[addr], |setup| {
        let price = Price { input: Money::DOLLAR, output: Money::DOLLAR };
        setup.router.groups[0].deployments[0].price = price;
        let budget = json!({ "budget": { "dollars": f64::from(used) * 1.5, "per": "24h" } });
        setup.keys = Some(vec![key("poor", &budget), key("tiny", &json!({ "tpm": 3 }))]);
    })
    .await;
    assert_eq!([chat(&gateway, "sk-poor").await.0, chat(&gateway, "sk-poor").await.0], [200, 200]);
    let (status, error) = chat(&gateway, "sk-poor").await;
    assert_eq!(
        (status, error["error"]["code"].as_str()),
        (429, Some("insufficient_quota")),
        "{error}"
    );
    assert!(message(&error).contains("its budget: try again in 8"), "{error}");
    let (status, error) = chat(&gateway, "sk-tiny").await;
    assert_eq!((status, error["error"]["type"].as_str()), (429, Some("tokens")), "{error}");
    assert!(
        message(&error).contains("larger than the limit of the key `tiny` ever lets through"),
        "{error}"
    );
    let spent = gateway.view().spend();
    let expected = Money::dollars(2.0 * f64::from(used));
    assert!(
        spent.iter().any(|spend| spend.budget == "key:poor" && spend.spent == expected),
        "{spent:?}"
    );
    let again = gateway_of(&[addr], |setup| {
        let budget = json!({ "budget": { "dollars": f64::from(used) * 1.5, "per": "24h" } });
        setup.keys = Some(vec![key("poor", &budget)]);
        setup.spent = spent;
    })
    .await;
    assert_eq!(chat(&again, "sk-poor").await.0, 429, "what was spent before a restart counts");
}

#[tokio::test]
async fn a_key_of_a_tenant_counts_against_that_tenant_and_cannot_say_it_is_anothers() {
    let (addr, _) = counting(whole("200 OK", COMPLETION)).await;
    let one = RateLimit { per_minute: 1, window: RateWindow::Sliding };
    let gateway = gateway_of(&[addr], |setup| {
        setup.router.groups[0].max_queue_wait = std::time::Duration::ZERO;
        let limits = RateLimits { rpm: Some(one), ..RateLimits::default() };
        setup.router.tenants.push(TenantConfig { name: "web".to_owned(), limits });
        let of_web = json!({ "tenant": "web" });
        setup.keys = Some(vec![key("a", &of_web), key("b", &of_web), key("c", &json!({}))]);
    })
    .await;
    assert_eq!(chat(&gateway, "sk-a").await.0, 200);
    assert_eq!(chat(&gateway, "sk-b").await.0, 429, "the tenant's limit is both keys'");
    let headers = "x-api-key: sk-c\r\nx-squall-tenant: web\r\n";
    assert_eq!(parts(&ask_with(&gateway, headers, CHAT).await).0, 200, "it is not of that tenant");
    let reload = Reload {
        router: crate::rig::router(1),
        upstreams: vec![UpstreamConfig::new("d0", "http://127.0.0.1:9/v1", "model")],
        name_tables: NameTables::default(),
    };
    let refused = gateway.view().reload(reload).expect_err("its keys would be without limits");
    assert!(matches!(refused, StartError::KeyTenant { .. }), "{refused}");
}

/// Keys in memory.
#[derive(Debug)]
struct Memory(Mutex<Vec<VirtualKey>>);

impl KeyStore for Memory {
    fn update(
        &self,
        change: &mut dyn FnMut(&mut Vec<VirtualKey>) -> Result<(), KeyChangeError>,
    ) -> Result<Vec<VirtualKey>, KeyChangeError> {
        let mut kept = self.0.lock().expect("nobody panicked");
        let mut keys = kept.clone();
        change(&mut keys)?;
        kept.clone_from(&keys);
        Ok(keys)
    }
}

#[tokio::test]
async fn an_operator_creates_disables_enables_and_deletes_keys_and_sees_what_they_use() {
    let (gateway, _) = gateway(vec![]).await;
    let store = Arc::new(Memory(Mutex::new(Vec::new())));
    let admin = start_with(&gateway, Some(Arc::clone(&store) as Arc<dyn KeyStore>));
    let created = done(&admin, "keys", json!({ "id": "ci", "tenant": "web", "rpm": 100 })).await;
    let plain = created["key"].as_str().expect("it is told once").to_owned();
    assert_eq!(chat(&gateway, &plain).await.0, 200);
    let kept = store.0.lock().expect("nobody panicked")[0].document.hash.clone();
    assert_eq!(kept, KeyHash::of(&plain).to_string());
    let disabled = done(&admin, "keys/disable", json!({ "id": "ci" })).await;
    let listed = &disabled["keys"][0];
    assert_eq!(
        (&listed["disabled"], &listed["limits"]["requests"]["used"]),
        (&json!(true), &json!(1)),
        "{listed}"
    );
    assert!(
        !disabled.to_string().contains(&plain) && !disabled.to_string().contains("sha256"),
        "{disabled}"
    );
    assert_eq!(chat(&gateway, &plain).await.0, 401);
    let enabled = done(&admin, "keys/enable", json!({ "id": "ci" })).await;
    assert_eq!(enabled["keys"][0]["limits"]["requests"]["used"], 1, "what it has used is kept");
    assert_eq!(chat(&gateway, &plain).await.0, 200);
    for (what, body, status, told) in [
        ("keys", json!({ "id": "ci" }), 409, "a key has the id `ci` already"),
        ("keys", json!({ "id": "new", "tenant": "nobody" }), 400, "no tenant is called `nobody`"),
        ("keys", json!({ "id": "new", "hash": "sha256:00" }), 400, "unknown field `hash`"),
        ("keys", json!({ "id": "a b" }), 400, "`id`: expected"),
        ("keys/delete", json!({ "id": "new" }), 404, "no key has the id `new`"),
    ] {
        let (given, error) = act(&admin, what, body).await;
        assert!(given == status && message(&error).contains(told), "{given}: {error}");
    }
    assert_eq!(store.0.lock().expect("nobody panicked").len(), 1, "what was refused is not kept");
    done(&admin, "keys/delete", json!({ "id": "ci" })).await;
    assert_eq!(chat(&gateway, &plain).await.0, 401);
    let without = start_with(&gateway, None);
    let (status, error) = act(&without, "keys", json!({ "id": "x" })).await;
    assert!(status == 409 && message(&error).contains("start it with `--keys FILE`"), "{error}");
}

#[tokio::test]
async fn keys_that_share_an_id_or_a_hash_or_name_an_unknown_tenant_do_not_start() {
    let start = async |keys: Vec<VirtualKey>| {
        let addr: SocketAddr = always(whole("200 OK", COMPLETION)).await;
        let started = crate::rig::start_of(&[addr], |setup| setup.keys = Some(keys)).await;
        started.map(drop).expect_err("they cannot hold").to_string()
    };
    let one = || key("one", &json!({}));
    assert!(start(vec![one(), one()]).await.contains("two keys have the id `one`"));
    let mut other = one();
    other.document.id = "other".to_owned();
    assert!(
        start(vec![one(), other]).await.contains("the keys `one` and `other` have the same hash")
    );
    let lost = key("lost", &json!({ "tenant": "nobody" }));
    assert!(start(vec![lost]).await.contains("the key `lost`: no tenant is called `nobody`"));
}
