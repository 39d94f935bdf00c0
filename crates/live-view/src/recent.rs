//! The last seconds: a cell for each, of which the oldest go.

use std::collections::VecDeque;

/// How many whole seconds figures of the moment are about.
pub const WINDOW: u64 = 5;

/// Rows come late: cells are kept a little longer than they count.
const KEPT: u64 = WINDOW + 3;

/// Cells of the last seconds.
#[derive(Debug)]
pub(crate) struct Recent<T> {
    /// The second of the first cell.
    first: u64,
    cells: VecDeque<T>,
}

impl<T: Default> Recent<T> {
    pub(crate) const fn new() -> Self {
        Self { first: 0, cells: VecDeque::new() }
    }

    /// The cell of a second; `None` for one that is long over.
    pub(crate) fn cell(&mut self, second: u64) -> Option<&mut T> {
        if second >= self.first + KEPT {
            let gone = second + 1 - KEPT - self.first;
            for _ in 0..gone.min(self.cells.len() as u64) {
                self.cells.pop_front();
            }
            self.first = second + 1 - KEPT;
        }
        let place = usize::try_from(second.checked_sub(self.first)?).ok()?;
        while self.cells.len() <= place {
            self.cells.push_back(T::default());
        }
        self.cells.get_mut(place)
    }

    /// The cells of the last whole seconds before a second.
    pub(crate) fn window(&self, before: u64) -> impl Iterator<Item = &T> {
        let range = before.saturating_sub(WINDOW)..before;
        (self.first..)
            .zip(&self.cells)
            .filter(move |(second, _)| range.contains(second))
            .map(|(_, cell)| cell)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_is_of_the_last_whole_seconds_and_older_cells_go() {
        let mut recent = Recent::<u64>::new();
        for second in 0..100 {
            *recent.cell(second).unwrap() += second;
        }
        assert_eq!(recent.window(99).copied().collect::<Vec<_>>(), [94, 95, 96, 97, 98]);
        assert_eq!(recent.cells.len() as u64, KEPT);
        assert!(recent.cell(50).is_none(), "too late");
        *recent.cell(98).unwrap() += 2;
        assert_eq!(recent.window(99).sum::<u64>(), 94 + 95 + 96 + 97 + 100);
    }

    #[test]
    fn seconds_without_anything_count_as_nothing() {
        let mut recent = Recent::<u64>::new();
        *recent.cell(0).unwrap() = 1;
        *recent.cell(1_000_000).unwrap() = 2;
        assert_eq!(recent.window(1_000_001).sum::<u64>(), 2);
        assert_eq!(recent.window(2_000_000).count(), 0);
        assert!(recent.cells.len() as u64 <= KEPT);
    }
}
