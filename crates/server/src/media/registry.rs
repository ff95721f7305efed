use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use earmark_engine::{CallAmendment, CallInfo};
use earmark_voiceprint::{CallId, TenantId};
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::refusal::Refusal;

/// As the proto file promises.
const KEPT_FOR: Duration = Duration::from_secs(15 * 60);
/// Registrations that wait for their streams, over all tenants.
const MAX_WAITING: usize = 20_000;
/// Commands that a call has not come to yet.
const MAX_COMMANDS: usize = 16;

/// What a call learns from outside its own stream.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Command {
    /// More is known of it.
    Amend(CallAmendment),
    /// The caller is on hold.
    Held,
    /// The caller is back.
    Resumed,
    /// Somebody else speaks now.
    SpeakerChanged,
}

/// Which calls are expected, and which run.
#[derive(Default)]
pub(crate) struct Registry(Mutex<Calls>);

#[derive(Default)]
struct Calls {
    /// By what the stream will call itself.
    waiting: HashMap<(TenantId, String), Waiting>,
    live: HashMap<(TenantId, CallId), mpsc::Sender<Command>>,
}

struct Waiting {
    call: CallInfo,
    until: Instant,
}

/// A running call's place: it hears commands, and gives the place up when it is dropped.
pub(crate) struct Place {
    registry: Arc<Registry>,
    key: (TenantId, CallId),
    commands: mpsc::Receiver<Command>,
}

impl Registry {
    /// Tells a running call what is known of it, or keeps that for its stream. Whether it runs.
    pub(crate) fn register(&self, tenant: &TenantId, stream: &str, call: CallInfo) -> Result<bool, Refusal> {
        let mut calls = self.lock();
        if let Some(live) = calls.live.get(&(tenant.clone(), call.call_id.clone())) {
            let CallInfo { claimed, caller_number, agent, scene, .. } = call;
            let amendment = CallAmendment { claimed_customer: claimed, caller_number, agent, scene };
            tell(live, Command::Amend(amendment))?;
            return Ok(true);
        }
        let now = Instant::now();
        if calls.waiting.len() >= MAX_WAITING {
            calls.waiting.retain(|_, waiting| waiting.until > now);
        }
        let full = calls.waiting.len() >= MAX_WAITING;
        match calls.waiting.entry((tenant.clone(), stream.to_owned())) {
            Entry::Vacant(_) if full => {
                let problem = "as many calls as allowed wait for their streams; try again";
                Err(Refusal::busy("REGISTRATIONS_FULL", "registered calls", problem))
            }
            entry => {
                entry.insert_entry(Waiting { call, until: now + KEPT_FOR });
                Ok(false)
            }
        }
    }

    /// Tells a running call something.
    pub(crate) fn command(&self, tenant: &TenantId, call: &CallId, command: Command) -> Result<(), Refusal> {
        let missing = || {
            let problem = "no such call runs; begin its stream first";
            Refusal::new(tonic::Code::NotFound, "CALL_NOT_LIVE", problem)
                .about_resource("live call", call.as_str())
        };
        tell(self.lock().live.get(&(tenant.clone(), call.clone())).ok_or_else(missing)?, command)
    }

    /// A stream begins that says `said` of its call: what was registered of it comes first. A place is
    /// none where a call of that id runs already; the records refuse such a call.
    pub(crate) fn begin(self: &Arc<Self>, tenant: &TenantId, said: CallInfo) -> (CallInfo, Option<Place>) {
        let mut calls = self.lock();
        let registered = calls.waiting.remove(&(tenant.clone(), said.call_id.as_str().to_owned()));
        let registered = registered.filter(|waiting| waiting.until > Instant::now());
        let call = registered.map_or_else(|| said.clone(), |waiting| merged(waiting.call, &said));
        let key = (tenant.clone(), call.call_id.clone());
        let place = match calls.live.entry(key.clone()) {
            Entry::Occupied(_) => None,
            Entry::Vacant(free) => {
                let (sender, commands) = mpsc::channel(MAX_COMMANDS);
                free.insert(sender);
                Some(Place { registry: self.clone(), key, commands })
            }
        };
        (call, place)
    }

    fn lock(&self) -> MutexGuard<'_, Calls> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// The next command; waits for ever if there is none.
    pub(crate) async fn command(&mut self) -> Command {
        match self.commands.recv().await {
            Some(command) => command,
            None => std::future::pending().await,
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.registry.lock().live.remove(&self.key);
    }
}

fn tell(call: &mpsc::Sender<Command>, command: Command) -> Result<(), Refusal> {
    let full = |_| {
        let problem = "the call has not come to what it was told before; try again";
        Refusal::busy("CALL_BUSY", "commands", problem)
    };
    call.try_send(command).map_err(full)
}

/// What was registered, and what only the stream says.
fn merged(registered: CallInfo, said: &CallInfo) -> CallInfo {
    CallInfo {
        call_id: registered.call_id,
        claimed: registered.claimed.or_else(|| said.claimed.clone()),
        caller_number: registered.caller_number.or_else(|| said.caller_number.clone()),
        agent: registered.agent.or_else(|| said.agent.clone()),
        scene: registered.scene.or_else(|| said.scene.clone()),
    }
}

#[cfg(test)]
mod tests {
    use earmark_voiceprint::CustomerId;

    use super::*;

    fn tenant() -> TenantId {
        TenantId::new("t").unwrap()
    }

    fn info(id: &str) -> CallInfo {
        CallInfo::unknown(CallId::new(id).unwrap())
    }

    #[test]
    fn what_was_registered_comes_before_what_the_stream_says() {
        let registry = Arc::new(Registry::default());
        let claimed = Some(CustomerId::new("c").unwrap());
        let known = CallInfo { claimed: claimed.clone(), agent: Some("a-1".into()), ..info("cti-7") };
        assert!(!registry.register(&tenant(), "uuid-7", known).unwrap());
        let said = CallInfo { agent: Some("?".into()), scene: Some("hotline".into()), ..info("uuid-7") };
        let other = TenantId::new("other").unwrap();
        assert_eq!(registry.begin(&other, said.clone()).0, said);
        let (call, place) = registry.begin(&tenant(), said.clone());
        let expected =
            CallInfo { claimed, agent: Some("a-1".into()), scene: Some("hotline".into()), ..info("cti-7") };
        assert_eq!(call, expected);
        assert!(place.is_some());
        // Taken up once.
        assert_eq!(registry.begin(&tenant(), said.clone()).0, said);
    }

    #[tokio::test]
    async fn a_running_call_is_told_and_one_that_ended_is_not() {
        let registry = Arc::new(Registry::default());
        let (call, place) = registry.begin(&tenant(), info("k"));
        let mut place = place.unwrap();
        assert!(registry.begin(&tenant(), info("k")).1.is_none(), "two places of one call");
        let agent = Some("a-2".to_owned());
        let moved = CallInfo { agent: agent.clone(), ..call.clone() };
        assert!(registry.register(&tenant(), "whatever", moved).unwrap());
        registry.command(&tenant(), &call.call_id, Command::Held).unwrap();
        let amended = Command::Amend(CallAmendment { agent, ..CallAmendment::default() });
        assert_eq!((place.command().await, place.command().await), (amended, Command::Held));
        for _ in 0..MAX_COMMANDS {
            registry.command(&tenant(), &call.call_id, Command::Held).unwrap();
        }
        let full = registry.command(&tenant(), &call.call_id, Command::Held).unwrap_err();
        assert_eq!(full.reason(), "CALL_BUSY");
        drop(place);
        let gone = registry.command(&tenant(), &call.call_id, Command::Held).unwrap_err();
        assert_eq!(gone.reason(), "CALL_NOT_LIVE");
        assert!(!registry.register(&tenant(), "k", call).unwrap());
    }

    #[tokio::test(start_paused = true)]
    async fn registrations_are_forgotten_and_bounded() {
        let registry = Arc::new(Registry::default());
        let known = CallInfo { agent: Some("a".into()), ..info("k") };
        registry.register(&tenant(), "k", known).unwrap();
        for n in 1..MAX_WAITING {
            registry.register(&tenant(), &n.to_string(), info("x")).unwrap();
        }
        let full = registry.register(&tenant(), "more", info("y")).unwrap_err();
        assert_eq!(full.reason(), "REGISTRATIONS_FULL");
        registry.register(&tenant(), "1", info("replaced")).unwrap();
        tokio::time::advance(KEPT_FOR).await;
        assert_eq!(registry.begin(&tenant(), info("k")).0, info("k"));
        registry.register(&tenant(), "more", info("y")).unwrap();
        assert_eq!(registry.lock().waiting.len(), 1);
    }
}
