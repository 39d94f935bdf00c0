//! Open files: a run needs four per request in flight, and the usual limit of 1,024 is soon reached.

/// Raises the soft limit to the hard one. What cannot be raised is left: a run that then needs more
/// files shows it as connections that fail.
pub(crate) fn raise_limit() {
    let _ = rlimit::increase_nofile_limit(u64::MAX);
}
