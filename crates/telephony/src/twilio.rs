//! Twilio Media Streams: JSON text frames over a WebSocket.
//!
//! ```text
//! connected -> start -> media | dtmf | mark ... -> stop
//! ```
//!
//! Every message but `connected` carries a `sequenceNumber`, and media also a `chunk` and a
//! `timestamp` in ms since the start. Messages that come early wait a little for those before them;
//! what stays away is a gap; what comes twice or too late is dropped. The track `inbound` is what
//! Twilio receives from the call's far end: the customer, where the stream was started on the
//! customer's leg. Nothing goes back: a stream begun by `<Start>` takes no messages.

mod message;
mod order;
mod signature;
mod timeline;

use earmark_audio::Encoding;
use earmark_engine::CallUpdate;

use self::message::{Media, Message, Numbered, Start, Track};
use self::order::Order;
pub use self::signature::verify_twilio_signature;
use self::timeline::Timeline;
use crate::websocket::{Metadata, check, close};
use crate::{CallEvent, Dialect, EndReason, Exchange, Frame, MediaFormat, Parting, ProtocolError, Reply};

const PROTOCOL: &str = "twilio";

/// One media stream.
pub struct Twilio {
    stage: Stage,
    url: Metadata,
    order: Order,
    timeline: Timeline,
    stream: Option<String>,
    customer: Track,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Before `connected`.
    New,
    /// Between `connected` and `start`.
    Connected,
    Running,
    Over,
}

impl Twilio {
    /// `url` is what the URL's query says of the call; Twilio drops queries, so mostly nothing.
    #[must_use]
    pub fn new(url: Metadata) -> Self {
        Self {
            stage: Stage::New,
            url,
            order: Order::default(),
            timeline: Timeline::default(),
            stream: None,
            customer: Track::Inbound,
        }
    }

    fn text(&mut self, text: &str) -> Result<Vec<CallEvent>, ProtocolError> {
        let message = match message::parse(text)? {
            Message::Connected if self.stage == Stage::New => {
                self.stage = Stage::Connected;
                return Ok(Vec::new());
            }
            Message::Connected => return Err(out_of_order("`connected` came twice")),
            Message::Numbered(message) => message,
        };
        match self.stage {
            Stage::New => return Err(out_of_order("the first message must be `connected`")),
            Stage::Over => return Err(out_of_order("a message came after `stop`")),
            Stage::Connected | Stage::Running => {}
        }
        self.check_stream(&message)?;
        let mut events = Vec::new();
        for message in self.order.take(message) {
            events.extend(self.in_order(message)?);
        }
        Ok(events)
    }

    fn check_stream(&mut self, message: &Numbered) -> Result<(), ProtocolError> {
        match (&self.stream, &message.stream) {
            (None, Some(stream)) => self.stream = Some(stream.clone()),
            (Some(known), Some(stream)) if known != stream => {
                return Err(out_of_order("a message is of another stream (streamSid)"));
            }
            _ => {}
        }
        Ok(())
    }

    fn in_order(&mut self, message: Numbered) -> Result<Vec<CallEvent>, ProtocolError> {
        use message::Body;
        match (self.stage, message.body) {
            (Stage::Connected, Body::Start(start)) => Ok(vec![self.begin(&start)?]),
            (Stage::Connected, _) => Err(out_of_order("the first message after `connected` must be `start`")),
            (Stage::Running, Body::Start(_)) => Err(out_of_order("`start` came twice")),
            (Stage::Running, Body::Media(media)) => Ok(self.media(media)),
            (Stage::Running, Body::Stop) => {
                self.stage = Stage::Over;
                Ok(vec![CallEvent::Ended(EndReason::HungUp)])
            }
            // Messages behind a `stop` that waited with it: nothing follows the end.
            (Stage::New | Stage::Over, _) | (_, Body::Other) => Ok(Vec::new()),
        }
    }

    fn begin(&mut self, start: &Start) -> Result<CallEvent, ProtocolError> {
        self.customer = start.customer;
        let metadata = start.metadata.clone().or(std::mem::take(&mut self.url));
        let begun = metadata.begun(MediaFormat::customer_leg(Encoding::MuLaw, 8000))?;
        self.stage = Stage::Running;
        Ok(CallEvent::Begun(Box::new(begun)))
    }

    fn media(&mut self, media: Media) -> Vec<CallEvent> {
        if media.track != self.customer || media.payload.is_empty() {
            return Vec::new();
        }
        let gap = match self.timeline.place(media.chunk, media.timestamp_ms, media.payload.len()) {
            timeline::Place::Repeated => return Vec::new(),
            timeline::Place::After(gap) => gap,
        };
        gap.map(CallEvent::Gap).into_iter().chain([CallEvent::Audio(media.payload)]).collect()
    }
}

fn out_of_order(problem: &'static str) -> ProtocolError {
    ProtocolError::OutOfOrder { protocol: PROTOCOL, problem: problem.into() }
}

impl Dialect for Twilio {
    fn receive(&mut self, frame: Frame) -> Result<Exchange, ProtocolError> {
        check(&frame)?;
        match frame {
            Frame::Text(text) => Ok(Exchange { events: self.text(&text)?, replies: Vec::new() }),
            Frame::Binary(_) => {
                let problem = "a binary frame came; media streams are json text".into();
                Err(ProtocolError::Malformed { protocol: PROTOCOL, problem })
            }
        }
    }

    /// A stream ends with `stop`; without one the connection was lost, and what waited for messages
    /// before it is all there will be.
    fn closed(&mut self) -> Exchange {
        let mut events = Vec::new();
        for message in self.order.drain() {
            events.extend(self.in_order(message).unwrap_or_default());
        }
        if self.stage == Stage::Running {
            events.push(CallEvent::Ended(EndReason::Lost));
        }
        self.stage = Stage::Over;
        Exchange { events, replies: Vec::new() }
    }

    fn tell(&mut self, _: &CallUpdate) -> Vec<Reply> {
        Vec::new()
    }

    fn part(&mut self, parting: &Parting) -> Vec<Reply> {
        self.stage = Stage::Over;
        vec![close(parting)]
    }
}

#[cfg(test)]
mod tests;
