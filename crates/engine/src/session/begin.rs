//! How a call begins.

use std::time::{Duration, Instant};

use earmark_audio::{ChannelRole, StreamFormat};
use earmark_records::CallStart;
use earmark_scoring::CustomerEvidence;
use earmark_voiceprint::{CustomerId, TenantId};

use super::clock::CallClock;
use super::keeping::Keeping;
use super::{CallSession, Layout, Speaker};
use crate::admission::Heard;
use crate::call::{CallInfo, CallUpdate, SpeechSummary};
use crate::engine::Engine;
use crate::listening::Listener;
use crate::time::now;
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

    pub(super) fn listener(
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
        Ok(session.finish()?.last)
    }

    /// Whether the claimed customer's refusal forbids to process the caller's voice.
    pub(super) fn barred(
        &self,
        tenant: &TenantId,
        claimed: Option<&CustomerId>,
    ) -> Result<bool, EngineError> {
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

    /// The final update of a call of which nothing was heard.
    pub(crate) fn final_of_nothing(
        &self,
        tenant: &TenantId,
        call: CallInfo,
    ) -> Result<CallUpdate, EngineError> {
        let mut session =
            self.session(tenant, call, Listener::heard(Heard::nothing(), ChannelRole::Customer));
        // It has no end of its own to keep.
        session.listener = None;
        session.update(None, SpeechSummary::nothing(), true, Instant::now())
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
            compute: Duration::ZERO,
            keeping: Keeping::default(),
            concluded: false,
        }
    }
}
