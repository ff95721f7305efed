//! A live call as a telephone system makes it.

use earmark_server::proto::v1;
use tokio::sync::mpsc;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};

use crate::fixture::{Server, s16le, soon};

pub(crate) fn config(call: v1::CallInfo) -> v1::ScreenCallRequest {
    let config = v1::ScreenCallConfig { call: Some(call), format: Some(s16le()) };
    v1::ScreenCallRequest { request: Some(v1::screen_call_request::Request::Config(config)) }
}

pub(crate) fn audio(bytes: &[u8]) -> v1::ScreenCallRequest {
    let bytes = bytes.to_vec().into();
    v1::ScreenCallRequest { request: Some(v1::screen_call_request::Request::Audio(bytes)) }
}

/// An open call: what the client sends and what comes back.
pub(crate) struct OpenCall {
    requests: Option<mpsc::Sender<v1::ScreenCallRequest>>,
    replies: Streaming<v1::ScreenCallResponse>,
}

impl OpenCall {
    pub(crate) async fn open(server: &Server) -> Result<Self, Status> {
        let (requests, stream) = mpsc::channel(64);
        let replies = server.screening().screen_call(ReceiverStream::new(stream)).await?.into_inner();
        Ok(Self { requests: Some(requests), replies })
    }

    pub(crate) async fn begin(server: &Server, call: v1::CallInfo) -> Self {
        let mut open = Self::open(server).await.expect("opens");
        open.send(config(call)).await;
        open
    }

    /// Sends unless the server ended the call.
    pub(crate) async fn send(&mut self, request: v1::ScreenCallRequest) {
        let requests = self.requests.as_ref().expect("not half-closed");
        drop(soon(requests.send(request)).await);
    }

    pub(crate) async fn speak(&mut self, bytes: &[u8], chunk: usize) {
        for part in bytes.chunks(chunk) {
            self.send(audio(part)).await;
        }
    }

    pub(crate) fn half_close(&mut self) {
        self.requests = None;
    }

    pub(crate) async fn next(&mut self) -> Option<Result<v1::CallUpdate, Status>> {
        soon(self.replies.next()).await.map(|reply| reply.map(|r| r.update.expect("holds an update")))
    }

    /// All updates, and how it ended.
    pub(crate) async fn rest(&mut self) -> (Vec<v1::CallUpdate>, Result<(), Status>) {
        let mut updates = Vec::new();
        loop {
            match self.next().await {
                Some(Ok(update)) => updates.push(update),
                Some(Err(status)) => return (updates, Err(status)),
                None => return (updates, Ok(())),
            }
        }
    }
}

/// A whole call in chunks of `chunk` bytes.
pub(crate) async fn screen(
    server: &Server,
    call: v1::CallInfo,
    bytes: &[u8],
    chunk: usize,
) -> (Vec<v1::CallUpdate>, Result<(), Status>) {
    let mut open = OpenCall::begin(server, call).await;
    let OpenCall { requests, replies } = &mut open;
    let requests = requests.take().unwrap();
    let chunks: Vec<v1::ScreenCallRequest> = bytes.chunks(chunk).map(audio).collect();
    let speaking = tokio::spawn(async move {
        for chunk in chunks {
            if requests.send(chunk).await.is_err() {
                break;
            }
        }
    });
    let mut updates = Vec::new();
    let ended = loop {
        match soon(replies.next()).await {
            Some(Ok(reply)) => updates.push(reply.update.unwrap()),
            Some(Err(status)) => break Err(status),
            None => break Ok(()),
        }
    };
    speaking.abort();
    (updates, ended)
}
