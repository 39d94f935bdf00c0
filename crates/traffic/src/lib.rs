//! The live shell of the workload: an open-loop HTTP driver.
