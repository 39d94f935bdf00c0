//! What is there without waiting.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

/// What a future gives without being waited for.
pub(super) async fn now<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    poll_fn(|context| {
        Poll::Ready(match future.as_mut().poll(context) {
            Poll::Ready(value) => Some(value),
            Poll::Pending => None,
        })
    })
    .await
}
