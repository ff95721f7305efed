use std::net::{IpAddr, Ipv4Addr};
use std::ops::RangeInclusive;

use earmark_telephony::siprec;
use earmark_voiceprint::TenantId;

use super::webex::WebexOptions;
use super::websocket::WebSocketOptions;

/// How calls may arrive beside gRPC.
#[derive(Clone, Debug, Default)]
pub struct TelephonyOptions {
    /// What becomes of a stream that carries both parties in one channel.
    pub mixed: MixedAudio,
    /// Asterisk's AudioSocket; its listener is given to [`crate::serve`] beside.
    pub audiosocket: AudioSocketOptions,
    /// WebSockets on the main port.
    pub websocket: WebSocketOptions,
    /// SIPREC; its sockets are given to [`crate::serve`] beside.
    pub siprec: SiprecOptions,
    /// How Webex shows itself; none asks its method for an access token, as any other.
    pub webex: Option<WebexOptions>,
}

/// What becomes of a stream that carries both parties in one channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MixedAudio {
    /// It is refused: the agent's voice would be scored as the caller's.
    #[default]
    Refuse,
    /// It is screened, and every update is marked with the warning `MIXED_CHANNELS`.
    Mark,
}

/// Who may connect to the AudioSocket listener: it has no authentication of its own, so it belongs on
/// loopback or a network of its own.
#[derive(Clone, Debug)]
pub struct AudioSocketOptions {
    /// For whom the calls are screened.
    pub tenant: TenantId,
    /// Connections at once; further ones wait in the listener's backlog.
    pub max_connections: usize,
}

impl Default for AudioSocketOptions {
    fn default() -> Self {
        Self { tenant: crate::access::default_tenant(), max_connections: 256 }
    }
}

/// A SIPREC recording server. SIP and RTP have no encryption here, so they belong on a network of their own.
#[derive(Clone, Debug)]
pub struct SiprecOptions {
    /// For whom the calls are screened.
    pub tenant: TenantId,
    /// The address that RTP is received on.
    pub rtp_address: IpAddr,
    /// The ports that RTP is received on, even ones of them.
    pub rtp_ports: RangeInclusive<u16>,
    /// TCP connections at once.
    pub max_connections: usize,
    /// How it answers, and which stream is the customer's.
    pub answers: siprec::SiprecOptions,
}

impl Default for SiprecOptions {
    fn default() -> Self {
        Self {
            tenant: crate::access::default_tenant(),
            rtp_address: Ipv4Addr::LOCALHOST.into(),
            rtp_ports: 40_000..=41_999,
            max_connections: 64,
            answers: siprec::SiprecOptions::default(),
        }
    }
}
