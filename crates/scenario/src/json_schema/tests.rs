//! The tables and what is written from them.
