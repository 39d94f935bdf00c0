//! Mailboxes: the core's commands for each request.

use super::RouterCommand;
use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// The exchange's end. The core sends a handful of commands per attempt, and attempts are bounded.
#[derive(Debug)]
pub(crate) struct Mailbox(Arc<Mutex<MailboxState>>);

/// The core's end. Dropping it closes the mailbox behind what was sent.
#[derive(Debug)]
pub(super) struct MailboxSender(Arc<Mutex<MailboxState>>);

#[derive(Debug, Default)]
struct MailboxState {
    commands: VecDeque<RouterCommand>,
    closed: bool,
    /// Who waits for the next command.
    reader: Option<Waker>,
}

pub(super) fn mailbox() -> (MailboxSender, Mailbox) {
    let shared = Arc::default();
    (MailboxSender(Arc::clone(&shared)), Mailbox(shared))
}

impl Mailbox {
    /// The next command; nothing, once the mailbox is closed and empty. May be dropped and called again.
    ///
    /// Nobody is woken once the future is dropped: commands that an exchange brings about itself, by what it
    /// tells the core, lie there when it looks again.
    pub(crate) const fn next(&mut self) -> NextCommand<'_> {
        NextCommand { mailbox: self, waits: false }
    }

    /// The next command, if one is there.
    pub(crate) fn try_next(&mut self) -> Option<RouterCommand> {
        lock(&self.0).commands.pop_front()
    }
}

impl MailboxSender {
    pub(super) fn send(&self, command: RouterCommand) {
        let reader = {
            let mut delivered = lock(&self.0);
            delivered.commands.push_back(command);
            delivered.reader.take()
        };
        reader.into_iter().for_each(Waker::wake);
    }
}

impl Drop for MailboxSender {
    fn drop(&mut self) {
        let reader = {
            let mut delivered = lock(&self.0);
            delivered.closed = true;
            delivered.reader.take()
        };
        reader.into_iter().for_each(Waker::wake);
    }
}

/// Waits for the next command.
#[derive(Debug)]
pub(crate) struct NextCommand<'m> {
    mailbox: &'m Mailbox,
    waits: bool,
}

impl Future for NextCommand<'_> {
    type Output = Option<RouterCommand>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<RouterCommand>> {
        let mut delivered = lock(&self.mailbox.0);
        if let Some(command) = delivered.commands.pop_front() {
            return Poll::Ready(Some(command));
        }
        if delivered.closed {
            return Poll::Ready(None);
        }
        match &mut delivered.reader {
            Some(reader) => reader.clone_from(context.waker()),
            none => *none = Some(context.waker().clone()),
        }
        drop(delivered);
        self.waits = true;
        Poll::Pending
    }
}

impl Drop for NextCommand<'_> {
    fn drop(&mut self) {
        if self.waits {
            lock(&self.mailbox.0).reader = None;
        }
    }
}

fn lock(delivered: &Mutex<MailboxState>) -> MutexGuard<'_, MailboxState> {
    // No code that can panic runs under the lock.
    delivered.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::pin::pin;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    #[derive(Default)]
    struct Wakes(AtomicUsize);

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn who_waits_is_woken_and_who_has_stopped_waiting_is_not() {
        let (sender, mut mailbox) = mailbox();
        let wakes = Arc::new(Wakes::default());
        let waker = Arc::clone(&wakes).into();
        let mut context = Context::from_waker(&waker);
        let mut poll = |next: Pin<&mut NextCommand<'_>>| next.poll(&mut context);
        {
            let mut next = pin!(mailbox.next());
            assert!(poll(next.as_mut()).is_pending());
            sender.send(RouterCommand::Commit);
            assert_eq!(wakes.0.load(Ordering::Relaxed), 1);
            assert!(matches!(poll(next), Poll::Ready(Some(RouterCommand::Commit))));
        }
        assert!(poll(pin!(mailbox.next())).is_pending());
        sender.send(RouterCommand::Commit);
        assert_eq!(wakes.0.load(Ordering::Relaxed), 1, "nobody waits");
        assert!(matches!(mailbox.try_next(), Some(RouterCommand::Commit)));
        assert!(mailbox.try_next().is_none());
    }

    #[test]
    fn a_closed_mailbox_gives_what_was_sent_before() {
        let (sender, mut mailbox) = mailbox();
        sender.send(RouterCommand::Commit);
        drop(sender);
        let mut context = Context::from_waker(Waker::noop());
        assert!(matches!(
            pin!(mailbox.next()).poll(&mut context),
            Poll::Ready(Some(RouterCommand::Commit))
        ));
        assert!(matches!(pin!(mailbox.next()).poll(&mut context), Poll::Ready(None)));
    }
}
