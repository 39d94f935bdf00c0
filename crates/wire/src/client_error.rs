//! Errors as a client in front of a gateway reads them, whatever its format: whole, and at the end of a stream.

mod front_error;
mod stream_error;

pub use front_error::FrontError;
pub use stream_error::ErrorEventWriter;
