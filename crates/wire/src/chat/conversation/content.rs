//! What a message holds: text, and what is attached to it.

use crate::chat::Unsupported;
use serde::Deserialize;
use serde_json::value::RawValue;

/// One piece of a message.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum ContentPart {
    Text(String),
    Image(Attachment),
    /// Sound in base64, and its format: `wav` or `mp3`.
    Audio {
        data: String,
        format: String,
    },
    File {
        name: Option<String>,
        content: Attachment,
    },
}

/// Where the bytes of an attachment are.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Attachment {
    /// Here, in base64.
    Inline { media_type: String, data: String },
    /// At an address that the vendor fetches.
    Url(String),
}

impl ContentPart {
    /// Its text.
    ///
    /// # Errors
    /// When it is none.
    pub(crate) fn into_text(self, field: &str) -> Result<String, Unsupported> {
        match self {
            Self::Text(text) => Ok(text),
            _ => Err(Unsupported::here(format!("{field}.content"), "this role has text only")),
        }
    }
}

/// Reads a content: a string, a list of parts, or nothing.
pub(super) fn parts(
    content: Option<&RawValue>,
    field: &str,
) -> Result<Vec<ContentPart>, Unsupported> {
    let Some(raw) = content else { return Ok(Vec::new()) };
    let wrong =
        || Unsupported::anywhere(format!("{field}.content"), "must be a string or a list of parts");
    if raw.get().starts_with('[') {
        let shapes: Vec<PartShape> = serde_json::from_str(raw.get()).map_err(|_| wrong())?;
        return shapes.into_iter().map(|shape| part(shape, field)).collect();
    }
    let text: String = serde_json::from_str(raw.get()).map_err(|_| wrong())?;
    Ok(vec![ContentPart::Text(text)])
}

fn part(shape: PartShape, field: &str) -> Result<ContentPart, Unsupported> {
    let lacks = |what: &str| {
        Unsupported::anywhere(format!("{field}.content"), format!("a part lacks `{what}`"))
    };
    match shape.kind.as_str() {
        "text" => Ok(ContentPart::Text(shape.text.ok_or_else(|| lacks("text"))?)),
        "refusal" => Ok(ContentPart::Text(shape.refusal.ok_or_else(|| lacks("refusal"))?)),
        "image_url" => {
            let url = shape.image_url.ok_or_else(|| lacks("image_url"))?.url;
            Ok(ContentPart::Image(attachment(url)))
        }
        "input_audio" => {
            let audio = shape.input_audio.ok_or_else(|| lacks("input_audio"))?;
            Ok(ContentPart::Audio { data: audio.data, format: audio.format })
        }
        "file" => {
            let file = shape.file.ok_or_else(|| lacks("file"))?;
            let data = file.file_data.ok_or_else(|| {
                let why = "a file of OpenAI's store is not known to others: send `file_data`";
                Unsupported::here(format!("{field}.content"), why)
            })?;
            Ok(ContentPart::File { name: file.filename, content: attachment(data) })
        }
        kind => {
            let why = format!("no part of type `{kind}` is known");
            Err(Unsupported::here(format!("{field}.content"), why))
        }
    }
}

/// `data:image/png;base64,…`, or an address.
fn attachment(url: String) -> Attachment {
    let inline = url.strip_prefix("data:").and_then(|rest| {
        let (kind, data) = rest.split_once(',')?;
        let media_type = kind.strip_suffix(";base64")?.split(';').next()?;
        Some(Attachment::Inline { media_type: media_type.to_owned(), data: data.to_owned() })
    });
    inline.unwrap_or(Attachment::Url(url))
}

#[derive(Deserialize)]
struct PartShape {
    #[serde(rename = "type")]
    kind: String,
    text: Option<String>,
    refusal: Option<String>,
    image_url: Option<UrlShape>,
    input_audio: Option<AudioShape>,
    file: Option<FileShape>,
}

#[derive(Deserialize)]
struct UrlShape {
    url: String,
}

#[derive(Deserialize)]
struct AudioShape {
    data: String,
    format: String,
}

#[derive(Deserialize)]
struct FileShape {
    filename: Option<String>,
    file_data: Option<String>,
}
