//! Who is being served, and who waits for a place.

use crate::{Arrival, Capacity, Plan, Tag};
use alloc::collections::VecDeque;
use alloc::vec::Vec;

#[derive(Clone, Debug)]
pub(super) struct Places {
    capacity: Option<Capacity>,
    /// The attempt under each tag.
    attempts: Vec<Option<Attempt>>,
    serving: u32,
    /// Those who wait, first come first served.
    queue: VecDeque<Waiting>,
}

#[derive(Clone, Copy, Debug)]
enum Attempt {
    Waiting,
    Served(Plan),
}

/// An attempt that waits, with what its service is drawn from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waiting {
    pub(super) arrival: Arrival,
    pub(super) repeat: u32,
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

    pub(super) fn wait(&mut self, waiting: Waiting) {
        *self.at(waiting.arrival.tag) = Some(Attempt::Waiting);
        self.queue.push_back(waiting);
    }

    pub(super) fn serve(&mut self, tag: Tag, plan: Plan) {
        *self.at(tag) = Some(Attempt::Served(plan));
        self.serving += 1;
    }

    /// Ends the attempt under `tag`; returns who is served in its place.
    pub(super) fn free(&mut self, tag: Tag) -> Option<Waiting> {
        match self.at(tag).take() {
            None => None,
            Some(Attempt::Waiting) => {
                self.queue.retain(|waiting| waiting.arrival.tag != tag);
                None
            }
            Some(Attempt::Served(_)) => {
                self.serving -= 1;
                self.queue.pop_front()
            }
        }
    }

    /// Takes everyone out, in the order of their tags, with their plans.
    pub(super) fn clear(&mut self) -> Vec<(Tag, Option<Plan>)> {
        self.serving = 0;
        self.queue.clear();
        let attempts = (0..).zip(&mut self.attempts);
        attempts
            .filter_map(|(tag, attempt)| match attempt.take()? {
                Attempt::Waiting => Some((Tag(tag), None)),
                Attempt::Served(plan) => Some((Tag(tag), Some(plan))),
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
