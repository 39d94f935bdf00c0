//! The client of a gateway's admin API.

use crate::admin_token::{self, AdminToken};
use crate::command::serve::runtime;
use crate::error::CliError;
use crate::http_client::{self, causes};
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use http::{Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::client::legacy::{Client, Error as CallError};
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use std::path::Path;
use std::time::Duration;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The largest answer that is read: a hundred thousand requests in a list are some 40 MB.
const ANSWER_MAX: usize = 64 << 20;

/// Asks the admin API of a gateway.
pub(super) struct AdminClient {
    /// `http://127.0.0.1:9191`.
    base: String,
    token: Option<AdminToken>,
}

impl AdminClient {
    /// # Errors
    /// When the address is none, or the token's file cannot be read.
    pub(super) fn new(admin: &str, token_file: Option<&Path>) -> Result<Self, CliError> {
        let base = base(admin).ok_or_else(|| {
            CliError::AskAdmin(format!(
                "--admin: `{admin}` is no address such as 127.0.0.1:9191 or https://gateway.example.com:9191"
            ))
        })?;
        Ok(Self { base, token: admin_token::read(token_file)? })
    }

    pub(super) fn get(&self, what: &str) -> Result<Value, CliError> {
        self.ask(Method::GET, what, None)
    }

    pub(super) fn post(&self, what: &str, body: &Value) -> Result<Value, CliError> {
        self.ask(Method::POST, what, Some(body))
    }

    fn ask(&self, method: Method, what: &str, body: Option<&Value>) -> Result<Value, CliError> {
        let request = self.request(method, what, body)?;
        let secure = self.base.starts_with("https:");
        let (status, body) = runtime()?.block_on(async {
            let connector = http_client::connector(secure).map_err(CliError::AskAdmin)?;
            let client = Client::builder(TokioExecutor::new()).build(connector);
            let answer = tokio::time::timeout(PATIENCE, async {
                let answer =
                    client.request(request).await.map_err(|error| self.no_answer(&error))?;
                let status = answer.status();
                let body = Limited::new(answer.into_body(), ANSWER_MAX).collect().await;
                let body =
                    body.map_err(|error| CliError::AskAdmin(format!("{}: {error}", self.base)))?;
                Ok::<_, CliError>((status, body.to_bytes()))
            });
            let seconds = PATIENCE.as_secs();
            let late =
                |_| CliError::AskAdmin(format!("{} did not answer within {seconds} s", self.base));
            answer.await.map_err(late)?
        })?;
        let value: Option<Value> = serde_json::from_slice(&body).ok();
        match value {
            Some(value) if status == StatusCode::OK => Ok(value),
            value => Err(self.refused(status, value.as_ref())),
        }
    }

    fn request(
        &self,
        method: Method,
        what: &str,
        body: Option<&Value>,
    ) -> Result<Request<Full<Bytes>>, CliError> {
        let url = format!("{}/admin/v1/{what}", self.base);
        let wrong = |_| CliError::AskAdmin(format!("`{url}` is no address"));
        let url: Uri = url.parse().map_err(wrong)?;
        let body = body.map(Value::to_string).unwrap_or_default();
        let mut request = Request::new(Full::new(body.into()));
        *request.method_mut() = method;
        *request.uri_mut() = url;
        let headers = request.headers_mut();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(AdminToken { place, text }) = &self.token {
            let value = HeaderValue::from_str(&format!("Bearer {}", text.trim()));
            let mut value = value.map_err(|_| CliError::AdminToken {
                place: place.clone(),
                why: "has other characters than ASCII's visible ones".to_owned(),
            })?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        Ok(request)
    }

    /// Why there is no answer, and what to do.
    fn no_answer(&self, error: &CallError) -> CliError {
        let (base, why) = (&self.base, causes(error));
        CliError::AskAdmin(if why.contains("refused") {
            format!(
                "nothing listens on {base}: start the gateway with `--admin`, or say by `--admin` here where its admin \
                 API is"
            )
        } else if base.starts_with("https:") && error.is_connect() {
            format!(
                "{base} cannot be asked by TLS ({why}): ask by `http://` where it speaks none; an authority of your own \
                 is trusted by `SSL_CERT_FILE`"
            )
        } else {
            format!("{base} cannot be asked: {why}")
        })
    }

    /// Why it did not do what it was asked.
    fn refused(&self, status: StatusCode, answer: Option<&Value>) -> CliError {
        let base = &self.base;
        let message = answer.and_then(|answer| answer["error"]["message"].as_str());
        CliError::AskAdmin(match (status, message, &self.token) {
            (StatusCode::UNAUTHORIZED, Some(_), None) => format!(
                "{base} wants a token: name its file by `--admin-token-file`, or set SQUALL_ADMIN_TOKEN"
            ),
            (StatusCode::UNAUTHORIZED, Some(_), Some(AdminToken { place, .. })) => {
                format!("{base} does not take the token of {place}: it has another")
            }
            (_, Some(message), _) => format!("{base} answered {}: {message}", status.as_u16()),
            (_, None, _) => format!(
                "{base} answered {} and is not the admin API of `squall gateway`: its address is the one that `--admin` \
                 gives it",
                status.as_u16()
            ),
        })
    }
}

/// The address with its scheme and without a path; `None` if it is none.
fn base(admin: &str) -> Option<String> {
    let with_scheme =
        if admin.contains("://") { admin.to_owned() } else { format!("http://{admin}") };
    let url: Uri = with_scheme.parse().ok()?;
    let scheme = url.scheme_str().filter(|scheme| matches!(*scheme, "http" | "https"))?;
    Some(format!("{scheme}://{}", url.authority()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_may_have_a_scheme_and_a_path_that_the_gateway_has_told() {
        let read = |text| base(text);
        let local = Some("http://127.0.0.1:9191".to_owned());
        assert_eq!(read("127.0.0.1:9191"), local);
        assert_eq!(read("http://127.0.0.1:9191/admin/v1/state"), local);
        assert_eq!(read("https://ops.example"), Some("https://ops.example".to_owned()));
        for wrong in ["", "unix:///run/a", "http://", "a b"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
