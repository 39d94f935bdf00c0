//! A deployment at work: its limits, what is held against it, and what runs there.

use crate::cooldown::{Record, Standing};
use crate::limit::{Limiter, Receipt};
use crate::{Cooldown, DeploymentConfig, LimitKind, Timeouts};
use squall_determinism::Timestamp;
use squall_failure::Sent;

/// One deployment.
#[derive(Clone, Debug)]
pub(crate) struct Deployment {
    pub(crate) group: u16,
    pub(crate) weight: u32,
    pub(crate) timeouts: Timeouts,
    pub(crate) record: Record,
    /// A cooldown was told of and its end was not.
    pub(crate) cooling: bool,
    rpm: Option<Limiter>,
    tpm: Option<Limiter>,
    concurrency: u32,
    running: u32,
    /// The limit it was last passed over for; told once, until an attempt starts again.
    pub(crate) limited_by: Option<LimitKind>,
}

/// Whether a deployment can take an attempt now.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Usable {
    Now,
    /// As its probe.
    Probe,
    /// It cools down after failures until then.
    CoolingUntil(Timestamp),
    /// It cools down after throttling until then.
    ThrottledUntil(Timestamp),
    /// A limit of ours is reached until then.
    LimitedUntil(Timestamp, LimitKind),
    /// Until something that runs has ended.
    Busy,
    /// The request is larger than the limit ever lets through.
    Never,
}

/// What an attempt took from the limits.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Reservation {
    rpm: Option<Receipt>,
    tpm: Option<Receipt>,
}

impl Deployment {
    pub(crate) fn new(
        group: u16,
        config: &DeploymentConfig,
        cooldown: Cooldown,
        timeouts: Timeouts,
        epoch_nanos: u64,
    ) -> Self {
        Self {
            group,
            weight: config.weight,
            timeouts: config.timeouts.unwrap_or(timeouts),
            record: Record::new(cooldown),
            cooling: false,
            rpm: config.limits.rpm.map(|limit| Limiter::new(limit, epoch_nanos)),
            tpm: config.limits.tpm.map(|limit| Limiter::new(limit, epoch_nanos)),
            concurrency: config.limits.concurrency.unwrap_or(u32::MAX),
            running: 0,
            limited_by: None,
        }
    }

    /// Whether an attempt of `tokens` can start now.
    #[inline]
    pub(crate) fn usable(&mut self, now: Timestamp, tokens: u64) -> Usable {
        let standing = self.record.standing(now);
        match standing {
            Standing::Until(until) => return Usable::CoolingUntil(until),
            Standing::Throttled(until) => return Usable::ThrottledUntil(until),
            Standing::Probing => return Usable::Busy,
            Standing::Good | Standing::Probe => {}
        }
        if self.running >= self.concurrency {
            self.limited_by.get_or_insert(LimitKind::Concurrency);
            return Usable::Busy;
        }
        match self.limited(now, tokens) {
            Some(limited) => limited,
            None if standing == Standing::Probe => Usable::Probe,
            None => Usable::Now,
        }
    }

    fn limited(&mut self, now: Timestamp, tokens: u64) -> Option<Usable> {
        if self.rpm.is_none() && self.tpm.is_none() {
            return None;
        }
        let mut until = now;
        let mut by = None;
        let limits =
            [(&mut self.rpm, 1, LimitKind::Requests), (&mut self.tpm, tokens, LimitKind::Tokens)];
        for (limit, amount, kind) in limits {
            let Some(limit) = limit else { continue };
            match limit.earliest(now, amount) {
                None => return Some(Usable::Never),
                Some(at) if at > until => (until, by) = (at, Some(kind)),
                Some(_) => {}
            }
        }
        by.map(|kind| Usable::LimitedUntil(until, kind))
    }

    pub(crate) fn start(&mut self, now: Timestamp, tokens: u64, probe: bool) -> Reservation {
        self.running += 1;
        self.limited_by = None;
        if probe {
            self.record.breaker.probe_started();
        }
        Reservation {
            rpm: self.rpm.as_mut().map(|limit| limit.reserve(now, 1)),
            tpm: self.tpm.as_mut().map(|limit| limit.reserve(now, tokens)),
        }
    }

    /// The attempt ended: `used` tokens, or as many as estimated if nobody knows; an attempt of which
    /// no byte was sent gets everything back.
    pub(crate) fn end(
        &mut self,
        now: Timestamp,
        reservation: Reservation,
        used: Option<u64>,
        sent: Sent,
    ) {
        self.running -= 1;
        if let (Some(limit), Some(receipt), Sent::Nothing) = (&mut self.rpm, reservation.rpm, sent)
        {
            limit.settle(now, receipt, 0);
        }
        if let (Some(limit), Some(receipt)) = (&mut self.tpm, reservation.tpm) {
            match (sent, used) {
                (Sent::Nothing, _) => limit.settle(now, receipt, 0),
                (Sent::Something, Some(used)) => limit.settle(now, receipt, used),
                (Sent::Something, None) => {}
            }
        }
    }
}
