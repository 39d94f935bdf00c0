//! Counts by tick, and exactly up to some moments that no tick begins at. A tick in which nothing happened takes no
//! room, and one that is long past takes a few bytes.

use super::TICK;
use super::packed::{PackedLog, put_varint, take_varint};
use serde::{Deserialize, Serialize};
use squall_determinism::Timestamp;
use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;

/// What is counted in a tick.
pub(super) trait Cell: Copy + Default + PartialEq {
    /// Adds the counts of another.
    fn add(&mut self, other: &Self);
    /// Takes away the counts of another, which are among its own.
    fn take(&mut self, other: &Self);
    /// Appends the counts that are not zero.
    fn pack(&self, bytes: &mut Vec<u8>);
    /// The counts that [`pack`](Self::pack) appended; `None` if it did not append these bytes.
    fn unpack(bytes: &[u8]) -> Option<Self>;
}

/// Cells by tick.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(bound(serialize = "T: Serialize", deserialize = "T: Cell + Deserialize<'de>"))]
pub(super) struct TickCells<T> {
    packed: PackedLog,
    heads: Vec<Head<T>>,
    /// The sum of the cells before each mark of `packed`, for sums over long windows.
    #[serde(skip)]
    before_mark: Vec<T>,
    #[serde(skip)]
    sum: T,
    /// The last ticks, in which most of what happens is counted.
    #[serde(skip)]
    open: VecDeque<T>,
    #[serde(skip)]
    first_open: u64,
    /// What was counted in ticks that are packed already.
    #[serde(skip)]
    late: BTreeMap<u64, T>,
}

/// The part of a tick that lies before a moment within it: a phase may end there.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
struct Head<T> {
    before_ns: u64,
    cell: T,
}

const TICK_NS: u64 = TICK.as_nanos() as u64;

/// How many ticks stay open: 64 s, longer than nearly every answer takes.
const OPEN: u64 = 640;

/// Late ticks are packed with the others when they take so many bytes, and half as many as those.
const LATE_BYTES: usize = 1 << 20;

impl<T: Cell> TickCells<T> {
    /// Keeps apart what comes before these moments in their ticks, before anything is counted.
    pub(super) fn cut(&mut self, cuts: &[Timestamp]) {
        let within =
            cuts.iter().map(|cut| cut.as_nanos()).filter(|cut| !cut.is_multiple_of(TICK_NS));
        self.heads = within.map(|before_ns| Head { before_ns, cell: T::default() }).collect();
    }

    /// Counts something at a time.
    #[inline]
    pub(super) fn count(&mut self, time: Timestamp, change: impl Fn(&mut T)) {
        let tick = tick_of(time);
        change(self.cell(tick));
        for head in &mut self.heads {
            if time.as_nanos() < head.before_ns && tick == head.before_ns / TICK_NS {
                change(&mut head.cell);
            }
        }
    }

    #[inline]
    fn cell(&mut self, tick: u64) -> &mut T {
        if tick < self.first_open {
            return self.late.entry(tick).or_default();
        }
        if tick - self.first_open >= OPEN {
            self.pack_before(tick + 1 - OPEN);
        }
        let place = (tick - self.first_open) as usize;
        if self.open.len() <= place {
            self.open.resize(place + 1, T::default());
        }
        &mut self.open[place]
    }

    /// Packs the open ticks before `first`, which becomes the first that is open.
    fn pack_before(&mut self, first: u64) {
        while self.first_open < first {
            let Some(cell) = self.open.pop_front() else { break };
            if cell != T::default() {
                self.push(self.first_open, &cell);
            }
            self.first_open += 1;
        }
        self.first_open = first;
        if self.late.len() * size_of::<T>() > LATE_BYTES.max(self.packed.bytes() / 2) {
            self.pack_late();
        }
    }

    fn push(&mut self, tick: u64, cell: &T) {
        let mut bytes = Vec::with_capacity(64);
        cell.pack(&mut bytes);
        if self.packed.push(tick, &bytes) {
            self.before_mark.push(self.sum);
        }
        self.sum.add(cell);
    }

    /// Packs what came late with the rest.
    fn pack_late(&mut self) {
        let packed = std::mem::take(&mut self.packed);
        (self.before_mark, self.sum) = (Vec::new(), T::default());
        let mut late = std::mem::take(&mut self.late).into_iter().peekable();
        for (tick, bytes) in packed.entries() {
            while let Some((tick, cell)) = late.next_if(|(late, _)| *late < tick) {
                self.push(tick, &cell);
            }
            let mut cell = unpacked::<T>(bytes);
            if let Some((_, more)) = late.next_if(|(late, _)| *late == tick) {
                cell.add(&more);
            }
            self.push(tick, &cell);
        }
        for (tick, cell) in late {
            self.push(tick, &cell);
        }
    }

    /// Adds what others counted, which are closed as these are.
    pub(super) fn add(&mut self, other: &Self) {
        self.late = other.iter().collect();
        self.pack_late();
        for (head, others) in self.heads.iter_mut().zip(&other.heads) {
            head.cell.add(&others.cell);
        }
    }

    /// Packs everything: nothing more is to come.
    pub(super) fn close(&mut self) {
        self.pack_before(self.first_open + self.open.len() as u64);
        if !self.late.is_empty() {
            self.pack_late();
        }
        (self.open, self.late) = (VecDeque::new(), BTreeMap::new());
    }

    /// Finds its way in what was read. Tells whether that is as it is written.
    pub(super) fn index(&mut self) -> bool {
        let (before, sum) = (&mut self.before_mark, &mut self.sum);
        let mut entries = 0_u64;
        self.packed.index(u64::MAX / TICK_NS - 1, |bytes| {
            let Some(cell) = T::unpack(bytes) else { return false };
            if entries.is_multiple_of(PackedLog::MARK_EVERY) {
                before.push(*sum);
            }
            entries += 1;
            sum.add(&cell);
            true
        })
    }

    /// The cells in which something was counted, by tick from the start of the run.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, T)> {
        self.packed.entries().map(|(tick, bytes)| (tick, unpacked(bytes)))
    }

    #[cfg(test)]
    pub(super) fn packed_bytes(&self) -> usize {
        self.packed.capacity() + self.before_mark.capacity() * size_of::<T>()
    }

    /// When the last tick ends in which something was counted.
    pub(super) fn end(&self) -> Timestamp {
        let ticks = self.packed.last_key().map_or(0, |last| last + 1);
        Timestamp::from_nanos(ticks.saturating_mul(TICK_NS))
    }

    /// The sum over a window: exact where its ends are ticks or were known when the run began. Of other ends, a tick
    /// counts by its start.
    pub(super) fn sum(&self, window: &Range<Timestamp>) -> T {
        let mut sum = T::default();
        if window.start < window.end {
            sum.add(&self.before(window.end));
            sum.take(&self.before(window.start));
        }
        sum
    }

    /// The sum of everything before a time.
    fn before(&self, time: Timestamp) -> T {
        let nanos = time.as_nanos();
        let head = self.heads.iter().find(|head| head.before_ns == nanos);
        let tick = if head.is_some() { nanos / TICK_NS } else { nanos.div_ceil(TICK_NS) };
        let mut sum = T::default();
        if let Some(mark) = tick.checked_sub(1).and_then(|last| self.packed.mark_at(last)) {
            sum = self.before_mark[mark];
            let entries = self.packed.entries_from_mark(mark);
            for (_, bytes) in entries.take_while(|&(each, _)| each < tick) {
                sum.add(&unpacked(bytes));
            }
        }
        if let Some(head) = head {
            sum.add(&head.cell);
        }
        sum
    }
}

/// A cell that was packed here, or seen to be whole when it was read.
fn unpacked<T: Cell>(bytes: &[u8]) -> T {
    T::unpack(bytes).unwrap_or_default()
}

impl<T: PartialEq> PartialEq for TickCells<T> {
    /// Two that are closed are alike if their cells are.
    fn eq(&self, other: &Self) -> bool {
        (&self.packed, &self.heads, &self.open, &self.late)
            == (&other.packed, &other.heads, &other.open, &other.late)
    }
}

#[inline]
fn tick_of(time: Timestamp) -> u64 {
    time.as_nanos() / TICK_NS
}

impl Cell for u32 {
    fn add(&mut self, other: &Self) {
        *self = self.wrapping_add(*other);
    }

    fn take(&mut self, other: &Self) {
        *self = self.wrapping_sub(*other);
    }

    fn pack(&self, bytes: &mut Vec<u8>) {
        put_varint((*self).into(), bytes);
    }

    fn unpack(mut bytes: &[u8]) -> Option<Self> {
        let count = take_varint(&mut bytes)?;
        bytes.is_empty().then(|| Self::try_from(count).ok()).flatten()
    }
}
