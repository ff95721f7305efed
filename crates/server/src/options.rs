use std::num::NonZeroUsize;
use std::time::Duration;

use crate::{AccessOptions, DeskOptions, ServerError, TelephonyOptions, TlsOptions};

/// How the server behaves. Everything has a default that is safe on one machine.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// Who may call and for which tenants.
    pub access: AccessOptions,
    /// The certificate to serve under; none is plaintext, which is refused beyond loopback.
    pub tls: Option<TlsOptions>,
    /// Serve plaintext to other machines all the same: for a mesh or proxy that encrypts.
    pub allow_remote_plaintext: bool,
    /// Web origins (`https://desk.example.com`) whose pages may call through gRPC-Web; none by default.
    pub cors_origins: Vec<String>,
    /// Threads for embedding, search and disk; none means one a core, and at least two.
    pub threads: Option<NonZeroUsize>,
    /// How long live calls may go on after the stop signal before they are finished.
    pub drain_timeout: Duration,
    /// How the pages of the desk behave.
    pub desk: DeskOptions,
    /// How calls may arrive beside gRPC.
    pub telephony: TelephonyOptions,
    /// What a client, or all of them together, may use.
    pub limits: Limits,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            access: AccessOptions::default(),
            tls: None,
            allow_remote_plaintext: false,
            cors_origins: Vec::new(),
            threads: None,
            drain_timeout: Duration::from_secs(30),
            desk: DeskOptions::default(),
            telephony: TelephonyOptions::default(),
            limits: Limits::default(),
        }
    }
}

/// Named bounds on memory and work, so that no client can take more.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Calls screened at once. The next one is refused with `RESOURCE_EXHAUSTED`.
    pub max_live_calls: usize,
    /// Enrollment streams at once.
    pub max_enrollment_streams: usize,
    /// Desktops that watch at once: pages and `WatchCalls` streams.
    pub max_watchers: usize,
    /// Updates a watcher may lag behind before it is ended.
    pub watch_backlog: usize,
    /// A stream that brings no audio for so long is finished; a telephone system's only if it brings
    /// nothing at all. Not while the caller is on hold.
    pub idle_timeout: Duration,
    /// A live call or enrollment stream that lasts longer is finished.
    pub max_stream_duration: Duration,
    /// A unary call that takes longer, its upload included, fails with `DEADLINE_EXCEEDED`.
    pub max_unary_duration: Duration,
    /// Bytes of all recordings in one unary call.
    pub max_recordings_bytes: usize,
    /// Unary calls with recordings or voiceprints at once, waiting or running; each may hold
    /// `max_recordings_bytes` in memory.
    pub max_batch_requests: usize,
    /// Small unary calls at once, waiting or running.
    pub max_lookups: usize,
    /// Connections at once; further ones wait in the listener's backlog.
    pub max_connections: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_live_calls: 200,
            max_enrollment_streams: 50,
            max_watchers: 1000,
            watch_backlog: 1024,
            idle_timeout: Duration::from_secs(60),
            max_stream_duration: Duration::from_secs(2 * 3600),
            max_unary_duration: Duration::from_secs(600),
            max_recordings_bytes: 64 << 20,
            max_batch_requests: 32,
            max_lookups: 256,
            max_connections: 4096,
        }
    }
}

/// The largest audio chunk in a stream's message.
pub const MAX_CHUNK_BYTES: usize = 4 << 20;

/// A watch backlog beyond this would be a buffer, not a backlog; tokio's channel allocates it at once.
const MAX_WATCH_BACKLOG: usize = 1 << 16;

impl ServerOptions {
    /// Every limit must leave room for one, or nothing would ever be served.
    pub(crate) fn check(&self) -> Result<(), ServerError> {
        let limits = &self.limits;
        let counts = [
            ("max_live_calls", limits.max_live_calls),
            ("max_enrollment_streams", limits.max_enrollment_streams),
            ("max_watchers", limits.max_watchers),
            ("watch_backlog", limits.watch_backlog),
            ("max_recordings_bytes", limits.max_recordings_bytes),
            ("max_batch_requests", limits.max_batch_requests),
            ("max_lookups", limits.max_lookups),
            ("max_connections", limits.max_connections),
            ("audiosocket.max_connections", self.telephony.audiosocket.max_connections),
        ];
        let times = [
            ("idle_timeout", limits.idle_timeout),
            ("max_stream_duration", limits.max_stream_duration),
            ("max_unary_duration", limits.max_unary_duration),
        ];
        let zero = counts.iter().find(|c| c.1 == 0).map(|c| c.0);
        if let Some(option) = zero.or_else(|| times.iter().find(|t| t.1.is_zero()).map(|t| t.0)) {
            return Err(ServerError::Option { option, problem: "must be more than 0" });
        }
        // gRPC's length field has 32 bits, and the sum of a message's parts must fit it.
        if limits.max_recordings_bytes > 1 << 31 {
            return Err(ServerError::Option { option: "max_recordings_bytes", problem: "is at most 2 GiB" });
        }
        if limits.watch_backlog > MAX_WATCH_BACKLOG {
            return Err(ServerError::Option { option: "watch_backlog", problem: "is at most 65,536" });
        }
        self.desk.check()?;
        Ok(())
    }

    /// How many threads the pool gets. Two at least: one is never taken by batch work.
    pub(crate) fn pool_threads(&self) -> usize {
        let cores = || std::thread::available_parallelism().map_or(2, NonZeroUsize::get).max(2);
        self.threads.map_or_else(cores, NonZeroUsize::get)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_sound_and_a_zero_limit_is_named() {
        ServerOptions::default().check().unwrap();
        let mut options = ServerOptions::default();
        options.limits.max_watchers = 0;
        assert!(matches!(options.check(), Err(ServerError::Option { option: "max_watchers", .. })));
        options.limits.max_watchers = 1;
        options.limits.idle_timeout = Duration::ZERO;
        assert!(matches!(options.check(), Err(ServerError::Option { option: "idle_timeout", .. })));
    }

    #[test]
    fn buffers_nobody_could_pay_for_are_refused() {
        let mut options = ServerOptions::default();
        options.limits.watch_backlog = usize::MAX;
        assert!(options.check().is_err());
        options.limits = Limits { max_recordings_bytes: usize::MAX, ..Limits::default() };
        assert!(options.check().is_err());
    }
}
