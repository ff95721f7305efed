//! Server-sent events as the HTML standard frames them (9.2.6, "Interpreting an event stream").

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderName, HeaderValue};
use serde::Serialize;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;

/// Events that may wait in memory for a page; what it missed it gets from the records when it is back.
const MAX_WAITING: usize = 16;
/// A page that takes nothing for so long is ended; it comes back by itself and goes on where it was.
const READ_PATIENCE: Duration = Duration::from_secs(15);
/// How long a page waits before it comes back.
const RETRY: &str = "retry: 1000\n\n";
/// A comment, so that a connection that nobody holds any more is found out, and none looks idle.
const HEARTBEAT: &str = ": alive\n\n";

/// Why a stream ends before it is done: the page left or takes nothing.
#[derive(Debug)]
pub(super) struct Gone;

/// The writing end of a page's stream.
pub(super) struct Events {
    sender: mpsc::Sender<Bytes>,
    patience: Duration,
}

impl Events {
    /// A stream and the reply that carries it.
    pub(super) fn open() -> (Self, Response) {
        let (sender, receiver) = mpsc::channel(MAX_WAITING);
        let body = Body::from_stream(ReceiverStream::new(receiver).map(Ok::<_, Infallible>));
        let headers: [(HeaderName, HeaderValue); 3] = [
            (CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8")),
            (CACHE_CONTROL, HeaderValue::from_static("no-store")),
            // Proxies that buffer replies would hold events back.
            (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
        ];
        (Self { sender, patience: READ_PATIENCE }, (headers, body).into_response())
    }

    pub(super) async fn hello(&self) -> Result<(), Gone> {
        self.write(Bytes::from_static(RETRY.as_bytes())).await
    }

    pub(super) async fn heartbeat(&self) -> Result<(), Gone> {
        self.write(Bytes::from_static(HEARTBEAT.as_bytes())).await
    }

    /// Sends an event. One without an id leaves the page's place where it is.
    pub(super) async fn send(&self, name: &str, id: Option<&str>, data: &impl Serialize) -> Result<(), Gone> {
        // Our own types always serialise; if one did not, the stream could not go on without a gap.
        let data = serde_json::to_string(data).map_err(|_| Gone)?;
        self.write(frame(name, id, &data)).await
    }

    async fn write(&self, bytes: Bytes) -> Result<(), Gone> {
        match timeout(self.patience, self.sender.send(bytes)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Gone),
        }
    }

    /// Resolves when the page left.
    pub(super) async fn left(&self) {
        self.sender.closed().await;
    }
}

/// One event. A field ends with its line, so data of several lines becomes several fields.
fn frame(name: &str, id: Option<&str>, data: &str) -> Bytes {
    let mut text = String::with_capacity(data.len() + 64);
    text.push_str("event: ");
    text.push_str(name);
    if let Some(id) = id {
        text.push_str("\nid: ");
        text.push_str(id);
    }
    for line in data.split(['\n', '\r']) {
        text.push_str("\ndata: ");
        text.push_str(line);
    }
    text.push_str("\n\n");
    text.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_framed_as_the_standard_says() {
        assert_eq!(frame("update", Some("7"), "{}"), "event: update\nid: 7\ndata: {}\n\n");
        assert_eq!(frame("end", None, "a\nb"), "event: end\ndata: a\ndata: b\n\n");
    }

    #[tokio::test]
    async fn text_that_holds_line_ends_stays_in_its_event() {
        let (events, reply) = Events::open();
        events.send("call", None, &["a\r\n\nevent: forged\u{2028}"]).await.unwrap();
        drop(events);
        let body = axum::body::to_bytes(reply.into_body(), 1 << 16).await.unwrap();
        let text = String::from_utf8(body.to_vec()).unwrap();
        assert_eq!(text, "event: call\ndata: [\"a\\r\\n\\nevent: forged\u{2028}\"]\n\n");
    }

    #[tokio::test]
    async fn a_page_that_left_ends_the_stream() {
        let (events, reply) = Events::open();
        drop(reply);
        assert!(events.hello().await.is_err());
        events.left().await;
    }

    #[tokio::test]
    async fn a_page_that_takes_nothing_is_ended() {
        let (mut events, _reply) = Events::open();
        events.patience = Duration::from_millis(1);
        for _ in 0..MAX_WAITING {
            events.heartbeat().await.unwrap();
        }
        assert!(events.heartbeat().await.is_err());
    }
}
