//! The strategy simulated, with a verdict, and live, inside an axum service on loopback.

use squall_example_axum_router::service::get_chat;
use squall_example_axum_router::upstream::healthy;
use squall_example_own_strategy::{live, rendezvous, simulated};
use squall_router::{Balancer, Candidates, PickContext, Strategy};
use std::collections::BTreeMap;
use tokio::net::TcpListener;

#[test]
fn simulated_every_expectation_is_met() {
    let verdict = simulated::run().unwrap();
    assert_eq!(verdict.rows.len(), 5);
    for row in &verdict.rows {
        assert!(row.is_met(), "{}: {}", row.text, row.reason);
    }
}

#[tokio::test]
async fn live_a_session_keeps_to_its_upstream_and_leaves_one_that_is_gone() {
    // A port that nobody listens at.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gone = listener.local_addr().unwrap();
    drop(listener);
    let upstreams = [
        ("eu", healthy("eu").await.unwrap()),
        ("us", healthy("us").await.unwrap()),
        ("gone", gone),
    ];
    let address = live::start(rendezvous(), &upstreams).await.unwrap();
    let mut served = BTreeMap::<String, Vec<u64>>::new();
    for session in 0..40 {
        let (status, first) = get_chat(address, Some(session)).await.unwrap();
        assert_eq!(status, 200, "{first}");
        let (status, again) = get_chat(address, Some(session)).await.unwrap();
        assert_eq!((status, &again), (200, &first), "session {session}");
        served.entry(first).or_default().push(session);
    }
    assert_eq!(served.keys().collect::<Vec<_>>(), ["eu", "us"]);
    assert!(served.values().all(|sessions| sessions.len() >= 8), "{served:?}");
}

/// Picks one that is not there.
#[derive(Clone, Debug)]
struct Mistaken;

impl Balancer for Mistaken {
    fn pick(&mut self, _: &PickContext, _: &Candidates<'_>) -> Option<usize> {
        Some(99)
    }
}

/// Panics.
#[derive(Clone, Debug)]
struct Broken;

impl Balancer for Broken {
    fn pick(&mut self, _: &PickContext, _: &Candidates<'_>) -> Option<usize> {
        panic!("a mistake of the strategy")
    }
}

#[tokio::test]
async fn live_a_strategy_that_is_mistaken_or_panics_is_answered_503_and_hangs_nobody() {
    let upstreams = [("eu", healthy("eu").await.unwrap())];
    let mistaken = Strategy::custom("mistaken", |_| Mistaken);
    let address = live::start(mistaken, &upstreams).await.unwrap();
    for session in 0..3 {
        let (status, text) = get_chat(address, Some(session)).await.unwrap();
        assert_eq!((status, text.as_str()), (503, "every attempt failed: overloaded"));
    }
    let address = live::start(Strategy::custom("broken", |_| Broken), &upstreams).await.unwrap();
    for session in 0..3 {
        assert_eq!(get_chat(address, Some(session)).await.unwrap().0, 503);
    }
}
