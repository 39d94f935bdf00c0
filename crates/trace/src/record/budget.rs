//! A reader that refuses a row without an end, before it takes the machine's memory.

use std::io::{self, Read};

/// Passes bytes on until a row has had too many of them.
#[derive(Debug)]
pub(crate) struct RowBudget<R> {
    inner: R,
    left: u64,
    most: u64,
}

impl<R> RowBudget<R> {
    pub(crate) const fn new(inner: R, most: u64) -> Self {
        Self { inner, left: most, most }
    }

    /// A row has ended: the next one may have as many.
    pub(crate) const fn row_ended(&mut self) {
        self.left = self.most;
    }
}

impl<R: Read> Read for RowBudget<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        let left = self.left.checked_sub(read as u64);
        self.left = left.ok_or_else(|| {
            let most = self.most >> 20;
            io::Error::other(format!(
                "a row has more than {most} MiB: a quote that is never closed, or another format"
            ))
        })?;
        Ok(read)
    }
}
