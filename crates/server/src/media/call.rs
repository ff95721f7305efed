use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use earmark_engine::{CallAmendment, CallSession, CallUpdate, ChannelRole, EngineError, LastUpdates};
use earmark_telephony::{CallBegun, CallEvent, MediaFormat};
use earmark_voiceprint::TenantId;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;
use tracing::Span;

use super::options::MixedAudio;
use super::registry::{Command, Place};
use crate::backend::Backend;
use crate::metrics::{Counted, Metrics, Stage};
use crate::pool::Lane;
use crate::refusal::Refusal;
use crate::seat::{STEP_BYTES, Seat, timed};

/// Media streams are screened in steps of so much at least: three frames of 20 ms, so that frames don't
/// each cost a job, and little waits.
pub(crate) const MEDIA_STEP: Duration = Duration::from_millis(60);

/// By which way calls come.
#[derive(Clone, Debug)]
pub(crate) struct Route {
    /// The protocol, for logs and metrics.
    pub(crate) protocol: &'static str,
    /// For whom they are screened.
    pub(crate) tenant: TenantId,
    /// What becomes of both parties in one channel.
    pub(crate) mixed: MixedAudio,
    /// How much audio is waited for before it is screened; zero where it comes in large pieces.
    pub(crate) step: Duration,
}

/// One live call, by whichever way it comes, from its first event to its last update.
pub(crate) struct MediaCall {
    backend: Arc<Backend>,
    route: Route,
    /// Room for the call, from before it begins where that is to be refused early.
    room: Option<OwnedSemaphorePermit>,
    live: Option<Live>,
}

/// What a call has while it runs.
struct Live {
    seat: Seat<CallSession>,
    place: Place,
    format: MediaFormat,
    /// Audio that makes no step yet.
    pending: BytesMut,
    held_since: Option<Instant>,
    /// Seconds of audio that the metrics know of.
    counted_s: f64,
    _counted: Counted,
    _room: OwnedSemaphorePermit,
}

impl MediaCall {
    pub(crate) fn new(backend: &Arc<Backend>, route: Route) -> Self {
        Self { backend: backend.clone(), route, room: None, live: None }
    }

    /// As [`MediaCall::new`], with room for the call, or refused at once where there is none.
    pub(crate) fn seated(backend: &Arc<Backend>, route: Route) -> Result<Self, Refusal> {
        Ok(Self { room: Some(backend.rooms.live_call()?), ..Self::new(backend, route) })
    }

    /// Whether the stream has said which call it is.
    pub(crate) fn has_begun(&self) -> bool {
        self.live.is_some()
    }

    /// Whether the caller is on hold: then no audio is no sign of anything.
    pub(crate) fn is_held(&self) -> bool {
        self.live.as_ref().is_some_and(|live| live.held_since.is_some())
    }

    /// What the call is told next from outside its stream.
    pub(crate) async fn command(&mut self) -> Command {
        match &mut self.live {
            Some(live) => live.place.command().await,
            None => std::future::pending().await,
        }
    }

    /// Whether audio waits that makes no step yet.
    pub(crate) fn is_waiting(&self) -> bool {
        self.live.as_ref().is_some_and(|live| !live.pending.is_empty())
    }

    /// Screens the next piece of the audio that waits, if it makes a step; the updates it brought.
    /// Ask until it says none.
    pub(crate) async fn advance(&mut self) -> Result<Option<Vec<CallUpdate>>, Refusal> {
        let step_bytes = self.live.as_ref().map_or(0, |live| live.bytes_of(self.route.step)).max(1);
        match &mut self.live {
            Some(live) if live.pending.len() >= step_bytes => {
                let piece = live.pending.split_to(live.pending.len().min(STEP_BYTES)).freeze();
                self.screen(piece).await.map(Some)
            }
            _ => Ok(None),
        }
    }

    /// Takes an event that is no end; the updates it brought. Audio only waits for
    /// [`MediaCall::advance`].
    pub(crate) async fn take(&mut self, event: CallEvent) -> Result<Vec<CallUpdate>, Refusal> {
        match (event, &mut self.live) {
            (CallEvent::Begun(begun), None) => self.begin(*begun).await,
            (CallEvent::Audio(bytes), Some(live)) if live.held_since.is_none() => {
                live.pending.extend_from_slice(&bytes);
                Ok(Vec::new())
            }
            (CallEvent::Format(format), Some(_)) => self.change_format(format).await,
            (CallEvent::Gap(length), Some(live)) if live.held_since.is_none() => self.skip(length).await,
            (CallEvent::Held, Some(_)) => self.hold().await,
            (CallEvent::Resumed, Some(_)) => self.resume().await,
            (CallEvent::SpeakerChanged, Some(_)) => self.change_speaker().await,
            _ => Ok(Vec::new()),
        }
    }

    /// Does what the call was told from outside its stream.
    pub(crate) async fn obey(&mut self, command: Command) -> Result<Vec<CallUpdate>, Refusal> {
        match command {
            Command::Held => self.hold().await,
            Command::Resumed => self.resume().await,
            Command::SpeakerChanged => self.change_speaker().await,
            Command::Amend(amendment) => self.amend(amendment).await,
        }
    }

    /// What can't be taken in is not worth the call, which goes on as it was known.
    async fn amend(&mut self, amendment: CallAmendment) -> Result<Vec<CallUpdate>, Refusal> {
        let mut updates = self.hear().await?;
        match self.work(move |session, _| session.amend(&amendment)).await? {
            Ok(amended) => updates.extend(amended),
            Err(error) => {
                let reason = Refusal::from(error).reason();
                tracing::warn!(reason, "what became known of a call could not be taken in");
            }
        }
        Ok(updates)
    }

    /// Ends the call: its last updates. None if it never began. What was accepted for it is done first,
    /// and from here on nothing more is accepted.
    pub(crate) async fn finish(&mut self) -> Result<Vec<CallUpdate>, Refusal> {
        let mut updates = Vec::new();
        let told = self.live.as_mut().map(|live| live.place.leave()).unwrap_or_default();
        for command in told {
            updates.extend(self.obey(command).await?);
        }
        updates.extend(self.hear().await?);
        let Some(mut live) = self.live.take() else { return Ok(updates) };
        let (last, took) = live.seat.leave(|session, _| timed(|| session.finish())).await?;
        self.backend.metrics.stage(Stage::Finish, took);
        let LastUpdates { waited, last } = last?;
        updates.extend(waited);
        self.backend.metrics.audio(last.speech.audio_s - live.counted_s);
        note(&last);
        updates.push(last);
        Ok(updates)
    }

    async fn begin(&mut self, begun: CallBegun) -> Result<Vec<CallUpdate>, Refusal> {
        let CallBegun { call, format, conversation, dropped } = begun;
        self.check_role(format)?;
        let room = self.room.take().map_or_else(|| self.backend.rooms.live_call(), Ok)?;
        let registry = &self.backend.registry;
        let (call, mut place) = registry.begin(&self.route.tenant, call, conversation.as_ref())?;
        Span::current().record("call", call.call_id.as_str());
        for field in dropped {
            tracing::warn!(field, "the stream says what no record can hold; the call begins without it");
        }
        let (engine, tenant) = (self.backend.engine.clone(), self.route.tenant.clone());
        let metrics = self.backend.metrics.clone();
        let make = move || {
            let (session, took) = timed(|| engine.begin_call(&tenant, call, format.stream, format.role));
            metrics.stage(Stage::Begin, took);
            Ok(session?)
        };
        let seat = Seat::take(&self.backend, Lane::Live, make).await?;
        place.began();
        self.live = Some(Live {
            seat,
            place,
            format,
            pending: BytesMut::new(),
            held_since: None,
            counted_s: 0.0,
            _counted: Counted::new(&self.backend.metrics.live_calls),
            _room: room,
        });
        Ok(Vec::new())
    }

    fn check_role(&self, format: MediaFormat) -> Result<(), Refusal> {
        if format.role == ChannelRole::Mixed && self.route.mixed == MixedAudio::Refuse {
            let problem =
                "both parties come in one channel; send the caller's leg alone, or set mixed = \"mark\"";
            return Err(Refusal::field("channels", "MIXED_AUDIO", problem));
        }
        Ok(())
    }

    async fn change_format(&mut self, format: MediaFormat) -> Result<Vec<CallUpdate>, Refusal> {
        self.check_role(format)?;
        if self.live.as_ref().is_none_or(|live| live.format == format) {
            return Ok(Vec::new());
        }
        let updates = self.hear().await?;
        self.step(move |session, _| session.change_format(format.stream, format.role)).await?;
        if let Some(live) = &mut self.live {
            live.format = format;
        }
        Ok(updates)
    }

    async fn skip(&mut self, length: Duration) -> Result<Vec<CallUpdate>, Refusal> {
        let mut updates = self.hear().await?;
        let skipped = move |session: &mut CallSession, metrics: &Metrics| {
            session.skip(length)?;
            ready_updates(session, metrics)
        };
        updates.extend(self.step(skipped).await?);
        Ok(updates)
    }

    async fn hold(&mut self) -> Result<Vec<CallUpdate>, Refusal> {
        let updates = self.hear().await?;
        if let Some(live) = &mut self.live {
            live.held_since.get_or_insert_with(Instant::now);
        }
        Ok(updates)
    }

    async fn resume(&mut self) -> Result<Vec<CallUpdate>, Refusal> {
        match self.live.as_mut().and_then(|live| live.held_since.take()) {
            Some(since) => self.skip(since.elapsed()).await,
            None => Ok(Vec::new()),
        }
    }

    async fn change_speaker(&mut self) -> Result<Vec<CallUpdate>, Refusal> {
        let mut updates = self.hear().await?;
        updates.extend(self.step(|session, _| session.change_speaker()).await?);
        Ok(updates)
    }

    /// Screens all the audio that waits.
    pub(crate) async fn hear(&mut self) -> Result<Vec<CallUpdate>, Refusal> {
        let mut updates = Vec::new();
        while let Some(live) = self.live.as_mut().filter(|live| !live.pending.is_empty()) {
            let piece = live.pending.split_to(live.pending.len().min(STEP_BYTES)).freeze();
            updates.extend(self.screen(piece).await?);
        }
        Ok(updates)
    }

    async fn screen(&mut self, piece: Bytes) -> Result<Vec<CallUpdate>, Refusal> {
        let updates = self.step(move |session, metrics| accept(session, &piece, metrics)).await?;
        if let (Some(last), Some(live)) = (updates.last(), &mut self.live) {
            self.backend.metrics.audio(last.speech.audio_s - live.counted_s);
            live.counted_s = last.speech.audio_s;
        }
        Ok(updates)
    }

    /// Works on the session on a thread. After an error the call is over.
    async fn step<R: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut CallSession, &Metrics) -> Result<R, EngineError> + Send + 'static,
    ) -> Result<R, Refusal> {
        Ok(self.work(work).await??)
    }

    /// As [`MediaCall::step`], with the engine's error for the caller to judge.
    async fn work<R: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut CallSession, &Metrics) -> R + Send + 'static,
    ) -> Result<R, Refusal> {
        let live = self.live.as_mut().ok_or_else(|| Refusal::internal("CALL_NOT_BEGUN"))?;
        let metrics = self.backend.metrics.clone();
        live.seat.step(move |session| work(session, &metrics)).await
    }
}

impl Live {
    /// Bytes of so much audio, whole samples of all channels.
    fn bytes_of(&self, length: Duration) -> usize {
        let format = self.format.stream;
        let samples = f64::from(format.sample_rate_hz) * length.as_secs_f64();
        let units = (samples / format.encoding.unit_samples() as f64).ceil() as usize;
        units * format.encoding.unit_bytes() * usize::from(format.channels)
    }
}

fn accept(
    session: &mut CallSession,
    part: &Bytes,
    metrics: &Metrics,
) -> Result<Vec<CallUpdate>, EngineError> {
    let (accepted, took) = timed(|| session.accept(part));
    metrics.stage(Stage::Accept, took);
    accepted?;
    ready_updates(session, metrics)
}

fn ready_updates(session: &mut CallSession, metrics: &Metrics) -> Result<Vec<CallUpdate>, EngineError> {
    let mut updates = Vec::new();
    loop {
        let (update, took) = timed(|| session.next_update());
        let Some(update) = update? else { return Ok(updates) };
        note(&update);
        metrics.stage(Stage::Update, took);
        updates.push(update);
    }
}

fn note(update: &CallUpdate) {
    let (verdict, compute_ms) = (update.verdict.code(), update.compute.as_secs_f64() * 1000.0);
    tracing::debug!(update.sequence, update.is_final, verdict, compute_ms, "call update");
}
