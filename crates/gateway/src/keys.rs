//! Virtual keys: whom a request comes from, what it may ask for, and how much of it. They are known by their hashes.

mod document;
mod secret;

pub use document::{BudgetDocument, KeyDocument, VirtualKey};
pub use secret::{KeyHash, new_key};

use crate::setup::SavedSpend;
use squall_clock::Clock;
use squall_determinism::Timestamp;
use squall_failure::Sent;
use squall_router::{
    DeploymentId, KeyDenied, KeyGate, KeyPermit, KeySpend, LimitUse, Money, TokenUsage,
};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

/// How the spend of a key is called among the spends that are kept over a restart.
const SPEND_PREFIX: &str = "key:";

/// Where virtual keys are kept.
pub trait KeyStore: fmt::Debug + Send + Sync {
    /// Reads the keys, changes them, and keeps them, all or nothing.
    ///
    /// # Errors
    /// What `change` refuses, or why they cannot be read or kept.
    fn update(
        &self,
        change: &mut dyn FnMut(&mut Vec<VirtualKey>) -> Result<(), KeyChangeError>,
    ) -> Result<Vec<VirtualKey>, KeyChangeError>;
}

/// Why keys were not changed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum KeyChangeError {
    /// There is no such key.
    #[error("no key has the id `{0}`")]
    Unknown(String),
    /// It is there already.
    #[error("a key has the id `{0}` already")]
    Exists(String),
    /// What is asked for cannot be.
    #[error("{0}")]
    Invalid(String),
    /// They cannot be read or kept.
    #[error("{0}")]
    Store(String),
}

/// The virtual keys that hold.
#[derive(Debug)]
pub(crate) struct KeyRing {
    clock: Clock,
    epoch_nanos: u64,
    keys: RwLock<Arc<KeyTable>>,
    /// What was spent before a restart, by keys that were not there yet.
    saved: Mutex<Vec<SavedSpend>>,
    refused: [AtomicU64; KeyRefusal::COUNT],
}

#[derive(Debug, Default)]
struct KeyTable {
    /// Requests need one of them, or that of a tenant.
    required: bool,
    by_hash: BTreeMap<KeyHash, Arc<KeyEntry>>,
}

/// A key with what it has used.
#[derive(Debug)]
pub(crate) struct KeyEntry {
    pub(crate) key: VirtualKey,
    gate: Arc<Mutex<KeyGate>>,
}

/// Why a request with a key, or without one, is refused: the label of a metric.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum KeyRefusal {
    Missing,
    Unknown,
    Disabled,
    Expired,
    Model,
    Limit,
}

impl KeyRefusal {
    pub(crate) const ALL: [Self; Self::COUNT] =
        [Self::Missing, Self::Unknown, Self::Disabled, Self::Expired, Self::Model, Self::Limit];
    pub(crate) const COUNT: usize = 6;

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Unknown => "unknown",
            Self::Disabled => "disabled",
            Self::Expired => "expired",
            Self::Model => "model",
            Self::Limit => "limit",
        }
    }
}

/// What a request holds of its key's limits. Dropping it settles what was not settled.
#[derive(Debug)]
pub(crate) struct KeyLease {
    clock: Clock,
    entry: Arc<KeyEntry>,
    permit: Mutex<Option<KeyPermit>>,
    /// What it was taken to need.
    pub(crate) estimate: TokenUsage,
    /// Where it was sent last.
    deployment: Mutex<Option<DeploymentId>>,
}

impl KeyRing {
    pub(crate) fn new(clock: Clock, epoch_nanos: u64, saved: &[SavedSpend]) -> Self {
        let of_keys = saved.iter().filter(|spend| spend.budget.starts_with(SPEND_PREFIX));
        Self {
            clock,
            epoch_nanos,
            keys: RwLock::default(),
            saved: Mutex::new(of_keys.cloned().collect()),
            refused: Default::default(),
        }
    }

    /// From now on these keys hold, and requests need one. Those that keep their ids keep what they have used.
    /// Their ids and hashes [differ](check_keys).
    pub(crate) fn set(&self, keys: Vec<VirtualKey>) {
        let now = self.clock.now();
        let before = self.table();
        let gates: BTreeMap<&str, _> =
            before.by_hash.values().map(|entry| (entry.key.id(), &entry.gate)).collect();
        let mut by_hash = BTreeMap::new();
        for key in keys {
            let gate = match gates.get(key.id()) {
                Some(&gate) => {
                    lock(gate).reconfigure(now, &key.limits);
                    Arc::clone(gate)
                }
                None => Arc::new(Mutex::new(KeyGate::new(now, &key.limits, self.epoch_nanos))),
            };
            self.restore(now, &key, &gate);
            by_hash.insert(key.hash, Arc::new(KeyEntry { key, gate }));
        }
        let table = Arc::new(KeyTable { required: true, by_hash });
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = table;
    }

    fn restore(&self, now: Timestamp, key: &VirtualKey, gate: &Mutex<KeyGate>) {
        let mut saved = lock(&self.saved);
        let is_it = |spend: &SavedSpend| spend.budget.strip_prefix(SPEND_PREFIX) == Some(key.id());
        if let Some(place) = saved.iter().position(is_it) {
            let SavedSpend { spent, until_nanos, .. } = saved.swap_remove(place);
            let until = Timestamp::from_nanos(until_nanos.saturating_sub(self.epoch_nanos));
            lock(gate).restore(now, spent, until);
        }
    }

    /// What has been spent from the budgets of keys, to be kept over a restart.
    pub(crate) fn spend(&self) -> Vec<SavedSpend> {
        let now = self.clock.now();
        let table = self.table();
        let spent = table.by_hash.values().filter_map(|entry| {
            let KeySpend { spent, until, .. } = lock(&entry.gate).spend(now)?;
            Some(SavedSpend {
                budget: format!("{SPEND_PREFIX}{}", entry.key.id()),
                spent,
                until_nanos: until?.as_nanos().saturating_add(self.epoch_nanos),
            })
        });
        spent.collect()
    }

    fn table(&self) -> Arc<KeyTable> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether requests need a virtual key, or that of a tenant.
    pub(crate) fn required(&self) -> bool {
        self.table().required
    }

    /// The key with this hash.
    pub(crate) fn find(&self, hash: &KeyHash) -> Option<Arc<KeyEntry>> {
        self.table().by_hash.get(hash).cloned()
    }

    /// All keys, by id.
    pub(crate) fn all(&self) -> Vec<Arc<KeyEntry>> {
        let mut all: Vec<_> = self.table().by_hash.values().cloned().collect();
        all.sort_by(|one, other| one.key.id().cmp(other.key.id()));
        all
    }

    /// Whether a key's time is over, by the wall clock.
    pub(crate) fn has_expired(&self, key: &VirtualKey) -> bool {
        let now = self.epoch_nanos.saturating_add(self.clock.now().as_nanos());
        key.expires.is_some_and(|expires| now >= expires)
    }

    /// Counts a refusal.
    pub(crate) fn refused(&self, why: KeyRefusal) {
        self.refused[why as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// How many requests were refused, by the reason.
    pub(crate) fn refusals(&self) -> [(&'static str, u64); KeyRefusal::COUNT] {
        KeyRefusal::ALL
            .map(|why| (why.as_str(), self.refused[why as usize].load(Ordering::Relaxed)))
    }

    pub(crate) const fn clock(&self) -> Clock {
        self.clock
    }
}

impl KeyEntry {
    /// Counts a request by its head.
    ///
    /// # Errors
    /// When a limit of the key is reached.
    pub(crate) fn count(&self, now: Timestamp) -> Result<(), KeyDenied> {
        lock(&self.gate).count(now)
    }

    /// Reserves what a request asks for.
    ///
    /// # Errors
    /// When a limit of the key is reached.
    pub(crate) fn enter(
        self: Arc<Self>,
        clock: Clock,
        estimate: TokenUsage,
    ) -> Result<KeyLease, KeyDenied> {
        let permit = lock(&self.gate).enter(clock.now(), estimate.total())?;
        let (permit, deployment) = (Mutex::new(Some(permit)), Mutex::default());
        Ok(KeyLease { clock, entry: self, permit, estimate, deployment })
    }

    /// How much of its limits is in use, and what it has spent.
    pub(crate) fn used(&self, now: Timestamp) -> (LimitUse, Option<KeySpend>) {
        let mut gate = lock(&self.gate);
        (gate.used(now), gate.spend(now))
    }
}

impl KeyLease {
    /// Its id.
    pub(crate) fn key_id(&self) -> &str {
        self.entry.key.id()
    }

    /// The request is sent there.
    pub(crate) fn sent_to(&self, deployment: DeploymentId) {
        *lock(&self.deployment) = Some(deployment);
    }

    /// Where it was sent last, if it was sent.
    pub(crate) fn deployment(&self) -> Option<DeploymentId> {
        *lock(&self.deployment)
    }

    /// The request has ended with so many tokens, if that is known, and at this cost.
    pub(crate) fn settle(&self, used: Option<u64>, cost: Money, sent: Sent) {
        if let Some(permit) = lock(&self.permit).take() {
            lock(&self.entry.gate).leave(self.clock.now(), permit, used, cost, sent);
        }
    }
}

impl Drop for KeyLease {
    fn drop(&mut self) {
        self.settle(None, Money::default(), Sent::Something);
    }
}

/// Whether these keys can hold together, where there are such tenants.
///
/// # Errors
/// Which ids or hashes are there twice, or which tenant is not there.
pub fn check_keys(keys: &[VirtualKey], is_tenant: impl Fn(&str) -> bool) -> Result<(), String> {
    let mut ids = BTreeMap::new();
    let mut hashes = BTreeMap::new();
    for key in keys {
        if ids.insert(key.id(), ()).is_some() {
            return Err(format!("two keys have the id `{}`", key.id()));
        }
        if let Some(first) = hashes.insert(key.hash, key.id()) {
            return Err(format!("the keys `{first}` and `{}` have the same hash", key.id()));
        }
        if let Some(tenant) = key.document.tenant.as_deref().filter(|tenant| !is_tenant(tenant)) {
            return Err(format!("the key `{}`: no tenant is called `{tenant}`", key.id()));
        }
    }
    Ok(())
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is counted is counted in one step.
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
