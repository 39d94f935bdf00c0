//! A request to one upstream, which may be sent again.

use super::UpstreamEndpoint;
use super::call_context::CallContext;
use crate::header_passthrough::is_of_format;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method, Request, Uri};
use http_body_util::Full;
use hyper_util::client::legacy::ResponseFuture;
use squall_failure::{Failure, FailureClass};
use squall_wire::call::ClientFormat;
use squall_wire::chat::{ChatRequest, FrontApi, Operation, Unsupported};
use squall_wire::front_format;
use std::sync::Arc;
use std::time::Duration;

/// How much of a refusal is looked through for the name of an option.
const LOOKED_AT: usize = 8 << 10;

/// A request, and all that is needed to send it again.
#[derive(Debug)]
pub(super) struct OutgoingRequest {
    pub(super) endpoint: Arc<UpstreamEndpoint>,
    pub(super) chat: Arc<ChatRequest>,
    pub(super) known: CallContext,
    /// Headers of this request, beside those of every call.
    pub(super) passed: Arc<HeaderMap>,
    pub(super) between_tokens: Duration,
    /// The gateway asks streams to tell their usage.
    pub(super) ask_usage: bool,
    /// The API of the client, where the upstream speaks it too and gets the request as it came.
    pub(super) native: Option<FrontApi>,
}

impl OutgoingRequest {
    pub(super) fn dialect(&self) -> &'static dyn ClientFormat {
        self.endpoint.dialect
    }

    /// The request leaves.
    ///
    /// # Errors
    /// When the upstream's format has no words for it.
    pub(super) fn send(&self) -> Result<ResponseFuture, Unsupported> {
        self.request().map(|request| self.endpoint.client.request(request))
    }

    fn request(&self) -> Result<Request<Full<Bytes>>, Unsupported> {
        let Self { endpoint, chat, ask_usage, .. } = self;
        let model = &*self.known.model;
        let ask_usage = *ask_usage;
        let (uri, body) = match chat.operation {
            _ if let Some(api) = self.native => (self.native_uri(api), chat.native_body(model)),
            Operation::Chat => {
                if let Some(unsupported) = chat.only_native() {
                    return Err(unsupported.clone());
                }
                (
                    endpoint.chat_uri(model, chat.stream),
                    endpoint.dialect.body(chat, model, ask_usage)?,
                )
            }
            other => {
                let path = endpoint.dialect.other_path(other, model);
                let path = path.ok_or_else(|| Unsupported::no_operation(other))?;
                (endpoint.base.below(&path), chat.body_for(model, ask_usage))
            }
        };
        let mut request = Request::new(Full::new(body));
        *request.uri_mut() = uri.ok_or_else(|| Unsupported::no_model(model))?;
        *request.method_mut() = Method::POST;
        let headers = request.headers_mut();
        headers.reserve(endpoint.chat_headers.len() + self.passed.len());
        let passed = self.passed.iter();
        let passed = passed.filter(|(name, _)| self.native.is_some() || !is_of_format(name));
        for (name, value) in endpoint.chat_headers.iter().chain(passed) {
            headers.append(name.clone(), value.clone());
        }
        if let Some(kind) = chat.form_type().and_then(|kind| HeaderValue::from_str(kind).ok()) {
            headers.insert(CONTENT_TYPE, kind);
        }
        Ok(request)
    }

    /// Where the upstream is asked in the words of the client.
    fn native_uri(&self, api: FrontApi) -> Option<Uri> {
        let model = &*self.known.model;
        match front_format(api).other_operation() {
            None => self.endpoint.chat_uri(model, self.chat.stream),
            Some(other) => {
                let path = self.endpoint.dialect.other_path(other, model)?;
                self.endpoint.base.below(&path)
            }
        }
    }

    /// Whether the provider refuses what the gateway added, and may be asked without it: from now on nobody
    /// adds it here.
    pub(super) fn learns_from(&mut self, failure: &Failure, body: &[u8]) -> bool {
        let added = self.ask_usage
            && self.native.is_none()
            && self.chat.adds_usage()
            && self.endpoint.dialect.takes_stream_options();
        if !added || failure.class != FailureClass::BadRequest {
            return false;
        }
        let body = String::from_utf8_lossy(&body[..body.len().min(LOOKED_AT)]);
        let names_it = body.contains("stream_options") || body.contains("include_usage");
        let learns = names_it && self.endpoint.learn_no_usage();
        if learns {
            self.ask_usage = false;
        }
        learns
    }
}
