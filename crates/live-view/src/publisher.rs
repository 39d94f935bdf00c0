//! The thread between a run and its shells: it takes rows in and gives snapshots out, and the run waits for neither.

use crate::model::{RunEnding, Snapshot};
use crate::view::{DriveTick, LiveView};
use squall_record::RowFeed;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, TryRecvError};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::watch;

/// Between two looks at what the driver has counted, while no row comes.
const PATIENCE: Duration = Duration::from_millis(50);

/// Rows between two such looks, while they come.
const BATCH: usize = 1_024;

/// Takes rows in and gives snapshots out.
#[derive(Debug)]
pub struct Publisher {
    told: Sender<PublisherInput>,
    snapshots: watch::Receiver<Arc<Snapshot>>,
    thread: JoinHandle<()>,
}

#[derive(Debug, PartialEq)]
enum PublisherInput {
    Tick(DriveTick),
    Ended(RunEnding),
}

/// Begins to watch a run, of which rows come from `feed`.
///
/// # Errors
/// When the system gives no thread.
pub fn watch_run(view: LiveView, feed: RowFeed) -> io::Result<Publisher> {
    let (told, hears) = mpsc::channel();
    let (publish, snapshots) = watch::channel(Arc::new(view.snapshot()));
    let thread = std::thread::Builder::new()
        .name("live view".to_owned())
        .spawn(move || run(view, &feed, &hears, &publish))?;
    Ok(Publisher { told, snapshots, thread })
}

impl Publisher {
    /// What is shown, as it changes. The sender is gone when the view has ended.
    #[must_use]
    pub fn snapshots(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.snapshots.clone()
    }

    /// The driver has counted so far: a snapshot follows.
    pub fn tick(&self, tick: DriveTick) {
        self.tell(PublisherInput::Tick(tick));
    }

    /// The run has ended, and was judged: the last snapshot follows, after which there is none.
    pub fn end(self, ending: RunEnding) {
        self.tell(PublisherInput::Ended(ending));
        // A panic there is a defect of the view, and none of the run.
        let _ = self.thread.join();
    }

    fn tell(&self, told: PublisherInput) {
        // Nobody hears after a panic of the view: the run goes on without it.
        let _ = self.told.send(told);
    }
}

/// Whether rows were waiting when a batch was taken.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Feed {
    Flowing,
    Paused,
    Over,
}

fn run(
    mut view: LiveView,
    feed: &RowFeed,
    hears: &Receiver<PublisherInput>,
    publish: &watch::Sender<Arc<Snapshot>>,
) {
    loop {
        let state = take_rows(&mut view, feed, PATIENCE);
        // After the last row there is only this to wait for.
        let mut told = match state {
            Feed::Over => hears.recv().map_err(|_| TryRecvError::Disconnected),
            Feed::Flowing | Feed::Paused => hears.try_recv(),
        };
        while let Ok(what) = told {
            match what {
                PublisherInput::Tick(tick) => view.tick(tick, feed.missed()),
                PublisherInput::Ended(ending) => {
                    while take_rows(&mut view, feed, Duration::ZERO) == Feed::Flowing {}
                    view.ended(ending);
                    publish.send_replace(Arc::new(view.snapshot()));
                    return;
                }
            }
            publish.send_replace(Arc::new(view.snapshot()));
            told = hears.try_recv();
        }
        if told == Err(TryRecvError::Disconnected) {
            return;
        }
    }
}

/// Takes what waits, up to a batch; waits for the first of it.
fn take_rows(view: &mut LiveView, feed: &RowFeed, patience: Duration) -> Feed {
    let mut patience = patience;
    for _ in 0..BATCH {
        match feed.next(patience) {
            Ok(row) => view.row(row),
            Err(RecvTimeoutError::Timeout) => return Feed::Paused,
            Err(RecvTimeoutError::Disconnected) => return Feed::Over,
        }
        patience = Duration::ZERO;
    }
    Feed::Flowing
}
