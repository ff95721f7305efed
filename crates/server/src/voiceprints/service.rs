use std::sync::Arc;

use tonic::{Request, Response, Status};

use super::convert;
use crate::audio_convert::recording;
use crate::backend::{Backend, open};
use crate::proto::v1::voiceprints_service_server::VoiceprintsService;
use crate::proto::v1::{
    CompareRequest, CompareResponse, ExtractRequest, ExtractResponse, MergeRequest, MergeResponse,
};

/// The handlers: convert, call the engine, convert.
pub(crate) struct Voiceprints(pub(crate) Arc<Backend>);

#[tonic::async_trait]
impl VoiceprintsService for Voiceprints {
    async fn extract(&self, request: Request<ExtractRequest>) -> Result<Response<ExtractResponse>, Status> {
        let (_, asked) = open(request)?;
        let recording = recording(asked.recording, "recording")?;
        let work = self.0.batch(move |engine, cancellation| engine.extract(&recording, cancellation));
        let extracted = work.await?;
        self.0.count_audio([&extracted.speech]);
        Ok(Response::new(convert::extracted(&extracted)))
    }

    async fn compare(&self, request: Request<CompareRequest>) -> Result<Response<CompareResponse>, Status> {
        let (_, asked) = open(request)?;
        let enrolled = convert::prints(asked.enrolled, "enrolled")?;
        let probes = convert::prints(asked.probes, "probes")?;
        let rows = self.0.batch(move |engine, _| engine.compare(&enrolled, &probes)).await?;
        Ok(Response::new(convert::compared(&rows, self.0.engine.calibration())))
    }

    async fn merge(&self, request: Request<MergeRequest>) -> Result<Response<MergeResponse>, Status> {
        let (_, asked) = open(request)?;
        let prints = convert::prints(asked.voiceprints, "voiceprints")?;
        let merged = self.0.batch(move |engine, _| engine.merge(&prints)).await?;
        Ok(Response::new(convert::merged(&merged)))
    }
}
