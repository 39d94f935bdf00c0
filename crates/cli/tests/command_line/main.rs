//! The binary as people meet it: what is typed, printed, written, and the exit code. What serves or runs over sockets
//! is in `servers`.

mod bad_input;
mod blueprint;
mod check;
mod compare;
mod composition;
mod config;
mod deploy;
mod explain;
mod exports;
mod forms;
mod litellm;
mod outputs;
mod page_numbers;
mod plan;
mod readme;
mod rehearse;
mod rows;
mod run;
mod shards;
mod squall;
mod targets;
mod traces;
