//! Sound as it is served: speech from texts, and texts from sound.

use super::serve_chat::spoken;
use crate::chat::{ChunkWriter, FinishReason, Form};
use crate::error::ApiError;
use crate::serve::{
    AnswerHead, AnswerWriter, ApiEndpoint, ParsedRequest, Refused, Route, Rules, SOUND_FORMATS,
    Sound, read_json,
};
use crate::{Usage, estimate_tokens};
use base64::Engine as _;
use bytes::Bytes;
use serde::Deserialize;
use squall_failure::FailureClass;
use std::io::Write as _;

/// The longest text that is spoken, as at OpenAI.
const INPUT_MAX: usize = 4_096;

/// What a transcript comes as.
const TRANSCRIPTS: [&str; 6] = ["json", "text", "srt", "verbose_json", "vtt", "diarized_json"];

/// Reads what is to be spoken.
pub(super) fn read_speech(route: &Route, body: Bytes, _: Rules) -> Result<ParsedRequest, Refused> {
    #[derive(Deserialize)]
    struct SpeechBody<'a> {
        model: Option<String>,
        input: Option<String>,
        voice: Option<serde_json::Value>,
        response_format: Option<&'a str>,
        stream_format: Option<&'a str>,
    }
    let shape: SpeechBody<'_> = read_json(&body)?;
    let model = route.model.clone().or(shape.model).ok_or_else(|| Refused::missing("model"))?;
    let input = shape.input.ok_or_else(|| Refused::missing("input"))?;
    if shape.voice.is_none() {
        return Err(Refused::missing("voice"));
    }
    if input.chars().count() > INPUT_MAX {
        let message = format!("'input' must have at most {INPUT_MAX} characters.");
        return Err(Refused::new(message, Some("input")));
    }
    let format = shape.response_format.unwrap_or("mp3");
    let format = SOUND_FORMATS.iter().find(|(name, _)| *name == format).ok_or_else(|| {
        let names = SOUND_FORMATS.map(|(name, _)| name).join(", ");
        Refused::new(format!("'response_format' must be one of {names}."), Some("response_format"))
    })?;
    let sound = match shape.stream_format {
        Some("sse") => Sound::Events,
        _ => Sound::Bytes(format.0),
    };
    Ok(ParsedRequest {
        // It leaves as it is made, whoever asks.
        stream: true,
        input_tokens: estimate_tokens(input.len()),
        sound: Some(sound),
        token: crate::RequestToken::from_prompt(&input),
        ..ParsedRequest::new(route, model, body)
    })
}

/// Reads what is to be written down.
pub(super) fn read_transcript(
    route: &Route,
    body: Bytes,
    _: Rules,
) -> Result<ParsedRequest, Refused> {
    let form = form(&body)?;
    let model = route.model.clone().or_else(|| form.text("model").map(str::to_owned));
    let model = model.ok_or_else(|| Refused::missing("model"))?;
    let sound = form.files("file").next().ok_or_else(|| Refused::missing("file"))?;
    let format = form.text("response_format").unwrap_or("json");
    let format = TRANSCRIPTS.iter().find(|name| **name == format).ok_or_else(|| {
        let names = TRANSCRIPTS.join(", ");
        Refused::new(format!("'response_format' must be one of {names}."), Some("response_format"))
    })?;
    let prompt = form.text("prompt").unwrap_or_default();
    Ok(ParsedRequest {
        stream: form.text("stream") == Some("true"),
        // Ten tokens for a second, of 16,000 bytes.
        input_tokens: estimate_tokens(prompt.len())
            .saturating_add(u32::try_from(sound / 1_600).unwrap_or(u32::MAX)),
        sound: Some(Sound::Transcript(format)),
        token: crate::RequestToken::from_prompt(prompt),
        ..ParsedRequest::new(route, model, body)
    })
}

/// A form, whose boundary is what its first line says: a route knows no headers.
pub(super) fn form(body: &Bytes) -> Result<Form, Refused> {
    let line = body.split(|&byte| byte == b'\r').next().unwrap_or_default();
    let boundary = line.strip_prefix(b"--").and_then(|line| std::str::from_utf8(line).ok());
    let boundary = boundary.filter(|boundary| boundary.len() <= 70).ok_or_else(|| {
        Refused::plain("We could not parse the body of your request: expected multipart/form-data.")
    })?;
    let kind = format!("multipart/form-data; boundary=\"{boundary}\"");
    Form::read(&kind, body.clone())
        .map_err(|error| Refused::plain(format!("We could not parse your request: {error}")))
}

/// A transcript in one piece.
pub(super) fn whole(asked: &ParsedRequest, head: &AnswerHead, usage: Usage) -> Bytes {
    let mut text = Vec::new();
    head.says.push_text(&mut text, spoken(head, usage.output_tokens), true);
    let text = String::from_utf8_lossy(&text);
    let text = text.trim();
    let Some(Sound::Transcript(format)) = asked.sound else { return Bytes::new() };
    match format {
        "text" => format!("{text}\n"),
        "srt" => format!("1\n00:00:00,000 --> 00:00:02,000\n{text}\n\n"),
        "vtt" => format!("WEBVTT\n\n00:00:00.000 --> 00:00:02.000\n{text}\n\n"),
        "verbose_json" => {
            let task = match asked.endpoint {
                ApiEndpoint::Translations => "translate",
                _ => "transcribe",
            };
            format!(
                r#"{{"task":"{task}","language":"english","duration":2.0,"text":"{text}","segments":[{{"id":0,"seek":0,"start":0.0,"end":2.0,"text":"{text}","tokens":[],"temperature":0.0,"avg_logprob":-0.1,"compression_ratio":1.0,"no_speech_prob":0.0}}],"usage":{{"type":"duration","seconds":2}}}}"#
            )
        }
        _ => format!(r#"{{"text":"{text}","usage":{}}}"#, used(usage)),
    }
    .into()
}

/// What OpenAI says was used, where it counts tokens.
fn used(usage: Usage) -> String {
    let Usage { input_tokens, output_tokens } = usage;
    let total = u64::from(input_tokens) + u64::from(output_tokens);
    format!(
        r#"{{"type":"tokens","input_tokens":{input_tokens},"output_tokens":{output_tokens},"total_tokens":{total},"input_token_details":{{"text_tokens":0,"audio_tokens":{input_tokens}}}}}"#
    )
}

/// Writes a transcript as events.
#[derive(Debug)]
pub(super) struct TranscriptWriter {
    model: String,
    answer: AnswerHead,
    text: String,
}

impl TranscriptWriter {
    pub(super) fn new(asked: &ParsedRequest, head: &AnswerHead) -> Self {
        Self { model: asked.model.clone(), answer: head.clone(), text: String::new() }
    }
}

impl AnswerWriter for TranscriptWriter {
    fn begin(&mut self, _out: &mut Vec<u8>) {}

    fn token(&mut self, out: &mut Vec<u8>, n: u32) {
        if let Some(n) = n.checked_sub(self.answer.reasoning_tokens) {
            let piece = self.answer.says.piece(n);
            self.text.push_str(piece);
            event(out, &format!(r#"{{"type":"transcript.text.delta","delta":"{piece}"}}"#));
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>, _finish: FinishReason, usage: Usage) {
        let (text, usage) = (&self.text, used(usage));
        event(
            out,
            &format!(r#"{{"type":"transcript.text.done","text":"{text}","usage":{usage}}}"#),
        );
    }

    fn error(&mut self, out: &mut Vec<u8>, class: FailureClass) {
        ChunkWriter::error(out, &ApiError::of(class, &self.model));
    }
}

/// Writes speech: a frame of silence for each token.
#[derive(Debug)]
pub(super) struct SpeechWriter {
    model: String,
    sound: Sound,
}

impl SpeechWriter {
    pub(super) fn new(asked: &ParsedRequest) -> Self {
        let sound = asked.sound.unwrap_or(Sound::Bytes("mp3"));
        Self { model: asked.model.clone(), sound }
    }
}

impl AnswerWriter for SpeechWriter {
    fn begin(&mut self, out: &mut Vec<u8>) {
        if self.sound == Sound::Bytes("wav") {
            out.extend_from_slice(&WAV_HEAD);
        }
    }

    fn token(&mut self, out: &mut Vec<u8>, _n: u32) {
        match self.sound {
            Sound::Bytes("wav" | "pcm") => out.extend_from_slice(&[0; PCM_FRAME]),
            Sound::Bytes(_) => out.extend_from_slice(&mp3_frame()),
            Sound::Events | Sound::Transcript(_) => {
                let audio = base64::engine::general_purpose::STANDARD.encode(mp3_frame());
                event(out, &format!(r#"{{"type":"speech.audio.delta","audio":"{audio}"}}"#));
            }
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>, _finish: FinishReason, usage: Usage) {
        if self.sound == Sound::Events {
            let Usage { input_tokens, output_tokens } = usage;
            let total = u64::from(input_tokens) + u64::from(output_tokens);
            event(
                out,
                &format!(
                    r#"{{"type":"speech.audio.done","usage":{{"input_tokens":{input_tokens},"output_tokens":{output_tokens},"total_tokens":{total}}}}}"#
                ),
            );
        }
    }

    fn error(&mut self, out: &mut Vec<u8>, class: FailureClass) {
        // Among bytes of sound there is no word for it: they end early.
        if self.sound == Sound::Events {
            ChunkWriter::error(out, &ApiError::of(class, &self.model));
        }
    }
}

fn event(out: &mut Vec<u8>, data: &str) {
    write!(out, "data: {data}\n\n").expect("a Vec takes all");
}

/// A frame of 1,152 samples of silence: MPEG 1 layer III, 128 kbit/s, 44.1 kHz, mono.
fn mp3_frame() -> [u8; 417] {
    let mut frame = [0; 417];
    frame[..4].copy_from_slice(&[0xff, 0xfb, 0x90, 0xc4]);
    frame
}

/// A twentieth of a second at 24 kHz of 16 bits.
const PCM_FRAME: usize = 2_400;

/// The head of a stream of sound at 24 kHz of 16 bits, mono, whose length is not known: as OpenAI's streams have it.
const WAV_HEAD: [u8; 44] = *b"RIFF\xff\xff\xff\xffWAVEfmt \x10\0\0\0\x01\0\x01\0\xc0\x5d\0\0\x80\xbb\0\0\x02\0\x10\0data\xff\xff\xff\xff";
