use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use earmark_engine::CallUpdate;
use earmark_telephony::{CallEvent, Dialect, EndReason, Exchange, Frame, Parting, ProtocolError, Reply};
use futures_sink::Sink;
use tokio::time::{Interval, MissedTickBehavior, interval_at, sleep, timeout};
use tokio_tungstenite::tungstenite;

use crate::lifecycle::Closing;
use crate::media::drive::{MediaSource, PARTING_PATIENCE};
use crate::serve::POOL_PATIENCE;

/// How often a far end that is silent is asked whether it is still there: holds bring no audio.
const PING_INTERVAL: Duration = Duration::from_secs(20);
/// How many of these it may leave unanswered.
const MAX_SILENT_PINGS: u32 = 2;

/// How long a far end that is to close first may take once the server stops, which ends all patience.
const STOPPING_PATIENCE: Duration = Duration::from_secs(5);

// The server waits for its sockets only so long.
const _: () = assert!(STOPPING_PATIENCE.as_secs() + PARTING_PATIENCE.as_secs() < POOL_PATIENCE.as_secs());

/// A WebSocket that speaks a dialect.
pub(super) struct Connection {
    socket: WebSocket,
    dialect: Box<dyn Dialect>,
    /// What is still to be sent, in order.
    replies: VecDeque<Message>,
    /// What is still to be told, once the replies before it are sent.
    events: Vec<CallEvent>,
    pings: Interval,
    silent_pings: u32,
    stopping: Closing,
    /// A close was sent or came, or the connection is gone: nothing can be sent any more.
    over: bool,
}

/// How a connection ends without the dialect's words.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Gone {
    Closed,
    Lost,
}

impl Connection {
    pub(super) fn new(socket: WebSocket, dialect: Box<dyn Dialect>, stopping: Closing) -> Self {
        let mut pings = interval_at(tokio::time::Instant::now() + PING_INTERVAL, PING_INTERVAL);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            socket,
            dialect,
            replies: VecDeque::new(),
            events: Vec::new(),
            pings,
            silent_pings: 0,
            stopping,
            over: false,
        }
    }

    fn exchanged(&mut self, exchange: Exchange) {
        self.events.extend(exchange.events);
        self.replies.extend(exchange.replies.into_iter().map(message));
    }

    /// Sends what is to be sent. May be dropped at any time: a message leaves the queue in the same
    /// step in which the socket takes it.
    async fn send(&mut self) -> Result<(), axum::Error> {
        while !self.replies.is_empty() && !self.over {
            poll_fn(|context| Pin::new(&mut self.socket).poll_ready(context)).await?;
            if let Some(message) = self.replies.pop_front() {
                self.over = matches!(message, Message::Close(_));
                Pin::new(&mut self.socket).start_send(message)?;
            }
        }
        poll_fn(|context| Pin::new(&mut self.socket).poll_flush(context)).await
    }

    /// The next message, or none for the time to ask whether somebody is there.
    async fn arrival(&mut self) -> Option<Option<Result<Message, axum::Error>>> {
        tokio::select! {
            biased;
            message = self.socket.recv() => Some(message),
            _ = self.pings.tick() => None,
        }
    }

    fn take(&mut self, message: Option<Result<Message, axum::Error>>) -> Result<(), ProtocolError> {
        self.silent_pings = 0;
        let frame = match message {
            Some(Ok(Message::Text(text))) => Frame::Text(text.as_str().to_owned()),
            Some(Ok(Message::Binary(bytes))) => Frame::Binary(bytes),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => return Ok(()),
            Some(Ok(Message::Close(_))) | None => {
                self.gone(Gone::Closed);
                return Ok(());
            }
            Some(Err(error)) => match broken_rule(&error) {
                Some(refused) => return Err(refused),
                None => {
                    tracing::debug!(%error, "media socket lost");
                    self.gone(Gone::Lost);
                    return Ok(());
                }
            },
        };
        let exchange = self.dialect.receive(frame)?;
        self.exchanged(exchange);
        Ok(())
    }

    fn gone(&mut self, how: Gone) {
        self.over = true;
        self.replies.clear();
        let mut events = self.dialect.closed().events;
        if how == Gone::Lost && events == [CallEvent::Ended(EndReason::HungUp)] {
            // Where a closed socket is the goodbye, a broken one is none.
            events = vec![CallEvent::Ended(EndReason::Lost)];
        }
        self.events.extend(events);
    }

    /// Says the last words and goes on answering until the far end closes the socket, breaks the rules or
    /// has had its time.
    async fn wait_for_close(&mut self, words: impl Iterator<Item = Message>, patience: Duration) {
        let mut stopping = self.stopping.clone();
        let stopped = async {
            stopping.arrived().await;
            sleep(STOPPING_PATIENCE).await;
        };
        self.replies.extend(words);
        tokio::select! {
            biased;
            () = self.answer_to_the_end() => {}
            () = sleep(patience) => {}
            () = stopped => {}
        }
    }

    async fn answer_to_the_end(&mut self) {
        while !self.over {
            if self.send().await.is_err() {
                return self.gone(Gone::Lost);
            }
            let message = self.socket.recv().await;
            if self.take(message).is_err() {
                return;
            }
            // The call is over: nobody is told any more.
            self.events.clear();
        }
    }

    async fn close(&mut self, words: impl Iterator<Item = Message>) {
        if !self.over {
            self.replies.extend(words);
            drop(self.send().await);
        }
        // The far end's own close; a socket dropped before would take our last words with it.
        while let Some(Ok(_)) = self.socket.recv().await {}
    }

    fn ask_whether_there(&mut self) {
        if self.silent_pings >= MAX_SILENT_PINGS {
            self.gone(Gone::Lost);
        } else {
            self.silent_pings += 1;
            self.replies.push_back(Message::Ping(bytes::Bytes::new()));
        }
    }
}

impl MediaSource for Connection {
    async fn next(&mut self) -> Result<Vec<CallEvent>, ProtocolError> {
        loop {
            if self.send().await.is_err() && !self.over {
                self.gone(Gone::Lost);
            }
            if !self.events.is_empty() {
                return Ok(std::mem::take(&mut self.events));
            }
            if self.over {
                // A connection that never was a call ends as one that hung up.
                return Ok(vec![CallEvent::Ended(EndReason::HungUp)]);
            }
            match self.arrival().await {
                Some(message) => {
                    self.take(message)?;
                    if self.events.is_empty() && !self.over {
                        // Any frame, the answer to a ping too, is a sign of life.
                        return Ok(Vec::new());
                    }
                }
                None => self.ask_whether_there(),
            }
        }
    }

    async fn tell(&mut self, update: &CallUpdate) {
        if !self.over {
            self.replies.extend(self.dialect.tell(update).into_iter().map(message));
            // A socket that is gone is found out when it is read.
            drop(self.send().await);
        }
    }

    async fn part(&mut self, parting: &Parting) {
        let patience = self.close_patience();
        let mut words = self.dialect.part(parting).into_iter().map(message);
        if patience.is_zero() {
            return self.close(words).await;
        }
        let close = words.next_back();
        self.wait_for_close(words, patience).await;
        drop(timeout(PARTING_PATIENCE, self.close(close.into_iter())).await);
    }

    fn close_patience(&self) -> Duration {
        if self.over { Duration::ZERO } else { self.dialect.close_patience() }
    }
}

fn message(reply: Reply) -> Message {
    match reply {
        Reply::Text(text) => Message::Text(text.into()),
        Reply::Binary(bytes) => Message::Binary(bytes),
        Reply::Close { code, reason } => Message::Close(Some(CloseFrame { code, reason: reason.into() })),
    }
}

/// What of the WebSocket's own rules (RFC 6455) was broken; none for a connection that is gone.
fn broken_rule(error: &axum::Error) -> Option<ProtocolError> {
    use std::error::Error;

    use tungstenite::error::ProtocolError::ResetWithoutClosingHandshake;

    let error = error.source()?.downcast_ref::<tungstenite::Error>()?;
    let problem = match error {
        tungstenite::Error::Protocol(ResetWithoutClosingHandshake) => return None,
        tungstenite::Error::Capacity(_) => {
            let what = "a websocket message in bytes";
            return Some(ProtocolError::LimitReached { what, most: super::MAX_MESSAGE_BYTES });
        }
        tungstenite::Error::Protocol(_) => "a frame breaks the rules of rfc 6455",
        tungstenite::Error::Utf8(_) => "a text frame is no utf-8",
        _ => return None,
    };
    Some(ProtocolError::Malformed { protocol: "websocket", problem: problem.into() })
}
