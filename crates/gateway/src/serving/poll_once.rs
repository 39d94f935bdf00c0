//! Polls a future once.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

/// The output of a future that is ready; `None` if it is pending.
pub(super) async fn poll_once<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    poll_fn(|context| {
        Poll::Ready(match future.as_mut().poll(context) {
            Poll::Ready(value) => Some(value),
            Poll::Pending => None,
        })
    })
    .await
}
