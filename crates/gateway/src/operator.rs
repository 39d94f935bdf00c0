//! What operators have done by hand while the gateway runs: an intake that is paused, and what they have changed on top
//! of the file's configuration.

use squall_determinism::Timestamp;
use squall_router::{OperatorOverrides, OverrideError, RouterConfig};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// What operators have done. Shared by the routes, and by what operators ask.
#[derive(Debug)]
pub(crate) struct OperatorState {
    paused: AtomicBool,
    live: Mutex<LiveConfig>,
    reloads: Mutex<ConfigReloads>,
    /// Told when what was changed may end earlier than what is waited for.
    changed: Notify,
}

/// How configurations were taken.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ConfigReloads {
    /// Whether the latest was.
    pub(crate) successful: bool,
    /// When the last one was taken, in nanoseconds since 1970.
    pub(crate) success_nanos: u64,
    /// How many were not.
    pub(crate) failed: u64,
}

/// The configuration of the file, with what operators have changed.
#[derive(Clone, Debug)]
pub(crate) struct LiveConfig {
    pub(crate) file: Arc<RouterConfig>,
    pub(crate) overrides: OperatorOverrides,
    /// When weights end that were set for a while, by deployment.
    pub(crate) weights_until: BTreeMap<String, Timestamp>,
}

impl OperatorState {
    /// `now_nanos` is the wall time, in nanoseconds since 1970.
    pub(crate) fn new(file: RouterConfig, now_nanos: u64) -> Self {
        let reloads = ConfigReloads { successful: true, success_nanos: now_nanos, failed: 0 };
        Self {
            reloads: Mutex::new(reloads),
            paused: AtomicBool::new(false),
            live: Mutex::new(LiveConfig::new(file)),
            changed: Notify::new(),
        }
    }

    /// Whether requests are refused until the intake is resumed.
    pub(crate) fn is_paused(&self) -> bool {
        self.paused.load(Ordering::Relaxed)
    }

    /// Pauses or resumes the intake.
    pub(crate) fn set_paused(&self, paused: bool) {
        self.paused.store(paused, Ordering::Relaxed);
    }

    /// The configuration, held: who changes it does so alone.
    pub(crate) fn live(&self) -> MutexGuard<'_, LiveConfig> {
        // It is replaced whole.
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A configuration was taken at this wall time, or was not.
    pub(crate) fn reloaded(&self, at_nanos: Option<u64>) {
        let mut reloads = self.reloads.lock().unwrap_or_else(PoisonError::into_inner);
        reloads.successful = at_nanos.is_some();
        match at_nanos {
            Some(at) => reloads.success_nanos = at,
            None => reloads.failed += 1,
        }
    }

    /// How configurations were taken.
    pub(crate) fn reloads(&self) -> ConfigReloads {
        *self.reloads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells whoever waits for the end of weights that there may be an earlier one.
    pub(crate) fn tell_changed(&self) {
        self.changed.notify_one();
    }

    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }
}

impl LiveConfig {
    fn new(file: RouterConfig) -> Self {
        Self {
            file: Arc::new(file),
            overrides: OperatorOverrides::default(),
            weights_until: BTreeMap::new(),
        }
    }

    /// The same with another file. Weights end with it; what is drained and pinned stays so, as far as it is there.
    pub(crate) fn with_file(&self, file: RouterConfig) -> Self {
        let mut next = Self::new(file);
        next.overrides = OperatorOverrides { weights: BTreeMap::new(), ..self.overrides.clone() };
        next.overrides.retain_known(&next.file);
        next
    }

    /// The configuration that is to hold.
    ///
    /// # Errors
    /// When what was changed does not fit the file.
    pub(crate) fn in_force(&self) -> Result<RouterConfig, OverrideError> {
        self.file.with_overrides(&self.overrides)
    }

    /// When the first of the weights ends that were set for a while.
    pub(crate) fn next_end(&self) -> Option<Timestamp> {
        self.weights_until.values().min().copied()
    }

    /// Takes back the weights whose time is over.
    pub(crate) fn end_weights(&mut self, now: Timestamp) {
        let Self { overrides, weights_until, .. } = self;
        weights_until.retain(|name, until| {
            let goes_on = *until > now;
            if !goes_on {
                overrides.weights.remove(name);
            }
            goes_on
        });
    }

    /// Keeps the weights whose time is over until somebody changes them: without them no deployment would be left.
    pub(crate) fn keep_weights(&mut self, now: Timestamp) {
        self.weights_until.retain(|_, until| *until > now);
    }
}
