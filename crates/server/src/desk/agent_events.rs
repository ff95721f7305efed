//! All calls of one agent as one stream of events, each call as its own stream has it.

use std::sync::Arc;

use earmark_engine::{CallFilter, CallRecord, CallUpdate, PageRequest, PageSize, Timestamp};
use earmark_voiceprint::{CallId, TenantId};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::timeout;

use super::agent_cursor::AgentCursor;
use super::call_events::{Done, HEARTBEAT_INTERVAL, Transferred, record};
use super::sse::{Events, Gone};
use super::view::{CallView, OutcomeView, UpdateView};
use crate::backend::Backend;
use crate::feed::{News, RunningCall, Seen};

/// Calls that a page may have missed while it was away; earlier ones are in its list.
const MAX_MISSED: u32 = 8;

/// Tells an agent's calls from a place on, and those that are going on now.
pub(super) async fn tell_agent(
    backend: &Backend,
    tenant: &TenantId,
    agent: &str,
    cursor: AgentCursor,
    events: &Events,
) -> Result<Done, Gone> {
    events.hello().await?;
    let mut telling = Telling { backend, tenant, agent, cursor, events };
    loop {
        // First the feed, then the records, as for one call.
        let feed = backend.feed.subscribe();
        let Ok(calls) = telling.due().await else { return Ok(Done::Later) };
        for call in calls {
            match telling.catch_up(&call).await? {
                Some(()) => {}
                None => return Ok(Done::Later),
            }
        }
        match telling.follow(feed).await? {
            Followed::Done => return Ok(Done::Later),
            Followed::Behind => {}
        }
    }
}

enum Followed {
    Done,
    /// News were missed: the records have them.
    Behind,
}

/// Which call is over.
#[derive(serde::Serialize)]
struct Over {
    call_id: String,
}

/// A page's stream and where it is.
struct Telling<'a> {
    backend: &'a Backend,
    tenant: &'a TenantId,
    agent: &'a str,
    cursor: AgentCursor,
    events: &'a Events,
}

impl Telling<'_> {
    /// The calls that there may be more to tell of, the earliest begun first.
    async fn due(&mut self) -> Result<Vec<CallId>, ()> {
        let mut due: Vec<CallId> = self.cursor.open_calls().cloned().collect();
        let (tenant, agent) = (self.tenant.clone(), self.agent.to_owned());
        let from = Some(Timestamp::from_unix_millis(self.cursor.since_ms()));
        let filter = CallFilter { from, agent: Some(agent), ..CallFilter::default() };
        let page = PageRequest { size: PageSize::new(MAX_MISSED), token: None };
        let found = self.backend.lookup(move |engine| engine.calls(&tenant, &filter, &page)).await;
        let missed = found.map_err(|_| ())?.items.into_iter().map(|line| line.call.call_id);
        let running = self.backend.feed.running(self.tenant).into_iter().filter(|call| self.is_own(call));
        let running: Vec<CallId> = running.map(|call| call.call.call_id).collect();
        for call in &running {
            // One that left and came back while nobody looked.
            self.cursor.take_back(call);
        }
        let mut fresh: Vec<CallId> = missed.chain(running).collect();
        fresh.reverse();
        for call in fresh {
            if !due.contains(&call) && !self.cursor.is_over(&call) {
                due.push(call);
            }
        }
        Ok(due)
    }

    fn is_own(&self, running: &RunningCall) -> bool {
        running.call.agent.as_deref() == Some(self.agent)
    }

    /// Tells what a call's record holds beyond what was told; none if it could not be read.
    async fn catch_up(&mut self, call: &CallId) -> Result<Option<()>, Gone> {
        match record(self.backend, self.tenant, call).await {
            Ok(Some(record)) if record.call.agent.as_deref() == Some(self.agent) => {
                self.tell_record(&record).await.map(Some)
            }
            Ok(Some(_)) => self.transferred(call).await.map(Some),
            // It is not kept yet.
            Ok(None) => Ok(Some(())),
            Err(()) => Ok(None),
        }
    }

    /// A call is another agent's now; one that was never shown here is not spoken of.
    async fn transferred(&mut self, call: &CallId) -> Result<(), Gone> {
        if self.cursor.knows(call) && !self.cursor.is_over(call) {
            self.cursor.leave(call);
            self.send("transferred", &Transferred::of(call)).await?;
        }
        Ok(())
    }

    async fn tell_record(&mut self, record: &CallRecord) -> Result<(), Gone> {
        let (call, began_ms) = (&record.call.call_id, record.started_at.unix_millis());
        let told = self.cursor.told(call);
        self.cursor.tell(call, began_ms, told, false);
        self.send("call", &CallView::of(record)).await?;
        for update in record.updates.iter().filter(|u| u.sequence > told) {
            self.cursor.tell(call, began_ms, update.sequence, update.is_final);
            self.send("update", &UpdateView::new(update)).await?;
        }
        if record.ended_at.is_none() && self.backend.feed.is_unconcluded(self.tenant, call) {
            self.end(call).await?;
        }
        Ok(())
    }

    /// A call ended and there is no final update of it.
    async fn end(&mut self, call: &CallId) -> Result<(), Gone> {
        self.cursor.tell(call, 0, 0, true);
        self.send("end", &Over { call_id: call.to_string() }).await
    }

    async fn follow(&mut self, mut feed: Receiver<Arc<Seen>>) -> Result<Followed, Gone> {
        loop {
            let seen = match timeout(HEARTBEAT_INTERVAL, feed.recv()).await {
                Ok(Ok(seen)) => seen,
                Ok(Err(RecvError::Lagged(_))) => return Ok(Followed::Behind),
                Ok(Err(RecvError::Closed)) => return Ok(Followed::Done),
                Err(_) => {
                    self.events.heartbeat().await?;
                    continue;
                }
            };
            if seen.tenant == *self.tenant && !self.tell(&seen.news).await? {
                return Ok(Followed::Done);
            }
        }
    }

    /// Tells one piece of news if it is of this agent's; false if the records can't be read now.
    async fn tell(&mut self, news: &News) -> Result<bool, Gone> {
        let call = &news.call().call_id;
        if news.call().agent.as_deref() != Some(self.agent) {
            self.transferred(call).await?;
            return Ok(true);
        }
        match news {
            News::Began(running) => {
                if !self.cursor.knows(call) {
                    self.cursor.tell(call, running.began_at.unix_millis(), 0, false);
                    self.send("call", &CallView::running(running)).await?;
                }
            }
            News::Update(update) if update.sequence <= self.cursor.told(call) => {}
            News::Update(update) if self.follows(update) => {
                self.cursor.tell(call, 0, update.sequence, update.is_final);
                self.send("update", &UpdateView::new(update)).await?;
            }
            // Something before it was missed, or the call became this agent's while it ran.
            News::Update(_) => {
                self.cursor.take_back(call);
                return Ok(self.catch_up(call).await?.is_some());
            }
            News::Ended(_) if !self.cursor.knows(call) => {}
            News::Ended(_) => self.end(call).await?,
            News::Outcome(info, outcome) => self.send("outcome", &OutcomeView::of(info, outcome)).await?,
        }
        Ok(true)
    }

    /// Whether an update is the next one of a call that is being told.
    fn follows(&self, update: &CallUpdate) -> bool {
        let call = &update.call.call_id;
        let open = self.cursor.knows(call) && !self.cursor.is_over(call);
        open && update.sequence == self.cursor.told(call) + 1
    }

    async fn send(&self, name: &str, data: &impl serde::Serialize) -> Result<(), Gone> {
        self.events.send(name, Some(&self.cursor.to_text()), data).await
    }
}
