//! What holds for the router whatever happens, in whatever order.

mod changes;
mod chaos;
mod explained;
mod hedges;
mod interleavings;
mod jitter;
mod weights;
mod worst_case;
