//! Decodes compressed answers (gzip, deflate, brotli, zstd), errors and streams included. The gateway asks for none of
//! them; some upstreams send them all the same.

use bytes::{Bytes, BytesMut};
use compression_codecs::core::util::{PartialBuffer, WriteBuffer};
use compression_codecs::{
    BrotliDecoder, DecodeV2, DeflateDecoder, GzipDecoder, ZlibDecoder, ZstdDecoder,
};
use http::HeaderMap;
use http::header::CONTENT_ENCODING;
use squall_failure::FailureClass;
use std::fmt;

/// How many codings may lie one in the other: nobody sends more than one.
const CODINGS_MAX: usize = 2;

/// Bytes that are decoded at once.
const STEP: usize = 16 << 10;

/// A body on its way from the codings it came in, innermost last.
#[derive(Debug, Default)]
pub(super) struct ContentDecoder {
    coders: Vec<ContentCoding>,
}

impl ContentDecoder {
    /// What the head of an answer says of its body; `None` for a coding that nobody knows.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let mut coders = Vec::new();
        for value in headers.get_all(CONTENT_ENCODING) {
            for word in value.to_str().ok()?.split(',') {
                coders.extend(ContentCoding::of(word.trim())?);
            }
        }
        // They were applied in their order.
        coders.reverse();
        (coders.len() <= CODINGS_MAX).then_some(Self { coders })
    }

    /// Whether bytes are passed as they come.
    pub(super) const fn is_plain(&self) -> bool {
        self.coders.is_empty()
    }

    /// The plain bytes for these, of which there may be at most `most`.
    pub(super) fn decode(&mut self, bytes: Bytes, most: usize) -> Result<Bytes, FailureClass> {
        let mut bytes = bytes;
        for coder in &mut self.coders {
            let mut plain = BytesMut::new();
            coder.decode(&bytes, &mut plain, most)?;
            bytes = plain.freeze();
        }
        if bytes.len() > most { Err(FailureClass::AnswerTooLarge) } else { Ok(bytes) }
    }

    /// Whether the body may end here.
    pub(super) fn is_whole(&self) -> bool {
        self.coders.iter().all(|coder| coder.ended || !coder.begun)
    }
}

/// One coding under way.
struct ContentCoding {
    codec: Option<Box<dyn DecodeV2 + Send>>,
    begun: bool,
    /// What came so far is whole: more may follow, as members of gzip and frames of zstd do.
    ended: bool,
}

impl fmt::Debug for ContentCoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { begun, ended, codec: _ } = self;
        f.debug_struct("Coder").field("begun", begun).field("ended", ended).finish_non_exhaustive()
    }
}

impl ContentCoding {
    /// `Some(None)` for a word that says that nothing was done.
    fn of(word: &str) -> Option<Option<Self>> {
        let codec: Option<Box<dyn DecodeV2 + Send>> = match word.to_ascii_lowercase().as_str() {
            "" | "identity" => return Some(None),
            "gzip" | "x-gzip" => Some(Box::new(GzipDecoder::new())),
            "br" => Some(Box::new(BrotliDecoder::new())),
            "zstd" => Some(Box::new(ZstdDecoder::new())),
            // Its first byte says which of two kinds it is.
            "deflate" => None,
            _ => return None,
        };
        Some(Some(Self { codec, begun: false, ended: false }))
    }

    fn decode(
        &mut self,
        bytes: &[u8],
        out: &mut BytesMut,
        most: usize,
    ) -> Result<(), FailureClass> {
        let Some(&first) = bytes.first() else { return Ok(()) };
        let codec = self.codec.get_or_insert_with(|| deflate(first));
        let mut input = PartialBuffer::new(bytes);
        let mut step = [0; STEP];
        while !input.unwritten().is_empty() {
            if std::mem::take(&mut self.ended) {
                // What follows is one more member, or stuffing that means nothing.
                if input.unwritten().iter().all(|&byte| byte == 0) || codec.reinit().is_err() {
                    self.ended = true;
                    return Ok(());
                }
            }
            self.begun = true;
            loop {
                let before = input.unwritten().len();
                let mut room = WriteBuffer::new_initialized(&mut step);
                let ended =
                    codec.decode(&mut input, &mut room).map_err(|_| FailureClass::Malformed)?;
                out.extend_from_slice(room.written());
                if out.len() > most {
                    return Err(FailureClass::AnswerTooLarge);
                }
                self.ended = ended;
                let is_stuck = room.written_len() == 0 && input.unwritten().len() == before;
                if ended || is_stuck || (input.unwritten().is_empty() && !room.has_no_spare_space())
                {
                    break;
                }
            }
            if !self.ended && !input.unwritten().is_empty() {
                // It takes no more of it, and has no more to give.
                return Err(FailureClass::Malformed);
            }
        }
        Ok(())
    }
}

/// Deflate as the standard has it, in zlib's wrapping, or bare, as some send it.
fn deflate(first: u8) -> Box<dyn DecodeV2 + Send> {
    // The method of a wrapping is 8, and its window at most 32 KiB.
    let is_wrapped = first & 0x0f == 8 && first >> 4 <= 7;
    if is_wrapped { Box::new(ZlibDecoder::new()) } else { Box::new(DeflateDecoder::new()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use compression_codecs::brotli::params::EncoderParams;
    use compression_codecs::core::Level;
    use compression_codecs::flate::params::FlateEncoderParams;
    use compression_codecs::{
        BrotliEncoder, DeflateEncoder, EncodeV2, GzipEncoder, ZlibEncoder, ZstdEncoder,
    };
    use http::HeaderValue;

    const MOST: usize = 64 << 10;

    fn encoders() -> Vec<(&'static str, Box<dyn EncodeV2>)> {
        let flate = || FlateEncoderParams::from(Level::Default);
        vec![
            ("gzip", Box::new(GzipEncoder::new(flate()))),
            ("x-gzip", Box::new(GzipEncoder::new(flate()))),
            ("deflate", Box::new(ZlibEncoder::new(flate()))),
            ("deflate", Box::new(DeflateEncoder::new(flate()))),
            ("br", Box::new(BrotliEncoder::new(EncoderParams::default()))),
            ("zstd", Box::new(ZstdEncoder::new(3))),
        ]
    }

    fn encode(encoder: &mut dyn EncodeV2, text: &[u8]) -> Bytes {
        let mut out = vec![0; text.len() + (64 << 10)];
        let mut input = PartialBuffer::new(text);
        let mut room = WriteBuffer::new_initialized(&mut out);
        while !input.unwritten().is_empty() {
            encoder.encode(&mut input, &mut room).expect("it encodes");
        }
        while !encoder.finish(&mut room).expect("it ends") {}
        Bytes::copy_from_slice(room.written())
    }

    fn decoding(word: &'static str) -> ContentDecoder {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(word));
        ContentDecoder::of(&headers).expect("a coding that is known")
    }

    /// Decodes in pieces of this length.
    fn decode(
        decoding: &mut ContentDecoder,
        bytes: &[u8],
        piece: usize,
    ) -> Result<Vec<u8>, FailureClass> {
        let mut out = Vec::new();
        for piece in bytes.chunks(piece) {
            out.extend_from_slice(&decoding.decode(Bytes::copy_from_slice(piece), MOST)?);
        }
        Ok(out)
    }

    #[test]
    fn every_coding_is_undone_however_it_is_split() {
        let text: Vec<u8> = (0..4_000_u32).flat_map(|n| n.to_string().into_bytes()).collect();
        for piece in [1, 7, 1 << 20] {
            for (word, mut encoder) in encoders() {
                let bytes = encode(&mut *encoder, &text);
                assert!(bytes.len() < text.len(), "{word}");
                let mut decoding = decoding(word);
                assert_eq!(decode(&mut decoding, &bytes, piece).as_ref(), Ok(&text), "{word}");
                assert!(decoding.is_whole(), "{word}");
            }
        }
    }

    #[test]
    fn half_a_body_is_not_whole_and_garbage_is_malformed() {
        for (word, mut encoder) in encoders() {
            let text: Vec<u8> = (0..999_u32).flat_map(|n| n.to_string().into_bytes()).collect();
            let bytes = encode(&mut *encoder, &text);
            let mut half = decoding(word);
            decode(&mut half, &bytes[..bytes.len() / 2], 1 << 20).expect("so far it is well");
            assert!(!half.is_whole(), "{word}");
        }
        for word in ["gzip", "zstd"] {
            let page = b"<html>busy</html>".as_slice();
            assert_eq!(
                decode(&mut decoding(word), page, 99),
                Err(FailureClass::Malformed),
                "{word}"
            );
        }
    }

    #[test]
    fn a_bomb_is_given_up_on_before_it_fills_the_memory() {
        let zeros = vec![0; 9 * MOST];
        for (word, mut encoder) in encoders() {
            let bytes = encode(&mut *encoder, &zeros);
            assert!(bytes.len() < MOST / 8, "{word}");
            let decoded = decode(&mut decoding(word), &bytes, 1 << 20);
            assert_eq!(decoded, Err(FailureClass::AnswerTooLarge), "{word}");
        }
    }

    #[test]
    fn members_behind_each_other_and_codings_in_each_other_are_undone() {
        let member = encode(&mut GzipEncoder::new(FlateEncoderParams::from(Level::Default)), b"ab");
        let two = [member.as_ref(), member.as_ref(), &[0; 9]].concat();
        for piece in [1, 99] {
            assert_eq!(decode(&mut decoding("gzip"), &two, piece).expect("two members"), b"abab");
        }
        let twice = encode(&mut ZstdEncoder::new(3), &member);
        assert_eq!(decode(&mut decoding("gzip, zstd"), &twice, 99).expect("both"), b"ab");
    }

    #[test]
    fn no_coding_is_plain_and_an_unknown_one_is_told() {
        assert!(ContentDecoder::of(&HeaderMap::new()).expect("none").is_plain());
        assert!(decoding("identity").is_plain());
        for word in ["compress", "gzip, gzip, gzip", "aws-chunked"] {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static(word));
            assert!(ContentDecoder::of(&headers).is_none(), "{word}");
        }
    }

    #[test]
    fn an_empty_body_is_whole_whatever_its_coding() {
        assert!(decoding("gzip").is_whole());
    }
}
