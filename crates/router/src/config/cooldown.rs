//! When a deployment is skipped, and for how long.

use core::time::Duration;
use squall_determinism::Share;

/// How failures are held against a deployment.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CooldownRule {
    /// Throttling and failing apart, a breaker with a probe. The default.
    Breaker(Cooldown),
    /// As LiteLLM.
    Litellm(LitellmCooldown),
    /// Never: nothing is skipped.
    Never,
}

impl CooldownRule {
    /// What silences say, if they say anything.
    #[must_use]
    pub const fn silence(&self) -> Option<SilenceCooldown> {
        match self {
            Self::Breaker(cooldown) => cooldown.silence,
            Self::Litellm(_) | Self::Never => None,
        }
    }
}

impl Default for CooldownRule {
    fn default() -> Self {
        Self::Breaker(Cooldown::default())
    }
}

impl From<Cooldown> for CooldownRule {
    fn from(cooldown: Cooldown) -> Self {
        Self::Breaker(cooldown)
    }
}

/// When a deployment is skipped, and for how long.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Cooldown {
    /// After a 429.
    pub throttled: ThrottledCooldown,
    /// After failures.
    pub failure: FailureCooldown,
    /// After failures that last until a person mends them.
    pub misconfigured: MisconfiguredCooldown,
    /// After silences that end otherwise than by a time-out; `None`: such silences say nothing.
    pub silence: Option<SilenceCooldown>,
}

impl Default for Cooldown {
    fn default() -> Self {
        Self {
            throttled: ThrottledCooldown::default(),
            failure: FailureCooldown::default(),
            misconfigured: MisconfiguredCooldown::default(),
            silence: Some(SilenceCooldown::default()),
        }
    }
}

/// When an attempt that has not begun to answer is overdue: it counts as failed, however it ends, and while
/// it runs and its deployment answers nobody else, that deployment is picked last. So is one that several attempts
/// wait for. From then until it answers it is given one attempt at a time, where another can be picked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SilenceCooldown {
    /// Beyond this quantile of the times that the group's answers took to begin; those of streams and those
    /// of whole answers are kept apart. Default 99 %. For a group whose deployments differ, the group's.
    pub quantile: Share,
    /// Never before this, however quick the group. Default 5 s (what linkerd and Finagle take a failure for).
    pub floor: Duration,
    /// The quantile is believed once there are so many answers; until then an attempt is overdue after a
    /// sixth of its time-out. Default 20 (linkerd's minimum for a rate).
    pub min_samples: u32,
    /// So many attempts that are silent at once are enough for their deployment to be picked last, each beyond
    /// the quantile and beyond the deployment's own slowest answers of late, however far below `floor`; 0 for
    /// never. None of them counts as failed for it. Default 3: that three independent answers are all among the
    /// slowest 1 % happens once in a million times.
    pub concurrent: u32,
    /// Never before this, for those attempts. Default 250 ms: longer than a lost packet holds up every stream of a
    /// connection (Linux sends it again after 200 ms).
    pub concurrent_floor: Duration,
}

impl Default for SilenceCooldown {
    fn default() -> Self {
        Self {
            quantile: Share::percent(99),
            floor: Duration::from_secs(5),
            min_samples: 20,
            concurrent: 3,
            concurrent_floor: Duration::from_millis(250),
        }
    }
}

/// The wait after a 429: as long as Retry-After says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ThrottledCooldown {
    /// When the provider did not say. Default 1 s.
    pub default: Duration,
    /// At most this long, whatever the provider says. Default 10 min.
    pub max: Duration,
}

impl Default for ThrottledCooldown {
    fn default() -> Self {
        Self { default: Duration::from_secs(1), max: Duration::from_secs(600) }
    }
}

/// The circuit breaker: two triggers, an open interval that doubles, and one probe to close it (linkerd's two
/// signals, Finagle's doubling).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct FailureCooldown {
    /// Trips after so many failures in a row; 0 for never. Default 5 (Finagle, Envoy).
    pub consecutive: u32,
    /// Trips at this share of failed attempts in the window. Default 50 % (LiteLLM).
    pub share: Share,
    /// Only with at least so many attempts in the window. Default 10.
    pub min_attempts: u32,
    /// The window that the share is taken over. Default 10 s.
    pub window: Duration,
    /// The first open interval. Default 2 s: half of LiteLLM's and Finagle's, since a probe is one request that a retry
    /// or a fallback rescues; a blip of a second costs no more.
    pub base: Duration,
    /// The longest open interval: each failed probe doubles it up to this, and so does each relapse: it opens again
    /// within `window` after a probe closed it, and each one takes one more probe in a row to close it, up to five.
    /// Until `window` has passed, half of `consecutive` and of `min_attempts` open it again.
    /// Default 10 s: whoever is well again is found
    /// within seconds (LiteLLM's cooldown is 5 s, Envoy's first ejection 30 s).
    pub cap: Duration,
    /// Each open interval is shorter by a part of it, drawn up to this. Default 20 %.
    pub jitter: Share,
}

impl Default for FailureCooldown {
    fn default() -> Self {
        Self {
            consecutive: 5,
            share: Share::percent(50),
            min_attempts: 10,
            window: Duration::from_secs(10),
            base: Duration::from_secs(2),
            cap: Duration::from_secs(10),
            jitter: Share::percent(20),
        }
    }
}

/// Cooldowns that are long, since nothing changes until a person acts. A failure that says so (a wrong key, a
/// model that is not there, a spent quota) begins one at once; one that is only suspected, when it repeats.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct MisconfiguredCooldown {
    /// After a key that is wrong or lacks a right. Default 5 min.
    pub auth: Duration,
    /// After a model or deployment that is not there. Default 5 min.
    pub not_found: Duration,
    /// After an answer that says that the quota is spent. Default 30 min.
    pub quota_spent: Duration,
    /// A 401, 402, 403 or 404 that does not say whether the deployment or the request is wrong counts only
    /// once so many different requests have met one there, and none was answered in between. Default 3.
    pub suspicions: u32,
}

impl Default for MisconfiguredCooldown {
    fn default() -> Self {
        Self {
            auth: Duration::from_secs(300),
            not_found: Duration::from_secs(300),
            quota_spent: Duration::from_secs(1_800),
            suspicions: 3,
        }
    }
}

/// LiteLLM's cooldown.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct LitellmCooldown {
    /// `cooldown_time` of the router: how long, when the answer did not say. Default 5 s.
    pub cooldown_time: Duration,
    /// `cooldown_time` of the deployment: beats Retry-After; 0 for never.
    pub deployment_time: Option<Duration>,
    /// `allowed_fails`: cooled down on the failure after so many. `None` is the failure share over a
    /// minute; so is 3 in 1.80, which takes it for unset.
    pub allowed_fails: Option<u32>,
    /// `allowed_fails_policy`: the same for a class of failure. Whatever it says, there being one means that
    /// failures are counted, 3 allowed where nothing else is said.
    pub policy: Option<LitellmAllowedFails>,
    /// What of a client's request is counted. `None` for what the version's proxy counts.
    pub counts: Option<LitellmCounts>,
}

impl Default for LitellmCooldown {
    fn default() -> Self {
        Self {
            cooldown_time: Duration::from_secs(5),
            deployment_time: None,
            allowed_fails: None,
            policy: None,
            counts: None,
        }
    }
}

/// `allowed_fails_policy`: failures allowed, by exception. 1.80 reads the first five, and takes 0 for none.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct LitellmAllowedFails {
    /// `BadRequestErrorAllowedFails`.
    pub bad_request: Option<u32>,
    /// `AuthenticationErrorAllowedFails`.
    pub authentication: Option<u32>,
    /// `TimeoutErrorAllowedFails`.
    pub timeout: Option<u32>,
    /// `RateLimitErrorAllowedFails`.
    pub rate_limit: Option<u32>,
    /// `ContentPolicyViolationErrorAllowedFails`.
    pub content_policy: Option<u32>,
    /// `InternalServerErrorAllowedFails`: also of connections that were refused.
    pub internal_server: Option<u32>,
    /// `ServiceUnavailableErrorAllowedFails`.
    pub service_unavailable: Option<u32>,
    /// `BadGatewayErrorAllowedFails`.
    pub bad_gateway: Option<u32>,
    /// `NotFoundErrorAllowedFails`.
    pub not_found: Option<u32>,
}

/// Which failures are counted towards a cooldown.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum LitellmCounts {
    /// One for each request of a client, however many attempts of it fail: so behind the proxy of 1.80.
    OncePerRequest,
    /// Every failed attempt: so behind the proxy of 1.110, and with either router as a library. The default, as
    /// that of the newest version.
    #[default]
    EveryAttempt,
}
