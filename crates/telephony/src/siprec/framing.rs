use bytes::{Buf, Bytes, BytesMut};

use super::{MAX_BODY_BYTES, MAX_HEAD_BYTES, malformed};
use crate::ProtocolError;

/// Cuts a TCP stream into SIP messages by their length (RFC 3261, section 18.3). Memory: one unfinished
/// message within its limits, and what was read after it.
#[derive(Default)]
pub struct SipFraming {
    buffer: BytesMut,
    /// How much of the buffer holds no end of a head for certain.
    searched: usize,
}

impl SipFraming {
    /// A stream that nothing came over yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes, in any split.
    pub fn receive(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole message; ask until there is none.
    ///
    /// # Errors
    /// [`ProtocolError::Malformed`] or [`ProtocolError::LimitReached`], after which the stream can't be
    /// followed any more: close it.
    pub fn next_message(&mut self) -> Result<Option<Bytes>, ProtocolError> {
        // Line ends between messages keep connections alive (RFC 5626, section 3.5.1).
        while matches!(self.buffer.first(), Some(b'\r' | b'\n')) {
            self.buffer.advance(1);
        }
        let from = self.searched.saturating_sub(3).min(self.buffer.len());
        let end = self.buffer[from..].windows(4).position(|four| four == b"\r\n\r\n");
        let Some(head) = end.map(|end| from + end + 4) else {
            self.searched = self.buffer.len();
            return match self.buffer.len() > MAX_HEAD_BYTES {
                true => Err(ProtocolError::LimitReached { what: "sip head bytes", most: MAX_HEAD_BYTES }),
                false => Ok(None),
            };
        };
        if head > MAX_HEAD_BYTES {
            return Err(ProtocolError::LimitReached { what: "sip head bytes", most: MAX_HEAD_BYTES });
        }
        let body = content_length(&self.buffer[..head])?;
        if self.buffer.len() < head + body {
            return Ok(None);
        }
        self.searched = 0;
        Ok(Some(self.buffer.split_to(head + body).freeze()))
    }
}

/// What the head says of its body's length; over TCP it must.
fn content_length(head: &[u8]) -> Result<usize, ProtocolError> {
    let head = std::str::from_utf8(head).map_err(|_| malformed("its head is not UTF-8"))?;
    let value = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let name = name.trim_end();
        (name.eq_ignore_ascii_case("content-length") || name.eq_ignore_ascii_case("l"))
            .then_some(value.trim())
    });
    let value = value.ok_or_else(|| malformed("no Content-Length, which TCP needs"))?;
    let length: usize = value.parse().map_err(|_| malformed("its Content-Length is no number"))?;
    if length > MAX_BODY_BYTES {
        return Err(ProtocolError::LimitReached { what: "sip body bytes", most: MAX_BODY_BYTES });
    }
    Ok(length)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ONE: &[u8] = b"OPTIONS sip:a SIP/2.0\r\nContent-Length: 5\r\n\r\nhello";
    const TWO: &[u8] = b"BYE sip:a SIP/2.0\r\nl : 0\r\n\r\n";

    fn messages(framing: &mut SipFraming) -> Vec<Bytes> {
        std::iter::from_fn(|| framing.next_message().unwrap()).collect()
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same_messages(cuts in prop::collection::vec(0usize..90, 0..12)) {
            let stream = [ONE, b"\r\n\r\n", TWO, ONE].concat();
            let mut cuts: Vec<_> = cuts.into_iter().filter(|cut| *cut < stream.len()).collect();
            cuts.extend([0, stream.len()]);
            cuts.sort_unstable();
            let (mut framing, mut found) = (SipFraming::new(), Vec::new());
            for pair in cuts.windows(2) {
                framing.receive(&stream[pair[0]..pair[1]]);
                found.extend(messages(&mut framing));
            }
            prop_assert_eq!(found, [ONE, TWO, ONE]);
        }

        #[test]
        fn any_bytes_end_in_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let mut framing = SipFraming::new();
            framing.receive(&bytes);
            while let Ok(Some(_)) = framing.next_message() {}
        }
    }

    #[test]
    fn what_can_not_be_followed_ends_the_stream() {
        for text in [
            "A\r\n\r\n",
            "A\r\nContent-Length: -1\r\n\r\n",
            "A\r\nl: 999999\r\n\r\n",
            "\u{1}\r\nl: x\r\n\r\n",
        ] {
            let mut framing = SipFraming::new();
            framing.receive(text.as_bytes());
            assert!(framing.next_message().is_err(), "{text:?}");
        }
        let mut framing = SipFraming::new();
        framing.receive(&vec![b'a'; MAX_HEAD_BYTES + 1]);
        assert!(matches!(framing.next_message(), Err(ProtocolError::LimitReached { .. })));
    }
}
