//! The shards of a plan are the plan.

use super::tests::{config, drive_shard, rate, source};
use crate::{Arrivals, ClientRequest, KindConfig, Ordinal, SourceConfig, WorkloadConfig};
use alloc::collections::BTreeSet;
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;
use squall_determinism::{Distribution, Shard, Timestamp};

fn kind(weight: u32, prompt: u64) -> KindConfig {
    KindConfig {
        weight,
        prompt_tokens: Some(Distribution::Exponential { mean: prompt as f64 }),
        output_tokens: None,
        stream: None,
        sessions: 5,
    }
}

fn shards(of: u32) -> impl Iterator<Item = Shard> {
    (1..=of).map(move |number| Shard::new(number, of).expect("there is such a shard"))
}

#[test]
fn the_union_of_the_shards_is_the_plan_whatever_their_number() {
    let times = (0..400_u64).map(|n| Timestamp::from_millis(n * n % 9_000)).collect();
    let all = [
        Arrivals::Poisson { rate: rate(40.0) },
        Arrivals::Even { rate: rate(40.0) },
        Arrivals::gamma(rate(40.0), 1.5),
        Arrivals::weibull(rate(40.0), 1.5),
        Arrivals::OnOff {
            rate: rate(100.0),
            on: Duration::from_millis(400),
            off: Duration::from_millis(600),
        },
        Arrivals::Hawkes { rate: rate(60.0), branching: 0.3, decay: Duration::from_millis(300) },
        Arrivals::At { times },
    ];
    for arrivals in all {
        let kinds = vec![kind(70, 100), kind(30, 4_000)];
        let one = SourceConfig { kinds, ..source(arrivals) };
        let other = SourceConfig { key: 1, ..source(Arrivals::Poisson { rate: rate(15.0) }) };
        let (sources, until) = (vec![one, other], Timestamp::from_secs(10));
        let config = WorkloadConfig { sources, until, abort: None };
        let after = Some(Duration::from_secs(1));
        let (whole, _) = drive_shard(config.clone(), after, Shard::WHOLE);
        assert!(whole.len() > 150, "{}", whole.len());
        for of in [1, 2, 3, 8, 1_000] {
            let parts = shards(of).flat_map(|shard| drive_shard(config.clone(), after, shard).0);
            let mut union: Vec<ClientRequest> = parts.collect();
            union.sort_by_key(|client| client.request);
            assert_eq!(union, whole, "{of} shards");
        }
    }
}

#[test]
fn who_gives_up_is_told_by_the_place_in_the_plan() {
    let config = config(Arrivals::Even { rate: rate(1.0) }, 9);
    let shard = Shard::new(2, 3).expect("there is such a shard");
    let (_, gave_up) = drive_shard(config, None, shard);
    assert_eq!(gave_up, [1, 4, 7].map(Ordinal));
}

#[test]
fn of_a_closed_loop_each_shard_has_its_clients_and_numbers_of_its_own() {
    let think = Distribution::Exponential { mean: 3e8 };
    let config = config(Arrivals::Closed { clients: 10, think }, 20);
    let after = Some(Duration::from_millis(100));
    let (whole, _) = drive_shard(config.clone(), after, Shard::WHOLE);
    let parts: Vec<_> =
        shards(4).flat_map(|shard| drive_shard(config.clone(), after, shard).0).collect();
    let numbers: BTreeSet<_> = parts.iter().map(|client| client.request).collect();
    assert_eq!(numbers.len(), parts.len(), "no number stands twice");
    // With answers that take equally long a client asks at the same times wherever it is.
    let times = |requests: &[ClientRequest]| {
        let mut times: Vec<_> = requests.iter().map(|client| client.intended).collect();
        times.sort_unstable();
        times
    };
    assert_eq!(times(&parts), times(&whole));
}

#[test]
fn a_shard_of_more_shards_than_there_is_to_send_sends_nothing_and_is_done() {
    let config = config(Arrivals::Even { rate: rate(1.0) }, 3);
    let (sent, _) = drive_shard(config, None, Shard::new(7, 8).expect("there is such a shard"));
    assert_eq!(sent, []);
}
