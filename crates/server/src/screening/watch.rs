use std::sync::Arc;

use earmark_engine::CallUpdate;
use earmark_voiceprint::TenantId;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, mpsc};
use tonic::Request;
use tracing::{Instrument, Span};

use super::convert;
use crate::audio_convert::optional;
use crate::backend::{Backend, extension, open};
use crate::feed::{News, Seen};
use crate::gate::Deadline;
use crate::metrics::Counted;
use crate::proto::v1::{WatchCallsRequest, WatchCallsResponse};
use crate::refusal::Refusal;
use crate::replies::{Replies, replies};

/// Shows a tenant's calls to a desktop until one of the two leaves.
pub(super) fn watch(
    backend: &Arc<Backend>,
    request: Request<WatchCallsRequest>,
) -> Result<Replies<WatchCallsResponse>, Refusal> {
    let room = backend.rooms.watcher()?;
    let counted = Counted::new(&backend.metrics.watchers);
    let deadline: Deadline = extension(&request)?;
    let (caller, asked) = open(request)?;
    let wanted = Wanted { tenant: caller.tenant, agent: optional(asked.agent_id) };
    let (seen, mut closing) = (backend.feed.subscribe(), backend.lifecycle.closing());
    let (answer, stream) = replies();
    let task = async move {
        let _held = (room, counted);
        let outcome = tokio::select! {
            biased;
            () = answer.replies.closed() => Err(Refusal::cancelled()),
            () = deadline.passed() => Err(Refusal::deadline()),
            () = closing.arrived() => Err(Refusal::draining()),
            refusal = forward(seen, &wanted, &answer.replies) => Err(refusal),
        };
        answer.end(outcome);
    };
    backend.streams.spawn(task.instrument(Span::current()));
    Ok(stream)
}

/// Whose updates a watcher wants.
struct Wanted {
    tenant: TenantId,
    agent: Option<String>,
}

impl Wanted {
    /// The update in what was seen, if it is one that is wanted.
    fn of<'a>(&self, seen: &'a Seen) -> Option<&'a CallUpdate> {
        let News::Update(update) = &seen.news else { return None };
        let agent = update.call.agent.as_ref();
        let wanted =
            seen.tenant == self.tenant && self.agent.as_ref().is_none_or(|wanted| agent == Some(wanted));
        wanted.then_some(update)
    }
}

/// Ends only with a reason to end.
async fn forward(
    mut seen: broadcast::Receiver<Arc<Seen>>,
    wanted: &Wanted,
    replies: &mpsc::Sender<WatchCallsResponse>,
) -> Refusal {
    loop {
        match seen.recv().await {
            Ok(seen) => {
                let Some(update) = wanted.of(&seen) else { continue };
                let reply = WatchCallsResponse { update: Some(convert::update(update)) };
                if replies.send(reply).await.is_err() {
                    return Refusal::cancelled();
                }
            }
            Err(RecvError::Lagged(missed)) => return too_slow(missed),
            Err(RecvError::Closed) => return Refusal::draining(),
        }
    }
}

fn too_slow(missed: u64) -> Refusal {
    let problem = format!("{missed} updates were missed; watch again and fetch open calls with GetCall");
    Refusal::busy("WATCHER_TOO_SLOW", "watch backlog", problem)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use earmark_engine::{CallInfo, CustomerComparison, RiskTier, SpeechSummary, Timestamp, Verdict};
    use earmark_voiceprint::{CallId, ModelId, NetSpeech};

    use super::*;

    fn seen(tenant: &str, agent: Option<&str>) -> Arc<Seen> {
        let call_id = CallId::new("call-1").unwrap();
        let call = CallInfo { agent: agent.map(str::to_owned), ..CallInfo::unknown(call_id) };
        let net_speech = NetSpeech::ZERO;
        let update = CallUpdate {
            call,
            sequence: 1,
            is_final: true,
            speaker: 1,
            excerpts: Vec::new(),
            call_s: 0.0,
            speech: SpeechSummary { audio_s: 0.0, net_speech, quality: None, warnings: Vec::new() },
            customer: CustomerComparison::NotClaimed,
            proxies: Vec::new(),
            posterior: None,
            verdict: Verdict::InsufficientSpeech,
            risk: RiskTier::Undetermined,
            reasons: Vec::new(),
            model: ModelId::new("m", "1"),
            calibration: "c".into(),
            compute: Duration::ZERO,
            at: Timestamp::from_unix_millis(0),
        };
        Arc::new(Seen { tenant: TenantId::new(tenant).unwrap(), news: News::Update(update) })
    }

    #[test]
    fn only_what_is_wanted_is_shown() {
        let tenant = TenantId::new("north").unwrap();
        let all = Wanted { tenant: tenant.clone(), agent: None };
        let one = Wanted { tenant, agent: Some("a-1".into()) };
        let shown = |wanted: &Wanted, tenant, agent| wanted.of(&seen(tenant, agent)).is_some();
        assert!(shown(&all, "north", None) && shown(&all, "north", Some("a-1")));
        assert!(shown(&one, "north", Some("a-1")) && !shown(&one, "north", Some("a-2")));
        assert!(!shown(&one, "north", None) && !shown(&all, "south", Some("a-1")));
    }

    #[tokio::test]
    async fn a_watcher_that_falls_behind_is_ended_rather_than_shown_a_gap() {
        let updates = broadcast::Sender::new(1);
        let behind = updates.subscribe();
        for _ in 0..3 {
            updates.send(seen("north", None)).unwrap();
        }
        let wanted = Wanted { tenant: TenantId::new("north").unwrap(), agent: None };
        let (replies, mut shown) = mpsc::channel(8);
        let refusal = forward(behind, &wanted, &replies).await;
        assert_eq!(refusal.reason(), "WATCHER_TOO_SLOW");
        assert!(shown.try_recv().is_err(), "an update after the gap was shown");
    }
}
