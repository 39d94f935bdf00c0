//! What is counted in a tick.

use super::packed::{put_varint, take_varint};
use super::ticks::Cell;
use serde::{Deserialize, Serialize};

/// How many kinds of failure there are.
const CLASSES: usize = squall_failure::FailureClass::ALL.len();

/// What became of the requests of one tick.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct RequestCell {
    /// Intended in this tick.
    pub arrived: u32,
    /// Of those, how many succeeded.
    pub succeeded: u32,
    /// Of those, how many failed, by the code of the class.
    pub failed: [u32; CLASSES],
    /// Of those, how many clients gave up.
    pub gave_up: u32,
    /// Of those, how many the end of the run cut off.
    pub unfinished: u32,
    /// Answered well in this tick, whenever they were intended.
    pub answered: u32,
    /// Failed or given up in this tick, whenever they were intended.
    pub lost: u32,
    /// Of those that succeeded, how many had another text than was asked for: less of it, or too much.
    pub truncated: u32,
    /// Of those that succeeded, how many did not tell their usage.
    pub without_usage: u32,
    /// Attempts for such requests that started in this tick; counted for kinds of requests alone, since
    /// a deployment tells its group but not whom it served.
    pub attempts: u32,
    /// Tokens of the answers of those that succeeded.
    pub received_tokens: u64,
    /// Calls that their clients made after the first.
    pub client_retries: u32,
}

/// What became of the attempts of one tick.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct AttemptCell {
    /// Started in this tick.
    pub started: u32,
    /// Of those, how many were the first of their request.
    pub first: u32,
    /// Of those, how many succeeded.
    pub succeeded: u32,
    /// Of those, how many failed, by the code of the class.
    pub failed: [u32; CLASSES],
    /// Of those, how many callers hung up on.
    pub abandoned: u32,
    /// Tokens of their prompts.
    pub input_tokens: u64,
    /// Tokens of their answers that were sent.
    pub output_tokens: u64,
    /// Tokens of the prompts of those that sent some of their answer, which is what providers bill.
    pub billed_tokens: u64,
    /// 429s with Retry-After that were sent in this tick.
    pub asked_to_wait: u32,
    /// Of those, how many saw another attempt before the time was over.
    pub did_not_wait: u32,
}

/// A count, or one by kind of failure.
trait CellCount: Copy {
    /// How many numbers it is.
    const LEN: usize;

    fn add(&mut self, other: Self);
    fn take(&mut self, other: Self);
    fn write(self, numbers: &mut [u64]);
    /// `None` if a number is too large.
    fn read(numbers: &[u64]) -> Option<Self>;
}

impl CellCount for u32 {
    const LEN: usize = 1;

    fn add(&mut self, other: Self) {
        *self = self.wrapping_add(other);
    }

    fn take(&mut self, other: Self) {
        *self = self.wrapping_sub(other);
    }

    fn write(self, numbers: &mut [u64]) {
        numbers[0] = self.into();
    }

    fn read(numbers: &[u64]) -> Option<Self> {
        numbers[0].try_into().ok()
    }
}

impl CellCount for u64 {
    const LEN: usize = 1;

    fn add(&mut self, other: Self) {
        *self = self.wrapping_add(other);
    }

    fn take(&mut self, other: Self) {
        *self = self.wrapping_sub(other);
    }

    fn write(self, numbers: &mut [u64]) {
        numbers[0] = self;
    }

    fn read(numbers: &[u64]) -> Option<Self> {
        Some(numbers[0])
    }
}

impl CellCount for [u32; CLASSES] {
    const LEN: usize = CLASSES;

    fn add(&mut self, other: Self) {
        self.iter_mut().zip(other).for_each(|(sum, count)| CellCount::add(sum, count));
    }

    fn take(&mut self, other: Self) {
        self.iter_mut().zip(other).for_each(|(sum, count)| CellCount::take(sum, count));
    }

    fn write(self, numbers: &mut [u64]) {
        numbers.iter_mut().zip(self).for_each(|(number, count)| *number = count.into());
    }

    fn read(numbers: &[u64]) -> Option<Self> {
        let mut counts = [0; CLASSES];
        for (count, &number) in counts.iter_mut().zip(numbers) {
            *count = number.try_into().ok()?;
        }
        Some(counts)
    }
}

/// Makes a cell of counts. Those that most cells have come first: where no other is counted, a byte tells which are.
macro_rules! cell {
    ($cell:ident: $($count:ident $type:ty),+) => {
        impl Cell for $cell {
            #[inline]
            fn add(&mut self, other: &Self) {
                $(CellCount::add(&mut self.$count, other.$count);)+
            }

            #[inline]
            fn take(&mut self, other: &Self) {
                $(CellCount::take(&mut self.$count, other.$count);)+
            }

            fn pack(&self, bytes: &mut Vec<u8>) {
                let mut numbers = [0; 0 $(+ <$type>::LEN)+];
                let rest = &mut numbers[..];
                $(let (these, rest) = rest.split_at_mut(<$type>::LEN);
                self.$count.write(these);)+
                let _ = rest;
                pack_numbers(&numbers, bytes);
            }

            fn unpack(bytes: &[u8]) -> Option<Self> {
                let numbers: [u64; 0 $(+ <$type>::LEN)+] = unpack_numbers(bytes)?;
                let rest = &numbers[..];
                $(let (these, rest) = rest.split_at(<$type>::LEN);
                let $count = <$type>::read(these)?;)+
                let _ = rest;
                Some(Self { $($count),+ })
            }
        }
    };
}

cell!(RequestCell: arrived u32, succeeded u32, answered u32, received_tokens u64, lost u32, attempts u32, gave_up u32,
    unfinished u32, truncated u32, without_usage u32, failed [u32; CLASSES], client_retries u32);
cell!(AttemptCell: started u32, first u32, succeeded u32, input_tokens u64, output_tokens u64, billed_tokens u64,
    abandoned u32, asked_to_wait u32, did_not_wait u32, failed [u32; CLASSES]);

/// Appends which numbers are not zero, and those.
fn pack_numbers<const N: usize>(numbers: &[u64; N], bytes: &mut Vec<u8>) {
    const { assert!(N <= 64) };
    let some = || numbers.iter().zip(0_u32..).filter(|(number, _)| **number > 0);
    put_varint(some().map(|(_, place)| 1 << place).sum(), bytes);
    some().for_each(|(&number, _)| put_varint(number, bytes));
}

/// The numbers that [`pack_numbers`] appended; `None` if it did not append these bytes.
fn unpack_numbers<const N: usize>(mut bytes: &[u8]) -> Option<[u64; N]> {
    let mut numbers = [0; N];
    let mut places = take_varint(&mut bytes)?;
    while places > 0 {
        *numbers.get_mut(places.trailing_zeros() as usize)? = take_varint(&mut bytes)?;
        places &= places - 1;
    }
    bytes.is_empty().then_some(numbers)
}
