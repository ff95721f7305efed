use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use earmark_engine::CallUpdate;
use earmark_telephony::{CallEvent, EndReason, Parting, ProtocolError};
use tonic::{Code, Status, Streaming};

use super::call::Route;
use super::drive::MediaSource;
use crate::access::Caller;
use crate::backend::Backend;
use crate::gate::CleanEnd;
use crate::refusal::Refusal;

/// A vendor's messages, and the machine that reads them.
pub(super) trait VendorStream: Send {
    /// The generated message.
    type Message: Send + 'static;

    /// Takes the next message.
    fn receive(&mut self, message: Self::Message) -> Result<Vec<CallEvent>, ProtocolError>;

    /// The stream is over.
    fn closed(&mut self, reason: EndReason) -> Vec<CallEvent>;
}

/// A vendor's gRPC stream as a source of one call.
pub(super) struct VendorSource<S: VendorStream> {
    pub(super) stream: S,
    pub(super) messages: Streaming<S::Message>,
    pub(super) end: CleanEnd,
}

impl<S: VendorStream> MediaSource for VendorSource<S> {
    async fn next(&mut self) -> Result<Vec<CallEvent>, ProtocolError> {
        let reason = match self.messages.message().await {
            Ok(Some(message)) => return self.stream.receive(message),
            // tonic shows a cancelled stream as an ended one; only the body knows.
            Ok(None) if self.end.reached() => EndReason::HungUp,
            Ok(None) | Err(_) => EndReason::Lost,
        };
        let events = self.stream.closed(reason);
        Ok(if events.is_empty() { vec![CallEvent::Ended(reason)] } else { events })
    }

    /// Vendors take no updates in their stream; desktops and `WatchCalls` have them.
    async fn tell(&mut self, _update: &CallUpdate) {}

    async fn part(&mut self, _parting: &Parting) {}
}

pub(super) fn route(backend: &Arc<Backend>, caller: Caller, protocol: &'static str) -> Route {
    Route { protocol, tenant: caller.tenant, mixed: backend.mixed }
}

/// What a vendor is told of a stream's end.
pub(super) fn outcome(parting: Parting) -> Result<(), Status> {
    let refusal = match parting {
        Parting::Finished(_) => return Ok(()),
        Parting::Refused(error) => Refusal::new(Code::InvalidArgument, "MALFORMED_STREAM", error.to_string()),
        Parting::Failed { code, problem } => Refusal::new(Code::Aborted, code, problem),
        Parting::Draining => Refusal::draining(),
    };
    Err(refusal.into())
}

/// A map in an order, so that what it does does not depend on chance.
pub(super) fn sorted(map: HashMap<String, String>) -> BTreeMap<String, String> {
    map.into_iter().collect()
}
