use std::fmt;

use bytes::Bytes;

use crate::ProtocolError;

const VERSION: u8 = 2;
const FIXED_BYTES: usize = 12;

/// The most bytes of a payload: half a second of G.711, where 20 ms are usual.
const MAX_PAYLOAD_BYTES: usize = 4096;

/// One RTP packet (RFC 3550, section 5.1) without what nobody here needs: its contributing sources and
/// its header extension.
#[derive(Clone, PartialEq, Eq)]
pub struct RtpPacket {
    /// What the payload is, by the session's description; 0 to 127.
    pub payload_type: u8,
    /// In audio: the first packet after a silence (RFC 3551, section 4.1).
    pub marker: bool,
    /// Counts packets, from anywhere, and wraps.
    pub sequence: u16,
    /// When the first sample was taken, from anywhere, and wraps.
    pub timestamp: u32,
    /// Who sends.
    pub ssrc: u32,
    /// The payload without its padding.
    pub payload: Bytes,
}

impl RtpPacket {
    /// Reads a datagram; the payload shares its memory.
    ///
    /// # Errors
    /// [`ProtocolError::Malformed`], or [`ProtocolError::LimitReached`] for a payload over
    /// 4096 bytes.
    pub fn parse(datagram: &Bytes) -> Result<Self, ProtocolError> {
        let Some(fixed) = datagram.first_chunk::<FIXED_BYTES>() else {
            return Err(malformed("shorter than its header"));
        };
        let [flags, kind, s0, s1, t0, t1, t2, t3, r0, r1, r2, r3] = *fixed;
        if flags >> 6 != VERSION {
            return Err(malformed("not version 2"));
        }
        let start = body_start(datagram, flags)?;
        let end = body_end(datagram, flags)?;
        if start > end {
            return Err(malformed("its padding reaches into its header"));
        }
        if end - start > MAX_PAYLOAD_BYTES {
            return Err(ProtocolError::LimitReached { what: "rtp payload bytes", most: MAX_PAYLOAD_BYTES });
        }
        Ok(Self {
            payload_type: kind & 0x7f,
            marker: kind & 0x80 != 0,
            sequence: u16::from_be_bytes([s0, s1]),
            timestamp: u32::from_be_bytes([t0, t1, t2, t3]),
            ssrc: u32::from_be_bytes([r0, r1, r2, r3]),
            payload: datagram.slice(start..end),
        })
    }
}

/// Where the payload begins: after the contributing sources and the extension.
fn body_start(datagram: &[u8], flags: u8) -> Result<usize, ProtocolError> {
    let sources = usize::from(flags & 0x0f);
    let start = FIXED_BYTES + 4 * sources;
    if flags & 0x10 == 0 {
        return if start <= datagram.len() { Ok(start) } else { Err(malformed("ends in its sources")) };
    }
    let cut = || malformed("ends in its extension");
    let words = datagram.get(start + 2..start + 4).ok_or_else(cut)?;
    let words = words.first_chunk().map_or(0, |two| usize::from(u16::from_be_bytes(*two)));
    let start = start + 4 + 4 * words;
    if start <= datagram.len() { Ok(start) } else { Err(cut()) }
}

/// Where it ends: before the padding, whose last byte counts all of it.
fn body_end(datagram: &[u8], flags: u8) -> Result<usize, ProtocolError> {
    if flags & 0x20 == 0 {
        return Ok(datagram.len());
    }
    match datagram.last().map(|count| usize::from(*count)) {
        Some(padding) if padding > 0 && padding <= datagram.len() => Ok(datagram.len() - padding),
        _ => Err(malformed("its padding can't be")),
    }
}

fn malformed(problem: &'static str) -> ProtocolError {
    ProtocolError::Malformed { protocol: "rtp", problem: problem.into() }
}

/// Whether a datagram on a port shared by both is RTCP (RFC 5761, section 4).
#[must_use]
pub fn is_rtcp(datagram: &[u8]) -> bool {
    matches!(datagram, [flags, 192..=223, ..] if flags >> 6 == VERSION)
}

/// Audio is a biometric: only its size is shown.
impl fmt::Debug for RtpPacket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { payload_type, marker, sequence, timestamp, ssrc, payload } = self;
        write!(
            f,
            "RtpPacket(type {payload_type}, marker {marker}, sequence {sequence}, timestamp {timestamp}, \
             ssrc {ssrc:08x}, {} bytes)",
            payload.len()
        )
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(datagram: &[u8]) -> Result<RtpPacket, ProtocolError> {
        RtpPacket::parse(&Bytes::copy_from_slice(datagram))
    }

    #[test]
    fn all_fields_are_read() {
        let packet = parse(&[0x80, 0x88, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0xaa, 0xbb]).unwrap();
        assert_eq!((packet.payload_type, packet.marker, packet.sequence), (8, true, 0x0102));
        assert_eq!((packet.timestamp, packet.ssrc), (0x0304_0506, 0x0708_090a));
        assert_eq!(&packet.payload[..], [0xaa, 0xbb]);
        assert!(!format!("{packet:?}").contains("aa"));
    }

    #[test]
    fn sources_extension_and_padding_are_passed_over() {
        let mut datagram = vec![0x80 | 0x20 | 0x10 | 2, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9];
        datagram.extend([1; 8]);
        datagram.extend([0xbe, 0xde, 0, 1, 7, 7, 7, 7]);
        datagram.extend([0x55, 0x66]);
        datagram.extend([0, 0, 3]);
        assert_eq!(&parse(&datagram).unwrap().payload[..], [0x55, 0x66]);
    }

    #[test]
    fn what_can_not_be_is_refused() {
        let fixed = |flags: u8| vec![flags, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9];
        assert!(parse(&[]).is_err() && parse(&fixed(0x80)[..11]).is_err());
        assert!(parse(&fixed(0x40)).is_err());
        assert!(parse(&fixed(0x81)).is_err());
        assert!(parse(&fixed(0x90)).is_err());
        assert!(parse(&[fixed(0x90), vec![0, 0, 0, 1]].concat()).is_err());
        assert!(parse(&[fixed(0xa0), vec![0]].concat()).is_err());
        assert!(parse(&[fixed(0xa0), vec![9, 2]].concat()).is_ok());
        assert!(parse(&[fixed(0xa0), vec![9, 200]].concat()).is_err());
        assert!(parse(&[fixed(0xb0), vec![0, 0, 0, 0, 3]].concat()).is_err());
        let long = [fixed(0x80), vec![0; MAX_PAYLOAD_BYTES + 1]].concat();
        assert!(matches!(parse(&long), Err(ProtocolError::LimitReached { .. })));
    }

    #[test]
    fn rtcp_is_told_apart() {
        assert!(is_rtcp(&[0x80, 200]) && is_rtcp(&[0x81, 203, 0, 0]));
        assert!(!is_rtcp(&[0x80, 0x80]) && !is_rtcp(&[0x80, 0x88]) && !is_rtcp(&[0x80]));
    }

    proptest! {
        #[test]
        fn any_bytes_end_in_an_answer(flags in any::<u8>(), rest in prop::collection::vec(any::<u8>(), 0..200)) {
            let datagram = [vec![flags], rest].concat();
            if let Ok(packet) = parse(&datagram) {
                prop_assert!(packet.payload.len() + FIXED_BYTES <= datagram.len());
            }
        }
    }
}
