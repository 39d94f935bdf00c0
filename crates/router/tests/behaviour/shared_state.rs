//! Replicas that share limits, cooldowns and probes through a store.

use squall_determinism::{Seed, Timestamp};
use squall_failure::{Failure, FailureClass, FailureSource};
use squall_router::shared_state::{
    ReplicaConfig, SharedInput, Store, StoreConfig, SyncReply, SyncRequest,
};
use squall_router::{
    AttemptId, CooldownCause, DeploymentConfig, GroupConfig, GroupId, Outcome, RateLimit,
    RateLimits, RateWindow, RequestArrival, RequestTag, Router, RouterConfig, RouterEvent,
    RouterInput, RouterOutput, SharedEvent, SharedOutput, SharedStoreSnapshot,
};
use std::time::Duration;

pub(super) const REPLICAS: usize = 3;

/// Replicas and their store, which answers at once.
pub(super) struct Fleet {
    pub(super) now: Timestamp,
    pub(super) store: Option<Store>,
    pub(super) routers: Vec<Router>,
    tags: u64,
    started: Vec<(usize, AttemptId)>,
    notes: Vec<(usize, RouterEvent)>,
    refused: usize,
}

impl Fleet {
    fn new(rpm: Option<u64>) -> Self {
        let window = RateWindow::Sliding;
        let limits = RateLimits {
            rpm: rpm.map(|per_minute| RateLimit { per_minute, window }),
            ..RateLimits::default()
        };
        let deployment = DeploymentConfig { limits, ..DeploymentConfig::new("eu") };
        let group = GroupConfig {
            deployments: vec![deployment],
            max_queue_wait: Duration::ZERO,
            ..GroupConfig::new("chat")
        };
        Self::of(RouterConfig { groups: vec![group], ..RouterConfig::default() }, 0)
    }

    /// Replicas with this configuration, whose run begins at this wall time.
    pub(super) fn of(config: RouterConfig, epoch_nanos: u64) -> Self {
        let shared = ReplicaConfig { replicas: REPLICAS as u64, ..ReplicaConfig::default() };
        let config = RouterConfig { shared: Some(shared), ..config };
        let router = |n| Router::new(config.clone(), Seed::new(n), epoch_nanos).unwrap();
        let mut fleet = Self {
            now: Timestamp::ZERO,
            store: Some(Store::new(StoreConfig::default(), 1)),
            routers: (0..REPLICAS as u64).map(router).collect(),
            tags: 0,
            started: Vec::new(),
            notes: Vec::new(),
            refused: 0,
        };
        fleet.pass(Duration::from_secs(1));
        fleet
    }

    /// Another configuration holds at all of them.
    pub(super) fn reconfigure(&mut self, config: RouterConfig) {
        let shared = ReplicaConfig { replicas: REPLICAS as u64, ..ReplicaConfig::default() };
        let config = RouterConfig { shared: Some(shared), ..config };
        for place in 0..REPLICAS {
            let (id, _) = self.routers[place].prepare(config.clone()).unwrap();
            self.tell(place, RouterInput::Reconfigure { config: id });
        }
    }

    /// Lets time pass.
    pub(super) fn pass(&mut self, time: Duration) {
        self.pass_but(REPLICAS, self.now + time);
    }

    /// Lets time pass until then, at all replicas but this one.
    pub(super) fn pass_but(&mut self, stopped: usize, until: Timestamp) {
        while let Some((due, place)) = (0..REPLICAS)
            .filter(|&place| place != stopped)
            .filter_map(|place| Some((self.routers[place].next_timer()?, place)))
            .min()
            .filter(|&(due, _)| due <= until)
        {
            self.now = self.now.max(due);
            self.tell(place, RouterInput::Tick);
        }
        self.now = until;
    }

    fn tell(&mut self, place: usize, input: RouterInput) {
        self.routers[place].handle(self.now, input);
        let mut synced = false;
        while let Some(output) = self.routers[place].poll() {
            match output {
                RouterOutput::StartAttempt(start) => self.started.push((place, start.attempt)),
                RouterOutput::Done { outcome: Outcome::Failed { .. }, .. } => self.refused += 1,
                RouterOutput::Shared(SharedOutput::Sync { .. }) => synced = true,
                RouterOutput::Note(note) => self.notes.push((place, note)),
                _ => {}
            }
        }
        if synced && let Some(reply) = self.ask_store(place) {
            for input in reply.inputs().collect::<Vec<_>>() {
                self.tell(place, RouterInput::Shared(input));
            }
        }
    }

    fn ask_store(&mut self, place: usize) -> Option<SyncReply> {
        let request = self.routers[place].sync_request()?.clone();
        let request = SyncRequest { replica: place as u64 + 1, ..request };
        self.store.as_mut()?.sync(self.now, &request).ok()
    }

    fn arrive(&mut self, place: usize) {
        self.tags += 1;
        let arrival = RequestArrival {
            input_tokens: 100,
            ..RequestArrival::new(RequestTag(self.tags), GroupId(0))
        };
        self.tell(place, RouterInput::Arrived(arrival));
    }

    /// Requests at one replica, which are answered at once. Returns how many were admitted.
    pub(super) fn answered(&mut self, place: usize, requests: usize) -> usize {
        let mut answered = 0;
        for _ in 0..requests {
            self.arrive(place);
            for (place, attempt) in std::mem::take(&mut self.started) {
                answered += 1;
                self.tell(place, RouterInput::Finished { attempt, usage: None });
            }
        }
        answered
    }

    fn fail_at(&mut self, place: usize) {
        self.arrive(place);
        let failure = Failure::new(FailureClass::Server, FailureSource::Provider);
        for (place, attempt) in std::mem::take(&mut self.started) {
            self.tell(place, RouterInput::Failed { attempt, failure });
        }
    }

    pub(super) fn told(&self, place: usize, wanted: impl Fn(&RouterEvent) -> bool) -> usize {
        self.notes.iter().filter(|(at, note)| *at == place && wanted(note)).count()
    }
}

#[test]
fn replicas_share_a_limit_however_their_requests_are_spread() {
    for spread in [[100, 100, 100], [300, 0, 0], [10, 10, 400]] {
        let mut fleet = Fleet::new(Some(6_000));
        let mut admitted = 0;
        for _ in 0..59 {
            for (place, requests) in spread.into_iter().enumerate() {
                for _ in 0..4 {
                    admitted += fleet.answered(place, requests / 4);
                    fleet.pass(Duration::from_millis(80));
                }
            }
        }
        assert!((5_700..=6_000).contains(&admitted), "{spread:?}: {admitted} in a minute");
    }
}

#[test]
fn without_the_store_each_replica_uses_its_share_and_says_so() {
    let mut fleet = Fleet::new(Some(300));
    fleet.store = None;
    fleet.pass(Duration::from_secs(2));
    for place in 0..REPLICAS {
        assert_eq!(fleet.told(place, |it| *it == RouterEvent::Shared(SharedEvent::StoreAway)), 1);
        assert_eq!(fleet.answered(place, 300), 100);
    }
    fleet.store = Some(Store::new(StoreConfig::default(), 2));
    fleet.pass(Duration::from_secs(1));
    let is_back =
        |it: &RouterEvent| *it == RouterEvent::Shared(SharedEvent::StoreBack { members: 3 });
    assert_eq!([0, 1, 2].map(|place| fleet.told(place, is_back)), [2; 3], "at first, and again");
    for place in 0..REPLICAS {
        assert_eq!(fleet.answered(place, 300), 0, "no burst: all of the limit is used");
    }
}

#[test]
fn a_circuit_that_opens_at_one_replica_is_open_at_all_and_one_of_them_probes() {
    let mut fleet = Fleet::new(None);
    (0..20).for_each(|_| fleet.fail_at(0));
    fleet.pass(Duration::from_millis(300));
    for place in 0..REPLICAS {
        let cooled = |it: &RouterEvent| matches!(it, RouterEvent::CooldownStarted { .. });
        assert_eq!(fleet.told(place, cooled), 1, "replica {place}");
        assert_eq!(fleet.answered(place, 5), 0);
    }
    let by_peer = |it: &RouterEvent| {
        matches!(it, RouterEvent::CooldownStarted { cause: CooldownCause::Peer, .. })
    };
    assert_eq!([0, 1, 2].map(|place| fleet.told(place, by_peer)), [0, 1, 1]);
    fleet.pass(Duration::from_secs(6));
    // Each asks for the permit with the first request that could be its probe.
    for _ in 0..2 {
        (0..REPLICAS).for_each(|place| fleet.arrive(place));
        fleet.pass(Duration::from_millis(300));
    }
    (0..REPLICAS).for_each(|place| fleet.arrive(place));
    assert_eq!(fleet.started.len(), 1, "one probe over all");
    let (place, attempt) = fleet.started.pop().unwrap();
    fleet.tell(place, RouterInput::Finished { attempt, usage: None });
    fleet.pass(Duration::from_millis(300));
    for place in 0..REPLICAS {
        assert_eq!(fleet.answered(place, 5), 5, "replica {place}");
    }
}

#[test]
fn what_is_no_answer_to_the_latest_request_is_ignored() {
    let mut fleet = Fleet::new(Some(300));
    let request = fleet.routers[0].sync_request().unwrap().clone();
    let store = fleet.store.as_mut().unwrap();
    let late = SyncRequest { replica: 9, restate: true, ..request };
    let reply = store.sync(fleet.now, &late).unwrap();
    for input in reply.inputs().chain([SharedInput::Failed { number: 77 }]) {
        fleet.tell(0, RouterInput::Shared(input));
    }
    assert!(fleet.routers[0].ignored() > 0);
    let seen = SharedStoreSnapshot { is_away: false, replicas: 3, expected: 3 };
    assert_eq!(fleet.routers[0].shared_store(), Some(seen));
}
