//! Every strategy by itself.
