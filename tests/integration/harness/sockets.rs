//! WebSockets by tokio-tungstenite, as a switch opens them.

use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::error::Error;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue};
use tokio_tungstenite::tungstenite::protocol::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

/// An open socket.
pub(crate) struct Socket {
    stream: WebSocketStream<TcpStream>,
    /// The subprotocol that the server took up.
    pub(crate) subprotocol: Option<String>,
}

/// What an upgrade was refused with.
#[derive(Debug)]
pub(crate) struct NotOpened {
    pub(crate) status: u16,
    pub(crate) said: String,
}

impl Socket {
    pub(crate) async fn try_open(
        address: &str,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Result<Self, NotOpened> {
        let mut request = format!("ws://{address}{path}").into_client_request().expect("a request");
        for (name, value) in headers {
            let name: HeaderName = name.parse().expect("a header's name");
            request.headers_mut().insert(name, HeaderValue::from_str(value).expect("a header's value"));
        }
        let socket = TcpStream::connect(address).await.expect("the server takes connections");
        socket.set_nodelay(true).expect("an option");
        match client_async(request, socket).await {
            Ok((stream, response)) => {
                let subprotocol = response.headers().get("sec-websocket-protocol");
                let subprotocol = subprotocol.map(|value| value.to_str().expect("text").to_owned());
                Ok(Self { stream, subprotocol })
            }
            Err(Error::Http(response)) => {
                let body = response.body().as_deref().unwrap_or_default();
                let said = String::from_utf8_lossy(body).into_owned();
                Err(NotOpened { status: response.status().as_u16(), said })
            }
            Err(other) => panic!("{path}: {other}"),
        }
    }

    pub(crate) async fn open(address: &str, path: &str, headers: &[(&str, &str)]) -> Self {
        match Self::try_open(address, path, headers).await {
            Ok(socket) => socket,
            Err(refused) => panic!("{path}: {refused:?}"),
        }
    }

    pub(crate) async fn text(&mut self, text: impl ToString) {
        self.send(Message::text(text.to_string())).await;
    }

    pub(crate) async fn binary(&mut self, bytes: &[u8]) {
        self.send(Message::binary(bytes.to_vec())).await;
    }

    /// Audio in frames of so many bytes.
    pub(crate) async fn audio(&mut self, bytes: &[u8], frame: usize) {
        for frame in bytes.chunks(frame) {
            self.stream.feed(Message::binary(frame.to_vec())).await.expect("audio is sent");
        }
        self.stream.flush().await.expect("audio is sent");
    }

    pub(crate) async fn send(&mut self, message: Message) {
        self.stream.send(message).await.expect("a message is sent");
    }

    /// Sends what may find nobody there any more.
    pub(crate) async fn try_send(&mut self, message: Message) -> bool {
        self.stream.send(message).await.is_ok()
    }

    /// The next message that is neither ping nor pong; none once the socket is gone.
    pub(crate) async fn next(&mut self) -> Option<Message> {
        loop {
            match self.stream.next().await {
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(message)) => return Some(message),
                Some(Err(_)) | None => return None,
            }
        }
    }

    /// The next message, which must be JSON text.
    pub(crate) async fn json(&mut self) -> Value {
        match self.next().await {
            Some(Message::Text(text)) => serde_json::from_str(text.as_str()).expect("json"),
            other => panic!("{other:?} is no text"),
        }
    }

    /// The code and reason of the close frame, which must come next.
    pub(crate) async fn close_frame(&mut self) -> (u16, String) {
        match self.next().await {
            Some(Message::Close(Some(frame))) => (frame.code.into(), frame.reason.as_str().to_owned()),
            other => panic!("{other:?} is no close"),
        }
    }

    /// Hangs up as a switch does, and waits until the server has, too.
    pub(crate) async fn close(mut self) {
        let _ = self.stream.close(None).await;
        while self.next().await.is_some() {}
    }

    /// The bare TCP connection, for what no WebSocket library would send.
    pub(crate) fn into_tcp(self) -> TcpStream {
        self.stream.into_inner()
    }
}
