//! Who is being served, and who waits for a place.

use crate::{Capacity, LimitState, Plan, Tag};
use alloc::collections::VecDeque;
use alloc::vec::Vec;

#[derive(Clone, Debug)]
pub(super) struct Places {
    capacity: Option<Capacity>,
    /// The attempt under each tag.
    attempts: Vec<Option<Attempt>>,
    serving: u32,
    /// Those who wait, first come first served.
    queue: VecDeque<Admitted>,
}

#[derive(Clone, Copy, Debug)]
enum Attempt {
    Waiting,
    Served { plan: Plan, key: u64 },
}

/// An attempt that was let in and has no plan yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Admitted {
    pub(super) tag: Tag,
    /// What its draws are keyed by.
    pub(super) key: u64,
    /// How long its answer is.
    pub(super) tokens: u32,
    /// The limits as they stood at its arrival.
    pub(super) limits: LimitState,
}

/// Whether there is room for an arrival.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Room {
    Place,
    Queue,
    None,
}

impl Places {
    pub(super) const fn new(capacity: Option<Capacity>) -> Self {
        Self { capacity, attempts: Vec::new(), serving: 0, queue: VecDeque::new() }
    }

    pub(super) fn room(&self) -> Room {
        match self.capacity {
            Some(capacity) if self.serving >= capacity.concurrent => {
                if self.queue.len() < capacity.queue as usize { Room::Queue } else { Room::None }
            }
            _ => Room::Place,
        }
    }

    pub(super) fn wait(&mut self, admitted: Admitted) {
        *self.at(admitted.tag) = Some(Attempt::Waiting);
        self.queue.push_back(admitted);
    }

    pub(super) fn serve(&mut self, tag: Tag, key: u64, plan: Plan) {
        *self.at(tag) = Some(Attempt::Served { plan, key });
        self.serving += 1;
    }

    /// Ends the attempt under `tag`.
    pub(super) fn free(&mut self, tag: Tag) {
        match self.at(tag).take() {
            None => {}
            Some(Attempt::Waiting) => self.queue.retain(|waiting| waiting.tag != tag),
            Some(Attempt::Served { .. }) => self.serving -= 1,
        }
    }

    /// Takes out the first who waits, if there is a place.
    pub(super) fn next(&mut self) -> Option<Admitted> {
        if self.queue.is_empty() || self.room() != Room::Place {
            return None;
        }
        let next = self.queue.pop_front()?;
        *self.at(next.tag) = None;
        Some(next)
    }

    /// Takes out those who are served and whom a fault hits, in the order of their tags, with their plans.
    pub(super) fn take_hit(&mut self, is_hit: impl Fn(u64) -> bool) -> Vec<(Tag, Plan)> {
        let mut hit = Vec::new();
        for (tag, attempt) in (0..).zip(&mut self.attempts) {
            if let Some(Attempt::Served { plan, key }) = *attempt
                && is_hit(key)
            {
                *attempt = None;
                self.serving -= 1;
                hit.push((Tag(tag), plan));
            }
        }
        hit
    }

    /// Takes everyone out, in the order of their tags, with their plans.
    pub(super) fn take_all(&mut self) -> Vec<(Tag, Plan)> {
        self.serving = 0;
        self.queue.clear();
        let attempts = (0..).zip(&mut self.attempts);
        attempts
            .filter_map(|(tag, attempt)| match attempt.take()? {
                Attempt::Waiting => Some((Tag(tag), Plan::unserved())),
                Attempt::Served { plan, .. } => Some((Tag(tag), plan)),
            })
            .collect()
    }

    fn at(&mut self, tag: Tag) -> &mut Option<Attempt> {
        let place = tag.0 as usize;
        if self.attempts.len() <= place {
            self.attempts.resize(place + 1, None);
        }
        &mut self.attempts[place]
    }
}
