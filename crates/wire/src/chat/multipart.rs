//! Requests whose bodies come in several parts (`multipart/form-data`): files, and the fields that say what to do with
//! them. They are read whole: bodies are bounded, and a request may have to be sent again elsewhere.

use super::form_request::{FormRequest, WrittenForm};
use super::operation::Operation;
use super::request::{ChatRequest, RequestError};
use super::text::PICTURE_TOKENS;
use crate::{RequestToken, estimate_tokens};
use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::stream;
use http::HeaderMap;
use multer::Multipart;
use std::convert::Infallible;

/// More parts than any operation has: sixteen pictures, a mask, and a dozen fields.
const PARTS_MAX: usize = 64;

/// Bytes of sound for a token: at 128 kbit/s, of which OpenAI counts ten tokens for a second.
const SOUND_BYTES_PER_TOKEN: usize = 1_600;

/// The longest field that is read as text.
const TEXT_MAX: usize = 1 << 20;

/// A form that was read.
#[derive(Clone, Debug)]
pub(crate) struct Form {
    boundary: String,
    parts: Vec<FormPart>,
}

/// One part of a form.
#[derive(Clone, Debug)]
pub(crate) struct FormPart {
    /// Its name, without the `[]` of lists.
    name: String,
    is_file: bool,
    headers: HeaderMap,
    bytes: Bytes,
}

impl Form {
    /// Reads a body of this content type.
    ///
    /// # Errors
    /// When it is no form, or has too many parts.
    pub(crate) fn read(content_type: &str, body: Bytes) -> Result<Self, RequestError> {
        let wrong = |error: multer::Error| RequestError::NotForm(error.to_string());
        let boundary = multer::parse_boundary(content_type).map_err(|_| {
            RequestError::NotForm(format!(
                "expected `content-type: multipart/form-data; boundary=…`, and it is `{content_type}`"
            ))
        })?;
        let whole = stream::iter([Ok::<_, Infallible>(body)]);
        let mut multipart = Multipart::new(whole, boundary.clone());
        let mut parts = Vec::new();
        // All of the body is there: nothing is ever waited for.
        let broken = || RequestError::NotForm("the body ends within a part".to_owned());
        while let Some(field) =
            multipart.next_field().now_or_never().ok_or_else(broken)?.map_err(wrong)?
        {
            if parts.len() == PARTS_MAX {
                return Err(RequestError::NotForm(format!("more than {PARTS_MAX} parts")));
            }
            let name = field.name().unwrap_or_default();
            let name = name.strip_suffix("[]").unwrap_or(name).to_owned();
            let is_file = field.file_name().is_some();
            let headers = field.headers().clone();
            let bytes = field.bytes().now_or_never().ok_or_else(broken)?.map_err(wrong)?;
            parts.push(FormPart { name, is_file, headers, bytes });
        }
        Ok(Self { boundary, parts })
    }

    /// The text of a field; none if it is not there, is a file, or is no text.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        let part = self.parts.iter().find(|part| part.name == name && !part.is_file)?;
        let text = std::str::from_utf8(&part.bytes).ok();
        text.filter(|text| text.len() <= TEXT_MAX)
    }

    /// The sizes of the files of this name.
    pub(crate) fn files(&self, name: &str) -> impl Iterator<Item = usize> {
        let of_name = move |part: &&FormPart| part.name == name && part.is_file;
        self.parts.iter().filter(of_name).map(|part| part.bytes.len())
    }

    /// How often a name is there.
    fn count(&self, name: &str) -> usize {
        self.parts.iter().filter(|part| part.name == name).count()
    }

    /// The same for this model, whatever it names itself.
    fn with_model(mut self, model: &str) -> Self {
        self.parts.retain(|part| part.name != "model");
        let mut headers = HeaderMap::new();
        let disposition = http::HeaderValue::from_static("form-data; name=\"model\"");
        headers.insert(http::header::CONTENT_DISPOSITION, disposition);
        let bytes = Bytes::copy_from_slice(model.as_bytes());
        self.parts.insert(0, FormPart { name: "model".to_owned(), is_file: false, headers, bytes });
        self
    }

    /// The form as it is sent: each part with the headers it came with. Its boundary is in none of them, since they
    /// were told apart by it.
    fn write(&self) -> WrittenForm {
        let size: usize = self.parts.iter().map(|part| part.bytes.len() + 256).sum();
        let mut body = Vec::with_capacity(size);
        let mut model = 0..0;
        for part in &self.parts {
            body.extend_from_slice(format!("--{}\r\n", self.boundary).as_bytes());
            for (name, value) in &part.headers {
                body.extend_from_slice(name.as_str().as_bytes());
                body.extend_from_slice(b": ");
                body.extend_from_slice(value.as_bytes());
                body.extend_from_slice(b"\r\n");
            }
            body.extend_from_slice(b"\r\n");
            if part.name == "model" {
                model = body.len()..body.len() + part.bytes.len();
            }
            body.extend_from_slice(&part.bytes);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(format!("--{}--\r\n", self.boundary).as_bytes());
        WrittenForm { body: body.into(), model }
    }
}

impl ChatRequest {
    /// Reads a body of several parts, as far as a router needs it. `model` is that of the path, where it names one.
    ///
    /// # Errors
    /// When it is no form, or lacks a model or its file.
    pub fn parse_form(
        operation: Operation,
        content_type: &str,
        body: Bytes,
        model: Option<&str>,
    ) -> Result<Self, RequestError> {
        let mut form = Form::read(content_type, body)?;
        if let Some(model) = model {
            form = form.with_model(model);
        }
        // A second one would reach the provider as it came, past what its key may ask for.
        if form.count("model") > 1 {
            return Err(RequestError::NotForm("there are two parts `model`".to_owned()));
        }
        let model = form.text("model").filter(|model| !model.is_empty());
        let model = model.ok_or(RequestError::NoModel)?.to_owned();
        let subject = operation.subject();
        if form.files(subject).next().is_none() {
            return Err(RequestError::NoSubject(subject));
        }
        let prompt = estimate_tokens(form.text("prompt").map_or(0, str::len));
        let files = form.files(subject).map(|bytes| match operation {
            Operation::ImageEdit | Operation::ImageVariation => PICTURE_TOKENS,
            _ => u32::try_from(bytes / SOUND_BYTES_PER_TOKEN).unwrap_or(u32::MAX),
        });
        let input_tokens = files.fold(prompt, u32::saturating_add);
        let token: Option<RequestToken> = form.text("user").and_then(|user| user.parse().ok());
        let stream = form.text("stream") == Some("true");
        let answers_text = matches!(form.text("response_format"), Some("text" | "srt" | "vtt"));
        let written = form.write();
        let asked = FormRequest { operation, model, stream, input_tokens, token, answers_text };
        Ok(Self::of_form(asked, written, content_type))
    }
}
