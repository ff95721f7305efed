//! Plain HTTP/1.1 by hand: what a browser, a probe or Prometheus sends.

use std::io::{Read, Write};
use std::net::TcpStream;

/// What came back.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

pub(crate) fn get(address: &str, path: &str) -> Reply {
    exchange(address, "GET", path, &[], &[])
}

/// Whether anything comes back at all.
pub(crate) fn answers(address: &str) -> bool {
    let ask = || {
        let mut stream = TcpStream::connect(address)?;
        stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")?;
        stream.read(&mut [0; 64])
    };
    ask().is_ok_and(|read| read > 0)
}

/// Asks until the reply is as wanted; there is no other way to hear of it.
pub(crate) async fn until(address: &str, path: &'static str, wanted: impl Fn(&Reply) -> bool) {
    const MOST_ASKED: usize = 50_000;
    let mut last = None;
    for _ in 0..MOST_ASKED {
        let address = address.to_owned();
        let reply = tokio::task::spawn_blocking(move || get(&address, path)).await.expect("a reply");
        if wanted(&reply) {
            return;
        }
        last = Some(reply);
    }
    panic!("{path} never said what was awaited, but {}", last.expect("a reply").text());
}

/// One request on a connection of its own.
pub(crate) fn exchange(
    address: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Reply {
    let mut stream = TcpStream::connect(address).expect("the server takes connections");
    let more: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {length}\r\n{more}\r\n"
    );
    stream.write_all(head.as_bytes()).expect("the head is sent");
    stream.write_all(body).expect("the body is sent");
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).expect("a reply");
    parse(&bytes)
}

pub(crate) fn parse(bytes: &[u8]) -> Reply {
    let split = find(bytes, b"\r\n\r\n").expect("the head ends");
    let head = std::str::from_utf8(&bytes[..split]).expect("text");
    let mut lines = head.split("\r\n");
    let status =
        lines.next().and_then(|l| l.split(' ').nth(1)).and_then(|s| s.parse().ok()).expect("a status");
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let body = &bytes[split + 4..];
    let chunked = headers.iter().any(|(name, value)| name == "transfer-encoding" && value == "chunked");
    let body = if chunked { unchunked(body) } else { body.to_vec() };
    Reply { status, headers, body }
}

fn unchunked(mut rest: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let line = find(rest, b"\r\n").expect("a chunk's size");
        let size = std::str::from_utf8(&rest[..line]).ok().and_then(|s| usize::from_str_radix(s, 16).ok());
        match size.expect("hexadecimal") {
            0 => return body,
            size => {
                body.extend_from_slice(&rest[line + 2..line + 2 + size]);
                rest = &rest[line + size + 4..];
            }
        }
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

/// Whatever comes back to these bytes.
pub(crate) fn raw(address: &str, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).expect("the server takes connections");
    stream.write_all(bytes).expect("the request is sent");
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply).expect("a reply");
    String::from_utf8_lossy(&reply).into_owned()
}
