//! Detects requests that failed because a reused connection was closed by its server while idle, which is not a failure
//! of the server.

use http::Uri;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::Error;
use hyper_util::client::legacy::connect::{Connected, Connection};
use std::future::Future;
use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use tower_service::Service;

/// A mark that each connection bears, and that an answer or an error over it shows.
#[derive(Clone, Debug, Default)]
pub(super) struct ReuseMark {
    answered: Arc<AtomicBool>,
}

impl ReuseMark {
    /// An answer has come over this connection.
    pub(super) fn set(extensions: &http::Extensions) {
        if let Some(mark) = extensions.get::<Self>() {
            mark.answered.store(true, Ordering::Relaxed);
        }
    }

    /// Whether an answer had come over the connection of this error before.
    fn was_set(error: &Error) -> bool {
        let mut extensions = http::Extensions::new();
        if let Some(connected) = error.connect_info() {
            connected.get_extras(&mut extensions);
        }
        extensions.get::<Self>().is_some_and(|mark| mark.answered.load(Ordering::Relaxed))
    }
}

/// Whether the connection had answered before, and ended before it brought an answer to this request: the
/// server closed it as the request was on its way. Vendors' own clients send it again at once.
pub(super) fn is_reset_of_idle(error: &Error) -> bool {
    ReuseMark::was_set(error) && causes(error).any(is_end_of_connection)
}

fn is_end_of_connection(cause: &(dyn std::error::Error + 'static)) -> bool {
    if let Some(error) = cause.downcast_ref::<hyper::Error>() {
        return error.is_incomplete_message() || error.is_canceled() || error.is_closed();
    }
    cause.downcast_ref::<io::Error>().is_some_and(|error| {
        matches!(
            error.kind(),
            ErrorKind::ConnectionReset
                | ErrorKind::ConnectionAborted
                | ErrorKind::BrokenPipe
                | ErrorKind::NotConnected
                | ErrorKind::UnexpectedEof
        )
    })
}

/// The error, and what it came of.
fn causes<'e>(
    error: &'e (dyn std::error::Error + 'static),
) -> impl Iterator<Item = &'e (dyn std::error::Error + 'static)> {
    std::iter::successors(Some(error), |error| error.source())
}

/// A connector whose connections bear marks.
#[derive(Clone, Debug)]
pub(crate) struct ReuseTrackingConnector<C>(pub(super) C);

impl<C> Service<Uri> for ReuseTrackingConnector<C>
where
    C: Service<Uri>,
    C::Future: Send + 'static,
{
    type Response = ReuseTracked<C::Response>;
    type Error = C::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, C::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), C::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connecting = self.0.call(uri);
        Box::pin(
            async move { Ok(ReuseTracked { io: connecting.await?, mark: ReuseMark::default() }) },
        )
    }
}

/// A connection with its mark.
#[derive(Debug)]
pub(crate) struct ReuseTracked<T> {
    io: T,
    mark: ReuseMark,
}

impl<T: Connection> Connection for ReuseTracked<T> {
    fn connected(&self) -> Connected {
        self.io.connected().extra(self.mark.clone())
    }
}

impl<T: Read + Unpin> Read for ReuseTracked<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(context, buffer)
    }
}

impl<T: Write + Unpin> Write for ReuseTracked<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(context, slices)
    }
}
