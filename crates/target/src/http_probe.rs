//! Single requests to a target, before the run.

use crate::api::TargetApi;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST, LOCATION};
use http::uri::Authority;
use http::{HeaderMap, HeaderValue, Method, Request, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use squall_wire::call::Stamp;
use squall_wire::chat::{ChatRequest, NewChat, ResponseMode};
use squall_wire::{RequestToken, dialect};
use std::io;
use tokio::net::TcpStream;

/// What came back.
#[derive(Debug)]
pub(crate) struct Probed {
    pub(crate) status: u16,
    /// Whether it is an answer to a chat.
    pub(crate) is_completion: bool,
    headers: HeaderMap,
    body: Bytes,
}

/// The most of an answer that is read.
const BODY_MAX: usize = 4 << 20;

/// A prompt and an answer of a few words.
const TOKEN: RequestToken =
    RequestToken { request: 0, input_tokens: 8, output_tokens: 4, session: None };

impl Probed {
    /// For a person: the status, and what came with it.
    pub(crate) fn told(&self) -> String {
        let status = self.status;
        let header = |name| self.headers.get(name).and_then(|value| value.to_str().ok());
        if let (300..400, Some(to)) = (status, header(LOCATION)) {
            return format!("{status}: a redirect to {to}");
        }
        let kind = header(CONTENT_TYPE).unwrap_or("no content type");
        if kind.starts_with("text/html") {
            return format!("{status} with an HTML page: is the path of its URL right?");
        }
        if self.body.is_empty() {
            return format!("{status} with an empty body");
        }
        const SHOWN: usize = 200;
        let body = String::from_utf8_lossy(&self.body);
        let shown: String = body.chars().filter(|c| !c.is_control()).take(SHOWN).collect();
        format!("{status} ({kind}): {shown}")
    }
}

/// Asks for a path.
pub(crate) async fn get(address: &Authority, path: &str) -> io::Result<Probed> {
    let mut request = Request::new(Full::new(Bytes::new()));
    *request.uri_mut() = path.parse().map_err(io::Error::other)?;
    send(address, request).await
}

/// Asks for a chat as clients do.
pub(crate) async fn chat(target: &TargetApi, model: &str, stream: bool) -> io::Result<Probed> {
    let client = dialect(target.wire_format());
    let delivery = if stream { ResponseMode::StreamWithUsage } else { ResponseMode::Whole };
    let body = NewChat { model, token: TOKEN, delivery }.body();
    let chat = ChatRequest::parse(body).map_err(|_| io::Error::other("no request"))?;
    let body = client.body(&chat, model, stream).map_err(|_| io::Error::other("no request"))?;
    let url = format!("{}{}", target.base_url, client.chat_path(model, stream));
    let uri: Uri = url.parse().map_err(io::Error::other)?;
    let authority = uri.authority().cloned().ok_or_else(|| io::Error::other("no URL"))?;
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = Method::POST;
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    *request.uri_mut() = path.parse().map_err(io::Error::other)?;
    *request.headers_mut() = client.headers(None);
    request.headers_mut().extend(target.headers.clone());
    request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let mut probed = send(&authority, request).await?;
    let stamp = Stamp { created: 0, number: 0, model: model.to_owned() };
    probed.is_completion =
        probed.status == 200 && (stream || client.answer(probed.body.clone(), &stamp).is_ok());
    Ok(probed)
}

async fn send(address: &Authority, mut request: Request<Full<Bytes>>) -> io::Result<Probed> {
    let host = HeaderValue::from_str(address.as_str()).map_err(io::Error::other)?;
    request.headers_mut().insert(HOST, host);
    let stream = TcpStream::connect(address.as_str()).await?;
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
    // It ends with the connection; what went wrong is told to whoever waits for the answer.
    tokio::spawn(async move { drop(connection.await) });
    let response = sender.send_request(request).await.map_err(io::Error::other)?;
    let (parts, body) = response.into_parts();
    let body = Limited::new(body, BODY_MAX).collect().await.map_err(io::Error::other)?;
    Ok(Probed {
        status: parts.status.as_u16(),
        is_completion: false,
        headers: parts.headers,
        body: body.to_bytes(),
    })
}
