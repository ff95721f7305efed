use std::fmt;
use std::io::{Read, SeekFrom};

use super::{Opened, Source, aiff, flac, guard, mp3, ogg, wav};
use crate::{AudioError, Limits};

/// What can be read, for the texts of errors.
pub(super) const SUPPORTED: &str =
    "wav (pcm, float, a-law, mu-law, gsm 06.10, adpcm, mp3), aiff, flac, mp3, ogg (opus, vorbis)";

/// How many bytes the kind of a file is told from.
const SNIFFED_BYTES: u64 = 64;

/// A kind of audio file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Container {
    /// RIFF WAVE, and RF64 of EBU TECH 3306.
    Wav,
    /// AIFF and AIFF-C.
    Aiff,
    /// Native FLAC.
    Flac,
    /// MPEG audio, layer 3, with or without ID3 tags.
    Mp3,
    /// Ogg with Opus, Vorbis or FLAC in it.
    Ogg,
}

impl Container {
    /// As errors name it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Wav => "wav",
            Self::Aiff => "aiff",
            Self::Flac => "flac",
            Self::Mp3 => "mp3",
            Self::Ogg => "ogg",
        }
    }

    /// The kind of file that begins so, if no raw audio would: MP3 frames have no name, and a raw
    /// stream may look like one.
    pub(crate) fn unmistakable(start: &[u8]) -> Option<Self> {
        match start {
            [b'R', b'I' | b'F', b'F' | b'6', b'F' | b'4', _, _, _, _, b'W', b'A', b'V', b'E', ..] => {
                Some(Self::Wav)
            }
            [b'F', b'O', b'R', b'M', _, _, _, _, b'A', b'I', b'F', b'F' | b'C', ..] => Some(Self::Aiff),
            [b'f', b'L', b'a', b'C', ..] => Some(Self::Flac),
            [b'O', b'g', b'g', b'S', ..] => Some(Self::Ogg),
            _ => None,
        }
    }
}

impl fmt::Display for Container {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Tells the kind of a file from its first bytes and opens it. `bytes` is the source's length.
pub(super) fn open(mut source: Box<dyn Source>, bytes: u64, limits: &Limits) -> Result<Opened, AudioError> {
    source.seek(SeekFrom::Start(0))?;
    let mut start = Vec::new();
    source.by_ref().take(SNIFFED_BYTES).read_to_end(&mut start)?;
    if start.is_empty() {
        return Err(AudioError::Empty);
    }
    let container = Container::unmistakable(&start);
    if container.is_none()
        && let Some(what) = other_kind(&start)
    {
        return Err(unsupported(what));
    }
    let container = container.unwrap_or(Container::Mp3);
    guard::decoding(container.name(), || match container {
        Container::Wav => wav::open(source, bytes, limits),
        Container::Aiff => aiff::open(source, bytes, limits),
        Container::Flac => flac::open(source, bytes, limits),
        Container::Mp3 => mp3::open(source, bytes, limits),
        Container::Ogg => ogg::open(source, bytes, limits),
    })
}

pub(super) fn unsupported(what: impl Into<String>) -> AudioError {
    AudioError::Unsupported { what: what.into(), supported: SUPPORTED }
}

/// Kinds of audio files that are not read here, so that the error can name them.
fn other_kind(start: &[u8]) -> Option<&'static str> {
    // RIFF files hold their own length between the two names.
    let riff = (start.starts_with(b"RIFF") || start.starts_with(b"RIFX")).then(|| start.get(8..12)).flatten();
    if let Some(form) = riff {
        return Some(if form == b"WAVE" { "big-endian wav (rifx)" } else { "riff without wave" });
    }
    if start.get(4..8) == Some(b"ftyp") {
        return Some("mpeg-4 audio (m4a, aac, 3gp)");
    }
    const MAGICS: [(&[u8], &str); 13] = [
        (b"#!AMR-WB", "amr-wb"),
        (b"#!AMR", "amr"),
        (b"#!SILK", "silk"),
        (b"\x02#!SILK", "silk"),
        (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "windows media audio"),
        (b"\x1a\x45\xdf\xa3", "matroska or webm"),
        (b".snd", "sun au"),
        (b"caff", "apple caf"),
        (b"wvpk", "wavpack"),
        (b"MAC ", "monkey's audio"),
        (b"Creative Voice File", "creative voc"),
        (b"riff\x2e\x91\xcf\x11", "sony wave64"),
        (b"ADIF", "aac (adif)"),
    ];
    let known = MAGICS.iter().find(|(magic, _)| start.starts_with(magic)).map(|(_, name)| *name);
    // ADTS: the sync word with layer bits 00, which MPEG layers never have.
    let adts = matches!(start, [0xff, second, ..] if second & 0xf6 == 0xf0).then_some("aac (adts)");
    known.or(adts)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn refused(bytes: &[u8]) -> AudioError {
        let source = Box::new(Cursor::new(bytes.to_vec()));
        match open(source, bytes.len() as u64, &Limits::default()) {
            Ok(_) => panic!("was taken for audio"),
            Err(error) => error,
        }
    }

    #[test]
    fn nothing_at_all_is_empty() {
        assert!(matches!(refused(b""), AudioError::Empty));
    }

    #[test]
    fn what_is_not_audio_is_told_what_would_be() {
        for bytes in [&b"%PDF-1.7 some text"[..], b"PK\x03\x04", b"{\"a\": 1}", b"\x00", b"<html></html>"] {
            let error = refused(bytes);
            assert!(matches!(error, AudioError::NotAudio { .. }), "{error}");
            assert!(error.to_string().contains("flac") && error.to_string().contains("a-law"), "{error}");
        }
    }

    #[test]
    fn other_audio_is_named() {
        for (bytes, name) in [
            (&b"\x00\x00\x00\x18ftypM4A "[..], "m4a"),
            (b"#!AMR\n\x04", "amr"),
            (b"#!AMR-WB\n", "amr-wb"),
            (b"\xff\xf1\x50\x80", "adts"),
            (b"RIFF\x00\x00\x00\x00AVI LIST", "riff without wave"),
            (b"RIFX\x00\x00\x00\x00WAVEfmt ", "big-endian wav"),
            (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "windows media"),
        ] {
            let error = refused(bytes);
            assert!(matches!(error, AudioError::Unsupported { .. }), "{error}");
            assert!(error.to_string().contains(name), "{error}");
        }
    }
}
