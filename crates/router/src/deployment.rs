//! A deployment at work: its limits, what is held against it, and what it can serve.

use crate::admission::{AdmissionDenied, AdmissionLimiter, Permit};
use crate::cooldown::{Availability, CooldownTerms, JitterSource, OutlierRecord};
use crate::health_state::HealthState;
use crate::share_credit::ShareCredit;
use crate::silence_detection::{Awaited, SlowestOfLate, UnansweredAttempts};
use crate::slow_start::Ramp;
use crate::{
    AttemptTimeouts, DeploymentConfig, Features, GroupConfig, GroupId, LimitScope, Price, RegionId,
    SpendBudgetId, TagMatch, Tags,
};
use alloc::vec::Vec;
use core::time::Duration;
use squall_determinism::Timestamp;

/// One deployment.
#[derive(Clone, Debug)]
pub(crate) struct Deployment {
    pub(crate) group: GroupId,
    /// Its place in its group; none once no configuration has it any more.
    pub(crate) place: Option<usize>,
    pub(crate) weight: u32,
    pub(crate) timeouts: AttemptTimeouts,
    pub(crate) record: OutlierRecord,
    pub(crate) limiter: AdmissionLimiter,
    pub(crate) health: HealthState,
    /// Who waits for a first token here, and who for a whole answer.
    pub(crate) lines: [UnansweredAttempts; 2],
    /// When an answer last began.
    pub(crate) answered_at: Timestamp,
    /// From when, if no answer begins, someone has been waiting for longer than is usual.
    pub(crate) silent_from: Timestamp,
    /// It was found silent, and no answer has begun since: one attempt at a time.
    pub(crate) unheard: bool,
    /// The slowest first token of late, and the slowest whole answer.
    pub(crate) slowest: [SlowestOfLate; 2],
    /// It has returned and does not have its whole share yet.
    pub(crate) ramp: Option<Ramp>,
    /// Little remains of a limit of it, and it takes less than its share.
    pub(crate) scarce: Option<ShareCredit>,
    /// A cooldown was told of and its end was not.
    pub(crate) cooling: bool,
    /// It may be probed, once this replica has the permit for it.
    pub(crate) probe_withheld: bool,
    /// The limit it was last passed over for; told once, until an attempt starts again.
    pub(crate) limited_by: Option<LimitScope>,
    pub(crate) price: Price,
    pub(crate) spends_from: Vec<SpendBudgetId>,
    /// A budget that it spends from is spent until then.
    pub(crate) spent_until: Timestamp,
    /// It goes on from the beginning of an answer.
    pub(crate) assistant_prefill: bool,
    capabilities: Capabilities,
}

/// What a deployment can serve.
#[derive(Clone, Copy, Debug)]
struct Capabilities {
    tags: Tags,
    default_pool: bool,
    max_input_tokens: u32,
    features: Features,
    region: Option<RegionId>,
}

/// What a request needs of a deployment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequestNeeds {
    /// Tokens, prompt and answer, as estimated.
    pub(crate) tokens: u64,
    pub(crate) input_tokens: u32,
    pub(crate) tags: Tags,
    pub(crate) features: Features,
    pub(crate) region: Option<RegionId>,
}

impl RequestNeeds {
    /// Whether not every deployment will do.
    #[inline]
    pub(crate) fn are_particular(&self) -> bool {
        !self.tags.is_empty() || self.features != Features::NONE || self.region.is_some()
    }
}

/// Whether a deployment can take an attempt now.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Readiness {
    Now,
    /// As its probe.
    Probe,
    /// It cools down after failures until then.
    CoolingUntil(Timestamp),
    /// It cools down after throttling until then.
    ThrottledUntil(Timestamp),
    /// It cools down until its probe is back.
    Probing,
    /// A limit of ours is reached until then.
    LimitedUntil(Timestamp, LimitScope),
    /// Until something that runs has ended.
    Busy,
    /// Checks apart from traffic say that it is unhealthy.
    Unhealthy,
    /// Never: the request does not fit it.
    Never(CannotServe),
}

/// Why a deployment cannot serve a request, whenever.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum CannotServe {
    /// The prompt is longer than its context window.
    Window,
    /// It lacks a feature, or is elsewhere.
    Capabilities,
    /// The request is larger than a limit ever lets through.
    Limit,
    /// It has refused this very request, or cannot be told it.
    Refused,
}

/// How a deployment's tags stand to a request's: the best class there is, is used.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum TagClass {
    No,
    /// It is in the default pool, or there is no such pool to be preferred.
    Default,
    Match,
}

impl Deployment {
    pub(crate) fn new(
        group: GroupId,
        config: &DeploymentConfig,
        of: &GroupConfig,
        epoch_nanos: u64,
        jitter: JitterSource,
    ) -> Self {
        Self {
            group,
            place: None,
            weight: config.weight,
            timeouts: config.timeouts.unwrap_or(of.timeouts),
            record: OutlierRecord::new(CooldownTerms::new(config, of), jitter),
            limiter: AdmissionLimiter::new(config.limits, epoch_nanos),
            health: HealthState::default(),
            lines: [UnansweredAttempts::default(); 2],
            answered_at: Timestamp::ZERO,
            silent_from: Timestamp::MAX,
            unheard: false,
            slowest: [SlowestOfLate::default(); 2],
            ramp: None,
            scarce: None,
            cooling: false,
            probe_withheld: false,
            limited_by: None,
            price: config.price,
            spends_from: config.spends_from.clone(),
            spent_until: Timestamp::ZERO,
            assistant_prefill: config.assistant_prefill,
            capabilities: Capabilities::new(config, of),
        }
    }

    /// Takes another configuration; what is known of the deployment stays known.
    pub(crate) fn reconfigure(
        &mut self,
        now: Timestamp,
        config: &DeploymentConfig,
        of: &GroupConfig,
    ) {
        self.weight = config.weight;
        self.timeouts = config.timeouts.unwrap_or(of.timeouts);
        self.record.reconfigure(CooldownTerms::new(config, of));
        self.limiter.reconfigure(now, config.limits);
        self.price = config.price;
        self.spends_from.clone_from(&config.spends_from);
        self.spent_until = Timestamp::ZERO;
        self.assistant_prefill = config.assistant_prefill;
        self.scarce = None;
        self.capabilities = Capabilities::new(config, of);
    }

    /// How long an answer may take to begin by its time-outs.
    pub(crate) const fn time_out(&self, awaited: Awaited) -> Duration {
        match awaited {
            Awaited::FirstToken => self.timeouts.first_token,
            Awaited::Whole => self.timeouts.total,
        }
    }

    /// From when it is picked last: it is silent, or its share is small for now and has been taken.
    pub(crate) fn last_from(&self, now: Timestamp) -> Timestamp {
        if self.is_held_back(now) { Timestamp::ZERO } else { self.counts_as_silent_from(now) }
    }

    /// Whether it has returned of late, or little remains of its limits, and it has had its share for now.
    pub(crate) fn is_held_back(&self, now: Timestamp) -> bool {
        let in_debt = self.ramp.is_some_and(|ramp| ramp.is_in_debt())
            || self.scarce.is_some_and(|credit| credit.is_in_debt());
        in_debt && self.record.availability(now) == Availability::Available
    }

    /// Whether it is skipped for failures, or by its health checks.
    pub(crate) fn is_out(&self, now: Timestamp) -> bool {
        let well = matches!(
            self.record.availability(now),
            Availability::Available | Availability::Throttled(_)
        );
        self.health.unhealthy || !well
    }

    /// From when it counts as silent: a probe is to go all the same.
    pub(crate) fn counts_as_silent_from(&self, now: Timestamp) -> Timestamp {
        match self.record.availability(now) {
            Availability::Available => self.silent_from,
            Availability::Probe
            | Availability::Probing
            | Availability::Until(_)
            | Availability::Throttled(_) => Timestamp::MAX,
        }
    }

    /// Whether an attempt with these needs can start now. Tags are left to [`tags`](Self::tags).
    #[inline]
    pub(crate) fn readiness(&mut self, now: Timestamp, needs: &RequestNeeds) -> Readiness {
        if let Some(unfit) = self.capabilities.lacks(needs) {
            return Readiness::Never(unfit);
        }
        let fit = match self.record.availability(now) {
            Availability::Until(until) => return Readiness::CoolingUntil(until),
            Availability::Throttled(until) => return Readiness::ThrottledUntil(until),
            Availability::Probing => return Readiness::Probing,
            Availability::Probe if self.probe_withheld => return Readiness::Probing,
            Availability::Available => Readiness::Now,
            Availability::Probe => Readiness::Probe,
        };
        self.limited(now, needs).unwrap_or(fit)
    }

    /// Whether it could, if it did not cool down after failures.
    pub(crate) fn readiness_ignoring_cooldowns(
        &mut self,
        now: Timestamp,
        needs: &RequestNeeds,
    ) -> Readiness {
        let readiness = self.readiness(now, needs);
        let out = matches!(readiness, Readiness::CoolingUntil(_) | Readiness::Probing);
        if out && !self.record.is_throttled(now) {
            return self.limited(now, needs).unwrap_or(Readiness::Now);
        }
        readiness
    }

    fn limited(&mut self, now: Timestamp, needs: &RequestNeeds) -> Option<Readiness> {
        if now < self.spent_until {
            return Some(Readiness::LimitedUntil(self.spent_until, LimitScope::Money));
        }
        if self.limiter.is_open_to_all() {
            return None;
        }
        Some(match self.limiter.closed(now, needs.tokens)? {
            AdmissionDenied::Until(until, kind) => Readiness::LimitedUntil(until, kind),
            AdmissionDenied::Full => {
                self.limited_by.get_or_insert(LimitScope::Concurrency);
                Readiness::Busy
            }
            AdmissionDenied::Never => Readiness::Never(CannotServe::Limit),
        })
    }

    /// From when the least of requests could start, as far as is known now; `MAX` if that hangs on
    /// something that will be told.
    pub(crate) fn ready_at(&mut self, now: Timestamp) -> Timestamp {
        if self.weight == 0 || self.place.is_none() {
            return Timestamp::MAX;
        }
        match self.record.availability(now) {
            // A timer or an input tells the end of these.
            Availability::Until(_) | Availability::Probing => return Timestamp::MAX,
            Availability::Throttled(until) => return until,
            Availability::Probe if self.probe_withheld => return Timestamp::MAX,
            Availability::Available | Availability::Probe => {}
        }
        if now < self.spent_until {
            return self.spent_until;
        }
        match self.limiter.closed(now, 1) {
            None => Timestamp::ZERO,
            Some(AdmissionDenied::Until(until, _)) => until,
            Some(AdmissionDenied::Full | AdmissionDenied::Never) => Timestamp::MAX,
        }
    }

    pub(crate) fn tags(&self, asked: Tags, rule: TagMatch) -> TagClass {
        let fits = match rule {
            TagMatch::Any => self.capabilities.tags.meets(asked),
            TagMatch::All => !asked.is_empty() && self.capabilities.tags.holds(asked),
            TagMatch::Ignore => return TagClass::Match,
        };
        match (fits, self.capabilities.default_pool) {
            (true, _) => TagClass::Match,
            (false, true) => TagClass::Default,
            (false, false) => TagClass::No,
        }
    }

    /// The longest prompt that fits.
    pub(crate) const fn max_input_tokens(&self) -> u32 {
        self.capabilities.max_input_tokens
    }

    /// Whether it has all that is asked for beside tags and the length of the prompt.
    pub(crate) fn serves(&self, needs: &RequestNeeds) -> bool {
        self.capabilities.serves(needs)
    }

    pub(crate) fn start(&mut self, now: Timestamp, tokens: u64, probe: bool) -> Permit {
        self.limited_by = None;
        self.record.attempt_started(probe);
        self.limiter.enter(now, tokens)
    }
}

impl Capabilities {
    fn new(config: &DeploymentConfig, of: &GroupConfig) -> Self {
        let checked = of.pre_call_checks;
        Self {
            tags: config.tags,
            default_pool: config.default_pool,
            max_input_tokens: config.max_input_tokens.filter(|_| checked).unwrap_or(u32::MAX),
            features: if checked { config.features } else { Features::ALL },
            region: config.region.filter(|_| checked),
        }
    }

    #[inline]
    fn lacks(&self, needs: &RequestNeeds) -> Option<CannotServe> {
        if needs.input_tokens > self.max_input_tokens {
            return Some(CannotServe::Window);
        }
        (!self.serves(needs)).then_some(CannotServe::Capabilities)
    }

    #[inline]
    fn serves(&self, needs: &RequestNeeds) -> bool {
        let elsewhere =
            needs.region.is_some() && self.region.is_some() && needs.region != self.region;
        !elsewhere && self.features.holds(needs.features)
    }
}
