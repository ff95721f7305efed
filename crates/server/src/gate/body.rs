use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use axum::body::Body;
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};

use super::Held;
use super::record::RpcRecord;

/// Whether the request's stream was half-closed by the client. tonic shows a cancelled stream as an
/// ended one, and a cancelled enrollment must not be enrolled.
#[derive(Clone, Debug, Default)]
pub(crate) struct CleanEnd(Arc<AtomicBool>);

impl CleanEnd {
    /// True once the client said that there is no more.
    pub(crate) fn reached(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    /// The client said so.
    pub(crate) fn reach(&self) {
        self.0.store(true, Ordering::Release);
    }
}

/// A request's body that notes its clean end.
pub(super) struct WatchedBody {
    body: Body,
    end: CleanEnd,
}

impl WatchedBody {
    pub(super) fn new(body: Body, end: CleanEnd) -> Self {
        Self { body, end }
    }
}

impl HttpBody for WatchedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        // Trailers end a body too; nothing is read after them.
        if frame.as_ref().is_none_or(|f| f.as_ref().is_ok_and(Frame::is_trailers)) {
            self.end.reach();
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A reply's body that takes the outcome from its trailers and holds what the call holds.
pub(super) struct ObservedBody {
    body: Body,
    record: RpcRecord,
    _held: Option<Held>,
}

impl ObservedBody {
    pub(super) fn new(body: Body, record: RpcRecord, held: Option<Held>) -> Self {
        Self { body, record, _held: held }
    }
}

impl HttpBody for ObservedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        if let Some(Ok(frame)) = &frame
            && let Some(trailers) = frame.trailers_ref()
        {
            self.record.note(trailers);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
