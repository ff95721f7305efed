use earmark_audio::{ChannelRole, StreamFormat};
use earmark_records::{
    Actor, EnrollMode, NewVoiceprint, RequestDigest, RequestId, RequestKey, RequestOutcome, StoredVoiceprint,
};
use earmark_scoring::Prepared;
use earmark_voiceprint::{CustomerId, TenantId};
use sha2::{Digest as _, Sha256};

use crate::admission::{self, Heard};
use crate::engine::Engine;
use crate::listening::Listener;
use crate::time::now;
use crate::{Cancellation, EngineError, Enrollment, EnrollmentReport, EnrollmentWarning, RecordingInput};

/// The name under which a request without one stands in the audit trail.
const UNNAMED_ACTOR: &str = "api";

impl Engine {
    /// Enrolls a customer from whole recordings, all or none; added to the history there is.
    ///
    /// # Errors
    /// What is wrong with a recording or between them, a voice that is listed or unlike the
    /// history (unless forced), an opt-out, or a store's failure.
    pub fn enroll_recordings(
        &self,
        tenant: &TenantId,
        enrollment: Enrollment,
        recordings: Vec<RecordingInput>,
        cancel: &Cancellation,
    ) -> Result<EnrollmentReport, EngineError> {
        admission::check_count(recordings.len(), self.options().enrollment.max_recordings)?;
        // Hashing reads every recording whole: only a request that can be repeated pays for it.
        let request = match &enrollment.request_id {
            Some(_) => self.enrollment_key(&enrollment, recordings_digest(&recordings)?)?,
            None => None,
        };
        if let Some(report) = self.enrolled_before(tenant, request.as_ref())? {
            return Ok(report);
        }
        let heard = self.hear_all(&recordings, cancel)?;
        self.enroll_heard(tenant, &enrollment, heard, request, cancel)
    }

    /// Enrolls a customer from a stream, which is heard as it comes.
    ///
    /// # Errors
    /// A format that can't be, an unknown tenant, or an opt-out.
    pub fn enroll_stream(
        &self,
        tenant: &TenantId,
        enrollment: Enrollment,
        recording: Option<String>,
        format: StreamFormat,
        role: ChannelRole,
    ) -> Result<EnrollmentStream, EngineError> {
        self.galleries(tenant)?;
        let listener = Listener::stream(self, format, role, false)?;
        let (engine, tenant, digest) = (self.clone(), tenant.clone(), Sha256::new());
        Ok(EnrollmentStream { engine, tenant, enrollment, recording, listener, digest })
    }

    fn enroll_heard(
        &self,
        tenant: &TenantId,
        enrollment: &Enrollment,
        heard: Vec<Heard>,
        request: Option<RequestKey>,
        cancel: &Cancellation,
    ) -> Result<EnrollmentReport, EngineError> {
        let galleries = self.galleries(tenant)?;
        let merged = admission::admit(self.scorer(), &self.options().enrollment, &heard)?;
        cancel.check()?;
        let _turn = galleries.turn();
        let overridden = self.findings(tenant, &enrollment.customer, &merged)?;
        if let (Some(finding), false) = (overridden.first(), enrollment.force) {
            return Err(refusal(finding));
        }
        let record = earmark_records::Enrollment {
            customer: enrollment.customer.clone(),
            display_name: None,
            voiceprints: heard.iter().map(Heard::to_record).collect::<Result<Vec<NewVoiceprint>, _>>()?,
            mode: EnrollMode::Add,
            request,
        };
        let by = actor(enrollment.actor.as_deref())?;
        let enrolled = self.records().enroll(tenant, &record, &by, now())?;
        self.refresh_customer(tenant, &enrollment.customer)?;
        Ok(EnrollmentReport {
            customer: self.records().customer(tenant, &enrollment.customer)?,
            speech: heard.into_iter().map(|h| h.speech).collect(),
            overridden,
            replayed: enrolled.replayed,
        })
    }

    /// What speaks against enrolling this voice as this customer.
    fn findings(
        &self,
        tenant: &TenantId,
        customer: &CustomerId,
        merged: &Prepared,
    ) -> Result<Vec<EnrollmentWarning>, EngineError> {
        let galleries = self.galleries(tenant)?;
        let mut findings = Vec::new();
        let answer = self.scorer().listed(&galleries, merged, now())?;
        let threshold = self.scorer().decider.tag_threshold(answer.list_size);
        if let Some((card, llr)) = answer.hits.first()
            && llr.nats() >= threshold
        {
            findings.push(EnrollmentWarning::ProxyMatch(card.id.clone()));
        }
        let history = self.scorer().customer(&galleries, customer, merged)?;
        let least = self.options().enrollment.min_cohesion_llr;
        if history.and_then(|h| h.llr()).is_some_and(|llr| llr.nats() < least) {
            findings.push(EnrollmentWarning::UnlikeHistory);
        }
        Ok(findings)
    }

    /// Brings a customer's history in memory to what the records hold.
    pub(crate) fn refresh_customer(
        &self,
        tenant: &TenantId,
        customer: &CustomerId,
    ) -> Result<(), EngineError> {
        let galleries = self.galleries(tenant)?;
        let stored: Vec<StoredVoiceprint> =
            self.of_this_model(self.records().customer_voiceprints(tenant, customer)?);
        galleries.customers.set(customer, "", None, &stored, &self.scorer().matcher)
    }

    fn enrollment_key(
        &self,
        enrollment: &Enrollment,
        content: [u8; 32],
    ) -> Result<Option<RequestKey>, EngineError> {
        let force = [u8::from(enrollment.force)];
        let parts: [&[u8]; 4] = [b"enroll", enrollment.customer.as_str().as_bytes(), &force, &content];
        request_key(enrollment.request_id.as_deref(), parts)
    }

    fn enrolled_before(
        &self,
        tenant: &TenantId,
        request: Option<&RequestKey>,
    ) -> Result<Option<EnrollmentReport>, EngineError> {
        let Some(request) = request else { return Ok(None) };
        match self.records().request_outcome(tenant, request)? {
            Some(RequestOutcome::Enrolled(enrolled)) => {
                let customer = self.records().customer(tenant, &enrolled.customer)?;
                Ok(Some(EnrollmentReport {
                    customer,
                    speech: Vec::new(),
                    overridden: Vec::new(),
                    replayed: true,
                }))
            }
            _ => Ok(None),
        }
    }
}

/// An enrollment that is being spoken. Dropping it leaves nothing behind.
pub struct EnrollmentStream {
    engine: Engine,
    tenant: TenantId,
    enrollment: Enrollment,
    recording: Option<String>,
    listener: Listener,
    digest: Sha256,
}

impl EnrollmentStream {
    /// Takes the next bytes, in any split.
    ///
    /// # Errors
    /// Audio that can't be; the stream is of no use then.
    pub fn accept(&mut self, bytes: &[u8]) -> Result<(), EngineError> {
        self.digest.update(bytes);
        self.listener.accept(bytes)
    }

    /// Enrolls what was heard, unless `cancel` says that nobody waits for it.
    ///
    /// # Errors
    /// As [`Engine::enroll_recordings`].
    pub fn finish(self, cancel: &Cancellation) -> Result<EnrollmentReport, EngineError> {
        cancel.check()?;
        let content = self.digest.finalize().into();
        let request = self.engine.enrollment_key(&self.enrollment, content)?;
        if let Some(report) = self.engine.enrolled_before(&self.tenant, request.as_ref())? {
            return Ok(report);
        }
        let title = self.recording.clone().unwrap_or_else(|| "the stream".to_owned());
        let heard = Heard { title, name: self.recording, ..self.listener.finish()? };
        self.engine.enroll_heard(&self.tenant, &self.enrollment, vec![heard], request, cancel)
    }
}

/// The digest of all recordings' bytes and of how they are to be heard.
pub(crate) fn recordings_digest(recordings: &[RecordingInput]) -> Result<[u8; 32], EngineError> {
    let mut digest = Sha256::new();
    for recording in recordings {
        let how = (&recording.name, recording.channel, recording.role, recording.format);
        digest.update(format!("{how:?}"));
        digest.update(recording.content_digest()?);
    }
    Ok(digest.finalize().into())
}

pub(crate) fn request_key<'a>(
    id: Option<&str>,
    parts: impl IntoIterator<Item = &'a [u8]>,
) -> Result<Option<RequestKey>, EngineError> {
    let Some(id) = id else { return Ok(None) };
    Ok(Some(RequestKey { id: RequestId::new(id)?, digest: RequestDigest::of(parts) }))
}

pub(crate) fn actor(name: Option<&str>) -> Result<Actor, EngineError> {
    Ok(Actor::new(name.unwrap_or(UNNAMED_ACTOR))?)
}

fn refusal(finding: &EnrollmentWarning) -> EngineError {
    match finding {
        EnrollmentWarning::ProxyMatch(proxy) => EngineError::ProxyMatch { proxy: proxy.clone() },
        EnrollmentWarning::UnlikeHistory => EngineError::UnlikeHistory,
    }
}
