//! A store that is away, slow, restarted, shared by strangers, or something else.

use crate::redis_server::RedisServer;
use squall_redis_store::{RedisStore, StoreFailure};
use squall_shared_state::{Draw, Resource, ResourceKey, StoreConfig, SyncReply, SyncRequest};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

const RPM: Resource = Resource { key: ResourceKey(1), limit: 100, window_ms: 60_000 };

/// No test waits for so long.
const PATIENT: Duration = Duration::from_secs(60);

fn store(url: &str, fleet: &str, timeout: Duration) -> RedisStore {
    RedisStore::new(url, fleet, StoreConfig::default(), timeout).expect("a URL")
}

fn request(replica: u64, number: u64) -> SyncRequest {
    let draw = Draw { want: 20, ..Draw::first(RPM, 1) };
    SyncRequest { restate: true, draws: vec![draw], ..SyncRequest::new(replica, number) }
}

async fn granted(store: &mut RedisStore, replica: u64, number: u64) -> SyncReply {
    store.sync(&request(replica, number), 9).await.expect("it answers")
}

/// Takes connections for ever, and does this with what comes.
fn server(answer: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let addr = listener.local_addr().expect("it is bound");
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            std::thread::spawn(move || {
                let mut some = [0; 4_096];
                while stream.read(&mut some).is_ok_and(|read| read > 0) {
                    if stream.write_all(answer).is_err() {
                        return;
                    }
                }
            });
        }
    });
    addr
}

#[tokio::test]
async fn two_replicas_of_a_fleet_share_and_another_fleet_has_its_own() {
    let redis = RedisServer::start("fleets");
    drop(redis.connect());
    let mut one = store(&redis.url(), "prod", PATIENT);
    let mut other = store(&redis.url(), "prod", PATIENT);
    let mut elsewhere = store(&redis.url(), "staging", PATIENT);
    assert_eq!(granted(&mut one, 1, 1).await.members, 1);
    assert_eq!(granted(&mut other, 2, 1).await.members, 2);
    assert_eq!(granted(&mut elsewhere, 3, 1).await.members, 1);
}

#[tokio::test]
async fn a_store_that_was_restarted_is_another_life_and_takes_the_script_again() {
    let redis = RedisServer::start("restarted");
    drop(redis.connect());
    let mut store = store(&redis.url(), "prod", PATIENT);
    assert_eq!(granted(&mut store, 1, 1).await.epoch, 9);
    let socket = redis.socket();
    drop(redis);
    let failure = store.sync(&request(1, 2), 10).await.expect_err("it is gone");
    assert!(matches!(failure, StoreFailure::Away(_)), "{failure}");
    let redis = RedisServer::at(socket, &[]);
    drop(redis.connect());
    let again = store.sync(&request(1, 3), 11).await.expect("it is back");
    assert_eq!((again.epoch, again.number), (11, 3));
}

#[tokio::test]
async fn a_password_that_is_wrong_or_missing_is_told_without_it() {
    let redis = RedisServer::start("password");
    let socket = redis.socket();
    drop(redis);
    let redis = RedisServer::at(socket, &["--requirepass", "sesame"]);
    for url in [redis.url(), format!("{}?pass=mistaken", redis.url())] {
        let mut store = store(&url, "prod", PATIENT);
        let mut said = String::new();
        // Until it listens.
        for number in 1..1_000 {
            let failure = store.sync(&request(1, number), 9).await.expect_err("no password");
            said = failure.to_string();
            if said.contains("assword") || said.contains("uthenticat") {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert!(said.starts_with("the store is away") && !said.contains("mistaken"), "{said}");
        assert!(said.contains("assword") || said.contains("uthenticat"), "{said}");
    }
    let mut right = store(&format!("{}?pass=sesame", redis.url()), "prod", PATIENT);
    assert_eq!(granted(&mut right, 1, 1).await.members, 1);
}

#[tokio::test]
async fn nobody_at_the_address_and_nobody_who_answers_are_told_apart() {
    let free = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("bound");
    let mut nobody = store(&format!("redis://{free}"), "prod", PATIENT);
    let failure = nobody.sync(&request(1, 1), 9).await.expect_err("nobody listens");
    assert!(matches!(failure, StoreFailure::Away(_)), "{failure}");
    assert!(failure.to_string().contains("refused"), "{failure}");
    let silent = server(b"");
    let mut silent = store(&format!("redis://{silent}"), "prod", Duration::from_millis(50));
    let failure = silent.sync(&request(1, 1), 9).await.expect_err("it is silent");
    assert!(matches!(failure, StoreFailure::Slow(_) | StoreFailure::Away(_)), "{failure}");
}

#[tokio::test]
async fn whoever_is_no_store_is_no_store_whatever_it_says() {
    for answer in [
        &b"HTTP/1.1 400 Bad Request\r\n\r\n"[..],
        b"\x15\x03\x01\x00\x02\x02\x46",
        b"+OK\r\n",
        b"$-1\r\n",
        b"*1\r\n$2\r\nok\r\n",
        b"*3\r\n:1\r\n:2\r\n:3\r\n",
        b"*2\r\n$5\r\nstale\r\n$3\r\nxyz\r\n",
        b"-LOADING Redis is loading the dataset in memory\r\n",
        b"-READONLY You can't write against a read only replica.\r\n",
    ] {
        let addr = server(answer);
        let mut store = store(&format!("redis://{addr}"), "prod", Duration::from_millis(200));
        let failure = store.sync(&request(1, 1), 9).await.expect_err("no store of ours");
        let words = String::from_utf8_lossy(answer).into_owned();
        assert!(!matches!(failure, StoreFailure::Refused(_)), "{words:?}: {failure}");
    }
}

#[test]
fn a_url_that_is_none_is_refused_without_its_password() {
    for url in ["", "redis", "http://user:sesame@host", "redis://user:sesame@host:port"] {
        let refused = RedisStore::new(url, "prod", StoreConfig::default(), PATIENT);
        let said = refused.expect_err(url).to_string();
        assert!(said.contains("no URL of a store such as `redis://"), "{said}");
        assert!(!said.contains("sesame"), "{said}");
    }
}
