//! Bodies of several parts (RFC 2046, section 5.1).

use bytes::Bytes;

use crate::ProtocolError;

use super::malformed;

/// The most parts of a body; SIPREC has two.
const MAX_PARTS: usize = 16;

/// One part: its media type in lower case without parameters, and its content.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) kind: String,
    pub(super) content: Bytes,
}

/// The parts of a body of this `Content-Type`; a body of one kind is one part.
pub(super) fn parts(content_type: &str, body: &Bytes) -> Result<Vec<Part>, ProtocolError> {
    let kind = media_type(content_type);
    if !kind.starts_with("multipart/") {
        return Ok(vec![Part { kind, content: body.clone() }]);
    }
    let boundary = boundary(content_type).ok_or_else(|| malformed("a multipart body without a boundary"))?;
    let delimiter = [b"--", boundary.as_bytes()].concat();
    let mut parts = Vec::new();
    // What stands before the first delimiter is for nobody.
    let mut start = None;
    for (at, line_end) in delimiters(body, &delimiter) {
        if let Some(start) = start {
            parts.push(part(body.slice(start..at.max(start)))?);
            if parts.len() > MAX_PARTS {
                return Err(ProtocolError::LimitReached { what: "parts of a sip body", most: MAX_PARTS });
            }
        }
        let is_last = body[at..].strip_prefix(b"\r\n").unwrap_or(&body[at..]);
        let is_last = is_last.strip_prefix(b"\n").unwrap_or(is_last);
        if is_last[delimiter.len()..].starts_with(b"--") {
            return Ok(parts);
        }
        start = Some(line_end);
    }
    Err(malformed("a multipart body without an end"))
}

/// Where each delimiter begins, with the line end before it, and where the line after it begins.
fn delimiters<'a>(body: &'a [u8], delimiter: &'a [u8]) -> impl Iterator<Item = (usize, usize)> + 'a {
    let mut line = 0;
    std::iter::from_fn(move || {
        while line < body.len() {
            let this = line;
            let end = body[this..].iter().position(|b| *b == b'\n').map_or(body.len(), |at| this + at + 1);
            line = end;
            if body[this..].starts_with(delimiter) {
                let before = &body[..this];
                let cut = before.strip_suffix(b"\r\n").or_else(|| before.strip_suffix(b"\n"));
                return Some((cut.map_or(this, <[u8]>::len), end));
            }
        }
        None
    })
}

fn part(bytes: Bytes) -> Result<Part, ProtocolError> {
    let find = |end: &[u8]| bytes.windows(end.len()).position(|w| w == end).map(|at| (at, at + end.len()));
    // A part without headers begins with the empty line.
    let (head, start) = if bytes.starts_with(b"\r\n") {
        (0, 2)
    } else if bytes.starts_with(b"\n") {
        (0, 1)
    } else {
        let ends = [find(b"\r\n\r\n"), find(b"\n\n")];
        ends.into_iter().flatten().min().ok_or_else(|| malformed("a part of its body has no end of head"))?
    };
    let head = std::str::from_utf8(&bytes[..head]).map_err(|_| malformed("a part's head is not UTF-8"))?;
    let kind = head.lines().filter_map(|line| line.split_once(':'));
    let kind = kind.filter(|(name, _)| {
        let name = name.trim();
        name.eq_ignore_ascii_case("content-type") || name.eq_ignore_ascii_case("c")
    });
    let kind = kind.map(|(_, value)| media_type(value)).next().unwrap_or_else(|| "text/plain".to_owned());
    Ok(Part { kind, content: bytes.slice(start..) })
}

fn media_type(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn boundary(content_type: &str) -> Option<&str> {
    let at = content_type.to_ascii_lowercase().find("boundary")?;
    let value = content_type.get(at + "boundary".len()..)?.trim_start().strip_prefix('=')?.trim_start();
    let boundary = match value.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next()?,
        None => value.split([';', ' ', '\t']).next()?,
    };
    // RFC 2046 allows 1 to 70.
    (1..=70).contains(&boundary.len()).then_some(boundary)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(content_type: &str, body: &str) -> Result<Vec<(String, String)>, ProtocolError> {
        let parts = parts(content_type, &Bytes::copy_from_slice(body.as_bytes()))?;
        Ok(parts.into_iter().map(|p| (p.kind, String::from_utf8(p.content.to_vec()).unwrap())).collect())
    }

    #[test]
    fn parts_are_cut_at_the_boundary() {
        let body = "preamble\r\n--foobar\r\nContent-Type: application/SDP\r\n\r\nv=0\r\n--foo\r\n\r\n--foobar  \r\n\
            Content-Type: application/rs-metadata+xml; charset=utf-8\r\nContent-Disposition: recording-session\r\n\
            \r\n<recording/>\r\n--foobar--\r\nepilogue";
        let expected = [
            ("application/sdp".to_owned(), "v=0\r\n--foo\r\n".to_owned()),
            ("application/rs-metadata+xml".to_owned(), "<recording/>".to_owned()),
        ];
        assert_eq!(of("multipart/mixed;boundary=foobar", body).unwrap(), expected);
        assert_eq!(of("Multipart/Mixed; charset=x; Boundary = \"foobar\"", body).unwrap(), expected);
        assert_eq!(
            of("multipart/mixed;boundary=foobar", &body.replace("\r\n", "\n")).unwrap()[1],
            expected[1]
        );
    }

    #[test]
    fn a_body_of_one_kind_is_one_part() {
        assert_eq!(
            of("application/sdp;x=y", "v=0").unwrap(),
            [("application/sdp".to_owned(), "v=0".to_owned())]
        );
    }

    #[test]
    fn what_can_not_be_cut_is_refused() {
        assert!(of("multipart/mixed", "--a\r\n\r\n--a--").is_err());
        assert!(of("multipart/mixed;boundary=a", "--a\r\n\r\nx").is_err());
        assert!(of("multipart/mixed;boundary=a", "--a\r\nno head end\r\n--a--").is_err());
        assert!(of("multipart/mixed;boundary=a", &"--a\r\n\r\nx\r\n".repeat(20)).is_err());
        assert_eq!(of("multipart/mixed;boundary=a", "--a--").unwrap(), []);
    }

    proptest! {
        #[test]
        fn any_body_ends_in_an_answer(body in "[-a\r\n :x]{0,80}", boundary in "[-a]{0,4}") {
            let _ = of(&format!("multipart/mixed;boundary={boundary}"), &body);
        }
    }
}
