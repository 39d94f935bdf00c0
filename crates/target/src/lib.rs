//! Other gateways under test. Each is a [`ReadyMade`] target: its own configuration for the groups, weights,
//! limits, time-outs, retries, cooldowns and fallbacks of a scenario, and what cannot be expressed in it. A
//! [`RunningTarget`] is one that is up: started with its files in a folder of its own, ready when it has answered
//! a chat of each group, measured, and stopped with everything that it started.

mod addresses;
mod api;
mod coverage;
mod error;
mod http_probe;
mod install;
mod install_recipe;
mod process;
mod process_tree;
mod program_lines;
mod program_readiness;
mod readiness;
mod ready_made;
mod routing_view;
mod running;
mod target_host;
mod usage;

pub use addresses::ProviderAddress;
pub use error::{LogTail, TargetError};
pub use install::{InstallError, install, installed, require_installed};
pub use install_recipe::InstallRecipe;
pub use program_lines::ProgramLines;
pub use ready_made::{ExportNote, Exported, ReadyMade, Tuning, all_ready_made, names, ready_made};
pub use running::{RunningTarget, TargetSetup};
pub use usage::{MachineCpu, ResourceUsage};
