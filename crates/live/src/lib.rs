//! A run over real sockets.
