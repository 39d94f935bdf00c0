//! The live shell of the provider: a server that misbehaves on a script.
