use std::net::{IpAddr, SocketAddr};

use earmark_audio::Encoding;
use sdp_types::{Attribute, Connection, Media, Origin, RtpMap, Session};

use crate::ProtocolError;
use crate::rtp::{PayloadKind, PayloadMap};

/// The most lines of a session description.
const MAX_LINES: usize = 16;

/// A session description that offers the streams of a call (RFC 3264).
#[derive(Clone, Debug)]
pub(super) struct Offer {
    session: Session,
    pub(super) lines: Vec<Line>,
}

/// One stream.
#[derive(Clone, Debug)]
pub(super) struct Line {
    /// The label that metadata calls it by (RFC 4574); empty where it has none.
    pub(super) label: String,
    /// The encoding named first, where it is audio in G.711 over plain RTP.
    pub(super) encoding: Option<Encoding>,
    pub(super) payloads: PayloadMap,
    /// It is declined, as in a hold.
    pub(super) is_declined: bool,
    /// Whether it is sent now.
    pub(super) is_sent: bool,
    /// Where it comes from, as far as it says.
    pub(super) remote: Option<SocketAddr>,
    /// The payload types that are taken, as they were written.
    formats: Vec<String>,
}

impl Offer {
    pub(super) fn parse(description: &[u8]) -> Result<Self, ProtocolError> {
        let session = Session::parse(description).map_err(|error| ProtocolError::Malformed {
            protocol: "sdp",
            problem: error.to_string().into(),
        })?;
        if session.medias.len() > MAX_LINES {
            return Err(ProtocolError::LimitReached {
                what: "lines of a session description",
                most: MAX_LINES,
            });
        }
        let lines = session.medias.iter().map(|media| Line::of(media, &session)).collect();
        Ok(Self { session, lines })
    }

    /// The answer: `ports` are ours, line by line; a line without one is declined. What is taken is only
    /// received.
    pub(super) fn answer(&self, address: IpAddr, ports: &[Option<u16>], id: u64, version: u64) -> String {
        let origin = Origin::with_ip_addr(id, version, address);
        let mut answer = Session::new(origin, "-");
        answer.connection = Some(Connection::from_ip_addr(address));
        answer.times = self.session.times.clone();
        let lines =
            self.session.medias.iter().zip(&self.lines).zip(ports.iter().chain(std::iter::repeat(&None)));
        answer.medias = lines.map(|((media, line), port)| line.answer(media, *port)).collect();
        let mut text = Vec::new();
        // Writing to memory can't fail.
        let _ = answer.write(&mut text);
        String::from_utf8_lossy(&text).into_owned()
    }
}

impl Line {
    fn of(media: &Media, session: &Session) -> Self {
        let attribute = |name: &str| value_of(&media.attributes, name);
        let mut payloads = PayloadMap::default();
        for map in media.attributes.iter().filter(|a| a.attribute == RTPMAP) {
            if let Some(map) = map.value.as_deref().and_then(|value| value.parse::<RtpMap>().ok()) {
                payloads.map(map.payload_type, &map.encoding_name, map.clock_rate);
            }
        }
        let kind = |format: &str| format.parse().map_or(PayloadKind::Unknown, |number| payloads.kind(number));
        let formats = media.fmt.split_ascii_whitespace().filter(|f| kind(f) != PayloadKind::Unknown);
        let formats: Vec<String> = formats.map(str::to_owned).collect();
        // SRTP has other profiles, and needs keys.
        let is_plain = matches!(media.proto.as_str(), "RTP/AVP" | "RTP/AVPF");
        let encoding = formats.iter().find_map(|format| match kind(format) {
            PayloadKind::Audio(encoding) => Some(encoding),
            _ => None,
        });
        let encoding = encoding.filter(|_| media.media == "audio" && is_plain && media.port != 0);
        let connection = media.connections.first().or(session.connection.as_ref());
        let address: Option<IpAddr> = connection.and_then(|c| c.try_address().ok()).map(|c| c.ip);
        // RFC 3264, section 8.4: the older way to say that nothing is sent.
        let is_zero = address.is_some_and(|address| address.is_unspecified());
        let directions = [&media.attributes, &session.attributes];
        let direction = directions.into_iter().find_map(|attributes| direction_of(attributes));
        let is_sent = !is_zero && matches!(direction, None | Some("sendrecv" | "sendonly"));
        Self {
            label: attribute("label").unwrap_or_default().to_owned(),
            encoding,
            payloads,
            is_declined: media.port == 0,
            is_sent,
            remote: address.filter(|_| !is_zero).map(|address| SocketAddr::new(address, media.port)),
            formats,
        }
    }

    fn answer(&self, media: &Media, port: Option<u16>) -> Media {
        // What is declined now may have had a port before (RFC 3264, section 6).
        let port = port.filter(|_| self.encoding.is_some());
        let mut answer = Media { port: port.unwrap_or(0), ..media.clone() };
        (answer.num_ports, answer.key, answer.media_title) = (None, None, None);
        (answer.connections, answer.bandwidths, answer.attributes) = (Vec::new(), Vec::new(), Vec::new());
        if port.is_none() {
            return answer;
        }
        answer.fmt = self.formats.join(" ");
        let is_taken = |value: &str| {
            let number = value.split_ascii_whitespace().next().unwrap_or_default();
            self.formats.iter().any(|format| format == number)
        };
        let of_formats = media.attributes.iter().filter(|a| {
            matches!(a.attribute.as_str(), RTPMAP | "fmtp") && a.value.as_deref().is_some_and(is_taken)
        });
        answer.attributes.extend(of_formats.cloned());
        if !self.label.is_empty() {
            answer.attributes.push(Attribute::with_value("label", &self.label));
        }
        answer.attributes.push(Attribute::new(if self.is_sent { "recvonly" } else { "inactive" }));
        answer
    }
}

const RTPMAP: &str = "rtpmap";

fn value_of<'a>(attributes: &'a [Attribute], name: &str) -> Option<&'a str> {
    attributes.iter().find(|a| a.attribute == name)?.value.as_deref()
}

fn direction_of(attributes: &[Attribute]) -> Option<&str> {
    let directions = ["sendrecv", "sendonly", "recvonly", "inactive"];
    attributes.iter().map(|a| a.attribute.as_str()).find(|name| directions.contains(name))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TWO: &str = "v=0\r\no=SRC 1 1 IN IP4 192.0.2.7\r\ns=-\r\nc=IN IP4 192.0.2.7\r\nt=0 0\r\n\
        m=audio 12240 RTP/AVP 18 8 0 101\r\na=rtpmap:18 G729/8000\r\na=rtpmap:0 PCMU/8000\r\n\
        a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=sendonly\r\na=label:1\r\n\
        m=audio 12242 RTP/AVP 0\r\nc=IN IP4 192.0.2.8\r\na=label:2\r\na=inactive\r\n\
        m=video 22456 RTP/AVP 98\r\na=rtpmap:98 H264/90000\r\na=label:3\r\n\
        m=audio 12244 RTP/SAVP 0\r\na=label:4\r\n";

    #[test]
    fn streams_that_can_be_heard_are_told() {
        let lines = Offer::parse(TWO.as_bytes()).unwrap().lines;
        let encodings: Vec<_> = lines.iter().map(|line| line.encoding).collect();
        assert_eq!(encodings, [Some(Encoding::ALaw), Some(Encoding::MuLaw), None, None]);
        assert_eq!((lines[0].is_sent, lines[1].is_sent), (true, false));
        assert_eq!(lines[0].remote, Some("192.0.2.7:12240".parse().unwrap()));
        assert_eq!(lines[1].remote, Some("192.0.2.8:12242".parse().unwrap()));
        assert_eq!((lines[0].label.as_str(), lines[0].formats.join(" ").as_str()), ("1", "8 0 101"));
    }

    #[test]
    fn the_answer_takes_what_has_a_port_and_declines_the_rest() {
        let offer = Offer::parse(TWO.as_bytes()).unwrap();
        let address = "198.51.100.4".parse().unwrap();
        let answer = offer.answer(address, &[Some(40_000), Some(40_002)], 17, 3);
        let expected = "v=0\r\no=- 17 3 IN IP4 198.51.100.4\r\ns=-\r\nc=IN IP4 198.51.100.4\r\nt=0 0\r\n\
            m=audio 40000 RTP/AVP 8 0 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\n\
            a=fmtp:101 0-15\r\na=label:1\r\na=recvonly\r\nm=audio 40002 RTP/AVP 0\r\na=label:2\r\na=inactive\r\n\
            m=video 0 RTP/AVP 98\r\nm=audio 0 RTP/SAVP 0\r\n";
        assert_eq!(answer, expected);
    }

    #[test]
    fn the_old_hold_is_a_hold() {
        let held = TWO.replace("c=IN IP4 192.0.2.7", "c=IN IP4 0.0.0.0");
        let lines = Offer::parse(held.as_bytes()).unwrap().lines;
        assert_eq!((lines[0].is_sent, lines[0].remote), (false, None));
        let of_session = TWO.replace("t=0 0", "t=0 0\r\na=inactive").replace("a=sendonly\r\n", "");
        assert!(!Offer::parse(of_session.as_bytes()).unwrap().lines[0].is_sent);
    }

    #[test]
    fn what_can_not_be_is_refused() {
        assert!(Offer::parse(b"").is_err() && Offer::parse(b"m=audio x RTP/AVP 0").is_err());
        assert!(Offer::parse(format!("v=0\r\n{}", "m=audio 1 RTP/AVP 0\r\n".repeat(17)).as_bytes()).is_err());
    }

    proptest! {
        #[test]
        fn any_damage_ends_in_an_answer(at in 0..TWO.len(), length in 0usize..60, by in prop::collection::vec(any::<u8>(), 0..8)) {
            let mut bytes = TWO.as_bytes().to_vec();
            let end = (at + length).min(bytes.len());
            bytes.splice(at..end, by);
            if let Ok(offer) = Offer::parse(&bytes) {
                let answer = offer.answer("::1".parse().unwrap(), &[Some(2)], 1, 1);
                prop_assert_eq!(Offer::parse(answer.as_bytes()).unwrap().lines.len(), offer.lines.len());
            }
        }
    }
}
