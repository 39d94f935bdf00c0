//! A recording in a folder.
