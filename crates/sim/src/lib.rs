//! The run in virtual time.
