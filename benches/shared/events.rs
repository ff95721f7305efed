//! What a page's stream of events brings, and when: plain HTTP/1.1, no browser.

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// Follows a stream to its `end` event; gives when each `update` event had come whole.
pub(crate) async fn follow(address: &str, path: &str) -> JoinHandle<Vec<Instant>> {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nAccept: text/event-stream\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("open");
    let mut lines = BufReader::new(stream).lines();
    let status = lines.next_line().await.expect("a reply").expect("a status");
    assert!(status.contains(" 200 "), "{status}");
    tokio::spawn(async move {
        let (mut arrived, mut event) = (Vec::new(), String::new());
        while let Some(line) = lines.next_line().await.expect("a stream") {
            // The sizes of HTTP's chunks are lines of their own, and none of these.
            if let Some(name) = line.strip_prefix("event: ") {
                name.clone_into(&mut event);
            } else if line.starts_with("data: ") && event == "update" {
                arrived.push(Instant::now());
            } else if line.starts_with("data: ") && event == "end" {
                break;
            }
        }
        arrived
    })
}
