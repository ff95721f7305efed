use std::future::ready;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::time::{Instant, sleep_until};
use tokio_stream::{Stream, StreamExt};
use tonic::{Code, Status};

use crate::gate::{CleanEnd, Kind};
use crate::lifecycle::Closing;
use crate::refusal::{Refusal, refuse_stream_error};
use crate::{Limits, MAX_CHUNK_BYTES};

/// Small chunks that have arrived meanwhile are taken together up to this size: 2 s of 8 kHz PCM.
const COALESCED_BYTES: usize = 32 << 10;

/// A message of a stream that begins with a config and goes on with audio.
pub(crate) trait StreamMessage {
    /// What the first message holds.
    type Config;

    /// What this message holds; none for a message that holds nothing.
    fn into_part(self) -> Option<Part<Self::Config>>;
}

/// What a message holds.
pub(crate) enum Part<C> {
    /// What is asked.
    Config(C),
    /// The next bytes.
    Audio(Bytes),
}

/// What comes after the config.
#[derive(Debug, PartialEq)]
pub(crate) enum Input {
    /// At least one byte.
    Audio(Bytes),
    /// There is no more.
    End(End),
}

/// Why there is no more audio.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// The client said so.
    HalfClosed,
    /// No audio came for the idle timeout.
    Idle,
    /// The stream is as long as a stream may be.
    TooLong,
    /// The server is stopping.
    Draining,
}

impl End {
    /// What the client is told of an end that it did not bring about.
    pub(crate) fn outcome(self) -> Result<(), Refusal> {
        let refuse = |reason, problem| Err(Refusal::new(Code::DeadlineExceeded, reason, problem));
        match self {
            Self::HalfClosed => Ok(()),
            Self::Idle => {
                refuse("STREAM_IDLE", "no audio came for too long; half-close a stream that is over")
            }
            Self::TooLong => refuse("STREAM_TOO_LONG", "the stream is as long as one may be; begin another"),
            Self::Draining => Err(Refusal::draining()),
        }
    }
}

/// The request side of an audio stream: config first and once, then audio, all else refused.
pub(crate) struct AudioStream<S> {
    messages: S,
    end: CleanEnd,
    closing: Closing,
    idle_timeout: Duration,
    ends_at: Instant,
    message_limit: usize,
    /// Nothing need come now: the caller is on hold.
    is_held: bool,
    /// An end that was met while looking for more audio, to be told after that audio.
    met: Option<Result<End, Refusal>>,
}

/// Something that came, or the end.
enum Arrival<C> {
    Part(Part<C>),
    End(End),
}

impl<S, M> AudioStream<S>
where
    S: Stream<Item = Result<M, Status>> + Unpin,
    M: StreamMessage,
{
    pub(crate) fn new(messages: S, end: CleanEnd, closing: Closing, limits: &Limits) -> Self {
        Self {
            messages,
            end,
            closing,
            idle_timeout: limits.idle_timeout,
            ends_at: after(limits.max_stream_duration),
            message_limit: Kind::Live.message_limit(limits),
            is_held: false,
            met: None,
        }
    }

    /// Whether the caller is on hold from the next piece on: then no audio is no idleness.
    pub(crate) fn hold(&mut self, is_held: bool) {
        self.is_held = is_held;
    }

    /// The first message.
    pub(crate) async fn config(&mut self) -> Result<M::Config, Refusal> {
        let missing = |problem: &str| Err(Refusal::field("config", "CONFIG_MISSING", problem));
        match self.arrival(after(self.idle_timeout)).await? {
            Arrival::Part(Part::Config(config)) => Ok(config),
            Arrival::Part(Part::Audio(_)) => {
                missing("audio came before the config; send the config as the first message")
            }
            Arrival::End(end) => {
                end.outcome()?;
                missing("the stream ended without a config; send it as the first message")
            }
        }
    }

    /// The next audio together with what else has arrived; or the end.
    pub(crate) async fn next(&mut self) -> Result<Input, Refusal> {
        if let Some(met) = self.met.take() {
            return met.map(Input::End);
        }
        // Only audio keeps a stream from being idle: messages without any could go on forever.
        let idle_at = after(self.idle_timeout);
        loop {
            match self.arrival(idle_at).await? {
                Arrival::Part(Part::Audio(bytes)) if bytes.is_empty() => {}
                Arrival::Part(Part::Audio(bytes)) => return Ok(Input::Audio(self.coalesce(bytes).await)),
                Arrival::Part(Part::Config(_)) => return Err(config_repeated()),
                Arrival::End(end) => return Ok(Input::End(end)),
            }
        }
    }

    async fn arrival(&mut self, idle_at: Instant) -> Result<Arrival<M::Config>, Refusal> {
        tokio::select! {
            biased;
            () = self.closing.arrived() => Ok(Arrival::End(End::Draining)),
            () = sleep_until(self.ends_at) => Ok(Arrival::End(End::TooLong)),
            () = sleep_until(idle_at), if !self.is_held => Ok(Arrival::End(End::Idle)),
            message = self.messages.next() => self.read(message),
        }
    }

    /// Adds what has arrived without waiting for more.
    async fn coalesce(&mut self, first: Bytes) -> Bytes {
        let mut all = Coalesced::One(first);
        while all.len() < COALESCED_BYTES {
            let message = tokio::select! {
                biased;
                message = self.messages.next() => message,
                () = ready(()) => break,
            };
            match self.read(message) {
                Ok(Arrival::Part(Part::Audio(bytes))) => all.push(&bytes),
                Ok(Arrival::Part(Part::Config(_))) => self.met = Some(Err(config_repeated())),
                Ok(Arrival::End(end)) => self.met = Some(Ok(end)),
                Err(refusal) => self.met = Some(Err(refusal)),
            }
            if self.met.is_some() {
                break;
            }
        }
        all.into_bytes()
    }

    fn read(&self, message: Option<Result<M, Status>>) -> Result<Arrival<M::Config>, Refusal> {
        match message {
            // tonic shows a cancelled stream as an ended one; only the body knows.
            None if self.end.reached() => Ok(Arrival::End(End::HalfClosed)),
            None => Err(Refusal::cancelled()),
            Some(Err(status)) => Err(refuse_stream_error(&status, self.message_limit)),
            Some(Ok(message)) => match message.into_part() {
                Some(Part::Audio(bytes)) if bytes.len() > MAX_CHUNK_BYTES => {
                    Err(Refusal::message_too_large(MAX_CHUNK_BYTES).about_field("audio"))
                }
                Some(part) => Ok(Arrival::Part(part)),
                None => Err(Refusal::field(
                    "request",
                    "EMPTY_MESSAGE",
                    "a message holds neither config nor audio; send one of them",
                )),
            },
        }
    }
}

fn config_repeated() -> Refusal {
    let problem = "the config came twice; send it once, and open another stream for another call";
    Refusal::field("config", "CONFIG_REPEATED", problem)
}

/// So long from now; past the end of time is a century.
fn after(duration: Duration) -> Instant {
    const CENTURY: Duration = Duration::from_secs(100 * 365 * 24 * 3600);
    let now = Instant::now();
    now.checked_add(duration).unwrap_or(now + CENTURY)
}

/// One chunk as it came, or several copied together.
enum Coalesced {
    One(Bytes),
    Several(BytesMut),
}

impl Coalesced {
    fn len(&self) -> usize {
        match self {
            Self::One(bytes) => bytes.len(),
            Self::Several(bytes) => bytes.len(),
        }
    }

    fn push(&mut self, more: &[u8]) {
        match self {
            Self::One(first) => {
                let mut both = BytesMut::with_capacity(COALESCED_BYTES.max(first.len() + more.len()));
                both.extend_from_slice(first);
                both.extend_from_slice(more);
                *self = Self::Several(both);
            }
            Self::Several(all) => all.extend_from_slice(more),
        }
    }

    fn into_bytes(self) -> Bytes {
        match self {
            Self::One(bytes) => bytes,
            Self::Several(bytes) => bytes.freeze(),
        }
    }
}

#[cfg(test)]
mod tests;
