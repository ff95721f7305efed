use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use earmark_engine::{CallAmendment, CallInfo};
use earmark_voiceprint::{CallId, TenantId};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tonic::Code;
use uuid::Uuid;

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
    waiting: HashMap<Key, Waiting>,
    /// By the id that the record has.
    live: HashMap<Key, Live>,
    /// Other ids of running calls: what their stream or its conversation calls itself.
    aliases: HashMap<Key, Key>,
}

struct Waiting {
    call: CallInfo,
    until: Instant,
}

struct Live {
    /// What was said of it so far, by whomever.
    known: CallInfo,
    /// Whether anything was said beside the stream's own words.
    told: bool,
    commands: mpsc::Sender<Command>,
}

/// A tenant's call or stream.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key(TenantId, String);

impl Key {
    /// UUIDs are written with and without hyphens and in either case, by switches as by those who
    /// register their calls: here all spellings are one.
    fn new(tenant: &TenantId, id: &str) -> Self {
        let id = Uuid::try_parse(id).map_or_else(|_| id.to_owned(), |uuid| uuid.hyphenated().to_string());
        Self(tenant.clone(), id)
    }
}

/// A running call's place: it hears commands, and gives the place up when it is dropped.
pub(crate) struct Place {
    registry: Arc<Registry>,
    key: Key,
    stream: Key,
    conversation: Option<Key>,
    commands: mpsc::Receiver<Command>,
    stage: Stage,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The engine has not taken the call yet.
    Beginning,
    Running,
    Left,
}

impl Registry {
    /// Tells a running call what is known of it, or keeps that for its stream, which calls itself
    /// `stream`. The id that the running call is kept under, if it runs.
    pub(crate) fn register(
        &self,
        tenant: &TenantId,
        stream: &str,
        call: CallInfo,
    ) -> Result<Option<CallId>, Refusal> {
        let mut calls = self.lock();
        let (by_call, by_stream) = (Key::new(tenant, call.call_id.as_str()), Key::new(tenant, stream));
        match (calls.running(&by_call), calls.running(&by_stream)) {
            (Some(one), Some(other)) if one != other => {
                let running = &calls.live[&other].known.call_id;
                let problem = format!(
                    "this stream runs as call {running}, and the call named runs too; leave stream_id out, \
                     or register call {running}"
                );
                Err(Refusal::new(Code::FailedPrecondition, "STREAM_OF_ANOTHER_CALL", problem)
                    .about_precondition("stream_id"))
            }
            (Some(key), _) | (None, Some(key)) => calls.amend(&key, call).map(Some),
            (None, None) => calls.keep(by_stream, call).map(|()| None),
        }
    }

    /// Tells a running call something.
    pub(crate) fn command(&self, tenant: &TenantId, call: &CallId, command: Command) -> Result<(), Refusal> {
        let missing = || {
            let problem = "no such call runs; begin its stream first";
            Refusal::new(Code::NotFound, "CALL_NOT_LIVE", problem).about_resource("live call", call.as_str())
        };
        let calls = self.lock();
        let key = calls.running(&Key::new(tenant, call.as_str())).ok_or_else(missing)?;
        tell(&calls.live[&key].commands, command)
    }

    /// A stream begins that says `said` of its call: what was registered of it comes first. Of a
    /// conversation that goes on in another stream, what is known from before comes first too.
    pub(crate) fn begin(
        self: &Arc<Self>,
        tenant: &TenantId,
        said: CallInfo,
        conversation: Option<&CallId>,
    ) -> Result<(CallInfo, Place), Refusal> {
        let stream = Key::new(tenant, said.call_id.as_str());
        let conversation = conversation.map(|id| Key::new(tenant, id.as_str()));
        let mut calls = self.lock();
        let told = calls.told_of(&stream, conversation.as_ref(), &said.call_id);
        let (call, told) = match told {
            Some(told) => (merged(told, &said), true),
            None => (said, false),
        };
        let key = Key::new(tenant, call.call_id.as_str());
        if calls.live.contains_key(&key) || calls.running(&stream).is_some_and(|_| conversation.is_none()) {
            return Err(already_live(&call.call_id));
        }
        calls.waiting.remove(&stream);
        let (sender, commands) = mpsc::channel(MAX_COMMANDS);
        calls.live.insert(key.clone(), Live { known: call.clone(), told, commands: sender });
        for alias in conversation.iter().chain([&stream]).filter(|alias| **alias != key) {
            calls.aliases.insert(alias.clone(), key.clone());
        }
        drop(calls);
        let registry = self.clone();
        Ok((call, Place { registry, key, stream, conversation, commands, stage: Stage::Beginning }))
    }

    fn lock(&self) -> MutexGuard<'_, Calls> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Calls {
    /// The running call of this id, whosever id it is.
    fn running(&self, id: &Key) -> Option<Key> {
        let key = if self.live.contains_key(id) { id } else { self.aliases.get(id)? };
        Some(key.clone())
    }

    /// What is registered for a stream.
    fn registered(&self, stream: &Key) -> Option<&CallInfo> {
        self.waiting.get(stream).filter(|waiting| waiting.until > Instant::now()).map(|waiting| &waiting.call)
    }

    /// What was told of a stream's call: what is registered for it, else what is known of its
    /// conversation from the stream that brings that still, or brought it before. Of those only what
    /// is known is taken over: this stream's record is another one, and has the stream's own id.
    fn told_of(&self, stream: &Key, conversation: Option<&Key>, own: &CallId) -> Option<CallInfo> {
        let of_conversation = |key: &Key| {
            let running = self.running(key).and_then(|key| self.live.get(&key));
            let known = running.map(|live| &live.known).or_else(|| self.registered(key))?;
            Some(CallInfo { call_id: own.clone(), ..known.clone() })
        };
        self.registered(stream).cloned().or_else(|| conversation.and_then(of_conversation))
    }

    fn amend(&mut self, key: &Key, call: CallInfo) -> Result<CallId, Refusal> {
        let live = self.live.get_mut(key).ok_or_else(|| Refusal::internal("CALL_LEFT"))?;
        let learned = CallInfo { call_id: live.known.call_id.clone(), ..call };
        let CallInfo { claimed, caller_number, agent, scene, .. } = learned.clone();
        let amendment = CallAmendment { claimed_customer: claimed, caller_number, agent, scene };
        tell(&live.commands, Command::Amend(amendment))?;
        live.known = merged(learned, &live.known);
        live.told = true;
        Ok(live.known.call_id.clone())
    }

    /// Keeps what is known of a call for the stream that brings it.
    fn keep(&mut self, stream: Key, call: CallInfo) -> Result<(), Refusal> {
        let now = Instant::now();
        if self.waiting.len() >= MAX_WAITING {
            self.waiting.retain(|_, waiting| waiting.until > now);
        }
        if self.waiting.len() >= MAX_WAITING && !self.waiting.contains_key(&stream) {
            let problem = "as many calls as allowed wait for their streams; try again";
            return Err(Refusal::busy("REGISTRATIONS_FULL", "registered calls", problem));
        }
        self.waiting.insert(stream, Waiting { call, until: now + KEPT_FOR });
        Ok(())
    }
}

impl Place {
    /// The engine has taken the call: what was registered of it is used up.
    pub(crate) fn began(&mut self) {
        self.stage = Stage::Running;
    }

    /// The next command; waits for ever if there is none.
    pub(crate) async fn command(&mut self) -> Command {
        match self.commands.recv().await {
            Some(command) => command,
            None => std::future::pending().await,
        }
    }

    /// Gives the place up; what the call was told and has not come to yet. Nothing is accepted for it
    /// from here on.
    pub(crate) fn leave(&mut self) -> Vec<Command> {
        let stage = std::mem::replace(&mut self.stage, Stage::Left);
        if stage == Stage::Left {
            return Vec::new();
        }
        let mut calls = self.registry.lock();
        let own = [Some(&self.stream), self.conversation.as_ref()];
        for alias in own.into_iter().flatten() {
            if calls.aliases.get(alias) == Some(&self.key) {
                calls.aliases.remove(alias);
            }
        }
        if let Some(Live { known, told, .. }) = calls.live.remove(&self.key) {
            // A call that did not begin leaves what it was told to the next try, one that did to the
            // next stream of its conversation. Where no room is left that is forgotten.
            let heir = match stage {
                Stage::Beginning => Some(&self.stream).filter(|_| told),
                _ => self.conversation.as_ref().filter(|_| is_worth_keeping(&known)),
            };
            if let Some(heir) = heir {
                drop(calls.keep(heir.clone(), known));
            }
        }
        drop(calls);
        std::iter::from_fn(|| self.commands.try_recv().ok()).collect()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        drop(self.leave());
    }
}

fn already_live(call: &CallId) -> Refusal {
    let problem = "a stream of this call runs already; end it first, or give the other one an id of its own";
    Refusal::new(Code::AlreadyExists, "CALL_ALREADY_LIVE", problem).about_resource("live call", call.as_str())
}

fn tell(call: &mpsc::Sender<Command>, command: Command) -> Result<(), Refusal> {
    let full = |_| {
        let problem = "the call has not come to what it was told before; try again";
        Refusal::busy("CALL_BUSY", "commands", problem)
    };
    call.try_send(command).map_err(full)
}

/// Whether more is known than a stream says by itself.
fn is_worth_keeping(known: &CallInfo) -> bool {
    known.claimed.is_some() || known.agent.is_some() || known.scene.is_some()
}

/// What comes first, and what only the other says.
fn merged(first: CallInfo, other: &CallInfo) -> CallInfo {
    CallInfo {
        call_id: first.call_id,
        claimed: first.claimed.or_else(|| other.claimed.clone()),
        caller_number: first.caller_number.or_else(|| other.caller_number.clone()),
        agent: first.agent.or_else(|| other.agent.clone()),
        scene: first.scene.or_else(|| other.scene.clone()),
    }
}

#[cfg(test)]
mod tests;
