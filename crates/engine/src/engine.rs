use std::collections::HashMap;
use std::fmt;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use earmark_audio::{
    ExtractOptions, Extractor, OnnxRuntime, OnnxSpeakerModel, SpeakerModel, VoiceActivityModel,
};
use earmark_records::{
    CallEnd, KeyFile, NewVoiceprint, RecordKind, Records, RecordsError, SqliteRecords, StoredVoiceprint,
};
use earmark_scoring::{BackEndBundle, CustomerEvidence, Decider, Matcher, Prepared};
use earmark_voiceprint::{CallId, CustomerId, ModelId, NetSpeech, ProxyId, TenantId, Voiceprint};

use crate::call::{CallObserver, CallRecord, CallUpdate, OutcomeReport};
use crate::enrollment::actor;
use crate::galleries::TenantGalleries;
use crate::scorer::Scorer;
use crate::store::StoreState;
use crate::time::now;
use crate::{EngineError, EngineOptions, call_record};

/// The use cases: enroll a customer, list a proxy, screen a call. Cheap to clone; every clone is
/// the same engine. All methods block: call them off async threads.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

struct Inner {
    options: EngineOptions,
    extractor: Extractor,
    /// The same models; looks for other voices in each recording besides.
    enrollment_extractor: Extractor,
    model: ModelId,
    calibration: Arc<str>,
    scorer: Scorer,
    records: Box<dyn Records>,
    keys: Arc<KeyFile>,
    tenants: HashMap<TenantId, Arc<TenantGalleries>>,
    observers: RwLock<Vec<Arc<dyn CallObserver>>>,
    live_calls: AtomicUsize,
    store: StoreState,
}

/// How much an engine holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EngineStatistics {
    /// Enrolled customers, over all tenants.
    pub customers: usize,
    /// Listed proxies, over all tenants.
    pub proxies: usize,
    /// Calls being screened.
    pub live_calls: usize,
}

impl Engine {
    /// Opens the models and the data folder, builds the galleries from the records, and ends the calls
    /// that the last program to use the folder was lost in the midst of.
    ///
    /// # Errors
    /// A missing or corrupt model, a data folder in use, a key file that is missing or too open, a
    /// damaged record: each says what to do.
    pub fn open(options: EngineOptions) -> Result<Self, EngineError> {
        let runtime = OnnxRuntime::load(options.onnx_runtime.as_deref())?;
        let speaker = OnnxSpeakerModel::open(&options.speaker_model, &runtime, options.sessions)?;
        let activity = VoiceActivityModel::open(&options.voice_activity_model)?;
        let bundle = BackEndBundle::open(&options.speaker_model.join("backend"))?;
        bundle.require_model(speaker.id())?;
        let decider = Decider::new(options.policy.clone(), options.priors, bundle.calibration());
        let (records, keys) = open_records(&options)?;
        let (model, calibration) = (speaker.id().clone(), bundle.calibration().id().into());
        let extractor = Extractor::new(Arc::new(speaker), Arc::new(activity), options.extraction.clone())?;
        let windows = ExtractOptions { windows: true, ..options.extraction.clone() };
        let enrollment_extractor = extractor.with_options(windows)?;
        let scorer = Scorer { matcher: Matcher::new(bundle)?, decider };
        let mut tenants = HashMap::new();
        for tenant in &options.tenants {
            records.ensure_tenant(tenant, now())?;
            tenants.insert(tenant.clone(), Arc::new(build_galleries(&*records, tenant, &model, &scorer)?));
        }
        let inner = Inner {
            options,
            extractor,
            enrollment_extractor,
            model,
            calibration,
            scorer,
            records,
            keys,
            tenants,
            observers: RwLock::default(),
            live_calls: AtomicUsize::new(0),
            store: StoreState::default(),
        };
        let engine = Self(Arc::new(inner));
        engine.conclude_lost_calls()?;
        Ok(engine)
    }

    /// From now on `observer` hears of every update of every call.
    pub fn observe(&self, observer: Arc<dyn CallObserver>) {
        self.0.observers.write().unwrap_or_else(PoisonError::into_inner).push(observer);
    }

    /// The model that makes the voiceprints.
    #[must_use]
    pub fn model(&self) -> &ModelId {
        &self.0.model
    }

    /// The back end and calibration that make the LLRs.
    #[must_use]
    pub fn calibration(&self) -> &Arc<str> {
        &self.0.calibration
    }

    /// How much it holds.
    #[must_use]
    pub fn statistics(&self) -> EngineStatistics {
        let sum = |count: fn(&TenantGalleries) -> usize| self.0.tenants.values().map(|t| count(t)).sum();
        EngineStatistics {
            customers: sum(|t| t.customers.len()),
            proxies: sum(|t| t.proxies.len()),
            live_calls: self.0.live_calls.load(Ordering::Relaxed),
        }
    }

    /// The record of a call, also while it runs.
    ///
    /// # Errors
    /// Not found, or a store's failure.
    pub fn call(&self, tenant: &TenantId, call: &CallId) -> Result<CallRecord, EngineError> {
        let galleries = self.galleries(tenant)?;
        let label = |proxy: &ProxyId| galleries.proxies.label(proxy).unwrap_or_else(|| "".into());
        Ok(call_record::from_record(self.records().call(tenant, call)?, &label))
    }

    /// Keeps what a call turned out to be. The last report stands.
    ///
    /// # Errors
    /// Not found, or a store's failure.
    pub fn report_outcome(
        &self,
        tenant: &TenantId,
        call: &CallId,
        report: &OutcomeReport,
    ) -> Result<CallRecord, EngineError> {
        self.galleries(tenant)?;
        let by = actor(report.reported_by.as_deref())?;
        let (outcome, note) = (report.outcome, report.note.clone());
        let kept = earmark_records::OutcomeReport { outcome, proxy: None, note };
        self.records().report_outcome(tenant, call, &kept, &by, now())?;
        let record = self.call(tenant, call)?;
        if let Some(outcome) = &record.outcome {
            self.tell(|observer| observer.reported(tenant, &record.call, outcome));
        }
        Ok(record)
    }

    pub(crate) fn options(&self) -> &EngineOptions {
        &self.0.options
    }

    pub(crate) fn extractor(&self) -> &Extractor {
        &self.0.extractor
    }

    pub(crate) fn enrollment_extractor(&self) -> &Extractor {
        &self.0.enrollment_extractor
    }

    pub(crate) fn scorer(&self) -> &Scorer {
        &self.0.scorer
    }

    pub(crate) fn keys(&self) -> &KeyFile {
        &self.0.keys
    }

    pub(crate) fn store(&self) -> &StoreState {
        &self.0.store
    }

    pub(crate) fn records(&self) -> &dyn Records {
        &*self.0.records
    }

    /// The least speech that gives a voiceprint.
    pub(crate) fn min_voiceprint_speech(&self) -> NetSpeech {
        NetSpeech::from_seconds(self.0.options.extraction.min_net_speech_s)
    }

    pub(crate) fn galleries(&self, tenant: &TenantId) -> Result<Arc<TenantGalleries>, EngineError> {
        let unknown = || RecordsError::NotFound { kind: RecordKind::Tenant, id: tenant.to_string() };
        Ok(Arc::clone(self.0.tenants.get(tenant).ok_or_else(unknown)?))
    }

    /// The voiceprints that this engine's model made; those of another model wait for it.
    pub(crate) fn of_this_model(&self, stored: Vec<StoredVoiceprint>) -> Vec<StoredVoiceprint> {
        of_model(stored, self.model())
    }

    /// The claimed customer's side of the evidence; `probe` is `None` for too little speech.
    pub(crate) fn customer_evidence(
        &self,
        tenant: &TenantId,
        galleries: &TenantGalleries,
        claimed: Option<&CustomerId>,
        probe: Option<&Prepared>,
    ) -> Result<CustomerEvidence, EngineError> {
        let Some(customer) = claimed else { return Ok(CustomerEvidence::NotClaimed) };
        if galleries.customers.get(customer).is_none() {
            return self.unscored(tenant, customer);
        }
        match probe {
            Some(probe) => {
                let scored = self.scorer().customer(galleries, customer, probe)?;
                scored.map_or_else(|| self.unscored(tenant, customer), Ok)
            }
            None => Ok(CustomerEvidence::TooShort),
        }
    }

    fn unscored(&self, tenant: &TenantId, customer: &CustomerId) -> Result<CustomerEvidence, EngineError> {
        match self.records().customer(tenant, customer) {
            Ok(known) if known.status == earmark_records::CustomerStatus::OptedOut => {
                Ok(CustomerEvidence::OptedOut)
            }
            Ok(_) | Err(RecordsError::NotFound { .. }) => Ok(CustomerEvidence::NotEnrolled),
            Err(error) => Err(error.into()),
        }
    }

    pub(crate) fn finish_call_record(
        &self,
        tenant: &TenantId,
        update: &CallUpdate,
        kept: Option<&Voiceprint>,
    ) -> Result<(), EngineError> {
        let last = call_record::to_record(update)?;
        let kept = kept.zip(update.speech.quality).map(|(voiceprint, quality)| NewVoiceprint {
            voiceprint: voiceprint.clone(),
            quality,
            weight: voiceprint.net_speech().seconds().max(f32::MIN_POSITIVE),
            channel: None,
            source: None,
        });
        let end = CallEnd { last: &last, duration_s: update.speech.audio_s, voiceprint: kept.as_ref() };
        Ok(self.records().finish_call(tenant, &update.call.call_id, &end, now())?)
    }

    pub(crate) fn publish(&self, tenant: &TenantId, update: &CallUpdate) {
        self.tell(|observer| observer.updated(tenant, update));
    }

    /// Tells every observer.
    pub(crate) fn tell(&self, what: impl Fn(&dyn CallObserver)) {
        for observer in self.0.observers.read().unwrap_or_else(PoisonError::into_inner).iter() {
            what(&**observer);
        }
    }

    pub(crate) fn call_began(&self) {
        self.0.live_calls.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn call_ended(&self) {
        self.0.live_calls.fetch_sub(1, Ordering::Relaxed);
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("model", self.model()).field("holds", &self.statistics()).finish()
    }
}

fn open_records(options: &EngineOptions) -> Result<(Box<dyn Records>, Arc<KeyFile>), EngineError> {
    let database = options.data.join("records.db");
    let keys = Arc::new(KeyFile::open_or_create(&options.data.join("voiceprints.key"), &database)?);
    Ok((Box::new(SqliteRecords::open(&database, keys.clone())?), keys))
}

fn of_model(mut stored: Vec<StoredVoiceprint>, model: &ModelId) -> Vec<StoredVoiceprint> {
    stored.retain(|s| s.info.model == *model);
    stored
}

/// Fills a tenant's galleries, one subject at a time: its voiceprints come together.
fn build_galleries(
    records: &dyn Records,
    tenant: &TenantId,
    model: &ModelId,
    scorer: &Scorer,
) -> Result<TenantGalleries, EngineError> {
    let back_end = scorer.matcher.bundle().back_end();
    let galleries = TenantGalleries::new(back_end.space(), back_end.dimension());
    let mut customers = Groups::new(|id: &CustomerId, _: &(), stored: Vec<_>| {
        galleries.customers.set(id, "", None, &of_model(stored, model), &scorer.matcher)
    });
    records.for_each_customer_voiceprint(Some(tenant), &mut |v| customers.add(v.customer, (), v.stored))?;
    customers.finish()?;
    let mut proxies = Groups::new(|id: &ProxyId, expires_at: &Option<_>, stored: Vec<_>| {
        let label = records.proxy(tenant, id)?.label;
        galleries.proxies.set(id, &label, *expires_at, &of_model(stored, model), &scorer.matcher)
    });
    records.for_each_proxy_voiceprint(Some(tenant), &mut |v| proxies.add(v.proxy, v.expires_at, v.stored))?;
    proxies.finish()?;
    Ok(galleries)
}

/// Collects the voiceprints that come one after another for the same subject.
struct Groups<Id, Extra, Set> {
    current: Option<(Id, Extra, Vec<StoredVoiceprint>)>,
    set: Set,
    failure: Option<EngineError>,
}

impl<Id: PartialEq, Extra, Set> Groups<Id, Extra, Set>
where
    Set: FnMut(&Id, &Extra, Vec<StoredVoiceprint>) -> Result<(), EngineError>,
{
    fn new(set: Set) -> Self {
        Self { current: None, set, failure: None }
    }

    fn add(&mut self, id: Id, extra: Extra, stored: StoredVoiceprint) -> ControlFlow<()> {
        match &mut self.current {
            Some((current, _, group)) if *current == id => {
                group.push(stored);
                ControlFlow::Continue(())
            }
            _ => {
                let done = self.flush();
                self.current = Some((id, extra, vec![stored]));
                done
            }
        }
    }

    fn flush(&mut self) -> ControlFlow<()> {
        if let Some((id, extra, group)) = self.current.take()
            && let Err(error) = (self.set)(&id, &extra, group)
        {
            self.failure = Some(error);
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }

    fn finish(mut self) -> Result<(), EngineError> {
        let _ = self.flush();
        self.failure.map_or(Ok(()), Err)
    }
}
