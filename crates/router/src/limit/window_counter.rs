//! The count of one window.

/// The count of one window. Windows have numbers; another one begins with nothing taken.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct WindowCounter {
    window: u64,
    used: u64,
}

impl WindowCounter {
    /// Counts this window from now on.
    pub(super) const fn enter(&mut self, window: u64) {
        if window != self.window {
            self.window = window;
            self.used = 0;
        }
    }

    /// The window that is counted.
    pub(super) const fn window(&self) -> u64 {
        self.window
    }

    /// What was taken in it.
    pub(super) const fn used(&self) -> u64 {
        self.used
    }

    /// Takes so much; the window that it was taken in is what a refund is for.
    pub(super) const fn reserve(&mut self, amount: u64) -> u64 {
        self.used = self.used.saturating_add(amount);
        self.window
    }

    /// A window that has passed takes nothing back: its number was spent, whatever came of it.
    pub(super) const fn refund(&mut self, window: u64, amount: u64) {
        if window == self.window {
            self.used = self.used.saturating_sub(amount);
        }
    }
}
