//! A page's stream of server-sent events, read from the socket by hand.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

use super::web::{self, Reply};

/// A stream that says nothing for so long, not even that it lives, is stuck.
const PATIENCE: Duration = Duration::from_secs(120);

/// One event.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Event {
    pub(crate) name: String,
    pub(crate) id: Option<String>,
    pub(crate) data: Value,
}

impl Event {
    /// The number of the update it is.
    pub(crate) fn sequence(&self) -> u64 {
        self.data["sequence"].as_u64().unwrap_or_else(|| panic!("no update: {self:?}"))
    }
}

/// An open stream.
pub(crate) struct EventStream {
    reader: BufReader<TcpStream>,
    /// Decoded and not yet read as events.
    text: String,
    /// Of the event with an id that was read last, as a browser keeps it.
    pub(crate) last_id: Option<String>,
}

impl EventStream {
    /// Opens a stream, from a place on if one is given. Anything but a stream is given back.
    pub(crate) fn open(address: &str, path: &str, last_id: Option<&str>) -> Result<Self, Reply> {
        let last: Vec<_> = last_id.map(|id| ("Last-Event-ID", id)).into_iter().collect();
        Self::open_with(address, path, &last)
    }

    pub(crate) fn open_with(address: &str, path: &str, headers: &[(&str, &str)]) -> Result<Self, Reply> {
        let mut socket = TcpStream::connect(address).expect("the server takes connections");
        socket.set_read_timeout(Some(PATIENCE)).expect("a limit");
        let more: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let head =
            format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nAccept: text/event-stream\r\n{more}\r\n");
        socket.write_all(head.as_bytes()).expect("the head is sent");
        let mut reader = BufReader::new(socket);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert!(reader.read_line(&mut head).expect("the head") > 0, "the head ends: {head}");
        }
        if !head.to_ascii_lowercase().contains("content-type: text/event-stream") {
            return Err(web::parse(head.as_bytes()));
        }
        let last_id =
            headers.iter().find(|(name, _)| *name == "Last-Event-ID").map(|(_, id)| (*id).to_owned());
        Ok(Self { reader, text: String::new(), last_id })
    }

    /// The next event; none once the server has ended the stream.
    pub(crate) fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(end) = self.text.find("\n\n") {
                let block: String = self.text.drain(..end + 2).collect();
                let Some(event) = parse(&block) else { continue };
                if event.id.is_some() {
                    self.last_id.clone_from(&event.id);
                }
                return Some(event);
            }
            let more = self.chunk()?;
            self.text.push_str(&more);
        }
    }

    /// The next event of this name; those before it are passed over.
    pub(crate) fn next_named(&mut self, name: &str) -> Event {
        loop {
            let event = self.next().unwrap_or_else(|| panic!("the stream ended before {name}"));
            if event.name == name {
                return event;
            }
        }
    }

    /// All updates up to the end of the stream.
    pub(crate) fn updates(mut self) -> Vec<Event> {
        let mut updates = Vec::new();
        while let Some(event) = self.next() {
            if event.name == "update" {
                updates.push(event);
            }
        }
        updates
    }

    /// One chunk of the reply's body (RFC 9112, 7.1); none after the last or where the line broke.
    fn chunk(&mut self) -> Option<String> {
        let mut size = String::new();
        self.reader.read_line(&mut size).ok()?;
        let size = usize::from_str_radix(size.trim(), 16).ok().filter(|size| *size > 0)?;
        let mut bytes = vec![0; size + 2];
        self.reader.read_exact(&mut bytes).ok()?;
        bytes.truncate(size);
        Some(String::from_utf8(bytes).expect("text"))
    }
}

/// One event; none for a comment or a retry time.
pub(crate) fn parse(block: &str) -> Option<Event> {
    let field = |name: &str| -> Option<String> {
        let lines: Vec<&str> =
            block.lines().filter_map(|l| l.strip_prefix(name)?.strip_prefix(": ")).collect();
        (!lines.is_empty()).then(|| lines.join("\n"))
    };
    let data = serde_json::from_str(&field("data")?).expect("JSON");
    Some(Event { name: field("event").expect("a name"), id: field("id"), data })
}
