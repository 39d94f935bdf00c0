//! What a live run shows while it goes on.
//!
//! ```text
//!  rows, notes ─► RowFeed ─┐                         ┌─► terminal: `panels`
//!                          ├─► LiveView ─► Snapshot ─┤
//!  driver's counts ────────┘                         └─► page: `page`
//! ```
//!
//! [`LiveView`] is told what happens and what time it is, and answers with a [`Snapshot`]: figures of the last seconds, the
//! course of the run so far, the state of each deployment, and what happened in words. It takes room for the deployments
//! and the chart's points, however long the run is. The two shells show a snapshot and decide nothing.

mod course;
mod deployment_track;
mod metrics;
mod model;
mod page;
mod panels;
mod publisher;
mod recent;
mod view;

pub use model::{
    ActiveFault, Course, DeploymentPanel, EventView, RecentFigures, RunEnding, RunTotals, Snapshot,
    StateView,
};
pub use page::LivePage;
pub use panels::{Theme, draw};
pub use publisher::{Publisher, watch_run};
pub use recent::WINDOW;
pub use view::{DriveTick, LiveView};
