//! What happens in the rehearsal, and which alerts have to fire in it.

/// A part of the rehearsal.
#[derive(Debug)]
pub(super) struct RehearsalPhase {
    pub(super) name: &'static str,
    pub(super) seconds: u64,
    /// Faults at providers, in the syntax of `squall mock inject`, each for the whole phase.
    pub(super) faults: &'static [(&'static str, &'static str)],
    pub(super) gateway_stops: bool,
    /// The store of shared state is stopped for the whole phase.
    pub(super) store_stops: bool,
    /// The other replica is killed for the whole phase.
    pub(super) replica_stops: bool,
    /// The file of the gateway has a mistake for the whole phase.
    pub(super) file_is_bad: bool,
    /// Alerts that have to begin firing here, or shortly afterwards.
    pub(super) fires: &'static [&'static str],
}

impl RehearsalPhase {
    pub(super) const fn is_fault(&self) -> bool {
        !self.faults.is_empty()
            || self.gateway_stops
            || self.store_stops
            || self.replica_stops
            || self.file_is_bad
    }
}

const fn quiet(name: &'static str, seconds: u64) -> RehearsalPhase {
    RehearsalPhase {
        name,
        seconds,
        faults: &[],
        gateway_stops: false,
        store_stops: false,
        replica_stops: false,
        file_is_bad: false,
        fires: &[],
    }
}

/// In order. Only the first is calm: what comes after a fault still has its traces in the longer windows.
pub(super) const PHASES: &[RehearsalPhase] = &[
    quiet("calm", 30),
    RehearsalPhase {
        faults: &[("east", "error: 500, share: 30%")],
        fires: &["SquallProviderErrors", "SquallRetryAmplification", "SquallRetryBudgetExhausted"],
        ..quiet("east fails 30 % with 500", 20)
    },
    quiet("after the 500s", 15),
    RehearsalPhase {
        faults: &[("east", "error: 503")],
        fires: &[
            "SquallDeploymentOut",
            "SquallWeightDrift",
            "SquallLimitNearlyUsed",
            "SquallFallbackInUse",
            "SquallRequestsQueue",
            "SquallQueueOverflows",
            "SquallSpendBudgetNearlyUsed",
        ],
        ..quiet("east answers 503", 35)
    },
    quiet("after the 503s", 35),
    RehearsalPhase {
        faults: &[("east", "throttle: {}, share: 30%")],
        fires: &["SquallProviderThrottles"],
        ..quiet("east answers 30 % with 429", 20)
    },
    quiet("after the 429s", 20),
    RehearsalPhase {
        faults: &[
            ("east", "slowdown: { ttft: 70x, itl: 60x }"),
            ("west", "slowdown: { ttft: 50x, itl: 60x }"),
            ("spare", "slowdown: { ttft: 50x, itl: 60x }"),
        ],
        fires: &["SquallFirstTokenSlow", "SquallLatencyHigh"],
        ..quiet("all providers are slow", 42)
    },
    quiet("after the slowness", 35),
    RehearsalPhase {
        faults: &[
            ("east", "outage: refuse"),
            ("west", "outage: refuse"),
            ("spare", "outage: refuse"),
        ],
        fires: &[
            "SquallGroupUnavailable",
            "SquallGatewayNotReady",
            "SquallDeploymentUnhealthy",
            "SquallErrorBudgetBurnFast",
            "SquallErrorBudgetBurnSlow",
        ],
        ..quiet("all providers refuse", 20)
    },
    quiet("after the refusals", 30),
    RehearsalPhase {
        file_is_bad: true,
        fires: &["SquallConfigReloadFailed"],
        ..quiet("the gateway's file has a mistake", 15)
    },
    quiet("the file is mended", 10),
    RehearsalPhase {
        gateway_stops: true,
        fires: &["SquallGatewayDown"],
        ..quiet("the gateway is killed", 8)
    },
    quiet("the gateway is back", 20),
    RehearsalPhase {
        store_stops: true,
        fires: &["SquallSharedStoreAway"],
        ..quiet("the store of shared state is stopped", 12)
    },
    quiet("the store is back", 12),
    RehearsalPhase {
        replica_stops: true,
        fires: &["SquallReplicasMissing"],
        ..quiet("the other replica is killed", 18)
    },
    quiet("the other replica is back", 12),
];

/// Alerts that the rehearsal does not bring about: its gateway has no TLS of its own, and a shortened six hours are six
/// minutes to wait for. promtool's unit tests have them.
const NOT_REHEARSED: &[&str] =
    &["SquallErrorBudgetBurnSteady", "SquallCertificateExpires", "SquallCertificateExpired"];

/// Whether the rehearsal brings an alert about.
pub(super) fn is_rehearsed(alert: &str) -> bool {
    !NOT_REHEARSED.contains(&alert)
}

/// # Errors
/// When an alert of the rules is expected nowhere, or one that there is not.
pub(super) fn check(alerts: &[String]) -> Result<(), String> {
    let expected = || PHASES.iter().flat_map(|phase| phase.fires.iter().copied());
    let known = || expected().chain(NOT_REHEARSED.iter().copied());
    if let Some(forgotten) = alerts.iter().find(|alert| known().all(|each| each != *alert)) {
        return Err(format!("the alert {forgotten} fires in no phase of the rehearsal"));
    }
    match known().find(|each| alerts.iter().all(|alert| alert != each)) {
        Some(gone) => Err(format!("the rehearsal expects {gone}, and there is no such alert")),
        None => Ok(()),
    }
}
