//! Whether a target can be called at all.

use crate::connections::ConnectionPool;
use crate::setup::ApiTarget;
use std::io;
use std::time::Duration;
use tokio::time::timeout;

/// How long a connection may take, TLS included.
const PATIENCE: Duration = Duration::from_secs(10);

/// Opens a connection to a target and closes it again, without a request.
///
/// # Errors
/// When it cannot be resolved, reached in ten seconds, or trusted.
pub async fn reachable(target: &ApiTarget) -> io::Result<()> {
    let pool = ConnectionPool::new(target.clone());
    let opened = timeout(PATIENCE, pool.open()).await;
    opened.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?.map(drop)
}
