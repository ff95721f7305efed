//! The chunks of a RIFF WAVE file, judged before any library sees them.

use std::io::{Read, SeekFrom};

use super::Source;
use crate::AudioError;

/// The most chunks before the audio. Recorders write under ten.
const MAX_CHUNKS: usize = 1024;

/// The most bytes of a format chunk that are kept; the largest in use (MS ADPCM) has 50.
const MAX_FORMAT_BYTES: u64 = 1024;

/// Sizes from here on are what recorders write that can't know yet: 0xFFFFFFFF (ffmpeg, RF64),
/// 0x7FFFF000 (sox), and a little less, where the header was counted in.
const UNKNOWN_SIZE: u32 = 0x7fff_0000;

/// Where a file's audio is and what it says of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Layout {
    /// The format chunk: at least the 16 bytes that all have.
    pub(super) format: Vec<u8>,
    /// The frames a channel that the `fact` chunk claims.
    pub(super) fact_frames: Option<u64>,
    /// The first byte of the audio.
    pub(super) data_start: u64,
    /// The bytes of audio that are there.
    pub(super) data_len: u64,
    /// The recorder left the size open, so the audio goes to the end of the file.
    pub(super) streamed: bool,
    /// Bytes after the audio that belong to no chunk.
    pub(super) stray_bytes: u64,
}

pub(super) fn malformed(what: impl Into<String>) -> AudioError {
    AudioError::Malformed { container: "wav", what: what.into() }
}

fn truncated(what: impl Into<String>) -> AudioError {
    AudioError::Truncated { container: "wav", what: what.into() }
}

struct Chunk {
    id: [u8; 4],
    size: u32,
    /// Where its content begins.
    start: u64,
}

/// Walks the chunks of a file of `bytes` bytes up to the audio.
pub(super) fn scan(source: &mut dyn Source, bytes: u64) -> Result<Layout, AudioError> {
    let (mut format, mut fact_frames, mut data_size_64) = (None, None, None);
    let mut position = 12;
    for _ in 0..MAX_CHUNKS {
        let Some(chunk) = chunk_at(source, position, bytes)? else {
            return Err(truncated("it ends before its audio begins"));
        };
        match &chunk.id {
            b"fmt " => format = Some(content(source, &chunk, bytes, MAX_FORMAT_BYTES)?),
            b"fact" => {
                let fact = content(source, &chunk, bytes, 4)?;
                fact_frames = fact.first_chunk().map(|b| u64::from(u32::from_le_bytes(*b)));
            }
            b"ds64" => {
                // RF64 (EBU TECH 3306): the riff size, then the data size, 8 bytes each.
                let sizes = content(source, &chunk, bytes, 16)?;
                data_size_64 = sizes.get(8..).and_then(<[u8]>::first_chunk).map(|b| u64::from_le_bytes(*b));
            }
            b"data" => {
                let format = format.filter(|format: &Vec<u8>| format.len() >= 16);
                let format = format.ok_or_else(|| malformed("no whole format chunk before the audio"))?;
                return layout(source, format, fact_frames, data_size_64, &chunk, bytes);
            }
            _ => {}
        }
        // Chunks are padded to even length.
        position = chunk.start + u64::from(chunk.size) + u64::from(chunk.size % 2);
    }
    Err(malformed(format!("more than {MAX_CHUNKS} chunks before the audio")))
}

fn layout(
    source: &mut dyn Source,
    format: Vec<u8>,
    fact_frames: Option<u64>,
    data_size_64: Option<u64>,
    data: &Chunk,
    bytes: u64,
) -> Result<Layout, AudioError> {
    let there = bytes - data.start;
    let declared = match data_size_64 {
        Some(size) if data.size == u32::MAX => size,
        _ => u64::from(data.size),
    };
    // A recorder that was killed before it came back to its header leaves 0.
    let left_open =
        (data.size == 0 && there > 0 && chunk_at(source, data.start, bytes)?.is_none_or(|c| !c.is_named()))
            || (data.size >= UNKNOWN_SIZE && declared > there);
    if !left_open && declared > there {
        return Err(truncated(format!("the header announces {declared} bytes of audio, {there} are there")));
    }
    let data_len = if left_open { there } else { declared };
    let after = data.start + data_len + data_len % 2;
    let stray = match chunk_at(source, after, bytes)? {
        Some(chunk) if !chunk.is_named() => bytes - after,
        _ => 0,
    };
    let (data_start, streamed) = (data.start, left_open);
    Ok(Layout { format, fact_frames, data_start, data_len, streamed, stray_bytes: stray })
}

impl Chunk {
    /// Whether its id is printable, as all ids are and audio hardly ever is.
    fn is_named(&self) -> bool {
        self.id.iter().all(|b| (0x20..0x7f).contains(b))
    }
}

/// The chunk header at this place; none when the file ends before or in it.
fn chunk_at(source: &mut dyn Source, position: u64, bytes: u64) -> Result<Option<Chunk>, AudioError> {
    if position.saturating_add(8) > bytes {
        return Ok(None);
    }
    source.seek(SeekFrom::Start(position))?;
    let mut header = [0; 8];
    source.read_exact(&mut header)?;
    let [a, b, c, d, size @ ..] = header;
    Ok(Some(Chunk { id: [a, b, c, d], size: u32::from_le_bytes(size), start: position + 8 }))
}

/// A chunk's content, or its first `most` bytes.
fn content(source: &mut dyn Source, chunk: &Chunk, bytes: u64, most: u64) -> Result<Vec<u8>, AudioError> {
    let size = u64::from(chunk.size);
    if chunk.start + size > bytes {
        return Err(truncated("it ends inside its header"));
    }
    source.seek(SeekFrom::Start(chunk.start))?;
    let mut content = Vec::new();
    source.take(size.min(most)).read_to_end(&mut content)?;
    Ok(content)
}
