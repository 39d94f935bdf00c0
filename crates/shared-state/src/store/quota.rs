//! What the store counts of one resource.

use super::DEPARTED;
use crate::{Draw, Grant, Resource, UsageWindow};
use alloc::collections::BTreeMap;

/// For how long, at most, quota counts as short after it was, in milliseconds.
const SHORT_MS: u64 = 60_000;

/// One resource.
#[derive(Clone, Debug)]
pub(super) struct Quota {
    resource: Resource,
    /// What is counted of all holders.
    counted: u64,
    /// What all holders have used within the window, as of their last requests.
    used: u64,
    /// What all holders were told of their shares.
    shares: u64,
    /// Until when quota counts as short.
    short_until_ms: u64,
    holders: BTreeMap<u64, Holder>,
}

/// A replica's part of a resource.
#[derive(Clone, Debug, Default)]
struct Holder {
    used: u64,
    refunded: u64,
    /// In hand.
    out: u64,
    alone: u64,
    share: u64,
    /// What is counted of it, as of its last request, or of the last request of any while it is absent.
    counted: u64,
    window: UsageWindow,
}

/// What holds for all draws of a request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    pub(super) now_ms: u64,
    /// All replicas, the absent among them.
    pub(super) members: u64,
    /// The replicas that are not absent.
    pub(super) present: u64,
    pub(super) settled: bool,
    pub(super) restate: bool,
}

impl Quota {
    pub(super) const fn new(resource: Resource) -> Self {
        Self {
            resource,
            counted: 0,
            used: 0,
            shares: 0,
            short_until_ms: 0,
            holders: BTreeMap::new(),
        }
    }

    /// Takes in what a replica has used, and grants what it may use.
    pub(super) fn draw(&mut self, replica: u64, draw: &Draw, terms: &Terms) -> Grant {
        let Resource { key, limit, window_ms } = self.resource;
        let holder = self.holders.entry(replica).or_default();
        let others = self.counted - holder.counted;
        let other_shares = self.shares - holder.share;
        let before = holder.window.sum();
        let past = holder.take_in(draw, terms, window_ms);
        self.used = self.used - before + past;

        let mut room = limit.saturating_sub(others + past + draw.kept);
        if !terms.settled {
            room = room.min(draw.alone.saturating_sub(past + draw.kept));
        }
        let asked = draw.want.saturating_sub(draw.kept);
        // When quota is short, one replica leaves some of it to those who ask next.
        let granted = asked.min(room).min((2 * room).div_ceil(terms.present));
        // In a long window what is promised to others is taken back before it is needed: they take a while to know.
        let runs_out = window_ms > SHORT_MS && room - granted < 4 * draw.want;
        if (granted < asked || runs_out) && terms.settled {
            self.short_until_ms = terms.now_ms + window_ms.min(SHORT_MS);
        }
        holder.out = draw.kept + granted;

        let base = past + holder.out;
        let mut share = (limit / terms.members).min(limit.saturating_sub(other_shares));
        let mut alone = base;
        if terms.now_ms >= self.short_until_ms {
            alone = base.max(limit.saturating_sub(others));
        }
        if !terms.settled {
            (share, alone) = (share.min(draw.share), draw.alone);
        }
        let alone = alone.min(share);
        // The reply may be lost: then it goes by what it knows.
        // One that restates is without a lease, and will use its share if it does not hear from the store for long.
        let known = if terms.restate { draw.alone.max(draw.share) } else { draw.alone };
        holder.alone = alone.max(known).min(limit);
        holder.share = share.max(draw.share).min(limit);
        holder.counted = base.max(holder.alone);
        self.counted = others + holder.counted;
        self.shares = other_shares + holder.share;
        // Others have been promised what it has in hand. Until it knows, it may use that.
        let over = (others + past + draw.kept).saturating_sub(limit);
        let in_hand = holder.out - draw.kept.min(over);
        Grant {
            resource: key,
            allowed: draw.used + in_hand,
            alone,
            share,
            scarce: granted < asked,
            used: self.used,
            short: terms.now_ms < self.short_until_ms,
        }
    }

    /// A replica stops: it tells what it has used, and has nothing in hand any longer.
    pub(super) fn settle(&mut self, replica: u64, draw: &Draw, terms: &Terms) {
        let holder = self.holders.entry(replica).or_default();
        let before = holder.window.sum();
        let past = holder.take_in(draw, terms, self.resource.window_ms);
        self.used = self.used - before + past;
        holder.out = 0;
    }

    /// The lease of a replica ended, at `ended_ms` by the store's clock: it may have used all that it had in hand, and will
    /// use its share.
    pub(super) fn mark_absent(&mut self, replica: u64, ended_ms: u64, now_ms: u64) {
        let Some(holder) = self.holders.get_mut(&replica) else { return };
        let window_ms = self.resource.window_ms;
        let before = holder.window.sum();
        holder.window.add(ended_ms, window_ms, core::mem::take(&mut holder.out));
        let past = holder.window.expire(now_ms, window_ms);
        self.used = self.used - before + past;
        let counted = past.max(holder.share).max(holder.alone);
        self.counted = self.counted - holder.counted + counted;
        holder.counted = counted;
    }

    /// A replica is no longer known. What it has used counts on.
    pub(super) fn remove(&mut self, replica: u64, now_ms: u64) {
        let Some(mut gone) = self.holders.remove(&replica) else { return };
        gone.window.add(now_ms, self.resource.window_ms, gone.out);
        self.used += gone.out;
        self.counted -= gone.counted;
        self.shares -= gone.share;
        let departed = self.holders.entry(DEPARTED).or_default();
        departed.window.merge(&gone.window);
        self.expire_departed(now_ms);
    }

    /// Forgets what replicas that have left had used before the window.
    pub(super) fn expire_departed(&mut self, now_ms: u64) {
        let Some(departed) = self.holders.get_mut(&DEPARTED) else { return };
        let before = departed.window.sum();
        let past = departed.window.expire(now_ms, self.resource.window_ms);
        self.used = self.used - before + past;
        self.counted = self.counted - departed.counted + past;
        departed.counted = past;
    }
}

impl Holder {
    /// Takes in what was used. Returns what was used within the window.
    fn take_in(&mut self, draw: &Draw, terms: &Terms, window_ms: u64) -> u64 {
        if terms.restate {
            self.window.clear();
            for usage in &draw.history {
                let at_ms = terms.now_ms.saturating_sub(usage.age_ms);
                self.window.add(at_ms, window_ms, usage.units);
            }
        } else {
            self.window.add(terms.now_ms, window_ms, draw.used.saturating_sub(self.used));
            self.window.take_back(draw.refunded.saturating_sub(self.refunded));
        }
        (self.used, self.refunded) = (draw.used, draw.refunded);
        self.window.expire(terms.now_ms, window_ms)
    }
}
