//! As what a connection was taken in.

/// What its requests are answered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Admission {
    /// What the routes answer.
    Taken,
    /// It was one too many: a refusal, unless another connection has made room.
    Full,
    /// It came without TLS to an address that speaks it: a refusal.
    PlainHttp,
}
