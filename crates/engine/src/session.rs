mod begin;
mod clock;
mod excerpts;
mod keeping;
mod shown;

use std::sync::Arc;
use std::time::{Duration, Instant};

use earmark_audio::{ChannelRole, SpeechWindow, StreamFormat};
use earmark_records::{CallAmendment, Excerpt};
use earmark_scoring::{CustomerEvidence, Decision, Evidence, EvidenceTrack, Prepared, Reason, Verdict};
use earmark_voiceprint::{NetSpeech, ProxyId, TenantId, Voiceprint};

use self::clock::CallClock;
use self::excerpts::{Wanted, Windows};
use self::keeping::Keeping;
use self::shown::{comparison, hypotheses, shown};

use crate::EngineError;
use crate::call::{CallInfo, CallUpdate, LastUpdates, SpeechSummary};
use crate::engine::Engine;
use crate::listening::Listener;
use crate::scorer::ListAnswer;
use crate::time::now;

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
            self.windows.add(back_end, windows)?;
            let split = self.windows.split_cosine()?;
            self.several_voices = split.is_some_and(|cosine| cosine < engine.options().max_split_cosine);
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
    /// Processor time since the last update.
    compute: Duration,
    keeping: Keeping,
    /// Whether its end is in the records.
    concluded: bool,
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
    /// it says `None`. While the records can't be written there is none: those that were made
    /// meanwhile come when they are kept, in order, or the newest of them after a long time.
    ///
    /// # Errors
    /// A failure of the network or the galleries, or one of the records that does not pass.
    pub fn next_update(&mut self) -> Result<Option<CallUpdate>, EngineError> {
        if let Some(kept) = self.keeping.next_kept() {
            return Ok(Some(kept));
        }
        loop {
            let began = Instant::now();
            let listener = self.listener.as_mut().ok_or(EngineError::CallEnded)?;
            let Some((voiceprint, speech, windows)) = listener.evidence() else { break };
            // Those of later speech wait for its evidence, so that nothing depends on how audio was cut.
            let by_then = listener.windows().get(..windows).unwrap_or_default();
            self.speaker.note_windows(&self.engine, by_then)?;
            self.speaker.heard = Some((voiceprint.clone(), speech.clone()));
            if let Some(told) = self.tell(Some(&voiceprint), speech, began)? {
                return Ok(Some(told));
            }
        }
        self.keep()?;
        Ok(self.keeping.next_kept())
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
    /// and the update says so. The record keeps what was said of the one before. The update is the
    /// next that is kept, as of [`CallSession::next_update`].
    ///
    /// # Errors
    /// As [`CallSession::next_update`].
    pub fn change_speaker(&mut self) -> Result<Option<CallUpdate>, EngineError> {
        let began = Instant::now();
        let tagged = self.speaker.track.last().is_some_and(|d| d.verdict == Verdict::SuspectedProxy);
        self.listen_anew()?;
        self.earlier_tagged |= tagged;
        self.speaker = Speaker::new(self.speaker.number.saturating_add(1));
        self.tell(None, SpeechSummary::nothing(), began)
    }

    /// Takes in what became known of the call: whom the caller claims to be, who answers now. The
    /// update is of the evidence so far; none if there is nothing new. It is the next that is kept, as
    /// of [`CallSession::next_update`].
    ///
    /// # Errors
    /// A text that no record can hold, after which the call goes on as it was; else as
    /// [`CallSession::next_update`].
    pub fn amend(&mut self, amendment: &CallAmendment) -> Result<Option<CallUpdate>, EngineError> {
        let began = Instant::now();
        // What can never be kept must not wait for it: the call goes on without.
        amendment.check()?;
        let listener = self.listener.as_ref().ok_or(EngineError::CallEnded)?;
        let mut call = self.call.clone();
        call.amend(amendment);
        if call == self.call {
            return Ok(None);
        }
        let barred = self.engine.barred(&self.tenant, call.claimed.as_ref())?;
        let ears_change = barred != listener.is_deaf();
        self.keeping.amend(amendment);
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
        self.tell(voiceprint.as_ref(), speech, began)
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

    /// Makes an update, and keeps and shows all that waits for it; the next that was kept.
    fn tell(
        &mut self,
        voiceprint: Option<&Voiceprint>,
        speech: SpeechSummary,
        began: Instant,
    ) -> Result<Option<CallUpdate>, EngineError> {
        let update = self.update(voiceprint, speech, false, began)?;
        self.keeping.push(update);
        self.keep()?;
        Ok(self.keeping.next_kept())
    }

    /// Ends the call with a verdict over all its speech, and gives it after the updates that waited to be
    /// kept.
    ///
    /// # Errors
    /// As [`CallSession::next_update`]; also where the stream ends inside a sample.
    /// [`EngineError::CallNotConcluded`] where the end could not be kept: the verdict is then not told,
    /// as nothing is told that is not in the records.
    pub fn finish(mut self) -> Result<LastUpdates, EngineError> {
        let began = Instant::now();
        let listener = self.listener.take().ok_or(EngineError::CallEnded)?;
        let heard = listener.finish();
        let heard = heard.inspect_err(|_| self.abandon())?;
        let noted = self.speaker.note_windows(&self.engine, &heard.windows);
        noted.inspect_err(|_| self.abandon())?;
        let update = self.update(heard.voiceprint.as_ref(), heard.speech, true, began);
        let update = update.inspect_err(|_| self.abandon())?;
        self.conclude(&update, heard.voiceprint.as_ref())?;
        Ok(LastUpdates { waited: self.keeping.take_kept(), last: update })
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
        let call_s = self.clock.call_s(speech.audio_s);
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
        let compute = std::mem::take(&mut self.compute) + began.elapsed();
        Ok(CallUpdate {
            call: self.call.clone(),
            sequence: self.keeping.next_sequence(),
            is_final,
            speaker: self.speaker.number,
            excerpts,
            call_s,
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
}
