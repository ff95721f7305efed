//! What comes over sockets that is no call, and what becomes of a call whose connection is gone.

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::{PATIENCE, metadata, sdp, server, started};
use crate::harness::server::folder;
use crate::harness::web;

#[tokio::test]
async fn what_is_not_sip_leaves_nothing() {
    let data = folder();
    let (server, _clients) = server(data.path(), [42_400, 42_409]).await;
    let address = server.address_for("siprec");
    let udp = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    for bytes in [&b"\0\0\0\0"[..], b"GET / HTTP/1.1\r\n\r\n", b"INVITE sip:x SIP/2.0\r\n\r\n", &[0xff; 2000]]
    {
        udp.send_to(bytes, address).await.unwrap();
    }
    let options = "OPTIONS sip:earmark@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bKx;rport\r\n\
        From: <sip:a@b>;tag=1\r\nTo: <sip:earmark@127.0.0.1>\r\nCall-ID: o\r\nCSeq: 1 OPTIONS\r\n\
        Content-Length: 0\r\n\r\n";
    udp.send_to(options.as_bytes(), address).await.unwrap();
    let mut answer = vec![0; 4096];
    let (length, _) = timeout(PATIENCE, udp.recv_from(&mut answer)).await.expect("an answer").unwrap();
    let answer = String::from_utf8_lossy(&answer[..length]).into_owned();
    assert!(answer.starts_with("SIP/2.0 200 OK\r\n") && answer.contains("+sip.srs"), "{answer}");

    // Over TCP what can't be followed is hung up on, and what is whole is answered.
    let mut socket = TcpStream::connect(address).await.unwrap();
    socket.write_all(b"hello\r\n\r\n").await.unwrap();
    let mut said = Vec::new();
    let _ = timeout(PATIENCE, socket.read_to_end(&mut said)).await.expect("an end");
    assert!(said.is_empty());
    let mut socket = TcpStream::connect(address).await.unwrap();
    for piece in options.replace("/UDP", "/TCP").as_bytes().chunks(7) {
        socket.write_all(piece).await.unwrap();
    }
    let mut start = [0; 14];
    timeout(PATIENCE, socket.read_exact(&mut start)).await.expect("an answer").unwrap();
    assert_eq!(&start, b"SIP/2.0 200 OK");
    for _ in 0..500 {
        drop(TcpStream::connect(address).await.unwrap());
    }
    let metrics = web::get(server.address(), "/metrics").text();
    assert!(metrics.contains("earmark_live_calls 0"), "{metrics}");
}

/// A request over TCP of a client that listens on `port`.
fn request(method: &str, cseq: u32, port: u16, to_tag: &str, body: &str) -> String {
    let kind = if body.is_empty() { "" } else { "Content-Type: multipart/mixed;boundary=b\r\n" };
    format!(
        "{method} sip:earmark@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1:{port};branch=z9hG4bK{method}\r\n\
         From: <sip:sbc@127.0.0.1>;tag=far\r\nTo: <sip:earmark@127.0.0.1>{to_tag}\r\nCall-ID: call-7\r\n\
         CSeq: {cseq} {method}\r\nContact: <sip:sbc@127.0.0.1:{port};transport=tcp>\r\nRequire: siprec\r\n{kind}\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// The head of the next message, and its first line.
async fn head(from: &mut BufReader<TcpStream>) -> Vec<String> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        timeout(PATIENCE, from.read_line(&mut line)).await.expect("a message").unwrap();
        match line.trim_end() {
            "" => return lines,
            line => lines.push(line.to_owned()),
        }
    }
}

#[tokio::test]
async fn a_goodbye_finds_its_way_when_the_connection_is_gone() {
    let data = folder();
    let (server, _clients) = started(data.path(), [42_700, 42_709], ["--drain-s", "0"]).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let sdp = sdp("sendonly").replace("[media_port]", "20000").replace("[media_port+2]", "20002");
    let body = format!(
        "--b\r\nContent-Type: application/sdp\r\n\r\n{}\r\n--b\r\nContent-Type: application/rs-metadata+xml\r\n\r\n\
         {}\r\n--b--\r\n",
        sdp.replace('\n', "\r\n"),
        metadata("13800138000")
    );
    let mut socket = BufReader::new(TcpStream::connect(server.address_for("siprec")).await.unwrap());
    socket.write_all(request("INVITE", 1, port, "", &body).as_bytes()).await.unwrap();
    let answer = head(&mut socket).await;
    assert_eq!(answer[0], "SIP/2.0 200 OK");
    let tag = answer.iter().find_map(|line| line.strip_prefix("To: ")?.split_once(";tag=")).expect("a tag").1;
    let ack = request("ACK", 1, port, &format!(";tag={tag}"), "");
    socket.write_all(ack.as_bytes()).await.unwrap();
    drop(socket);
    server.terminate();
    let (socket, _) = timeout(PATIENCE, listener.accept()).await.expect("a connection").unwrap();
    let mut socket = BufReader::new(socket);
    let bye = head(&mut socket).await;
    assert_eq!(bye[0], format!("BYE sip:sbc@127.0.0.1:{port};transport=tcp SIP/2.0"));
    let via = bye.iter().find(|line| line.starts_with("Via: ")).unwrap();
    let answer = format!("SIP/2.0 200 OK\r\n{via}\r\nContent-Length: 0\r\n\r\n");
    socket.write_all(answer.as_bytes()).await.unwrap();
    let (status, log) = server.ended();
    assert!(status.success(), "{log}");
}
