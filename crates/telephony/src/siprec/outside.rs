use std::net::SocketAddr;

use bytes::Bytes;

use super::recording::Description;
use crate::EndReason;

/// How messages travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// Each in a datagram.
    Udp,
    /// Over the connection of this number.
    Tcp(u64),
}

/// The far end of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Peer {
    /// Where.
    pub address: SocketAddr,
    /// How.
    pub transport: Transport,
}

/// What the server needs of who runs it.
pub trait Surroundings {
    /// Opens a port for RTP; none if there is none left.
    fn open_port(&mut self) -> Option<u16>;

    /// A text of letters and digits that nobody can guess, another each time.
    fn token(&mut self) -> String;
}

/// What came of a message, or of time.
#[derive(Debug)]
pub enum RecordingOutput {
    /// To be sent.
    Send {
        /// To whom.
        peer: Peer,
        /// The whole message.
        message: Bytes,
        /// Where a new connection may take it if the peer's is gone (RFC 3261, section 18.1.1).
        fallback: Option<SocketAddr>,
    },
    /// A recording begins.
    Begun {
        /// Its number.
        recording: u64,
        /// What is known of it. Its ports are those that were opened for it.
        description: Box<Description>,
    },
    /// A recording was described anew.
    Changed {
        /// Its number.
        recording: u64,
        /// All that is known of it now.
        description: Box<Description>,
    },
    /// A recording is over.
    Ended {
        /// Its number.
        recording: u64,
        /// Why.
        reason: EndReason,
    },
}
