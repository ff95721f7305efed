use std::sync::Arc;

use bytes::Bytes;
use earmark_engine::{EnrollmentReport, EnrollmentStream};
use tokio::sync::OwnedSemaphorePermit;
use tonic::{Request, Streaming};

use super::convert::{StreamEnrollment, stream_enrollment};
use crate::access::Caller;
use crate::audio_stream::{AudioStream, Input};
use crate::backend::{Backend, extension};
use crate::metrics::{Counted, Stage};
use crate::pool::Lane;
use crate::proto::v1::EnrollRequest;
use crate::refusal::Refusal;
use crate::seat::{STEP_BYTES, Seat, timed};

/// An enrollment that is being spoken. Its work is batch work: live calls go first. Unless the
/// client half-closes, it leaves nothing behind.
pub(super) struct EnrollStream {
    backend: Arc<Backend>,
    caller: Caller,
    audio: AudioStream<Streaming<EnrollRequest>>,
    _counted: Counted,
    _room: OwnedSemaphorePermit,
}

impl EnrollStream {
    pub(super) fn open(
        backend: &Arc<Backend>,
        request: Request<Streaming<EnrollRequest>>,
    ) -> Result<Self, Refusal> {
        let room = backend.rooms.enrollment()?;
        let caller = extension(&request)?;
        let end = extension(&request)?;
        let closing = backend.lifecycle.closing();
        Ok(Self {
            backend: backend.clone(),
            caller,
            audio: AudioStream::new(request.into_inner(), end, closing, &backend.limits),
            _counted: Counted::new(&backend.metrics.enrollment_streams),
            _room: room,
        })
    }

    pub(super) async fn run(mut self) -> Result<EnrollmentReport, Refusal> {
        let config = self.audio.config().await?;
        let asked = stream_enrollment(config, &self.caller)?;
        let mut seat = self.begin(asked).await?;
        loop {
            match self.audio.next().await? {
                Input::Audio(bytes) => self.hear(&mut seat, bytes).await?,
                Input::End(end) => {
                    end.outcome()?;
                    return self.finish(seat).await;
                }
            }
        }
    }

    async fn begin(&self, asked: StreamEnrollment) -> Result<Seat<EnrollmentStream>, Refusal> {
        let (engine, tenant) = (self.backend.engine.clone(), self.caller.tenant.clone());
        let StreamEnrollment { enrollment, recording, format, role } = asked;
        let make = move || Ok(engine.enroll_stream(&tenant, enrollment, recording, format, role)?);
        Seat::take(&self.backend, Lane::Batch, make).await
    }

    async fn hear(&self, seat: &mut Seat<EnrollmentStream>, mut bytes: Bytes) -> Result<(), Refusal> {
        while !bytes.is_empty() {
            let part = bytes.split_to(bytes.len().min(STEP_BYTES));
            seat.step(move |stream| stream.accept(&part)).await??;
        }
        Ok(())
    }

    async fn finish(&self, mut seat: Seat<EnrollmentStream>) -> Result<EnrollmentReport, Refusal> {
        let (report, took) = seat.leave(|stream, cancellation| timed(|| stream.finish(cancellation))).await?;
        self.backend.metrics.stage(Stage::Enroll, took);
        let report = report?;
        self.backend.count_audio(&report.speech);
        Ok(report)
    }
}
