//! The LLM APIs as bytes: requests, responses, errors, limit headers, server-sent events.
