use std::sync::Arc;

use earmark_engine::Timestamp;
use earmark_voiceprint::CallId;
use tonic::{Request, Response, Status};

use super::query::encoded;
use super::token::{MAX_WHO_BYTES, Scope};
use crate::access::Caller;
use crate::audio_convert::{optional, timestamp};
use crate::backend::{Backend, open};
use crate::proto::v1::create_desk_token_request::Scope as AskedScope;
use crate::proto::v1::desk_service_server::DeskService;
use crate::proto::v1::{CreateDeskTokenRequest, CreateDeskTokenResponse, DeskToken};
use crate::refusal::Refusal;

/// An agent's id is a line of a call's record.
const MAX_AGENT_BYTES: usize = 128;

/// The handler: convert, sign, convert.
pub(crate) struct Desk(pub(crate) Arc<Backend>);

#[tonic::async_trait]
impl DeskService for Desk {
    async fn create_desk_token(
        &self,
        request: Request<CreateDeskTokenRequest>,
    ) -> Result<Response<CreateDeskTokenResponse>, Status> {
        let (caller, asked) = open(request)?;
        let scope = scope(asked.scope)?;
        let who = viewer(asked.viewer, &scope, &caller)?;
        let page = match scope {
            Scope::Call(_) => "/pop",
            Scope::Agent(_) => "/desk",
            Scope::Supervisor => "/supervisor",
        };
        let (token, expires_ms) = self.0.desk.door.token(&caller.tenant, scope, who);
        let path = format!("{page}?token={}", encoded(&token));
        let expire_time = Some(timestamp(Timestamp::from_unix_millis(expires_ms)));
        Ok(Response::new(CreateDeskTokenResponse { token: Some(DeskToken { token, path, expire_time }) }))
    }
}

fn scope(asked: Option<AskedScope>) -> Result<Scope, Refusal> {
    let missing = || Refusal::field("scope", "SCOPE_MISSING", "say what the page may show");
    match asked.ok_or_else(missing)? {
        AskedScope::CallId(id) => {
            let bad = |error: earmark_voiceprint::IdError| {
                Refusal::field("call_id", "BAD_CALL_ID", error.to_string())
            };
            Ok(Scope::Call(CallId::new(&id).map_err(bad)?.to_string()))
        }
        AskedScope::AgentId(id) => Ok(Scope::Agent(line(id, "agent_id", "BAD_AGENT_ID", MAX_AGENT_BYTES)?)),
        AskedScope::Supervisor(true) => Ok(Scope::Supervisor),
        AskedScope::Supervisor(false) => Err(missing()),
    }
}

/// Who looks: as asked, else the agent, else the program that asks.
fn viewer(asked: String, scope: &Scope, caller: &Caller) -> Result<Option<String>, Refusal> {
    match (optional(asked), scope) {
        (Some(viewer), _) => Ok(Some(line(viewer, "viewer", "BAD_VIEWER", MAX_WHO_BYTES)?)),
        (None, Scope::Agent(agent)) => Ok(Some(agent.clone())),
        (None, Scope::Call(_) | Scope::Supervisor) => Ok(caller.actor.clone()),
    }
}

/// One printable line, as the records want it of names.
fn line(text: String, field: &str, reason: &'static str, max: usize) -> Result<String, Refusal> {
    let printable = !text.is_empty() && text.trim() == text && !text.chars().any(char::is_control);
    if printable && text.len() <= max {
        return Ok(text);
    }
    Err(Refusal::field(field, reason, format!("send 1 to {max} bytes of printable text")))
}
