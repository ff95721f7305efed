use std::collections::VecDeque;
use std::io::{BufReader, Read, SeekFrom};

use ogg::reading::{BasePacketReader, OggReadError, PageParser};

use super::Source;
use super::section::Section;
use crate::AudioError;

/// The largest page (RFC 3533, section 6: 27 bytes, 255 lacing values, 255 segments of 255).
const MAX_PAGE_BYTES: u64 = 27 + 255 + 255 * 255;

/// The largest packet over several pages that is put together: the tags of a file may hold a
/// picture, audio packets have a few hundred bytes.
const MAX_PACKET_BYTES: usize = 1 << 20;

pub(super) fn malformed(what: impl Into<String>) -> AudioError {
    AudioError::Malformed { container: "ogg", what: what.into() }
}

pub(super) fn truncated(what: impl Into<String>) -> AudioError {
    AudioError::Truncated { container: "ogg", what: what.into() }
}

/// The packets that end on one page.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) packets: VecDeque<Vec<u8>>,
    /// The codec's position after the last of them.
    pub(super) granule: u64,
    /// The stream's last page.
    pub(super) is_last: bool,
}

/// Reads the pages of a file's first logical stream, their checksums verified.
pub(super) struct PageReader {
    bytes: BufReader<Section>,
    packets: BasePacketReader,
    serial: Option<u32>,
    /// The bytes of a packet whose end has not come yet.
    open_bytes: usize,
}

impl PageReader {
    pub(super) fn new(section: Section) -> Self {
        let bytes = BufReader::with_capacity(1 << 16, section);
        Self { bytes, packets: BasePacketReader::new(), serial: None, open_bytes: 0 }
    }

    /// The next page on which a packet ends; none at the end of the file.
    pub(super) fn next(&mut self) -> Result<Option<Page>, AudioError> {
        loop {
            let Some(header) = self.header()? else {
                return if self.open_bytes > 0 {
                    Err(truncated("it ends inside a packet"))
                } else {
                    Ok(None)
                };
            };
            if let Some(page) = self.page(header)? {
                return Ok(Some(page));
            }
        }
    }

    fn header(&mut self) -> Result<Option<[u8; 27]>, AudioError> {
        let mut header = Vec::with_capacity(27);
        self.bytes.by_ref().take(27).read_to_end(&mut header)?;
        if header.is_empty() {
            return Ok(None);
        }
        if !header.starts_with(b"OggS") {
            return Err(malformed("no page where one must begin"));
        }
        let header = header.first_chunk().ok_or_else(|| truncated("it ends inside a page"))?;
        Ok(Some(*header))
    }

    fn page(&mut self, header: [u8; 27]) -> Result<Option<Page>, AudioError> {
        let (mut parser, segments) = PageParser::new(header).map_err(failure)?;
        let lacing = self.exactly(segments)?;
        let (tail, ends) = open_tail(&lacing);
        let body_len = parser.parse_segments(lacing);
        let body = self.exactly(body_len)?;
        let serial = u32::from_le_bytes([header[14], header[15], header[16], header[17]]);
        let page = parser.parse_packet_data(body).map_err(failure)?;
        if serial != *self.serial.get_or_insert(serial) {
            // Another stream beside or behind the first; the first one's end mark was looked at.
            return Ok(None);
        }
        self.open_bytes = if ends { tail } else { self.open_bytes + tail };
        if self.open_bytes > MAX_PACKET_BYTES {
            return Err(malformed(format!("a packet of more than {MAX_PACKET_BYTES} bytes")));
        }
        self.packets.push_page(page).map_err(failure)?;
        if !ends {
            return Ok(None);
        }
        let packets = std::iter::from_fn(|| self.packets.read_packet().map(|packet| packet.data)).collect();
        let mut granule = [0; 8];
        granule.copy_from_slice(&header[6..14]);
        Ok(Some(Page { packets, granule: u64::from_le_bytes(granule), is_last: header[5] & 4 != 0 }))
    }

    fn exactly(&mut self, len: usize) -> Result<Vec<u8>, AudioError> {
        let mut bytes = Vec::with_capacity(len);
        self.bytes.by_ref().take(len as u64).read_to_end(&mut bytes)?;
        if bytes.len() == len { Ok(bytes) } else { Err(truncated("it ends inside a page")) }
    }
}

/// The bytes behind the last packet's end on a page, and whether there is such an end.
fn open_tail(lacing: &[u8]) -> (usize, bool) {
    let end = lacing.iter().rposition(|value| *value < 255);
    let tail = &lacing[end.map_or(0, |end| end + 1)..];
    (tail.iter().map(|value| usize::from(*value)).sum(), end.is_some())
}

fn failure(error: OggReadError) -> AudioError {
    match error {
        OggReadError::ReadError(error) => AudioError::Io(error),
        OggReadError::HashMismatch(..) => malformed("a page does not match its checksum"),
        other => malformed(other.to_string()),
    }
}

/// How a file ends.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Ending {
    /// The codec's position there.
    pub(super) granule: u64,
    /// The last page says that it is the last.
    pub(super) marked: bool,
}

/// Looks at the last page without reading the file: is it whole, and does its last packet end?
pub(super) fn ending(source: &mut dyn Source, bytes: u64) -> Result<Ending, AudioError> {
    let from = bytes.saturating_sub(2 * MAX_PAGE_BYTES);
    source.seek(SeekFrom::Start(from))?;
    let mut tail = Vec::new();
    source.take(2 * MAX_PAGE_BYTES).read_to_end(&mut tail)?;
    // The name may stand inside a packet by chance: the last one with the right version counts.
    let at = tail.windows(5).rposition(|bytes| bytes == b"OggS\0");
    let page = at.and_then(|at| tail.get(at..)).ok_or_else(|| malformed("no page near its end"))?;
    let segments = page.get(26).map(|count| usize::from(*count));
    let lacing = segments.and_then(|count| page.get(27..27 + count));
    let (Some(lacing), Some(granule)) = (lacing, page.get(6..14).and_then(<[u8]>::first_chunk)) else {
        return Err(truncated("it ends inside a page header"));
    };
    let body: usize = lacing.iter().map(|value| usize::from(*value)).sum();
    if page.len() < 27 + lacing.len() + body {
        return Err(truncated("it ends inside a page"));
    }
    if lacing.last() == Some(&255) {
        return Err(truncated("it ends inside a packet"));
    }
    Ok(Ending { granule: u64::from_le_bytes(*granule), marked: page[5] & 4 != 0 })
}
