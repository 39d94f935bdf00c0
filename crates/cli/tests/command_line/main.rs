//! The binary as people meet it: what is typed, printed, written, and the exit code.

mod bad_input;
mod interrupt;
mod litellm;
mod readme;
mod run;
mod serve;
mod squall;
