//! Work on all cores: each worker takes the next piece when it is done with one, and results come back in
//! the order of the pieces, whoever did them. Work that is interrupted ends when the pieces under way are done.

use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

/// How far the work is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct BatchProgress {
    /// Pieces that are done.
    pub done: usize,
    /// All pieces.
    pub of: usize,
}

/// As many workers as the machine has cores for; one if it does not say.
#[must_use]
pub fn workers() -> NonZero<usize> {
    thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN)
}

/// Whether whoever started the work wants it to end: no further run is started, those under way are finished.
pub type IsInterrupted<'a> = dyn Fn() -> bool + Sync + 'a;

/// Does every piece, and tells `told` of each that is done. The results of interrupted work are those of the
/// first pieces, without a gap.
pub fn do_in_parallel<P: Sync, T: Send>(
    pieces: &[P],
    workers: NonZero<usize>,
    is_interrupted: &IsInterrupted<'_>,
    work: impl Fn(&P) -> T + Sync,
    mut told: impl FnMut(BatchProgress),
) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let (results, received) = mpsc::channel();
    let mut done: Vec<Option<T>> = pieces.iter().map(|_| None).collect();
    thread::scope(|scope| {
        for _ in 0..workers.get().min(pieces.len()) {
            let (results, next, work) = (results.clone(), &next, &work);
            scope.spawn(move || {
                // Pieces are taken in their order and a piece that was taken is done: what is left out is at
                // the end.
                while !is_interrupted()
                    && let place = next.fetch_add(1, Ordering::Relaxed)
                    && let Some(piece) = pieces.get(place)
                {
                    // Nobody receives any more when a worker has panicked: its panic is told.
                    let _ = results.send((place, work(piece)));
                }
            });
        }
        drop(results);
        for (count, (place, result)) in received.iter().enumerate() {
            done[place] = Some(result);
            told(BatchProgress { done: count + 1, of: pieces.len() });
        }
    });
    done.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_the_order_of_the_pieces() {
        let pieces: Vec<u64> = (0..200).collect();
        let mut last = 0;
        let doubled = do_in_parallel(
            &pieces,
            NonZero::new(4).unwrap(),
            &|| false,
            |piece| piece * 2,
            |progress| last = progress.done,
        );
        assert_eq!(doubled, pieces.iter().map(|piece| piece * 2).collect::<Vec<_>>());
        assert_eq!(last, 200);
    }

    #[test]
    fn nothing_to_do_is_done_at_once() {
        let none = do_in_parallel(&[], workers(), &|| false, |piece: &u8| *piece, |_| ());
        assert_eq!(none, Vec::<u8>::new());
    }

    #[test]
    fn interrupted_work_gives_the_first_pieces_and_starts_no_other() {
        let pieces: Vec<usize> = (0..1_000).collect();
        let started = AtomicUsize::new(0);
        let done = do_in_parallel(
            &pieces,
            NonZero::new(4).unwrap(),
            &|| started.load(Ordering::Relaxed) >= 10,
            |&piece| {
                started.fetch_add(1, Ordering::Relaxed);
                piece
            },
            |_| (),
        );
        // Each of four workers may have looked just before the tenth was started.
        assert!((10..=13).contains(&done.len()), "{}", done.len());
        assert_eq!(done, pieces[..done.len()]);
    }
}
