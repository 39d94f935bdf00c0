//! The only module that prints: data to standard output, everything else to standard error. Colour is
//! left out where `NO_COLOR` is set or nobody looks.

use crate::error::Error;
use anstream::{eprintln, println};

/// Prints a line of data.
pub(crate) fn data(text: impl std::fmt::Display) {
    println!("{text}");
}

/// Prints a line about what is going on.
pub(crate) fn status(text: impl std::fmt::Display) {
    eprintln!("{text}");
}

/// Prints why a command did not come to its end. Diagnostics come as they are, with their excerpts.
pub(crate) fn error(error: &Error) {
    match error {
        Error::File(diagnostics) => eprintln!("{}", diagnostics.styled()),
        _ => eprintln!("error: {error}"),
    }
}
