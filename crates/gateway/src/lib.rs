//! The live shell of the router: an OpenAI-compatible gateway.
