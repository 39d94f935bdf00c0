//! An answer that goes on elsewhere: the text that a client has of a stream that broke off, the request that asks
//! another provider for the rest, and the rest as a part of the same stream.

mod joint;
mod request;
mod so_far;
mod splice;

pub use request::ContinuationForm;
pub(super) use request::{QUOTATION, quoted_answer};
pub use so_far::AnswerSoFar;
pub use splice::{NoContinuation, StreamSplicer};
