use std::collections::VecDeque;
use std::path::Path;
use std::sync::OnceLock;

use earmark_engine::{CallAmendment, CallInfo, Encoding, Engine, EngineOptions};
use earmark_telephony::{CallBegun, MediaFormat};
use earmark_voiceprint::{CallId, TenantId};

use super::*;
use crate::media::registry::Command;
use crate::metrics::Metrics;
use crate::{MixedAudio, ServerOptions};

/// What a far end does, one thing after the other; it may do something beside.
struct Script(VecDeque<Step>);

type Step = Box<dyn FnOnce(&Arc<Backend>) -> Vec<CallEvent> + Send>;

impl Script {
    fn new<const N: usize>(steps: [Step; N]) -> Self {
        Self(steps.into())
    }
}

impl MediaSource for Script {
    async fn next(&mut self) -> Result<Vec<CallEvent>, ProtocolError> {
        let step = self.0.pop_front().expect("it is not asked after the end");
        Ok(step(&backend()))
    }

    async fn tell(&mut self, _update: &CallUpdate) {}

    async fn part(&mut self, _parting: &Parting) {}
}

fn tenant() -> TenantId {
    TenantId::new("t").unwrap()
}

/// The real engine, one for all tests.
fn backend() -> Arc<Backend> {
    static BACKEND: OnceLock<(Arc<Backend>, tempfile::TempDir)> = OnceLock::new();
    let open = || {
        let data = tempfile::tempdir().unwrap();
        let own = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models");
        let models = std::env::var_os("EARMARK_MODELS").map_or_else(own, Into::into);
        let (speaker, activity) = (models.join("campplus-phone-192"), models.join("silero-vad-8k"));
        let options = EngineOptions::shipped(data.path().join("data"), speaker, activity, vec![tenant()]);
        let engine = Engine::open(options).unwrap();
        let metrics = Arc::new(Metrics::new().unwrap());
        let backend = crate::serve::backend(engine, &ServerOptions::default(), metrics, true).unwrap();
        (Arc::new(backend), data)
    };
    BACKEND.get_or_init(open).0.clone()
}

async fn played<const N: usize>(steps: [Step; N]) -> Parting {
    let (tenant, mixed) = (tenant(), MixedAudio::Refuse);
    let route = Route { protocol: "test", tenant, mixed, step: Duration::ZERO };
    drive(&backend(), route, Script::new(steps)).await
}

fn id(call: &str) -> CallId {
    CallId::new(call).unwrap()
}

fn begun(call: &'static str) -> Step {
    Box::new(move |_| {
        let format = MediaFormat::customer_leg(Encoding::MuLaw, 8000);
        vec![CallEvent::Begun(Box::new(CallBegun::new(CallInfo::unknown(id(call)), format)))]
    })
}

/// Something that happens beside, and nothing from the far end.
fn meanwhile(happens: impl FnOnce(&Arc<Backend>) + Send + 'static) -> Step {
    Box::new(move |backend| {
        happens(backend);
        Vec::new()
    })
}

fn said() -> Step {
    Box::new(|_| vec![CallEvent::Audio(vec![0xff; 800].into())])
}

fn hung_up() -> Step {
    Box::new(|_| vec![CallEvent::Ended(EndReason::HungUp)])
}

const FINISHED: Parting = Parting::Finished(EndReason::HungUp);

#[tokio::test]
async fn what_can_not_be_taken_in_does_not_end_the_call() {
    let unfit = meanwhile(|backend| {
        let amendment = CallAmendment { agent: Some("x".repeat(129)), ..CallAmendment::default() };
        backend.registry.command(&tenant(), &id("unfit"), Command::Amend(amendment)).unwrap();
    });
    assert_eq!(played([begun("unfit"), unfit, said(), hung_up()]).await, FINISHED);
    let kept = backend().engine.call(&tenant(), &id("unfit")).unwrap();
    let last = kept.updates.last().unwrap();
    assert!(last.is_final && last.speech.audio_s > 0.0, "what came after was heard");
    assert_eq!(last.call.agent, None);
}

#[tokio::test]
async fn what_was_accepted_in_the_last_moment_is_done() {
    let late: Step = Box::new(|backend| {
        let known = CallInfo { agent: Some("a-1".to_owned()), ..CallInfo::unknown(id("late")) };
        assert_eq!(backend.registry.register(&tenant(), "late", known).unwrap(), Some(id("late")));
        vec![CallEvent::Ended(EndReason::HungUp)]
    });
    assert_eq!(played([begun("late"), said(), late]).await, FINISHED);
    let kept = backend().engine.call(&tenant(), &id("late")).unwrap();
    assert_eq!(kept.call.agent.as_deref(), Some("a-1"));
    assert_eq!(kept.updates.last().unwrap().call.agent.as_deref(), Some("a-1"));
}

#[tokio::test]
async fn a_stream_that_is_refused_uses_no_registration_up() {
    assert_eq!(played([begun("taken"), hung_up()]).await, FINISHED);
    let backend = backend();
    let known = CallInfo::unknown(id("taken"));
    assert_eq!(backend.registry.register(&tenant(), "stream", known).unwrap(), None);
    let refused = played([begun("stream")]).await;
    assert!(matches!(refused, Parting::Failed { code: "ALREADY_EXISTS", .. }), "{refused:?}");
    let (call, _place) = backend.registry.begin(&tenant(), CallInfo::unknown(id("stream")), None).unwrap();
    assert_eq!(call.call_id, id("taken"));
}
