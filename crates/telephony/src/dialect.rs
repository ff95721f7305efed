use std::time::Duration;

use bytes::Bytes;
use earmark_engine::CallUpdate;

use crate::{CallEvent, EndReason, ProtocolError};

/// A message of a WebSocket, as it came. Pings and pongs stay with the socket.
#[derive(Clone, PartialEq)]
pub enum Frame {
    /// UTF-8 text.
    Text(String),
    /// Bytes.
    Binary(Bytes),
}

/// What to send.
#[derive(Clone, PartialEq)]
pub enum Reply {
    /// UTF-8 text.
    Text(String),
    /// Bytes.
    Binary(Bytes),
    /// A close frame (RFC 6455, section 7.4), and nothing after it.
    Close {
        /// The status code.
        code: u16,
        /// In words, at most 123 bytes.
        reason: String,
    },
}

/// What a step brought: events for the call and replies for the far end, each in order.
#[derive(Debug, Default, PartialEq)]
pub struct Exchange {
    /// For the call.
    pub events: Vec<CallEvent>,
    /// For the far end.
    pub replies: Vec<Reply>,
}

/// Why the server ends a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parting {
    /// The call was ended in order; its last update was told.
    Finished(EndReason),
    /// The stream broke the protocol.
    Refused(ProtocolError),
    /// The call can't be screened (further): a stable code and what to do.
    Failed {
        /// Such as `LIVE_CALLS_FULL`.
        code: &'static str,
        /// In words.
        problem: String,
    },
    /// The server is stopping.
    Draining,
}

/// One WebSocket dialect: frames in, events and replies out.
pub trait Dialect: Send {
    /// Takes the next frame. After an error the dialect is of no further use but for
    /// [`Dialect::part`].
    ///
    /// # Errors
    /// [`ProtocolError`] for whatever the protocol does not allow.
    fn receive(&mut self, frame: Frame) -> Result<Exchange, ProtocolError>;

    /// The socket closed or was lost: what that means for the call. Nothing can be sent any more.
    fn closed(&mut self) -> Exchange;

    /// What to send of an update, where the dialect has a way back.
    fn tell(&mut self, update: &CallUpdate) -> Vec<Reply>;

    /// The last things to send, a close frame as the last of them.
    fn part(&mut self, parting: &Parting) -> Vec<Reply>;

    /// Asked before [`Dialect::part`]: how long the close frame is to wait for the far end to close the
    /// socket itself, where its protocol wants that. [`Dialect::receive`] answers it meanwhile.
    fn close_patience(&self) -> Duration {
        Duration::ZERO
    }
}

/// Audio is a biometric: only its size is shown.
impl std::fmt::Debug for Frame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(text) => write!(f, "Text({} bytes)", text.len()),
            Self::Binary(bytes) => write!(f, "Binary({} bytes)", bytes.len()),
        }
    }
}

impl std::fmt::Debug for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(text) => write!(f, "Text({text})"),
            Self::Binary(bytes) => write!(f, "Binary({} bytes)", bytes.len()),
            Self::Close { code, reason } => write!(f, "Close({code}, {reason})"),
        }
    }
}
