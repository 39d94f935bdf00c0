//! The binary as people meet it: what is typed, printed, written, and the exit code.

mod bad_input;
mod check;
mod interrupt;
mod litellm;
mod plan;
mod readme;
mod rehearse;
mod run;
mod serve;
mod signals;
mod squall;
