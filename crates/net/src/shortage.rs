//! What a process or its machine ran short of when it opened a connection.

use std::error::Error;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What was missing. None of it says anything about whoever was called.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Shortage {
    /// File descriptors, of the process (`EMFILE`) or of the machine (`ENFILE`).
    FileDescriptors,
    /// Local ports: all of them are in use, or wait for old packets.
    LocalPorts,
    /// Memory.
    Memory,
}

/// How often each was missing since the process began.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Shortages {
    /// File descriptors.
    pub file_descriptors: u64,
    /// Local ports.
    pub local_ports: u64,
    /// Memory.
    pub memory: u64,
}

static COUNTS: [AtomicU64; 3] = [const { AtomicU64::new(0) }; 3];

impl Shortage {
    /// The shortage that an error comes from, if it comes from one: it, or an error that caused it.
    #[must_use]
    pub fn of(error: &(dyn Error + 'static)) -> Option<Self> {
        std::iter::successors(Some(error), |&error| error.source()).find_map(|error| {
            let error = error.downcast_ref::<io::Error>()?;
            // An error that was wrapped by `io::Error::other` has no source of its own kind.
            let inner = error.get_ref().map(|inner| inner as &(dyn Error + 'static));
            Self::of_io(error).or_else(|| inner.and_then(Self::of))
        })
    }

    /// As [`of`](Self::of), and counts it: for whoever opens or accepts connections.
    pub fn count(error: &(dyn Error + 'static)) -> Option<Self> {
        let shortage = Self::of(error)?;
        COUNTS[shortage as usize].fetch_add(1, Relaxed);
        Some(shortage)
    }

    fn of_io(error: &io::Error) -> Option<Self> {
        // The same numbers on every Unix; elsewhere neither occurs for sockets.
        const ENFILE: i32 = 23;
        const EMFILE: i32 = 24;
        match (error.raw_os_error(), error.kind()) {
            (Some(ENFILE | EMFILE), _) if cfg!(unix) => Some(Self::FileDescriptors),
            (_, io::ErrorKind::AddrNotAvailable) => Some(Self::LocalPorts),
            (_, io::ErrorKind::OutOfMemory) => Some(Self::Memory),
            _ => None,
        }
    }
}

impl Shortages {
    /// What was missing after `earlier`.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Self {
        Self {
            file_descriptors: self.file_descriptors.saturating_sub(earlier.file_descriptors),
            local_ports: self.local_ports.saturating_sub(earlier.local_ports),
            memory: self.memory.saturating_sub(earlier.memory),
        }
    }
}

/// How often each was missing since the process began.
#[must_use]
pub fn shortages() -> Shortages {
    let count = |shortage: Shortage| COUNTS[shortage as usize].load(Relaxed);
    Shortages {
        file_descriptors: count(Shortage::FileDescriptors),
        local_ports: count(Shortage::LocalPorts),
        memory: count(Shortage::Memory),
    }
}

/// Raises the soft limit on open files to the hard one, and gives it; `None` where it cannot be known.
pub fn raise_file_limit() -> Option<u64> {
    rlimit::increase_nofile_limit(u64::MAX).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shortage_is_found_below_other_errors_and_a_refusal_is_none() {
        let wrapped = io::Error::other(io::Error::from_raw_os_error(24));
        assert_eq!(Shortage::of(&wrapped), Some(Shortage::FileDescriptors));
        let full = io::Error::from_raw_os_error(23);
        assert_eq!(Shortage::of(&full), Some(Shortage::FileDescriptors));
        let ports = io::Error::from(io::ErrorKind::AddrNotAvailable);
        assert_eq!(Shortage::of(&ports), Some(Shortage::LocalPorts));
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        assert_eq!(Shortage::of(&refused), None);
        assert_eq!(Shortage::of(&io::Error::other("many words")), None);
    }

    #[test]
    fn what_is_counted_is_the_difference_of_two_looks() {
        let before = shortages();
        let error = io::Error::from(io::ErrorKind::OutOfMemory);
        Shortage::count(&error);
        Shortage::count(&error);
        assert_eq!(shortages().since(before).memory, 2);
    }
}
