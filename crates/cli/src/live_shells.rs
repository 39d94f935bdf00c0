//! What shows a live run while it goes on: the terminal (`--tui`), and a page (`--serve`).

mod screen;

use crate::args::WatchedArgs;
use crate::error::CliError;
use crate::terminal;
use screen::Screen;
use squall_live::LiveStatus;
use squall_live_view::{DriveTick, LivePage, LiveView, Publisher, RunEnding, watch_run};
use squall_record::{FeedSender, row_feed};
use squall_scenario::Scenario;

/// How many rows may wait to be shown: some seconds of a busy run. More are left out.
const ROWS_WAITING: usize = 1 << 16;

/// What shows a run; nothing but lines, by default.
#[derive(Debug, Default)]
pub(crate) struct LiveShells {
    view: Option<(Publisher, FeedSender)>,
    wants_screen: bool,
    page: Option<LivePage>,
}

impl LiveShells {
    /// What was asked for, of a run that is about to begin. Where there is no terminal, that is told, and there are plain
    /// lines. Where the page is, is told.
    pub(crate) fn open(
        args: WatchedArgs,
        scenario: &Scenario,
        target: Option<&str>,
    ) -> Result<Self, CliError> {
        let wants_screen = args.tui && screen::is_possible();
        if args.tui && !wants_screen {
            terminal::status("--tui needs a terminal on standard error: plain lines in its place");
        }
        if !wants_screen && args.serve.is_none() {
            return Ok(Self::default());
        }
        let (sender, feed) = row_feed(ROWS_WAITING);
        let publisher = watch_run(LiveView::new(scenario, target), feed).map_err(|source| {
            CliError::Io { what: "failed to start the live view".to_owned(), source }
        })?;
        let serve = |port| {
            let what = format!("failed to serve the live page at 127.0.0.1:{port}");
            LivePage::start(port, publisher.snapshots())
                .map_err(|source| CliError::Io { what, source })
        };
        let page = args.serve.map(serve).transpose()?;
        if let Some(page) = &page {
            terminal::status(format_args!("live page: {}", page.url()));
        }
        Ok(Self { view: Some((publisher, sender)), wants_screen, page })
    }

    /// Where rows of the run go.
    pub(crate) fn feed(&self) -> Option<FeedSender> {
        self.view.as_ref().map(|(_, feed)| feed.clone())
    }

    /// Takes the terminal, if that was asked for, until the screen is dropped.
    pub(crate) fn take_screen(&self) -> Result<Option<Screen>, CliError> {
        let Some((publisher, _)) = self.view.as_ref().filter(|_| self.wants_screen) else {
            return Ok(None);
        };
        let screen = Screen::take(publisher.snapshots()).map_err(|source| CliError::Io {
            what: "failed to take the terminal for --tui".to_owned(),
            source,
        })?;
        Ok(Some(screen))
    }

    /// How the run is going.
    pub(crate) fn show(&self, status: &LiveStatus) {
        if let Some((publisher, _)) = &self.view {
            publisher.tick(DriveTick {
                elapsed: status.elapsed,
                offered: status.ended + status.in_flight,
                in_flight: status.in_flight,
            });
        }
    }

    /// The run has ended, and was judged.
    pub(crate) fn end(self, ending: RunEnding) {
        if let Some((publisher, _)) = self.view {
            publisher.end(ending);
        }
        if let Some(page) = self.page {
            page.finish();
        }
    }
}
