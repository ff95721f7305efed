mod clock;
mod excerpts;

use std::sync::Arc;
use std::time::{Duration, Instant};

use earmark_audio::{ChannelRole, SpeechWindow, StreamFormat};
use earmark_records::{CallAmendment, CallStart, Excerpt};
use earmark_scoring::{
    CustomerEvidence, Decision, Evidence, EvidenceTrack, Posterior, Prepared, Reason, Verdict,
};
use earmark_voiceprint::{CustomerId, NetSpeech, ProxyId, TenantId, Voiceprint};

use self::clock::CallClock;
use self::excerpts::{Wanted, Windows};

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
        let listener = self.listener(tenant, call.claimed.as_ref(), Layout { format, role })?;
        let channel = format!("{:?} {role:?}", format.channel);
        let mut session = self.begin(tenant, call, listener, format.encoding.to_string(), Some(channel))?;
        session.layout = Some(Layout { format, role });
        Ok(session)
    }

    fn listener(
        &self,
        tenant: &TenantId,
        claimed: Option<&CustomerId>,
        layout: Layout,
    ) -> Result<Listener, EngineError> {
        match self.barred(tenant, claimed)? {
            true => Listener::deaf(layout.format),
            false => Listener::stream(self, layout.format, layout.role, true),
        }
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
        self.screen(tenant, call, recording, Some("recording".to_owned()), cancel)
    }

    /// Screens a whole recording and keeps how it is encoded; without that the call is in the records
    /// already.
    pub(crate) fn screen(
        &self,
        tenant: &TenantId,
        call: CallInfo,
        recording: &RecordingInput,
        encoding: Option<String>,
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
        let mut session = match encoding {
            Some(encoding) => self.begin(tenant, call, listener, encoding, Some(channel))?,
            None => self.session(tenant, call, listener),
        };
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
            scene: call.scene.clone(),
            encoding,
            channel,
            started_at: now(),
        };
        self.records().begin_call(tenant, &start)?;
        self.tell(|observer| observer.began(tenant, &call, start.started_at));
        Ok(self.session(tenant, call, listener))
    }

    /// A session of a call that is in the records and has no update yet.
    fn session(&self, tenant: &TenantId, call: CallInfo, listener: Listener) -> CallSession {
        self.call_began();
        CallSession {
            engine: self.clone(),
            tenant: tenant.clone(),
            call,
            layout: None,
            listener: Some(listener),
            clock: CallClock::default(),
            speaker: Speaker::new(1),
            earlier_tagged: false,
            sequence: 0,
            compute: Duration::ZERO,
            last: None,
        }
    }
}

/// How a live call's audio is laid out.
#[derive(Clone, Copy)]
struct Layout {
    format: StreamFormat,
    role: ChannelRole,
}

/// What is known of who speaks.
struct Speaker {
    /// From 1.
    number: u32,
    track: EvidenceTrack<ProxyId>,
    /// How many windows `several_voices` was judged by.
    windows_judged: usize,
    several_voices: bool,
    windows: Windows,
    /// The newest evidence.
    heard: Option<(Voiceprint, SpeechSummary)>,
}

impl Speaker {
    fn new(number: u32) -> Self {
        Self {
            number,
            track: EvidenceTrack::new(),
            windows_judged: 0,
            several_voices: false,
            windows: Windows::default(),
            heard: None,
        }
    }

    /// Takes in the windows there are. They come every third second only.
    fn note_windows(&mut self, engine: &Engine, windows: &[SpeechWindow]) -> Result<(), EngineError> {
        if windows.len() != self.windows_judged {
            let back_end = engine.scorer().matcher.bundle().back_end();
            let split = voices::split_cosine(back_end, windows)?;
            self.several_voices = split.is_some_and(|cosine| cosine < engine.options().max_split_cosine);
            self.windows.add(back_end, windows)?;
            self.windows_judged = windows.len();
        }
        Ok(())
    }
}

/// How much of a gap is filled at most, in seconds: enough to keep what was said before and after
/// apart. Of longer gaps only the call's time tells.
const MAX_FILLED_S: f64 = 1.0;

/// A live call: audio goes in, evidence comes out.
///
/// Dropping it before [`CallSession::finish`] ends the call with what was known by then.
pub struct CallSession {
    engine: Engine,
    tenant: TenantId,
    call: CallInfo,
    /// None of a recording.
    layout: Option<Layout>,
    /// None once the call has ended.
    listener: Option<Listener>,
    clock: CallClock,
    speaker: Speaker,
    /// Whether somebody who spoke before was tagged as a listed proxy.
    earlier_tagged: bool,
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
        let Some((voiceprint, speech, windows)) = listener.evidence() else { return Ok(None) };
        // Those of later speech wait for its evidence, so that nothing depends on how audio was cut.
        let by_then = listener.windows().get(..windows).unwrap_or_default();
        self.speaker.note_windows(&self.engine, by_then)?;
        self.speaker.heard = Some((voiceprint.clone(), speech.clone()));
        self.tell(Some(&voiceprint), speech, began).map(Some)
    }

    /// The bytes from here on have another format: the codec changed in the middle of the call.
    ///
    /// # Errors
    /// A format that can't be, bytes of an unfinished sample, or [`EngineError::CallEnded`].
    pub fn change_format(&mut self, format: StreamFormat, role: ChannelRole) -> Result<(), EngineError> {
        self.listener.as_mut().ok_or(EngineError::CallEnded)?.change_format(format, role)?;
        self.layout = Some(Layout { format, role });
        Ok(())
    }

    /// So much of the call passed unheard: packets were lost, silence was suppressed, or the caller
    /// was on hold.
    ///
    /// # Errors
    /// As [`CallSession::accept`].
    pub fn skip(&mut self, length: Duration) -> Result<(), EngineError> {
        let listener = self.listener.as_mut().ok_or(EngineError::CallEnded)?;
        let filled_s = length.as_secs_f64().min(MAX_FILLED_S);
        listener.accept_gap(filled_s)?;
        self.clock.skip(listener.duration_s(), length.as_secs_f64() - filled_s);
        Ok(())
    }

    /// From here on somebody else speaks on the caller's leg (a transfer): the evidence begins anew,
    /// and the update says so. The record keeps what was said of the one before.
    ///
    /// # Errors
    /// As [`CallSession::next_update`].
    pub fn change_speaker(&mut self) -> Result<CallUpdate, EngineError> {
        let began = Instant::now();
        let tagged = self.speaker.track.last().is_some_and(|d| d.verdict == Verdict::SuspectedProxy);
        self.listen_anew()?;
        self.earlier_tagged |= tagged;
        self.speaker = Speaker::new(self.speaker.number.saturating_add(1));
        self.tell(None, SpeechSummary::nothing(), began)
    }

    /// Takes in what became known of the call: whom the caller claims to be, who answers now. The
    /// update is of the evidence so far; none if there is nothing new.
    ///
    /// # Errors
    /// As [`CallSession::next_update`].
    pub fn amend(&mut self, amendment: &CallAmendment) -> Result<Option<CallUpdate>, EngineError> {
        let began = Instant::now();
        let listener = self.listener.as_ref().ok_or(EngineError::CallEnded)?;
        let mut call = self.call.clone();
        call.amend(amendment);
        if call == self.call {
            return Ok(None);
        }
        let barred = self.engine.barred(&self.tenant, call.claimed.as_ref())?;
        let ears_change = barred != listener.is_deaf();
        self.engine.records().amend_call(&self.tenant, &call.call_id, amendment)?;
        let claim_changed = call.claimed != self.call.claimed;
        self.call = call;
        if ears_change {
            // Who refuses voiceprints is not listened to any more, and what was heard is forgotten.
            self.listen_anew()?;
            self.speaker = Speaker::new(self.speaker.number);
        } else if claim_changed {
            self.speaker.track.forget_verdict();
        }
        let heard = self.speaker.heard.clone();
        let (voiceprint, speech) = heard.map_or((None, SpeechSummary::nothing()), |(v, s)| (Some(v), s));
        self.tell(voiceprint.as_ref(), speech, began).map(Some)
    }

    /// Another listener takes over.
    fn listen_anew(&mut self) -> Result<(), EngineError> {
        let listener = self.listener.as_ref().ok_or(EngineError::CallEnded)?;
        let layout = self.layout.ok_or(EngineError::CallEnded)?;
        let fresh = self.engine.listener(&self.tenant, self.call.claimed.as_ref(), layout)?;
        self.clock.hand_over(listener.duration_s());
        self.listener = Some(fresh);
        Ok(())
    }

    /// Makes an update, keeps it and shows it.
    fn tell(
        &mut self,
        voiceprint: Option<&Voiceprint>,
        speech: SpeechSummary,
        began: Instant,
    ) -> Result<CallUpdate, EngineError> {
        let update = self.update(voiceprint, speech, false, began)?;
        let kept = call_record::to_record(&update)?;
        self.engine.records().append_update(&self.tenant, &self.call.call_id, &kept)?;
        self.publish(&update);
        Ok(update)
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
        let noted = self.speaker.note_windows(&self.engine, &heard.windows);
        noted.inspect_err(|_| self.abandon())?;
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
        mut speech: SpeechSummary,
        is_final: bool,
        began: Instant,
    ) -> Result<CallUpdate, EngineError> {
        speech.audio_s = self.clock.heard_s(speech.audio_s);
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
            several_voices: self.speaker.several_voices,
        };
        let decider = &self.engine.scorer().decider;
        let track = &mut self.speaker.track;
        let mut decision =
            if is_final { track.conclude(decider, &evidence) } else { track.look(decider, &evidence) };
        let excerpts = self.excerpts(&decision)?;
        decision.reasons.extend((self.speaker.number > 1).then_some(Reason::SpeakerChanged));
        decision.reasons.extend(self.earlier_tagged.then_some(Reason::EarlierSpeakerTagged));
        self.sequence += 1;
        let compute = std::mem::take(&mut self.compute) + began.elapsed();
        Ok(CallUpdate {
            call: self.call.clone(),
            sequence: self.sequence,
            is_final,
            speaker: self.speaker.number,
            excerpts,
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

    /// What speaks most for a decision: where the voice is most like the proxy's or the customer's,
    /// or least like the customer's.
    fn excerpts(&self, decision: &Decision<ProxyId>) -> Result<Vec<Excerpt>, EngineError> {
        let galleries = self.engine.galleries(&self.tenant)?;
        let customer = || galleries.customers.get(self.call.claimed.as_ref()?);
        let proxy = || galleries.proxies.get(&decision.best_listed.as_ref()?.0);
        let reference = match decision.verdict {
            Verdict::SuspectedProxy => proxy().map(|found| (found.0, Wanted::Alike)),
            Verdict::Match => customer().map(|found| (found.0, Wanted::Alike)),
            Verdict::Mismatch => customer().map(|found| (found.0, Wanted::Unlike)),
            Verdict::Doubtful if decision.reasons.contains(&Reason::ListedProxyLikely) => {
                proxy().map(|found| (found.0, Wanted::Alike))
            }
            Verdict::Doubtful => customer().map(|found| (found.0, Wanted::Unlike)),
            _ => None,
        };
        let Some((history, wanted)) = reference else { return Ok(Vec::new()) };
        let spans = self.speaker.windows.worth_hearing(&history.mean, wanted)?;
        let by_call = |s: f64| self.clock.call_s(s);
        Ok(spans.iter().map(|s| Excerpt { start_s: by_call(s.start_s), end_s: by_call(s.end_s) }).collect())
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
