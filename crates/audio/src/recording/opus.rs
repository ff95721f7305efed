use super::detect::unsupported;
use super::pages::{Ending, Page, PageReader, malformed, truncated};
use super::section::Section;
use super::{Block, Container, Decode, Length, Opened, RecordingInfo, duration};
use crate::{AudioError, Limits, Warning};

/// Opus always decodes to this rate here, whatever the input's was (RFC 7845, section 4).
const RATE_HZ: u32 = 48_000;

/// The longest packet, 120 ms (RFC 6716, section 3.2.5).
const MAX_PACKET_FRAMES: usize = 5760;

/// Opus in Ogg (RFC 7845), channel mapping family 0: mono and stereo.
pub(super) struct OpusDecoder {
    pages: PageReader,
    decoder: opus::Decoder,
    channels: usize,
    page: Option<Page>,
    /// Frames decoded so far, with the pre-skip.
    decoded: u64,
    pre_skip: u64,
    /// The granule position of the first decoded frame: not 0 when a recorder joined a running
    /// stream (RFC 7845, section 4.3).
    origin: Option<u64>,
    marked: bool,
    interleaved: Vec<f32>,
}

impl OpusDecoder {
    pub(super) fn open(section: Section, ending: &Ending, limits: &Limits) -> Result<Opened, AudioError> {
        let mut pages = PageReader::new(section);
        let head = header_packet(&mut pages)?;
        let head = Head::parse(&head)?;
        limits.check_channels(head.channels)?;
        let tags = header_packet(&mut pages)?;
        if !tags.starts_with(b"OpusTags") {
            return Err(malformed("the opus tags are missing"));
        }
        let layout = if head.channels == 2 { opus::Channels::Stereo } else { opus::Channels::Mono };
        let mut decoder = opus::Decoder::new(RATE_HZ, layout).map_err(failure)?;
        decoder.set_gain(i32::from(head.gain)).map_err(failure)?;
        let channels = usize::from(head.channels);
        // Exact for streams that start at 0; one that was joined late is shorter than this.
        let declared = ending.marked.then(|| ending.granule.saturating_sub(head.pre_skip));
        let info = RecordingInfo {
            container: Container::Ogg,
            codec: "opus",
            sample_rate_hz: RATE_HZ,
            channels: head.channels,
            declared_duration: declared.map(|frames| duration(frames, RATE_HZ)),
        };
        let decoder = Self {
            pages,
            decoder,
            channels,
            page: None,
            decoded: 0,
            pre_skip: head.pre_skip,
            origin: None,
            marked: false,
            interleaved: vec![0.0; MAX_PACKET_FRAMES * channels],
        };
        Ok(Opened { info, decoder: Box::new(decoder), length: Length::Open, warnings: Vec::new() })
    }

    /// The next packet's page, its granule position made sense of when it is new.
    fn current_page(&mut self) -> Result<Option<&mut Page>, AudioError> {
        while self.page.as_ref().is_none_or(|page| page.packets.is_empty()) {
            if self.page.as_ref().is_some_and(|page| page.is_last) {
                self.marked = true;
                return Ok(None);
            }
            let Some(page) = self.pages.next()? else { return Ok(None) };
            if self.origin.is_none() && !page.packets.is_empty() {
                self.origin = Some(self.first_granule(&page)?);
            }
            self.page = Some(page);
        }
        Ok(self.page.as_mut())
    }

    /// Where the stream begins, from its first page of audio.
    fn first_granule(&self, page: &Page) -> Result<u64, AudioError> {
        let mut frames = 0;
        for packet in &page.packets {
            frames += self.decoder.get_nb_samples(packet).map_err(failure)? as u64;
        }
        match page.granule.checked_sub(frames) {
            Some(origin) => Ok(origin),
            // Only a page that is also the last may count less than it holds: the rest is cut off.
            None if page.is_last => Ok(0),
            None => Err(malformed("the first page counts fewer samples than it holds")),
        }
    }
}

impl Decode for OpusDecoder {
    fn next(&mut self, block: &mut Block) -> Result<bool, AudioError> {
        let Some(page) = self.current_page()? else { return Ok(false) };
        let end = (page.is_last).then_some(page.granule);
        let packet = page.packets.pop_front().unwrap_or_default();
        let frames =
            self.decoder.decode_float(&packet, &mut self.interleaved, false).map_err(failure)? as u64;
        let start = self.decoded;
        self.decoded += frames;
        // Frames are counted from the origin: up to the pre-skip they settle the decoder, and past
        // the last page's granule position they fill up its last packet.
        let origin = self.origin.unwrap_or(0);
        let end = end.map_or(u64::MAX, |granule| granule.saturating_sub(origin));
        let first = self.pre_skip.clamp(start, self.decoded) - start;
        let last = end.clamp(start, self.decoded) - start;
        if first < last {
            let range = first as usize * self.channels..last as usize * self.channels;
            block.push_interleaved(&self.interleaved[range]);
        }
        Ok(true)
    }

    fn warning(&self) -> Option<Warning> {
        (!self.marked).then_some(Warning::EndMarkMissing)
    }
}

/// The identification header (RFC 7845, section 5.1).
struct Head {
    channels: u16,
    pre_skip: u64,
    /// In 1/256 dB.
    gain: i16,
}

impl Head {
    fn parse(packet: &[u8]) -> Result<Self, AudioError> {
        let [b'O', b'p', b'u', b's', b'H', b'e', b'a', b'd', version, channels, rest @ ..] = packet else {
            return Err(malformed("the opus header is missing"));
        };
        let [skip_low, skip_high, _, _, _, _, gain_low, gain_high, family, ..] = rest else {
            return Err(malformed("the opus header is too short"));
        };
        if version >> 4 != 0 {
            return Err(unsupported(format!("opus header version {version}")));
        }
        if *family != 0 {
            return Err(unsupported(format!("opus channel mapping family {family}")));
        }
        if !(1..=2).contains(channels) {
            return Err(malformed(format!("{channels} channels in mapping family 0")));
        }
        let pre_skip = u64::from(u16::from_le_bytes([*skip_low, *skip_high]));
        let gain = i16::from_le_bytes([*gain_low, *gain_high]);
        Ok(Self { channels: u16::from(*channels), pre_skip, gain })
    }
}

/// A header packet, which must end its page (RFC 7845, section 3).
fn header_packet(pages: &mut PageReader) -> Result<Vec<u8>, AudioError> {
    let page = pages.next()?.ok_or_else(|| truncated("it ends inside its header"))?;
    let mut packets = page.packets.into_iter();
    match (packets.next(), packets.next()) {
        (Some(packet), None) => Ok(packet),
        _ => Err(malformed("a header packet shares its page")),
    }
}

fn failure(error: opus::Error) -> AudioError {
    malformed(format!("opus: {}", error.description()))
}
