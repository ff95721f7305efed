use std::fmt::Write;

use bytes::Bytes;
use ezk_sip_types::header::typed::Via;
use ezk_sip_types::msg::{Line, PullParser};
use ezk_sip_types::{Headers, Name};

use super::{MAX_BODY_BYTES, MAX_HEAD_BYTES, malformed};
use crate::ProtocolError;

/// The most header lines of a message.
const MAX_HEADERS: usize = 200;

/// The most proxies that a request may have come through: each is a line of the answer.
const MAX_VIAS: usize = 30;

/// A SIP message.
#[derive(Debug)]
pub(super) enum Message {
    Request(Box<Request>),
    /// To a request of ours: its branch, and whether it is final.
    Response {
        branch: Option<String>,
        is_final: bool,
    },
}

/// A request with what an answer needs.
#[derive(Debug)]
pub(super) struct Request {
    /// In capitals.
    pub(super) method: String,
    pub(super) vias: Vec<Via>,
    pub(super) from: String,
    pub(super) to: String,
    pub(super) call_id: String,
    pub(super) cseq: u32,
    pub(super) headers: Headers,
    pub(super) body: Bytes,
    /// The body is shorter than the head says.
    pub(super) cut: bool,
}

impl Message {
    /// Reads a whole message.
    pub(super) fn parse(bytes: &Bytes) -> Result<Self, ProtocolError> {
        let mut lines = PullParser::new(bytes, 0);
        let start = text(lines.next())?.ok_or_else(|| malformed("it is empty"))?;
        let mut headers = Headers::new();
        let mut count = 0;
        while let Some(line) = text(lines.next())? {
            count += 1;
            if count > MAX_HEADERS || lines.progress() > MAX_HEAD_BYTES {
                return Err(ProtocolError::LimitReached { what: "sip headers", most: MAX_HEADERS });
            }
            let (_, Line { name, value }) =
                Line::parse(bytes, line).map_err(|_| malformed("a header without a colon"))?;
            headers.insert(name, value);
        }
        let body = bytes.slice(lines.head_end().min(bytes.len())..);
        if let Some(rest) = start.strip_prefix("SIP/2.0 ") {
            let branch = vias(&headers)?.first().and_then(branch).map(str::to_owned);
            return Ok(Self::Response { branch, is_final: !rest.trim_start().starts_with('1') });
        }
        Request::new(start, headers, body).map(|request| Self::Request(Box::new(request)))
    }
}

fn text<E>(line: Option<Result<&[u8], E>>) -> Result<Option<&str>, ProtocolError> {
    let Some(line) = line else { return Ok(None) };
    let line = line.map_err(|_| malformed("its head does not end"))?;
    std::str::from_utf8(line).map(Some).map_err(|_| malformed("its head is not UTF-8"))
}

fn vias(headers: &Headers) -> Result<Vec<Via>, ProtocolError> {
    let vias: Vec<Via> = headers.get(Name::VIA).map_err(|_| malformed("no Via that can be read"))?;
    match vias.len() {
        0 => Err(malformed("no Via that can be read")),
        1..=MAX_VIAS => Ok(vias),
        _ => Err(ProtocolError::LimitReached { what: "sip vias", most: MAX_VIAS }),
    }
}

fn branch(via: &Via) -> Option<&str> {
    via.params.get_val("branch").map(|branch| branch.as_str())
}

impl Request {
    fn new(start: &str, headers: Headers, body: Bytes) -> Result<Self, ProtocolError> {
        let mut words = start.split_ascii_whitespace();
        let (Some(method), Some(_), Some("SIP/2.0"), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return Err(malformed("its first line is none of SIP/2.0"));
        };
        let one = |name: Name, what: &'static str| {
            let value = headers.get_raw(&name).next().map(|value| unfolded(value));
            value.filter(|value| !value.is_empty()).ok_or_else(|| malformed(format!("no {what}")))
        };
        let cseq = one(Name::CSEQ, "CSeq")?;
        let mut cseq = cseq.split_ascii_whitespace();
        let (Some(Ok(number)), Some(of)) = (cseq.next().map(str::parse), cseq.next()) else {
            return Err(malformed("its CSeq is none"));
        };
        if of != method {
            return Err(malformed("its CSeq is of another method"));
        }
        let (from, to, call_id) =
            (one(Name::FROM, "From")?, one(Name::TO, "To")?, one(Name::CALL_ID, "Call-ID")?);
        let (method, vias) = (method.to_ascii_uppercase(), vias(&headers)?);
        let length = headers.get_raw(&Name::CONTENT_LENGTH).next().map(|l| l.trim().parse::<usize>());
        let length = length.transpose().map_err(|_| malformed("its Content-Length is no number"))?;
        let length = length.unwrap_or(body.len());
        if length > MAX_BODY_BYTES {
            return Err(ProtocolError::LimitReached { what: "sip body bytes", most: MAX_BODY_BYTES });
        }
        let cut = length > body.len();
        let body = body.slice(..length.min(body.len()));
        Ok(Self { method, vias, from, to, call_id, cseq: number, headers, body, cut })
    }

    /// The branch of the one who sent it; none from an element of before RFC 3261.
    pub(super) fn branch(&self) -> Option<&str> {
        self.vias.first().and_then(branch).filter(|branch| branch.starts_with("z9hG4bK"))
    }

    /// The first value of a header.
    pub(super) fn header(&self, name: &str) -> Option<String> {
        self.headers.get_raw(&Name::from(name.to_owned())).next().map(|value| unfolded(value))
    }

    /// All tokens of a header that lists them.
    pub(super) fn tokens(&self, name: Name) -> Vec<String> {
        let values = self.headers.get_raw(&name);
        let tokens = values.flat_map(|value| value.split(',').map(|token| token.trim().to_ascii_lowercase()));
        tokens.filter(|token| !token.is_empty()).collect()
    }

    /// An answer with the headers that every one repeats (RFC 3261, section 8.2.6.2), but for its end: give
    /// it more headers, then [`finish`]. `to_tag` is added where the request has none.
    pub(super) fn answer(&self, status: u16, reason: &str, to_tag: Option<&str>) -> String {
        let mut answer = format!("SIP/2.0 {status} {reason}\r\n");
        for via in &self.vias {
            line(&mut answer, "Via", &print(via));
        }
        line(&mut answer, "From", &self.from);
        match to_tag {
            Some(tag) if tag_of(&self.to).is_none() => {
                line(&mut answer, "To", &format!("{};tag={tag}", self.to))
            }
            _ => line(&mut answer, "To", &self.to),
        }
        line(&mut answer, "Call-ID", &self.call_id);
        line(&mut answer, "CSeq", &format!("{} {}", self.cseq, self.method));
        answer
    }
}

fn print(via: &Via) -> String {
    use ezk_sip_types::print::AppendCtx;
    via.default_print_ctx().to_string()
}

/// Adds a header line.
pub(super) fn line(message: &mut String, name: &str, value: &str) {
    // Writing to a text can't fail.
    let _ = write!(message, "{name}: {value}\r\n");
}

/// Adds the end of the head, and the body.
pub(super) fn finish(mut message: String, body: Option<(&str, &str)>) -> Bytes {
    if let Some((kind, _)) = body {
        line(&mut message, "Content-Type", kind);
    }
    let body = body.map_or("", |(_, body)| body);
    line(&mut message, "Content-Length", &body.len().to_string());
    message.push_str("\r\n");
    message.push_str(body);
    message.into()
}

/// A value in one line: lines that go on with white space are one (RFC 3261, section 7.3.1).
fn unfolded(value: &str) -> String {
    if value.contains(['\r', '\n']) {
        value.split(['\r', '\n']).map(str::trim).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
    } else {
        value.trim().to_owned()
    }
}

/// The address in a From, To or Contact: between the brackets, or up to the parameters.
pub(super) fn address_of(value: &str) -> &str {
    let bare = after_name(value);
    match bare.find('<') {
        Some(start) => bare[start + 1..].split('>').next().unwrap_or_default(),
        None => bare.split([';', '?']).next().unwrap_or_default(),
    }
    .trim()
}

/// The tag of a From or To.
pub(super) fn tag_of(value: &str) -> Option<&str> {
    let bare = after_name(value);
    let parameters = match bare.find('>') {
        Some(end) => &bare[end + 1..],
        None => bare.split_once(';').map_or("", |(_, parameters)| parameters),
    };
    let tags = parameters.split(';').filter_map(|parameter| parameter.split_once('='));
    tags.filter(|(name, _)| name.trim().eq_ignore_ascii_case("tag")).map(|(_, tag)| tag.trim()).next()
}

/// What follows a quoted display name, which may hold anything.
fn after_name(value: &str) -> &str {
    let Some(quoted) = value.trim_start().strip_prefix('"') else { return value };
    let mut escaped = false;
    for (at, letter) in quoted.char_indices() {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return &quoted[at + 1..],
            _ => {}
        }
    }
    ""
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn request(text: &str) -> Result<Box<Request>, ProtocolError> {
        match Message::parse(&Bytes::copy_from_slice(text.as_bytes()))? {
            Message::Request(request) => Ok(request),
            Message::Response { .. } => panic!("a response"),
        }
    }

    /// After RFC 4475, section 3.1.1.1: all that may be unusual and is allowed.
    const UNUSUAL: &str = "INVITE sip:vivekg@chair-dnrc.example.com;unknownparam SIP/2.0\r\n\
        TO :\r\n sip:vivekg@chair-dnrc.example.com ;   tag    = 1918181833n\r\n\
        from   : \"J Rosenberg \\\\\\\"\"       <sip:jdrosen@example.com>\r\n  ;\r\n  tag = 98asjd8\r\n\
        MaX-fOrWaRdS: 0068\r\n\
        i: wsinv.ndaksdj@192.0.2.1\r\n\
        Content-Length   : 4\r\n\
        cseq: 0009\r\n  INVITE\r\n\
        v: SIP/2.0/UDP 192.0.2.2;branch=z9hG4bK390skdjuw;rport, SIP/2.0/TCP spindle.example.com:5061;branch=z9hG4bK30239\r\n\
        NewFangledHeader:   newfangled value\r\n continued newfangled value\r\n\
        \r\nbodyrest";

    #[test]
    fn an_unusual_request_is_read() {
        let request = request(UNUSUAL).unwrap();
        assert_eq!((request.method.as_str(), request.cseq, request.vias.len()), ("INVITE", 9, 2));
        assert_eq!(request.branch(), Some("z9hG4bK390skdjuw"));
        assert_eq!((tag_of(&request.from), tag_of(&request.to)), (Some("98asjd8"), Some("1918181833n")));
        assert_eq!(address_of(&request.from), "sip:jdrosen@example.com");
        assert_eq!((request.call_id.as_str(), &request.body[..]), ("wsinv.ndaksdj@192.0.2.1", &b"body"[..]));
        assert_eq!(
            request.header("newfangledheader").unwrap(),
            "newfangled value continued newfangled value"
        );
    }

    #[test]
    fn an_answer_repeats_what_it_must() {
        let request = request(UNUSUAL).unwrap();
        let mut answer = request.answer(200, "OK", Some("mine"));
        line(&mut answer, "Allow", "INVITE");
        let answer = finish(answer, Some(("application/sdp", "v=0")));
        let text = std::str::from_utf8(&answer).unwrap();
        assert!(text.starts_with(
            "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 192.0.2.2;branch=z9hG4bK390skdjuw;rport\r\nVia: "
        ));
        assert!(text.contains("\r\nCSeq: 9 INVITE\r\n") && !text.contains("tag=mine"), "{text}");
        assert!(text.ends_with("Content-Type: application/sdp\r\nContent-Length: 3\r\n\r\nv=0"));
    }

    #[test]
    fn what_an_answer_would_need_must_be_there() {
        let good = "OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\nFrom: <sip:b>;tag=1\r\n\
            To: <sip:a>\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\n\r\n";
        assert!(request(good).is_ok());
        for (old, new) in [
            ("Via:", "Vio:"),
            ("From:", "Frim:"),
            ("To:", "Too:"),
            ("Call-ID:", "Cull:"),
            ("CSeq: 1 OPTIONS", "CSeq: 1 BYE"),
            ("CSeq: 1 ", "CSeq: x "),
            ("SIP/2.0\r\nVia", "HTTP/1.1\r\nVia"),
            ("To: <sip:a>", "To <sip:a>"),
            ("\r\n\r\n", "\r\n"),
            ("SIP/2.0/UDP a", "SIP/2.0"),
        ] {
            assert!(request(&good.replacen(old, new, 1)).is_err(), "{new}");
        }
    }

    #[test]
    fn names_may_hold_what_looks_like_an_address() {
        let value = "\"a;tag=1 <sip:x>\\\" \" <tel:+8613800138000;phone-context=x>;tag=2";
        assert_eq!((address_of(value), tag_of(value)), ("tel:+8613800138000;phone-context=x", Some("2")));
        assert_eq!((address_of("sip:a@b;tag=3"), tag_of("sip:a@b;tag=3")), ("sip:a@b", Some("3")));
        assert_eq!((address_of("\"open"), tag_of("<sip:a>")), ("", None));
    }

    proptest! {
        #[test]
        fn any_bytes_end_in_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = Message::parse(&bytes.into());
        }

        #[test]
        fn any_damage_to_a_message_ends_in_an_answer(
            at in 0..UNUSUAL.len(), length in 0usize..40, by in prop::collection::vec(any::<u8>(), 0..8),
        ) {
            let mut bytes = UNUSUAL.as_bytes().to_vec();
            let end = (at + length).min(bytes.len());
            bytes.splice(at..end, by);
            if let Ok(Message::Request(request)) = Message::parse(&bytes.into()) {
                let _ = (request.answer(400, "Bad Request", Some("t")), tag_of(&request.to), request.branch());
            }
        }
    }
}
