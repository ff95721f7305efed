use std::sync::Arc;

use tonic::{Request, Response, Status, Streaming};

use super::{convert, live_call, watch};
use crate::audio_convert::recording;
use crate::backend::{Backend, open};
use crate::media;
use crate::proto::v1::screening_service_server::ScreeningService;
use crate::proto::v1::{
    GetCallRequest, GetCallResponse, RegisterCallRequest, RegisterCallResponse, ReportOutcomeRequest,
    ReportOutcomeResponse, ScreenCallRequest, ScreenCallResponse, ScreenRecordingRequest,
    ScreenRecordingResponse, SignalCallRequest, SignalCallResponse, WatchCallsRequest, WatchCallsResponse,
};
use crate::replies::Replies;

/// The handlers: convert, call the engine, convert.
pub(crate) struct Screening(pub(crate) Arc<Backend>);

#[tonic::async_trait]
impl ScreeningService for Screening {
    type ScreenCallStream = Replies<ScreenCallResponse>;
    type WatchCallsStream = Replies<WatchCallsResponse>;

    async fn screen_call(
        &self,
        request: Request<Streaming<ScreenCallRequest>>,
    ) -> Result<Response<Self::ScreenCallStream>, Status> {
        Ok(Response::new(live_call::screen(&self.0, request)?))
    }

    async fn screen_recording(
        &self,
        request: Request<ScreenRecordingRequest>,
    ) -> Result<Response<ScreenRecordingResponse>, Status> {
        let (caller, asked) = open(request)?;
        let call = convert::call_info(asked.call, "call")?;
        let recording = recording(asked.recording, "recording")?;
        let work = self.0.batch(move |engine, cancellation| {
            engine.screen_recording(&caller.tenant, call, &recording, cancellation)
        });
        let update = work.await?;
        self.0.count_audio([&update.speech]);
        Ok(Response::new(ScreenRecordingResponse { update: Some(convert::update(&update)) }))
    }

    async fn watch_calls(
        &self,
        request: Request<WatchCallsRequest>,
    ) -> Result<Response<Self::WatchCallsStream>, Status> {
        Ok(Response::new(watch::watch(&self.0, request)?))
    }

    async fn get_call(&self, request: Request<GetCallRequest>) -> Result<Response<GetCallResponse>, Status> {
        let (caller, asked) = open(request)?;
        let id = convert::call_id(&asked.call_id, "call_id")?;
        let call = self.0.lookup(move |engine| engine.call(&caller.tenant, &id)).await?;
        Ok(Response::new(GetCallResponse { call: Some(convert::call(&call)) }))
    }

    async fn register_call(
        &self,
        request: Request<RegisterCallRequest>,
    ) -> Result<Response<RegisterCallResponse>, Status> {
        let (caller, asked) = open(request)?;
        let call = convert::call_info(asked.call, "call")?;
        let running = media::register(&self.0.registry, &caller.tenant, call, &asked.stream_id)?;
        let running_call_id = running.as_ref().map_or_else(String::new, |id| id.as_str().to_owned());
        Ok(Response::new(RegisterCallResponse { live: running.is_some(), running_call_id }))
    }

    async fn signal_call(
        &self,
        request: Request<SignalCallRequest>,
    ) -> Result<Response<SignalCallResponse>, Status> {
        let (caller, asked) = open(request)?;
        let id = convert::call_id(&asked.call_id, "call_id")?;
        media::signal(&self.0.registry, &caller.tenant, &id, asked.signal)?;
        Ok(Response::new(SignalCallResponse {}))
    }

    async fn report_outcome(
        &self,
        request: Request<ReportOutcomeRequest>,
    ) -> Result<Response<ReportOutcomeResponse>, Status> {
        let (caller, asked) = open(request)?;
        let id = convert::call_id(&asked.call_id, "call_id")?;
        let report = convert::outcome_report(asked, &caller)?;
        let call = self.0.lookup(move |engine| engine.report_outcome(&caller.tenant, &id, &report)).await?;
        Ok(Response::new(ReportOutcomeResponse { call: Some(convert::call(&call)) }))
    }
}
