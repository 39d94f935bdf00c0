//! What holds for the router whatever happens, in whatever order.

mod adaptive_limits;
mod changes;
mod chaos;
mod continuations;
mod explained;
mod hedges;
mod interleavings;
mod jitter;
mod panic_threshold;
mod slow_start;
mod weights;
mod worst_case;
