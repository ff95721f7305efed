//! What is too large, too much or no WebSocket at all.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_tungstenite::tungstenite::protocol::Message;

use super::{empty_server, launch};
use crate::harness::server::folder;
use crate::harness::sockets::Socket;
use crate::harness::web;

const PATH: &str = "/media/freeswitch?call_id=";

/// What a socket is closed with after this message; none for a connection that is just gone.
async fn closed_after(address: &str, call: &str, message: Message) -> Option<u16> {
    let mut socket = Socket::open(address, &format!("{PATH}{call}"), &[]).await;
    socket.try_send(message).await;
    while let Some(message) = socket.next().await {
        if let Message::Close(frame) = message {
            return frame.map(|frame| frame.code.into());
        }
    }
    None
}

#[tokio::test]
async fn messages_over_their_limit_close_the_socket_and_leave_no_call() {
    let data = folder();
    let server = empty_server(data.path());
    let address = server.address();
    let text = |bytes: usize| Message::text(" ".repeat(bytes));
    let binary = |bytes: usize| Message::binary(vec![0; bytes]);
    assert_eq!(closed_after(address, "text", text((64 << 10) + 1)).await, Some(1009));
    assert_eq!(closed_after(address, "binary", binary((256 << 10) + 1)).await, Some(1009));
    // Not even read: the connection may be reset while the rest is still on its way.
    assert!(matches!(closed_after(address, "huge", binary(8 << 20)).await, Some(1009) | None));
    assert_eq!(closed_after(address, "json", Message::text("no json")).await, Some(1008));
    let metrics = web::get(address, "/metrics").text();
    assert!(metrics.contains("earmark_live_calls 0"), "{metrics}");
}

#[tokio::test]
async fn frames_that_break_the_websocket_protocol_are_answered_with_a_close() {
    let data = folder();
    let server = empty_server(data.path());
    for bytes in [
        // An opcode that is reserved; a client's frame without its mask; a fragment of nothing; text
        // that is no UTF-8.
        &[0x83, 0x80, 0, 0, 0, 0][..],
        &[0x82, 0x02, 1, 2],
        &[0x80, 0x80, 0, 0, 0, 0],
        &[0x81, 0x82, 0, 0, 0, 0, 0xff, 0xfe],
    ] {
        let socket = Socket::open(server.address(), &format!("{PATH}x"), &[]).await;
        let mut tcp = socket.into_tcp();
        tcp.write_all(bytes).await.unwrap();
        let mut said = Vec::new();
        let _ = tcp.read_to_end(&mut said).await;
        // An error event, and a close of 1008.
        assert!(said.starts_with(&[0x81]), "{said:?}");
        assert!(said.windows(4).any(|w| w[0] == 0x88 && w[2..] == 1008_u16.to_be_bytes()), "{said:?}");
    }
    let metrics = web::get(server.address(), "/metrics").text();
    assert!(metrics.contains("protocol=\"freeswitch\",end=\"PROTOCOL_ERROR\"} 4"), "{metrics}");
}

/// Bytes from a fixed seed; the first is that of a binary, text or control frame more often than not.
fn noise(seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    let mut bytes: Vec<u8> = (0..usize::from(next()) + 8).map(|_| next()).collect();
    bytes[0] = [0x81, 0x82, 0x88, 0x89, bytes[0]][usize::try_from(seed % 5).unwrap()];
    bytes[1] = if seed.is_multiple_of(2) { 0x80 | (bytes[1] & 0x0f) } else { bytes[1] };
    bytes
}

#[tokio::test]
async fn any_bytes_in_any_split_end_and_leave_nothing() {
    const TRIALS: u64 = 400;
    let data = folder();
    let server = empty_server(data.path());
    for seed in 0..TRIALS {
        let path =
            [format!("{PATH}{seed}"), "/media/twilio".to_owned(), format!("/media/asterisk?call_id={seed}")];
        let path = &path[usize::try_from(seed % 3).unwrap()];
        let mut tcp = Socket::open(server.address(), path, &[]).await.into_tcp();
        let bytes = noise(seed);
        for part in bytes.chunks(usize::from(bytes[2] % 40) + 1) {
            if tcp.write_all(part).await.is_err() {
                break;
            }
        }
        let _ = tcp.shutdown().await;
        // Ends, by a close or by a reset of what was not read any more.
        let _ = tcp.read_to_end(&mut Vec::new()).await;
    }
    let gone = |reply: &web::Reply| {
        let text = reply.text();
        text.contains("earmark_live_calls 0\n") && text.contains("earmark_connections 1\n")
    };
    web::until(server.address(), "/metrics", gone).await;
}

#[tokio::test]
async fn no_more_sockets_are_open_than_allowed() {
    let data = folder();
    let server = launch(data.path(), "[websocket]\nmax_sockets = 2\n[websocket.freeswitch]\n")
        .start(&data.path().join("data"));
    let address = server.address();
    let mut open = Vec::new();
    for call in ["a", "b"] {
        open.push(Socket::open(address, &format!("{PATH}{call}"), &[]).await);
    }
    let refused = Socket::try_open(address, &format!("{PATH}c"), &[]).await.err().expect("a refusal");
    assert_eq!(refused.status, 503);
    assert!(refused.said.starts_with("SOCKETS_FULL: "), "{}", refused.said);
    for socket in open {
        socket.close().await;
    }
    web::until(address, "/metrics", |reply| reply.text().contains("end=\"HUNG_UP\"} 2")).await;
    Socket::open(address, &format!("{PATH}c"), &[]).await.close().await;
}

#[tokio::test]
async fn pings_are_answered() {
    let data = folder();
    let server = empty_server(data.path());
    let socket = Socket::open(server.address(), &format!("{PATH}x"), &[]).await;
    let mut tcp = socket.into_tcp();
    tcp.write_all(&[0x89, 0x82, 0, 0, 0, 0, b'h', b'i']).await.unwrap();
    let mut pong = [0; 4];
    tcp.read_exact(&mut pong).await.unwrap();
    assert_eq!(pong, [0x8a, 2, b'h', b'i']);
}
