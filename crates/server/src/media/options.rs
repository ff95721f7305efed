use earmark_voiceprint::TenantId;

/// How calls may arrive beside gRPC.
#[derive(Clone, Debug, Default)]
pub struct TelephonyOptions {
    /// What becomes of a stream that carries both parties in one channel.
    pub mixed: MixedAudio,
    /// Asterisk's AudioSocket; its listener is given to [`crate::serve`] beside.
    pub audiosocket: AudioSocketOptions,
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
