//! A client's socket with time-outs: for a head, between requests, and for an answer that is not read.
//!
//! When a connection ends, what the client still sends is read and thrown away for a while: a socket that is
//! closed over unread input resets the connection, and the answer may be lost on its way to the client.

use super::client_socket::ClientSocket;
use super::empty_errors::ReplacedError;
use super::resettable_timer::ResettableTimer;
use bytes::Buf;
use squall_clock::Clock;
use squall_wire::ServerSettings;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// How long what a client still sends is thrown away in all, and how long it may be silent meanwhile:
/// nginx's `lingering_time` and `lingering_timeout`.
const LINGER: Duration = Duration::from_secs(30);
const LINGER_SILENCE: Duration = Duration::from_secs(5);

/// What a connection waits for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u8)]
pub(super) enum ConnectionWait {
    /// The first byte that there ever is.
    Fresh = 0,
    /// The rest of a head.
    Head = 1,
    /// The answer to a request.
    Answer = 2,
    /// Another request.
    Idle = 3,
}

/// What a connection's socket and its requests tell each other.
#[derive(Debug, Default)]
pub(super) struct SocketProgress {
    waits: AtomicU8,
    /// Answers that have ended.
    answers: AtomicU32,
    /// A body was left unread: there may be more of it to come.
    unread_body: AtomicBool,
}

impl SocketProgress {
    pub(super) fn waits(&self) -> ConnectionWait {
        match self.waits.load(Ordering::Relaxed) {
            0 => ConnectionWait::Fresh,
            1 => ConnectionWait::Head,
            2 => ConnectionWait::Answer,
            _ => ConnectionWait::Idle,
        }
    }

    pub(super) fn now_waits(&self, waits: ConnectionWait) {
        self.waits.store(waits as u8, Ordering::Relaxed);
    }

    /// An answer has ended: the next request is waited for.
    pub(super) fn answered(&self) {
        self.now_waits(ConnectionWait::Idle);
        self.answers.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn answers(&self) -> u32 {
        self.answers.load(Ordering::Relaxed)
    }

    pub(super) fn body_is_unread(&self) {
        self.unread_body.store(true, Ordering::Relaxed);
    }

    pub(super) fn has_unread_body(&self) -> bool {
        self.unread_body.load(Ordering::Relaxed)
    }
}

/// The socket.
#[derive(Debug)]
pub(super) struct TimedSocket {
    socket: ClientSocket,
    progress: Arc<SocketProgress>,
    timeouts: SocketTimeouts,
    /// Elapses when nothing comes that should.
    input: ResettableTimer,
    /// What `input` is set for.
    input_for: ConnectionWait,
    /// Elapses when nothing is taken that waits.
    output: ResettableTimer,
    /// Written in place of a refusal of the HTTP library's own.
    replacement: Option<ReplacedError>,
    /// The client sends nothing more.
    ended: bool,
    /// Set once our side has said that it sends nothing more.
    lingers: Option<ResettableTimer>,
}

#[derive(Clone, Copy, Debug)]
struct SocketTimeouts {
    head: Duration,
    idle: Duration,
    unread: Duration,
}

impl TimedSocket {
    pub(super) fn new(
        socket: ClientSocket,
        progress: Arc<SocketProgress>,
        settings: &ServerSettings,
        clock: Clock,
    ) -> Self {
        let mut input = ResettableTimer::new(clock);
        input.set(settings.head_timeout);
        Self {
            socket,
            progress,
            timeouts: SocketTimeouts {
                head: settings.head_timeout,
                idle: settings.idle_timeout,
                unread: settings.unread_timeout,
            },
            input,
            input_for: ConnectionWait::Fresh,
            output: ResettableTimer::new(clock),
            replacement: None,
            ended: false,
            lingers: None,
        }
    }

    /// Sets the alarm for what is waited for now. A head has its time from its first byte, or from the start
    /// of the connection.
    fn wind(&mut self, waits: ConnectionWait) {
        if self.input_for == waits {
            return;
        }
        match waits {
            ConnectionWait::Head if self.input_for == ConnectionWait::Fresh => {}
            ConnectionWait::Fresh | ConnectionWait::Head => self.input.set(self.timeouts.head),
            ConnectionWait::Idle => self.input.set(self.timeouts.idle),
            ConnectionWait::Answer => self.input.stop(),
        }
        self.input_for = waits;
    }

    /// Gives the client its time to take what waits for it.
    fn written<T>(
        &mut self,
        context: &mut Context<'_>,
        done: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if done.is_ready() {
            self.output.stop();
            return done;
        }
        if !self.output.is_set() {
            self.output.set(self.timeouts.unread);
        }
        if self.output.elapsed(context) {
            // What the kernel still holds for it is thrown away with the connection.
            let _ = socket2::SockRef::from(self.socket.tcp()).set_linger(Some(Duration::ZERO));
            return Poll::Ready(Err(timed_out("the client does not read its answer")));
        }
        Poll::Pending
    }

    /// Writes an answer of our own, and says that the one in whose place it is was written.
    fn write_instead(
        &mut self,
        context: &mut Context<'_>,
        mut replacement: ReplacedError,
    ) -> Poll<io::Result<usize>> {
        // The rest of what was refused may still come.
        self.progress.body_is_unread();
        while !replacement.rest.is_empty() {
            match Pin::new(&mut self.socket).poll_write(context, &replacement.rest) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(written)) => replacement.rest.advance(written),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {
                    self.replacement = Some(replacement);
                    return Poll::Pending;
                }
            }
        }
        Poll::Ready(Ok(replacement.replaces))
    }

    /// Reads what still comes, and throws it away: until the client has ended, or for a while.
    fn linger(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Some(lingers) = &mut self.lingers else { return Poll::Ready(()) };
        loop {
            if self.ended || lingers.elapsed(context) {
                return Poll::Ready(());
            }
            let mut waste = [0; 16 << 10];
            let mut buffer = ReadBuf::new(&mut waste);
            match Pin::new(&mut self.socket).poll_read(context, &mut buffer) {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {
                    self.input.set(LINGER_SILENCE)
                }
                Poll::Ready(_) => self.ended = true,
                // Nothing is on its way, but for the rest of a body that was not wanted.
                Poll::Pending if !self.progress.has_unread_body() => return Poll::Ready(()),
                Poll::Pending if self.input.elapsed(context) => return Poll::Ready(()),
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}

impl AsyncRead for TimedSocket {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let read = Pin::new(&mut this.socket).poll_read(context, buffer);
        let waits = this.progress.waits();
        match read {
            Poll::Ready(Ok(())) if buffer.filled().len() > before => {
                if matches!(waits, ConnectionWait::Fresh | ConnectionWait::Idle) {
                    this.progress.now_waits(ConnectionWait::Head);
                    this.wind(ConnectionWait::Head);
                }
                Poll::Ready(Ok(()))
            }
            Poll::Ready(done) => {
                this.ended = true;
                Poll::Ready(done)
            }
            Poll::Pending => {
                this.wind(waits);
                if this.input.elapsed(context) {
                    return Poll::Ready(Err(timed_out("the client sends nothing")));
                }
                Poll::Pending
            }
        }
    }
}

impl AsyncWrite for TimedSocket {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let done = match this.replacement.take().or_else(|| ReplacedError::of(bytes)) {
            Some(replacement) => this.write_instead(context, replacement),
            None => Pin::new(&mut this.socket).poll_write(context, bytes),
        };
        this.written(context, done)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let replacement = this.replacement.take().or_else(|| match bytes {
            [bytes] => ReplacedError::of(bytes),
            _ => None,
        });
        let done = match replacement {
            Some(replacement) => this.write_instead(context, replacement),
            None => Pin::new(&mut this.socket).poll_write_vectored(context, bytes),
        };
        this.written(context, done)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let done = Pin::new(&mut this.socket).poll_flush(context);
        if this.socket.holds_output() { this.written(context, done) } else { done }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.lingers.is_none() {
            ready!(Pin::new(&mut this.socket).poll_shutdown(context))?;
            let mut lingers = this.input.another();
            lingers.set(LINGER);
            this.lingers = Some(lingers);
            this.input.set(LINGER_SILENCE);
        }
        this.linger(context).map(Ok)
    }
}

fn timed_out(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, what)
}
