use std::sync::Arc;
use std::time::{Duration, Instant};

use earmark_audio::{ChannelRole, StreamFormat};
use earmark_records::CallStart;
use earmark_scoring::{CustomerEvidence, Evidence, EvidenceTrack, Posterior, Prepared};
use earmark_voiceprint::{CustomerId, NetSpeech, ProxyId, TenantId, Voiceprint};

use crate::admission::Heard;
use crate::call::{
    CallInfo, CallUpdate, CustomerComparison, Hypotheses, MAX_PROXIES_SHOWN, ProxyEvidence, SpeechSummary,
};
use crate::call_record;
use crate::engine::Engine;
use crate::listening::Listener;
use crate::scorer::ListAnswer;
use crate::time::now;
use crate::voices;
use crate::{Cancellation, EngineError, RecordingInput};

impl Engine {
    /// Begins to screen a live call.
    ///
    /// # Errors
    /// A call id that is taken, a format that can't be, an unknown tenant, or a store's failure.
    pub fn begin_call(
        &self,
        tenant: &TenantId,
        call: CallInfo,
        format: StreamFormat,
        role: ChannelRole,
    ) -> Result<CallSession, EngineError> {
        let listener = if self.barred(tenant, call.claimed.as_ref())? {
            Listener::deaf(format)?
        } else {
            Listener::stream(self, format, role, true)?
        };
        let channel = format!("{:?} {role:?}", format.channel);
        self.begin(tenant, call, listener, format.encoding.to_string(), Some(channel))
    }

    /// Screens a whole recording and keeps the result as a call.
    ///
    /// # Errors
    /// As [`Engine::begin_call`], and what is wrong with the recording.
    pub fn screen_recording(
        &self,
        tenant: &TenantId,
        call: CallInfo,
        recording: &RecordingInput,
        cancel: &Cancellation,
    ) -> Result<CallUpdate, EngineError> {
        let began = Instant::now();
        // Heard first: a recording that can't be read leaves no call behind.
        let heard = if self.barred(tenant, call.claimed.as_ref())? {
            Heard::nothing()
        } else {
            self.hear(recording, 0, true, cancel)?
        };
        let listener = Listener::heard(heard, recording.role);
        let channel = format!("{:?} {:?}", recording.channel, recording.role);
        let mut session = self.begin(tenant, call, listener, "recording".to_owned(), Some(channel))?;
        session.compute = began.elapsed();
        session.finish()
    }

    /// Whether the claimed customer's refusal forbids to process the caller's voice.
    fn barred(&self, tenant: &TenantId, claimed: Option<&CustomerId>) -> Result<bool, EngineError> {
        let galleries = self.galleries(tenant)?;
        let customer = self.customer_evidence(tenant, &galleries, claimed, None)?;
        Ok(customer == CustomerEvidence::OptedOut && !self.options().screen_opted_out)
    }

    fn begin(
        &self,
        tenant: &TenantId,
        call: CallInfo,
        listener: Listener,
        encoding: String,
        channel: Option<String>,
    ) -> Result<CallSession, EngineError> {
        self.galleries(tenant)?;
        let start = CallStart {
            call: call.call_id.clone(),
            claimed_customer: call.claimed.clone(),
            caller_number: call.caller_number.clone(),
            agent: call.agent.clone(),
            encoding,
            channel,
            started_at: now(),
        };
        self.records().begin_call(tenant, &start)?;
        self.call_began();
        self.tell(|observer| observer.began(tenant, &call, start.started_at));
        Ok(CallSession {
            engine: self.clone(),
            tenant: tenant.clone(),
            call,
            listener: Some(listener),
            track: EvidenceTrack::new(),
            windows_judged: 0,
            several_voices: false,
            sequence: 0,
            compute: Duration::ZERO,
            last: None,
        })
    }
}

/// A live call: audio goes in, evidence comes out.
///
/// Dropping it before [`CallSession::finish`] ends the call with what was known by then.
pub struct CallSession {
    engine: Engine,
    tenant: TenantId,
    call: CallInfo,
    /// None once the call has ended.
    listener: Option<Listener>,
    track: EvidenceTrack<ProxyId>,
    /// How many windows `several_voices` was judged by.
    windows_judged: usize,
    several_voices: bool,
    sequence: u32,
    /// Processor time since the last update.
    compute: Duration,
    last: Option<CallUpdate>,
}

impl CallSession {
    /// Takes the next bytes of the call, in any split.
    ///
    /// # Errors
    /// Audio that can't be, or [`EngineError::CallEnded`].
    pub fn accept(&mut self, bytes: &[u8]) -> Result<(), EngineError> {
        let began = Instant::now();
        let result = self.listener.as_mut().ok_or(EngineError::CallEnded)?.accept(bytes);
        self.compute += began.elapsed();
        result
    }

    /// The next update that the audio so far allows; `None` until more of it is there. Ask until
    /// it says `None`.
    ///
    /// # Errors
    /// A failure of the network, the galleries or the records.
    pub fn next_update(&mut self) -> Result<Option<CallUpdate>, EngineError> {
        let began = Instant::now();
        let listener = self.listener.as_mut().ok_or(EngineError::CallEnded)?;
        let Some((voiceprint, speech)) = listener.evidence() else { return Ok(None) };
        // Windows come every third second only.
        let windows = listener.windows();
        if windows.len() != self.windows_judged {
            self.several_voices = several_voices(&self.engine, windows)?;
            self.windows_judged = windows.len();
        }
        let update = self.update(Some(&voiceprint), speech, false, began)?;
        self.engine.records().append_update(
            &self.tenant,
            &self.call.call_id,
            &call_record::to_record(&update)?,
        )?;
        self.publish(&update);
        Ok(Some(update))
    }

    /// Ends the call with a verdict over all its speech.
    ///
    /// # Errors
    /// As [`CallSession::next_update`]; also where the stream ends inside a sample.
    pub fn finish(mut self) -> Result<CallUpdate, EngineError> {
        let began = Instant::now();
        let listener = self.listener.take().ok_or(EngineError::CallEnded)?;
        let heard = listener.finish();
        self.engine.call_ended();
        let heard = heard.inspect_err(|_| self.abandon())?;
        let judged = several_voices(&self.engine, &heard.windows);
        self.several_voices = judged.inspect_err(|_| self.abandon())?;
        let update = self.update(heard.voiceprint.as_ref(), heard.speech, true, began);
        let update = update.inspect_err(|_| self.abandon())?;
        self.conclude(&update, heard.voiceprint.as_ref())?;
        Ok(update)
    }

    /// The speech heard so far.
    #[must_use]
    pub fn net_speech(&self) -> NetSpeech {
        self.listener.as_ref().map_or(NetSpeech::ZERO, Listener::net_speech)
    }

    fn update(
        &mut self,
        voiceprint: Option<&Voiceprint>,
        speech: SpeechSummary,
        is_final: bool,
        began: Instant,
    ) -> Result<CallUpdate, EngineError> {
        let probe =
            voiceprint.map(|v| self.engine.scorer().matcher.prepare(v, speech.quality)).transpose()?;
        let (customer, answer) = self.evidence(probe.as_ref())?;
        let candidates = answer.candidates();
        let evidence = Evidence {
            customer,
            listed: &candidates,
            list_size: answer.list_size,
            net_speech: speech.net_speech,
            quality: speech.quality,
            several_voices: self.several_voices,
        };
        let decider = &self.engine.scorer().decider;
        let track = &mut self.track;
        let decision =
            if is_final { track.conclude(decider, &evidence) } else { track.look(decider, &evidence) };
        self.sequence += 1;
        let compute = std::mem::take(&mut self.compute) + began.elapsed();
        Ok(CallUpdate {
            call: self.call.clone(),
            sequence: self.sequence,
            is_final,
            customer: comparison(customer),
            proxies: shown(&answer, &decision.posterior),
            posterior: probe.is_some().then(|| hypotheses(&decision.posterior)),
            verdict: decision.verdict,
            risk: decision.risk,
            reasons: decision.reasons,
            speech,
            model: self.engine.model().clone(),
            calibration: Arc::clone(self.engine.calibration()),
            compute,
            at: now(),
        })
    }

    /// The 1:1 and the 1:N evidence of a probe; without one, only what is known of the customer.
    fn evidence(&self, probe: Option<&Prepared>) -> Result<(CustomerEvidence, ListAnswer), EngineError> {
        let galleries = self.engine.galleries(&self.tenant)?;
        let customer =
            self.engine.customer_evidence(&self.tenant, &galleries, self.call.claimed.as_ref(), probe)?;
        let barred = customer == CustomerEvidence::OptedOut && !self.engine.options().screen_opted_out;
        let answer = match probe {
            Some(probe) if !barred => self.engine.scorer().listed(&galleries, probe, now())?,
            // Too short to be searched, but there is a list that more speech would be compared with.
            None if !barred => ListAnswer { hits: Vec::new(), list_size: galleries.proxies.len() },
            _ => ListAnswer::none(),
        };
        Ok((customer, answer))
    }

    fn conclude(&mut self, update: &CallUpdate, voiceprint: Option<&Voiceprint>) -> Result<(), EngineError> {
        let kept = voiceprint.filter(|_| self.engine.options().keep_call_voiceprints);
        self.engine.finish_call_record(&self.tenant, update, kept)?;
        self.publish(update);
        Ok(())
    }

    fn publish(&mut self, update: &CallUpdate) {
        self.last = Some(update.clone());
        self.engine.publish(&self.tenant, update);
    }

    /// Ends the call in the records with what was known last. Nobody is left to tell of a failure:
    /// the call then stays unfinished in the records, which is true as well.
    fn abandon(&mut self) {
        let last = self.last.take().map_or_else(
            || self.update(None, SpeechSummary::nothing(), true, Instant::now()),
            |last| Ok(CallUpdate { sequence: last.sequence + 1, is_final: true, at: now(), ..last }),
        );
        if let Ok(update) = last {
            let _ = self.conclude(&update, None);
        }
    }
}

impl Drop for CallSession {
    fn drop(&mut self) {
        if self.listener.take().is_some() {
            self.engine.call_ended();
            self.abandon();
        }
    }
}

/// Whether the windows of a channel are of more than one voice.
fn several_voices(engine: &Engine, windows: &[Voiceprint]) -> Result<bool, EngineError> {
    let split = voices::split_cosine(engine.scorer().matcher.bundle().back_end(), windows)?;
    Ok(split.is_some_and(|cosine| cosine < engine.options().max_split_cosine))
}

fn shown(answer: &ListAnswer, posterior: &Posterior<ProxyId>) -> Vec<ProxyEvidence> {
    let probability = |id: &ProxyId| posterior.hits.iter().find(|(k, _)| k == id).map_or(0.0, |(_, p)| *p);
    answer
        .hits
        .iter()
        .take(MAX_PROXIES_SHOWN)
        .map(|(card, llr)| ProxyEvidence {
            proxy: card.id.clone(),
            label: Arc::clone(&card.label),
            llr: llr.nats(),
            posterior: probability(&card.id),
        })
        .collect()
}

fn comparison(customer: CustomerEvidence) -> CustomerComparison {
    match customer {
        CustomerEvidence::Scored(llr) => CustomerComparison::Llr(llr.nats()),
        CustomerEvidence::NotEnrolled => CustomerComparison::NotEnrolled,
        CustomerEvidence::OptedOut => CustomerComparison::OptedOut,
        CustomerEvidence::NotClaimed => CustomerComparison::NotClaimed,
        CustomerEvidence::TooShort => CustomerComparison::TooShort,
    }
}

fn hypotheses(posterior: &Posterior<ProxyId>) -> Hypotheses {
    // Rounding can leave a share a hair above 1.
    let share = |p: f64| p.clamp(0.0, 1.0);
    Hypotheses {
        customer: share(posterior.customer),
        listed_proxy: share(posterior.listed),
        somebody_else: share(posterior.other),
    }
}
