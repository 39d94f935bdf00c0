//! Behaviour of the store, request by request.

use super::*;
use crate::{DeploymentKey, Grant, Notice, NoticeState, Resource, UsedUnits};
use std::vec;

const RPM: Resource = Resource { key: ResourceKey(1), limit: 600, window_ms: 60_000 };
const EU: DeploymentKey = DeploymentKey(1);

fn at(ms: u64) -> Timestamp {
    Timestamp::from_millis(ms)
}

/// A replica that says what a test wants it to say.
#[derive(Clone, Debug)]
struct TestReplica {
    request: SyncRequest,
    draw: Draw,
}

impl TestReplica {
    fn new(replica: u64, members: u64) -> Self {
        let request = SyncRequest { restate: true, members, ..SyncRequest::new(replica, 0) };
        Self { request, draw: Draw::first(RPM, members) }
    }

    /// Sends a request and takes the reply in.
    fn sync(&mut self, store: &mut Store, now_ms: u64, want: u64) -> Grant {
        let reply = self.exchange(store, now_ms, want);
        assert!(!reply.restate, "{reply:?}");
        reply.grants[0]
    }

    fn exchange(&mut self, store: &mut Store, now_ms: u64, want: u64) -> SyncReply {
        self.request.number += 1;
        self.draw.want = want;
        self.request.draws = vec![self.draw.clone()];
        let reply = store.sync(at(now_ms), &self.request).unwrap();
        (self.request.restate, self.request.epoch) = (reply.restate, reply.epoch);
        (self.request.seen, self.request.members) = (reply.sequence, reply.members);
        if let Some(grant) = reply.grants.first() {
            self.draw.kept = grant.allowed - self.draw.used;
            (self.draw.alone, self.draw.share) = (grant.alone, grant.share);
        }
        reply
    }

    fn use_units(&mut self, units: u64) {
        self.draw.used += units;
        self.draw.kept -= units;
    }
}

fn store() -> Store {
    Store::new(StoreConfig::default(), 9)
}

#[test]
fn units_in_hand_and_units_used_within_the_window_count_against_the_limit() {
    let (mut store, mut eu, mut us) = (store(), TestReplica::new(1, 2), TestReplica::new(2, 2));
    eu.sync(&mut store, 0, 0);
    us.sync(&mut store, 0, 0);
    assert_eq!(eu.sync(&mut store, 100, 500).allowed, 300, "half is promised to the other");
    us.sync(&mut store, 200, 0);
    us.sync(&mut store, 300, 0);
    assert_eq!(eu.sync(&mut store, 400, 500).allowed, 500, "which does not need it");
    eu.use_units(500);
    eu.sync(&mut store, 500, 0);
    assert_eq!(us.sync(&mut store, 500, 500).allowed, 100, "what is left");
    // What is told at 0.5 s counts until a minute after the end of its bucket.
    for now_ms in (750..60_750).step_by(250) {
        eu.sync(&mut store, now_ms, 0);
        assert_eq!(us.sync(&mut store, now_ms, 500).allowed, 100, "at {now_ms} ms");
    }
    eu.sync(&mut store, 60_750, 0);
    eu.sync(&mut store, 61_000, 0);
    assert_eq!(us.sync(&mut store, 61_000, 500).allowed, 500);
}

#[test]
fn units_that_a_replica_gives_up_are_given_to_others_at_once() {
    let (mut store, mut eu, mut us) = (store(), TestReplica::new(1, 1), TestReplica::new(2, 2));
    eu.sync(&mut store, 0, 600);
    us.sync(&mut store, 0, 0);
    assert_eq!(us.sync(&mut store, 100, 100).allowed, 0);
    eu.draw.kept = 0;
    eu.sync(&mut store, 200, 0);
    // It learns with this reply that it is no longer promised anything, and says so with its next request.
    eu.sync(&mut store, 400, 0);
    assert_eq!(us.sync(&mut store, 400, 100).allowed, 100);
}

#[test]
fn a_lost_reply_grants_nothing_twice_and_loses_nothing() {
    let (mut store, mut eu) = (store(), TestReplica::new(1, 1));
    eu.clone().sync(&mut store, 0, 400);
    eu.request.number += 1;
    assert_eq!(eu.sync(&mut store, 250, 600).allowed, 600);
}

#[test]
fn a_request_that_is_older_than_the_latest_is_refused() {
    let (mut store, mut eu) = (store(), TestReplica::new(1, 1));
    let late = eu.clone();
    eu.sync(&mut store, 0, 10);
    let late = SyncRequest { number: 1, ..late.request };
    assert_eq!(store.sync(at(1), &late), Err(SyncError::Stale { latest: 1 }));
}

#[test]
fn another_version_of_the_protocol_is_refused() {
    let request = SyncRequest { version: PROTOCOL_VERSION + 1, ..SyncRequest::new(1, 1) };
    let refused = store().sync(at(0), &request);
    assert_eq!(refused, Err(SyncError::Version { store: PROTOCOL_VERSION }));
}

#[test]
fn what_an_absent_replica_had_in_hand_counts_as_used_when_its_lease_ended() {
    let (mut store, mut eu, mut us) = (store(), TestReplica::new(1, 1), TestReplica::new(2, 2));
    eu.sync(&mut store, 0, 600);
    for now_ms in (0..=61_000).step_by(500) {
        assert_eq!(us.sync(&mut store, now_ms, 600).allowed, 0, "at {now_ms} ms");
    }
    assert_eq!(
        us.sync(&mut store, 61_500, 600).allowed,
        0,
        "the share of the absent one, which was all of the limit, is kept for it"
    );
}

#[test]
fn the_share_of_an_absent_replica_is_kept_for_it_until_it_is_forgotten() {
    let (mut store, mut eu, mut us) = (store(), TestReplica::new(1, 2), TestReplica::new(2, 2));
    eu.sync(&mut store, 0, 0);
    let mut most = 0;
    for now_ms in (0..=602_000).step_by(250) {
        let grant = us.sync(&mut store, now_ms, 600);
        us.draw.kept = grant.allowed;
        if now_ms == 10_000 {
            most = grant.allowed;
        }
    }
    assert_eq!(most, 300, "half is kept for the other");
    assert_eq!(us.sync(&mut store, 602_500, 600).allowed, 600);
    assert_eq!(store.members(), 1);
}

#[test]
fn an_absent_replica_and_one_that_a_new_store_does_not_know_are_asked_to_restate() {
    let (mut store, mut eu) = (store(), TestReplica::new(1, 1));
    eu.sync(&mut store, 0, 10);
    assert!(!eu.exchange(&mut store, 1_000, 10).restate);
    assert!(eu.exchange(&mut store, 2_001, 10).restate);
    assert!(!eu.exchange(&mut store, 2_002, 10).restate);
    let mut other = Store::new(StoreConfig::default(), 10);
    assert!(eu.exchange(&mut other, 0, 10).restate);
}

#[test]
fn a_store_that_lost_everything_grants_no_more_than_shares_until_all_have_told_their_usage() {
    let (mut store, mut eu, mut us) = (store(), TestReplica::new(1, 2), TestReplica::new(2, 2));
    eu.draw.history = vec![UsedUnits { age_ms: 30_000, units: 100 }];
    assert_eq!(eu.sync(&mut store, 100_000, 600).allowed, 200, "of 300, 100 are used");
    us.draw.history = vec![UsedUnits { age_ms: 50_000, units: 250 }];
    us.sync(&mut store, 100_000, 0);
    eu.sync(&mut store, 100_250, 0);
    let granted = us.sync(&mut store, 100_250, 600).allowed;
    assert_eq!(granted, 600 - 100 - 200 - 250, "what the other has in hand and both have used");
    for now_ms in (100_500..110_000).step_by(500) {
        eu.sync(&mut store, now_ms, 0);
        us.sync(&mut store, now_ms, 0);
    }
    let granted = us.sync(&mut store, 110_250, 600).allowed;
    assert_eq!(granted, 300, "its old usage is out of the window");
}

#[test]
fn a_replica_that_leaves_makes_room_and_what_it_has_used_counts_on() {
    let (mut store, mut eu, mut us) = (store(), TestReplica::new(1, 1), TestReplica::new(2, 1));
    eu.sync(&mut store, 0, 300);
    eu.use_units(300);
    eu.sync(&mut store, 250, 0);
    us.sync(&mut store, 250, 0);
    eu.request.leaving = true;
    eu.exchange(&mut store, 500, 0);
    assert_eq!((store.members(), us.sync(&mut store, 500, 600).allowed), (1, 300));
}

#[test]
fn a_replica_that_leaves_gives_back_what_it_has_in_hand_and_does_not_use() {
    let (mut store, mut eu, mut us) = (store(), TestReplica::new(1, 1), TestReplica::new(2, 1));
    eu.sync(&mut store, 0, 300);
    us.sync(&mut store, 0, 0);
    eu.use_units(100);
    (eu.request.leaving, eu.draw.kept) = (true, 0);
    eu.exchange(&mut store, 100, 0);
    let grant = us.sync(&mut store, 100, 600);
    assert_eq!((grant.allowed, grant.used), (500, 100));
}

#[test]
fn a_grant_says_what_all_have_used_within_the_window() {
    let (mut store, mut eu, mut us) = (store(), TestReplica::new(1, 2), TestReplica::new(2, 2));
    eu.sync(&mut store, 0, 50);
    us.sync(&mut store, 0, 50);
    eu.use_units(30);
    us.use_units(20);
    assert_eq!(eu.sync(&mut store, 100, 0).used, 30, "the other has not told yet");
    us.draw.kept = 0;
    assert_eq!(us.sync(&mut store, 200, 0).used, 50);
    eu.request.leaving = true;
    eu.draw.kept = 0;
    eu.exchange(&mut store, 300, 0);
    let grant = us.sync(&mut store, 400, 10_000);
    assert_eq!((grant.used, grant.scarce, grant.short), (50, true, true));
    for now_ms in (1_000..60_750).step_by(500) {
        us.draw.kept = 0;
        us.sync(&mut store, now_ms, 0);
    }
    assert_eq!(us.sync(&mut store, 60_750, 0).used, 0);
}

fn out(remaining_ms: u64) -> Notice {
    Notice { deployment: EU, state: NoticeState::Out { remaining_ms, cause: 3 } }
}

#[test]
fn a_cooldown_is_told_once_to_every_other_replica_with_what_remains_of_it() {
    let (mut store, mut eu, mut us) = (store(), TestReplica::new(1, 1), TestReplica::new(2, 2));
    us.exchange(&mut store, 0, 0);
    eu.request.notices = vec![out(5_000)];
    assert_eq!(eu.exchange(&mut store, 100, 0).notices, []);
    assert_eq!(us.exchange(&mut store, 600, 0).notices, [out(4_500)]);
    assert_eq!(us.exchange(&mut store, 900, 0).notices, []);
    eu.request.notices = vec![Notice { deployment: EU, state: NoticeState::Recovered }];
    eu.exchange(&mut store, 1_000, 0);
    let told = us.exchange(&mut store, 1_100, 0).notices;
    assert_eq!(told, eu.request.notices);
}

#[test]
fn one_replica_may_probe_until_it_tells_what_came_of_it() {
    let (mut store, mut eu, mut us) = (store(), TestReplica::new(1, 1), TestReplica::new(2, 2));
    (eu.request.probes, us.request.probes) = (vec![EU], vec![EU]);
    assert_eq!(eu.exchange(&mut store, 0, 0).permits, [EU]);
    assert_eq!(us.exchange(&mut store, 100, 0).permits, []);
    assert_eq!(eu.exchange(&mut store, 200, 0).permits, [EU], "it is probing");
    eu.request.notices = vec![out(5_000)];
    assert_eq!(eu.exchange(&mut store, 300, 0).permits, []);
    assert_eq!(us.exchange(&mut store, 400, 0).permits, [EU]);
    (us.request.probes, eu.request.notices) = (vec![], vec![]);
    us.exchange(&mut store, 500, 0);
    assert_eq!(eu.exchange(&mut store, 600, 0).permits, [EU], "the other wants it no longer");
}

#[test]
fn numbers_that_are_too_large_and_an_empty_window_are_refused() {
    let with = |resource: Resource, want: u64| SyncRequest {
        restate: true,
        draws: vec![Draw { want, ..Draw::first(resource, 1) }],
        ..SyncRequest::new(1, 1)
    };
    let huge = Resource { limit: u64::MAX, ..RPM };
    let empty = Resource { window_ms: 0, ..RPM };
    for request in [with(huge, 1), with(empty, 1), with(RPM, u64::MAX), SyncRequest::new(0, 1)] {
        assert_eq!(store().sync(at(0), &request), Err(SyncError::TooLarge), "{request:?}");
    }
}
