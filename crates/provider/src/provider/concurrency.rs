//! Who is being served, and who waits for a place.

use crate::{AttemptPlan, AttemptTag, Capacity, OnDisconnect, QueueOrder};
use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;
use squall_defects::{Defect, planted};
use squall_determinism::{Share, Timestamp};

#[derive(Clone, Debug)]
pub(super) struct ConcurrencySlots {
    capacity: Option<Capacity>,
    /// How many are worked on at once now.
    concurrent: u32,
    /// The attempt under each tag.
    attempts: Vec<Option<AttemptPhase>>,
    serving: u32,
    /// Those who wait, the oldest first.
    queue: VecDeque<AdmittedAttempt>,
    /// Work for callers that hung up, by when it will be done, and how much of it is done then.
    ghosts: BTreeMap<Timestamp, u32>,
}

#[derive(Clone, Copy, Debug)]
enum AttemptPhase {
    Waiting { since: Timestamp },
    Served { plan: AttemptPlan, subject: Subject },
}

/// Whose attempt it is: what faults and limits go by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject {
    /// The request that it serves.
    pub(crate) request: u64,
    /// What its draws are keyed by.
    pub(crate) draw: u64,
    /// The number of the model's name.
    pub(crate) model: u64,
    /// That of its key.
    pub(crate) key: u64,
    /// What the draws of its user are keyed by.
    pub(crate) user: u64,
}

/// An attempt that was let in and has no plan yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct AdmittedAttempt {
    /// `None` if its caller has hung up.
    pub(super) tag: Option<AttemptTag>,
    pub(super) subject: Subject,
    pub(super) arrived: Timestamp,
    /// How long its prompt and its answer are.
    pub(super) input_tokens: u32,
    pub(super) tokens: u32,
    /// How many of them are thoughts.
    pub(super) reasoning: u32,
    /// How many tokens of the text the request says itself.
    pub(super) prefilled: u32,
}

/// Whether there is room for an arrival.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum SlotAvailability {
    Place,
    Queue,
    None,
}

impl ConcurrencySlots {
    pub(super) fn new(capacity: Option<Capacity>) -> Self {
        Self {
            capacity,
            concurrent: capacity.map_or(u32::MAX, |capacity| capacity.concurrent),
            attempts: Vec::new(),
            serving: 0,
            queue: VecDeque::new(),
            ghosts: BTreeMap::new(),
        }
    }

    /// So much of the places is left, at least one.
    pub(super) fn set_left(&mut self, left: Share) {
        if let Some(capacity) = self.capacity {
            self.concurrent = left.of(capacity.concurrent.into()).max(1) as u32;
        }
    }

    pub(super) const fn concurrent(&self) -> u32 {
        self.concurrent
    }

    pub(super) const fn serving(&self) -> u32 {
        self.serving
    }

    pub(super) fn waiting(&self) -> u32 {
        self.queue.len() as u32
    }

    pub(super) fn room(&self) -> SlotAvailability {
        match self.capacity {
            Some(capacity) if self.serving >= self.concurrent => {
                if self.waiting() < capacity.queue {
                    SlotAvailability::Queue
                } else {
                    SlotAvailability::None
                }
            }
            _ => SlotAvailability::Place,
        }
    }

    pub(super) fn wait(&mut self, admitted: AdmittedAttempt) {
        if let Some(tag) = admitted.tag {
            *self.at(tag) = Some(AttemptPhase::Waiting { since: admitted.arrived });
        }
        self.queue.push_back(admitted);
    }

    pub(super) fn serve(&mut self, tag: AttemptTag, subject: Subject, plan: AttemptPlan) {
        *self.at(tag) = Some(AttemptPhase::Served { plan, subject });
        self.serving += 1;
    }

    /// Works for a caller that has hung up.
    pub(super) fn serve_nobody(&mut self, until: Timestamp) {
        *self.ghosts.entry(until).or_default() += 1;
        self.serving += 1;
    }

    /// The attempt under `tag` is over, or its caller is gone. Gives its plan, if it was served.
    pub(super) fn free(&mut self, tag: AttemptTag, gone: bool) -> Option<(AttemptPlan, Subject)> {
        let on_disconnect = self.capacity.map(|capacity| capacity.on_disconnect).filter(|_| gone);
        match self.at(tag).take()? {
            AttemptPhase::Waiting { since } => {
                let place = self.queued(tag, since)?;
                if on_disconnect == Some(OnDisconnect::Finished) {
                    self.queue[place].tag = None;
                } else {
                    self.queue.remove(place);
                }
                None
            }
            AttemptPhase::Served { plan, subject } => {
                self.serving -= u32::from(!(gone && planted(Defect::PlaceLeaked)));
                let ends_at = plan.ends_at();
                let goes_on =
                    matches!(on_disconnect, Some(OnDisconnect::Finished | OnDisconnect::Dequeued));
                if goes_on && ends_at < Timestamp::MAX {
                    self.serve_nobody(ends_at);
                }
                Some((plan, subject))
            }
        }
    }

    /// Where in the queue it waits: who came first stands first, so that a long queue is not searched.
    fn queued(&self, tag: AttemptTag, since: Timestamp) -> Option<usize> {
        let first = self.queue.partition_point(|waiting| waiting.arrived < since);
        (first..self.queue.len()).find(|&place| self.queue[place].tag == Some(tag))
    }

    /// When work for somebody who hung up is done next.
    pub(super) fn next_ghost(&self) -> Option<Timestamp> {
        self.ghosts.first_key_value().map(|(&at, _)| at)
    }

    /// It is done.
    pub(super) fn free_ghosts(&mut self, now: Timestamp) {
        while let Some(done) = self.ghosts.first_entry().filter(|ghosts| *ghosts.key() <= now) {
            self.serving -= done.remove();
        }
    }

    /// When the oldest who waits has waited too long.
    pub(super) fn next_expiry(&self) -> Option<Timestamp> {
        let max_wait = self.capacity?.max_wait?;
        self.queue.front().map(|oldest| oldest.arrived + max_wait)
    }

    /// Takes out the oldest who waits.
    pub(super) fn expire(&mut self) -> Option<AdmittedAttempt> {
        let oldest = self.queue.pop_front()?;
        if let Some(tag) = oldest.tag {
            *self.at(tag) = None;
        }
        Some(oldest)
    }

    /// Takes out the next of those who wait, if there is a place.
    pub(super) fn next(&mut self) -> Option<AdmittedAttempt> {
        if self.queue.is_empty() || self.room() != SlotAvailability::Place {
            return None;
        }
        let next = match self.capacity?.order {
            QueueOrder::Fifo if planted(Defect::QueueTurnedRound) => self.queue.pop_back()?,
            QueueOrder::Fifo => self.queue.pop_front()?,
            QueueOrder::Lifo => self.queue.pop_back()?,
        };
        if let Some(tag) = next.tag {
            *self.at(tag) = None;
        }
        Some(next)
    }

    /// Takes out those who are served and whom a fault hits, in the order of their tags, with their plans.
    pub(super) fn take_hit(
        &mut self,
        is_hit: impl Fn(&Subject) -> bool,
    ) -> Vec<(AttemptTag, AttemptPlan)> {
        let mut hit = Vec::new();
        for (tag, attempt) in (0..).zip(&mut self.attempts) {
            if let Some(AttemptPhase::Served { plan, subject }) = *attempt
                && is_hit(&subject)
            {
                *attempt = None;
                self.serving -= 1;
                hit.push((AttemptTag(tag), plan));
            }
        }
        hit
    }

    /// Takes everyone out, in the order of their tags, with their plans.
    pub(super) fn take_all(&mut self) -> Vec<(AttemptTag, AttemptPlan)> {
        self.serving = 0;
        self.queue.clear();
        self.ghosts.clear();
        let attempts = (0..).zip(&mut self.attempts);
        attempts
            .filter_map(|(tag, attempt)| match attempt.take()? {
                AttemptPhase::Waiting { .. } => Some((AttemptTag(tag), AttemptPlan::unserved())),
                AttemptPhase::Served { plan, .. } => Some((AttemptTag(tag), plan)),
            })
            .collect()
    }

    fn at(&mut self, tag: AttemptTag) -> &mut Option<AttemptPhase> {
        let place = tag.0 as usize;
        if self.attempts.len() <= place {
            self.attempts.resize(place + 1, None);
        }
        &mut self.attempts[place]
    }
}
