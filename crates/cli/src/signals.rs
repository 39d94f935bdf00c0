//! The signals that end a command: Ctrl-C (SIGINT), SIGTERM, and SIGHUP when its terminal is closed.
//!
//! A command that has something to bring to an end says so with [`take_over`], and waits for the signal in
//! [`Signals::stop`]. It says how many signals it answers itself; the next one ends the process at once.
//! The handlers are installed by us, so that they hold for a process with the number 1 too, to which the
//! kernel applies no default action: the case in a container.
//!
//! SIGHUP is left alone where it was ignored when the process began (`nohup`). A server that reads its file
//! again on SIGHUP still ends on it when the terminal that it was started from is gone.

use crate::logging;
use std::process;
use std::sync::{Mutex, OnceLock, PoisonError};
use tokio::sync::watch;

/// What a shell adds to a signal's number to make the exit code of a process that it ended.
const EXIT_BASE: i32 = 128;

/// The number of Ctrl-C's signal, everywhere.
const SIGINT: i32 = 2;

/// What SIGHUP means to a command.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Hangup {
    /// The same as the others.
    Stop,
    /// The file is to be read again, unless the terminal is gone.
    Reload,
}

/// The signals so far, to a command that answers them.
#[derive(Clone, Debug)]
pub(crate) struct Signals {
    told: watch::Receiver<SignalCounts>,
    /// Wishes to read the file again that were answered: none that comes before the first wait is missed.
    reloaded: u32,
}

/// How often each was asked for.
#[derive(Clone, Copy, Debug, Default)]
struct SignalCounts {
    stops: u32,
    reloads: u32,
}

/// What the command answers by itself.
#[derive(Clone, Copy, Debug)]
struct Answers {
    stops: u32,
    hangup: Hangup,
}

struct SignalState {
    told: watch::Sender<SignalCounts>,
    /// `None` until a command takes over: any signal ends the process.
    answers: Mutex<Option<Answers>>,
}

/// For process number 1: any signal ends it until a command takes over. Elsewhere the kernel's own default
/// does that, and tells the parent which signal it was.
pub(crate) fn guard_init() {
    if process::id() == 1 {
        shared();
    }
}

/// From now on the first `stops` signals are the caller's to answer; the next ends the process at once.
/// Signals that came before count.
pub(crate) fn take_over(stops: u32, hangup: Hangup) -> Signals {
    let shared = shared();
    *shared.answers.lock().unwrap_or_else(PoisonError::into_inner) =
        Some(Answers { stops, hangup });
    Signals { told: shared.told.subscribe(), reloaded: 0 }
}

/// The same as SIGINT: what Ctrl-C is where a terminal gives it as a key.
pub(crate) fn interrupt() {
    shared().hear(Heard { number: SIGINT, is_hangup: false, terminal_is_gone: false });
}

/// Whether a signal has asked for an end.
pub(crate) fn is_asked_to_stop() -> bool {
    shared().told.borrow().stops > 0
}

impl Signals {
    /// Whether a signal has asked for an end.
    pub(crate) fn is_stopped(&self) -> bool {
        self.told.borrow().stops > 0
    }

    /// Ends when `nth` signals, from 1, have asked for an end.
    pub(crate) async fn stop(&self, nth: u32) {
        let mut told = self.told.clone();
        if told.wait_for(|told| told.stops >= nth).await.is_err() {
            // Nobody listens for signals: there is nothing to wait for.
            std::future::pending::<()>().await;
        }
    }

    /// Ends when a signal has asked for the file to be read again since this ended last.
    pub(crate) async fn reload(&mut self) {
        let reloaded = self.reloaded;
        let asked = self.told.wait_for(|told| told.reloads > reloaded).await;
        match asked.map(|told| told.reloads) {
            Ok(reloads) => self.reloaded = reloads,
            Err(_) => std::future::pending().await,
        }
    }
}

fn shared() -> &'static SignalState {
    static SHARED: OnceLock<SignalState> = OnceLock::new();
    SHARED.get_or_init(|| {
        let installed = listen();
        if let Err(error) = installed {
            crate::terminal::status(format_args!("signals cannot be listened for: {error}"));
        }
        SignalState { told: watch::Sender::new(SignalCounts::default()), answers: Mutex::new(None) }
    })
}

impl SignalState {
    fn hear(&self, signal: Heard) {
        let answers = *self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(answers) = answers else { end_at_once(signal) };
        if signal.is_hangup && answers.hangup == Hangup::Reload && !signal.terminal_is_gone {
            self.told.send_modify(|told| told.reloads += 1);
            return;
        }
        self.told.send_modify(|told| told.stops += 1);
        if self.told.borrow().stops > answers.stops {
            end_at_once(signal);
        }
    }
}

/// A signal that came.
#[derive(Clone, Copy, Debug)]
struct Heard {
    number: i32,
    is_hangup: bool,
    terminal_is_gone: bool,
}

#[expect(clippy::exit, reason = "asked for once more: what is left does not matter any longer")]
fn end_at_once(signal: Heard) -> ! {
    crate::terminal::give_back();
    logging::write_rest();
    process::exit(EXIT_BASE + signal.number)
}

/// Installs the handlers and hears them on a thread of its own, before this returns.
#[cfg(unix)]
fn listen() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let (ready, installed) = std::sync::mpsc::channel();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let had_terminal = has_terminal();
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        runtime.block_on(async {
            let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
            let wanted = kinds.into_iter().filter(|&kind| !is_ignored(kind));
            let listeners: Result<Vec<_>, _> =
                wanted.map(|kind| signal(kind).map(|listener| (kind, listener))).collect();
            let mut listeners = match listeners {
                Ok(listeners) => listeners,
                Err(error) => return drop(ready.send(Err(error))),
            };
            // The one who waits for this cannot have gone.
            let _ = ready.send(Ok(()));
            loop {
                let kind = std::future::poll_fn(|context| {
                    let mut listeners = listeners.iter_mut();
                    let told = listeners.find_map(|(kind, listener)| {
                        listener.poll_recv(context).is_ready().then_some(*kind)
                    });
                    told.map_or(std::task::Poll::Pending, std::task::Poll::Ready)
                });
                let kind = kind.await;
                shared().hear(Heard {
                    number: kind.as_raw_value(),
                    is_hangup: kind == SignalKind::hangup(),
                    terminal_is_gone: had_terminal && !has_terminal(),
                });
            }
        });
    })?;
    installed.recv().unwrap_or_else(|_| Err(std::io::Error::other("the thread ended")))
}

/// Whether the process has a terminal that can still be opened. The kernel takes it away before it sends
/// SIGHUP.
#[cfg(unix)]
fn has_terminal() -> bool {
    std::fs::File::open("/dev/tty").is_ok()
}

/// Whether SIGHUP was ignored when the process began. Only Linux tells without `unsafe`.
#[cfg(unix)]
fn is_ignored(kind: tokio::signal::unix::SignalKind) -> bool {
    if kind != tokio::signal::unix::SignalKind::hangup() {
        return false;
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask & (1 << (kind.as_raw_value() - 1)) != 0)
}

/// Without Unix's signals there is Ctrl-C.
#[cfg(not(unix))]
fn listen() -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        runtime.block_on(async {
            while tokio::signal::ctrl_c().await.is_ok() {
                shared().hear(Heard { number: SIGINT, is_hangup: false, terminal_is_gone: false });
            }
        });
    })?;
    Ok(())
}
