//! Genesys AudioHook, protocol version 2: JSON text frames beside binary audio.
//!
//! ```text
//! client                                   server
//! open {conversationId, media offered} ->
//!                                       <- opened {the one medium chosen}
//! audio ... ping, paused, resumed, discarded, update, dtmf, error ->
//!                                       <- pong, updated
//! close {reason} ->
//!                                       <- closed (after the last audio was judged)
//! WebSocket close ->
//!
//!                                       <- disconnect {reason}, or reconnect, where the server ends it
//! audio under way ..., close {reason} ->
//!                                       <- closed
//! WebSocket close ->
//! ```
//!
//! It is always the client that ends a session and closes the socket; a socket that the server closes
//! counts as lost, and a `reconnect` with it. So after its last words the server goes on answering, and
//! closes the socket itself only if the client has not within [`CLOSE_PATIENCE`].
//!
//! Both sides number their messages from 1 and name the last number they saw of the other. Of the
//! channels offered `external` is the customer's. A probe (all-zero conversation) is answered and is
//! no call. Nothing of a verdict goes back: the protocol's event entities are transcripts and agent
//! assistance, and neither is one.

mod duration;
mod media;
mod message;
mod signature;
mod structured;

use std::time::Duration;

use bytes::Bytes;
use earmark_engine::CallUpdate;
use serde_json::{Map, Value, json};

use self::media::Medium;
use self::message::{Body, Discarded, Message, Open};
pub use self::signature::{MAX_SIGNATURE_AGE, MAX_SKEW, SignedRequest, verify_audiohook_signature};
use crate::websocket::{capped_gap, check, close, explanation};
use crate::{CallBegun, CallEvent, Dialect, EndReason, Exchange, Frame, Parting, ProtocolError, Reply};

const PROTOCOL: &str = "audiohook";

/// How far the client's position may lie ahead of the audio that came before the difference counts
/// as missing: its clock runs on between two frames.
const POSITION_SLACK: Duration = Duration::from_millis(500);

/// How long the client may take to end a session that the server wants to end: as long as the client
/// waits for `closed` in Genesys's reference implementation.
const CLOSE_PATIENCE: Duration = Duration::from_secs(10);

/// One AudioHook session.
pub struct AudioHook {
    stage: Stage,
    /// The session's id: the header's, else that of the first message.
    session: Option<String>,
    /// The organization of the request's header, where it was sent.
    organization: Option<String>,
    /// Our last number.
    sent: u64,
    /// The client's last number.
    seen: u64,
    /// The highest of ours that the client has named.
    acknowledged: u64,
    /// Audio that came or was said to be left out.
    position: Duration,
    /// An error that the client reported: its close is no ordinary one.
    troubled: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Before `open`.
    New,
    Open(Medium),
    Paused(Medium),
    /// Opened, and no call: the client only tries the connection.
    Probed,
    /// The client's `close` came; `closed` is still to be said.
    Closing,
    /// `disconnect` or `reconnect` was said; the client's `close` is awaited.
    Leaving,
    /// `closed` was said, or the socket is gone.
    Over,
}

impl AudioHook {
    /// `session` and `organization` are the request's `Audiohook-Session-Id` and
    /// `Audiohook-Organization-Id`, with which the messages must agree.
    #[must_use]
    pub fn new(session: Option<&str>, organization: Option<&str>) -> Self {
        Self {
            stage: Stage::New,
            session: session.map(str::to_ascii_lowercase),
            organization: organization.map(str::to_ascii_lowercase),
            sent: 0,
            seen: 0,
            acknowledged: 0,
            position: Duration::ZERO,
            troubled: false,
        }
    }

    fn text(&mut self, text: &str) -> Result<Exchange, ProtocolError> {
        if matches!(self.stage, Stage::Leaving | Stage::Over) {
            return Ok(self.after_the_last_words(text));
        }
        let message = message::parse(text)?;
        self.check_numbers(&message)?;
        if self.stage == Stage::New {
            // What went before is another session's.
            self.position = message.position;
        }
        let mut exchange = self.handle(message.body)?;
        if let Some(gap) = self.catch_up(message.position) {
            // Before whatever this message is about.
            exchange.events.insert(0, CallEvent::Gap(gap));
        }
        Ok(exchange)
    }

    /// The client winds up: its `close` and `ping` are answered, and nothing else matters any more, not
    /// even the mistake that ended the session.
    fn after_the_last_words(&mut self, text: &str) -> Exchange {
        let Ok(message) = message::parse(text) else { return Exchange::default() };
        self.seen = message.seq;
        match (self.stage, message.body) {
            (Stage::Leaving, Body::Close(_)) => self.closed_now(),
            (Stage::Leaving, Body::Ping) => self.reply("pong", json!({})),
            _ => Exchange::default(),
        }
    }

    /// The rules about `id`, `seq` and `serverseq`, which hold for every message.
    fn check_numbers(&mut self, message: &Message) -> Result<(), ProtocolError> {
        let session = self.session.get_or_insert_with(|| message.id.clone());
        if *session != message.id {
            return Err(out_of_order("the message's id is not the session's"));
        }
        if self.seen.checked_add(1) != Some(message.seq) {
            return Err(out_of_order("seq must count up from 1 by 1"));
        }
        self.seen = message.seq;
        if message.serverseq > self.sent || message.serverseq < self.acknowledged {
            return Err(out_of_order("serverseq names a message that was not sent, or goes back"));
        }
        self.acknowledged = message.serverseq;
        Ok(())
    }

    fn handle(&mut self, body: Body) -> Result<Exchange, ProtocolError> {
        match (self.stage, body) {
            (Stage::New, Body::Open(open)) => self.open(&open),
            (Stage::New | Stage::Probed, Body::Close(_)) => Ok(self.closed_now()),
            (Stage::New, Body::Error) => Ok(self.trouble()),
            (Stage::New, _) => Err(out_of_order("the first message must be `open`")),
            (Stage::Closing, _) => Err(out_of_order("a message came after `close`")),
            (Stage::Leaving | Stage::Over, _) => Ok(Exchange::default()),
            (_, Body::Open(_)) => Err(out_of_order("`open` came twice")),
            (_, Body::Ping) => Ok(self.reply("pong", json!({}))),
            (_, Body::Update) => Ok(self.reply("updated", json!({}))),
            (_, Body::Error) => Ok(self.trouble()),
            (_, Body::Other) => Ok(Exchange::default()),
            (Stage::Probed, _) => Ok(Exchange::default()),
            (Stage::Open(_) | Stage::Paused(_), Body::Close(end)) => Ok(self.close(end)),
            (Stage::Open(medium), Body::Paused) => {
                self.stage = Stage::Paused(medium);
                Ok(event(CallEvent::Held))
            }
            (Stage::Paused(medium), Body::Resumed(discarded)) => {
                self.stage = Stage::Open(medium);
                let mut exchange = self.discard(discarded);
                exchange.events.push(CallEvent::Resumed);
                Ok(exchange)
            }
            // Both may be repeated: the server's own `pause` asks for the state, too.
            (Stage::Paused(_), Body::Paused) | (Stage::Open(_), Body::Resumed(_)) => Ok(Exchange::default()),
            (Stage::Open(_) | Stage::Paused(_), Body::Discarded(discarded)) => Ok(self.discard(discarded)),
        }
    }

    fn open(&mut self, open: &Open) -> Result<Exchange, ProtocolError> {
        if self.organization.as_ref().is_some_and(|header| *header != open.organization) {
            let problem = "organizationId is not that of the audiohook-organization-id header".into();
            return Err(ProtocolError::NotAuthenticated { problem });
        }
        if open.is_probe {
            self.stage = Stage::Probed;
            let chosen = media::choose(&open.offered).map(|medium| medium.to_json());
            return Ok(self.opened(chosen.into_iter().collect()));
        }
        let Some(medium) = media::choose(&open.offered) else {
            let problem = "no medium with the channel `external` in PCMU or L16 at 8000 Hz is offered";
            return Err(ProtocolError::Unsupported { problem: problem.into() });
        };
        let conversation = open.conversation.clone();
        let begun = CallBegun { conversation, ..open.call.begun(medium.format())? };
        self.stage = Stage::Open(medium);
        let mut exchange = self.opened(vec![medium.to_json()]);
        exchange.events.push(CallEvent::Begun(Box::new(begun)));
        Ok(exchange)
    }

    fn opened(&mut self, media: Vec<Value>) -> Exchange {
        self.reply("opened", json!({"startPaused": false, "media": media}))
    }

    /// `closed` is said when the last update was made: the client hangs up on it.
    fn close(&mut self, end: EndReason) -> Exchange {
        self.stage = Stage::Closing;
        let reason = if self.troubled { EndReason::Failed } else { end };
        event(CallEvent::Ended(reason))
    }

    /// There is no call (any more) that somebody would end.
    fn closed_now(&mut self) -> Exchange {
        self.stage = Stage::Over;
        self.reply("closed", json!({}))
    }

    fn trouble(&mut self) -> Exchange {
        self.troubled = true;
        Exchange::default()
    }

    /// The client left audio out and says so.
    fn discard(&mut self, discarded: Discarded) -> Exchange {
        self.position = self.position.saturating_add(discarded.length);
        capped_gap(discarded.length).map_or_else(Exchange::default, |gap| event(CallEvent::Gap(gap)))
    }

    /// Audio that is missing by the client's own account without having been called discarded.
    fn catch_up(&mut self, claimed: Duration) -> Option<Duration> {
        if !matches!(self.stage, Stage::Open(_)) {
            return None;
        }
        let missing = claimed.saturating_sub(self.position);
        if missing <= POSITION_SLACK {
            return None;
        }
        self.position = claimed;
        capped_gap(missing)
    }

    fn binary(&mut self, bytes: Bytes) -> Result<Exchange, ProtocolError> {
        match self.stage {
            Stage::New => Err(out_of_order("audio came before `open`")),
            Stage::Closing => Err(out_of_order("audio came after `close`")),
            // None is anybody's voice: a probe's, and what was under way when the stream paused or ended.
            Stage::Probed | Stage::Paused(_) | Stage::Leaving | Stage::Over => Ok(Exchange::default()),
            Stage::Open(medium) => {
                let samples = medium.samples(bytes.len())?;
                self.position = self.position.saturating_add(samples);
                Ok(if bytes.is_empty() { Exchange::default() } else { event(CallEvent::Audio(bytes)) })
            }
        }
    }

    fn reply(&mut self, kind: &str, parameters: Value) -> Exchange {
        Exchange { events: Vec::new(), replies: vec![self.message(kind, parameters)] }
    }

    fn message(&mut self, kind: &str, parameters: Value) -> Reply {
        self.sent += 1;
        let mut message = Map::new();
        message.insert("version".into(), "2".into());
        message.insert("type".into(), kind.into());
        message.insert("id".into(), self.session.clone().unwrap_or_default().into());
        message.insert("seq".into(), self.sent.into());
        message.insert("clientseq".into(), self.seen.into());
        message.insert("parameters".into(), parameters);
        Reply::Text(Value::Object(message).to_string())
    }

    fn disconnect(&mut self, reason: &str, parting: &Parting) -> Reply {
        self.message("disconnect", json!({"reason": reason, "info": explanation(parting)}))
    }
}

fn event(event: CallEvent) -> Exchange {
    Exchange { events: vec![event], replies: Vec::new() }
}

fn out_of_order(problem: &'static str) -> ProtocolError {
    ProtocolError::OutOfOrder { protocol: PROTOCOL, problem: problem.into() }
}

impl Dialect for AudioHook {
    fn receive(&mut self, frame: Frame) -> Result<Exchange, ProtocolError> {
        check(&frame)?;
        match frame {
            Frame::Text(text) => self.text(&text),
            Frame::Binary(bytes) => self.binary(bytes),
        }
    }

    /// A session ends with `close`; without one the connection was lost.
    fn closed(&mut self) -> Exchange {
        let running = matches!(self.stage, Stage::Open(_) | Stage::Paused(_));
        self.stage = Stage::Over;
        if running { event(CallEvent::Ended(EndReason::Lost)) } else { Exchange::default() }
    }

    fn tell(&mut self, _: &CallUpdate) -> Vec<Reply> {
        Vec::new()
    }

    fn part(&mut self, parting: &Parting) -> Vec<Reply> {
        let before = std::mem::replace(&mut self.stage, Stage::Leaving);
        let word = match (before, parting) {
            (Stage::Over, _) => None,
            (Stage::Closing, _) => Some(self.message("closed", json!({}))),
            // The client opens another session, with this one among its `continuedSessions`.
            (_, Parting::Draining) => Some(self.message("reconnect", json!({"info": explanation(parting)}))),
            (_, Parting::Finished(_)) => Some(self.disconnect("completed", parting)),
            (_, Parting::Refused(ProtocolError::NotAuthenticated { .. })) => {
                Some(self.disconnect("unauthorized", parting))
            }
            (_, Parting::Refused(_) | Parting::Failed { .. }) => Some(self.disconnect("error", parting)),
        };
        if matches!(before, Stage::Closing | Stage::Over) {
            self.stage = Stage::Over;
        }
        word.into_iter().chain([close(parting)]).collect()
    }

    fn close_patience(&self) -> Duration {
        // Who had `closed` already has had the time to close.
        if self.stage == Stage::Over { Duration::ZERO } else { CLOSE_PATIENCE }
    }
}

#[cfg(test)]
mod tests;
