//! The terminal, taken for panels and given back: at the end of a run, at an error, at a panic, and when a signal ends the
//! process at once.
//!
//! Panels are drawn on standard error, as progress is: standard output is for results. In raw mode Ctrl-C is a key, and
//! means what the signal means.

use crate::{signals, terminal};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use ratatui::crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use ratatui::crossterm::{cursor, execute, style};
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;
use squall_live_view::{Snapshot, Theme, draw};
use std::io::{self, BufWriter, Stderr};
use std::panic;
use std::sync::Arc;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::watch;

/// Between two looks at the keyboard: a screen is never older than this.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// How long the end of a run waits for its screen: five seconds.
const PATIENCE_STEPS: u32 = 250;
const PATIENCE_STEP: Duration = Duration::from_millis(20);

/// Whether there is a terminal that can be drawn on.
#[expect(clippy::disallowed_methods, reason = "terminals say in TERM what they can do")]
pub(super) fn is_possible() -> bool {
    let can_draw = std::env::var("TERM").is_ok_and(|term| !term.is_empty() && term != "dumb");
    terminal::is_watched() && can_draw
}

/// A terminal that shows a run until this is dropped.
#[derive(Debug)]
pub(crate) struct Screen {
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Screen {
    /// Takes the terminal, and draws what comes.
    pub(super) fn take(snapshots: watch::Receiver<Arc<Snapshot>>) -> io::Result<Self> {
        let theme = if terminal::colours_errors() { Theme::Coloured } else { Theme::Plain };
        give_back_at_a_panic();
        terminal::take(reset);
        let panels = set_up(theme).inspect_err(|_| terminal::give_back())?;
        let is_over = Arc::<AtomicBool>::default();
        let told = Arc::clone(&is_over);
        let thread = std::thread::Builder::new()
            .name("panels".to_owned())
            .spawn(move || show(panels, snapshots, theme, &told))
            .inspect_err(|_| terminal::give_back())?;
        Ok(Self { is_over, thread: Some(thread) })
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            // One that reads from a terminal that has just gone would never end: the process does without it.
            for _ in 0..PATIENCE_STEPS {
                if thread.is_finished() {
                    break;
                }
                std::thread::sleep(PATIENCE_STEP);
            }
        }
        terminal::give_back();
    }
}

type Panels = Terminal<CrosstermBackend<BufWriter<Stderr>>>;

fn set_up(theme: Theme) -> io::Result<Panels> {
    // `--color` decides, and has looked at the environment.
    style::force_color_output(theme == Theme::Coloured);
    enable_raw_mode()?;
    execute!(io::stderr(), EnterAlternateScreen, cursor::Hide)?;
    Terminal::new(CrosstermBackend::new(BufWriter::new(io::stderr())))
}

/// As it was before. A terminal that is gone needs nothing.
fn reset() {
    let _ = execute!(io::stderr(), LeaveAlternateScreen, cursor::Show);
    let _ = disable_raw_mode();
}

/// A panic of any thread is told on a terminal that shows it.
fn give_back_at_a_panic() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let tell = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            terminal::give_back();
            tell(info);
        }));
    });
}

/// Draws each snapshot, and again when the terminal's size or the footer changes, until the screen is over or taken away.
fn show(
    mut panels: Panels,
    mut snapshots: watch::Receiver<Arc<Snapshot>>,
    theme: Theme,
    is_over: &AtomicBool,
) {
    let mut is_stale = true;
    while terminal::is_taken() && !is_over.load(Ordering::SeqCst) {
        is_stale |= snapshots.has_changed().unwrap_or(false);
        if is_stale {
            let snapshot = Arc::clone(&snapshots.borrow_and_update());
            let is_stopping = signals::is_asked_to_stop();
            if panels.draw(|frame| draw(frame, &snapshot, theme, is_stopping)).is_err() {
                // The terminal is gone: SIGHUP says so to who decides.
                return;
            }
        }
        // Here the terminal is gone, too.
        let Ok(()) = wait_for_input(LOOK_EVERY) else { return };
        is_stale = false;
        while event::poll(Duration::ZERO).unwrap_or(false) {
            is_stale |= event::read().is_ok_and(|event| is_heeded(&event));
        }
    }
}

/// Waits so long for a key at most; an error once the terminal is gone. Crossterm would read the end of its input again
/// and again, and never return.
fn wait_for_input(time: Duration) -> io::Result<()> {
    let stderr = io::stderr();
    let mut waited_for = [PollFd::new(&stderr, PollFlags::IN)];
    let time = Timespec::try_from(time).map_err(io::Error::other)?;
    match rustix::event::poll(&mut waited_for, Some(&time)) {
        Ok(_) | Err(Errno::INTR) => {}
        Err(error) => return Err(error.into()),
    }
    let is_gone = PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL;
    if waited_for[0].revents().intersects(is_gone) {
        return Err(io::ErrorKind::BrokenPipe.into());
    }
    Ok(())
}

/// Obeys a key; whether the screen is to be drawn again.
fn is_heeded(event: &Event) -> bool {
    match event {
        Event::Key(key) => {
            obey(key);
            true
        }
        Event::Resize(..) => true,
        _ => false,
    }
}

fn obey(key: &KeyEvent) {
    if key.kind == KeyEventKind::Release {
        return;
    }
    let is_interrupt =
        key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL);
    let is_quit = matches!(key.code, KeyCode::Char('q' | 'Q'));
    // The second `q` is a finger that was faster than the run; the second Ctrl-C is meant.
    if is_interrupt || (is_quit && !signals::is_asked_to_stop()) {
        signals::interrupt();
    }
}
