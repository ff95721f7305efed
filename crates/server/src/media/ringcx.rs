use std::sync::Arc;
use std::time::Duration;

use earmark_telephony::{
    CallEvent, EndReason, ProtocolError, RingCx, RingCxCodec, RingCxEvent, RingCxParticipant,
};
use tonic::{Request, Response, Status, Streaming};

use super::drive::drive;
use super::vendor::{VendorSource, VendorStream, outcome, route, sorted};
use crate::backend::{Backend, extension};
use crate::proto::ringcx::stream_event::Event;
use crate::proto::ringcx::streaming_server::Streaming as StreamingService;
use crate::proto::ringcx::{AudioFormat, Codec, Participant, ParticipantType, StreamEvent};

/// RingCX's service, of which we are the server.
pub(crate) struct RingCxStreaming(pub(crate) Arc<Backend>);

#[tonic::async_trait]
impl StreamingService for RingCxStreaming {
    async fn stream(&self, request: Request<Streaming<StreamEvent>>) -> Result<Response<()>, Status> {
        let route = route(&self.0, extension(&request)?, "ringcx");
        let end = extension(&request)?;
        let source = VendorSource { stream: RingCx::new(), messages: request.into_inner(), end };
        outcome(drive(&self.0, route, source).await)?;
        Ok(Response::new(()))
    }
}

impl VendorStream for RingCx {
    type Message = StreamEvent;

    fn receive(&mut self, message: StreamEvent) -> Result<Vec<CallEvent>, ProtocolError> {
        // An event of a newer version: what it says does not concern the audio.
        message.event.map_or_else(|| Ok(Vec::new()), |event| self.receive(convert(event)))
    }

    fn closed(&mut self, reason: EndReason) -> Vec<CallEvent> {
        self.closed(reason)
    }
}

fn convert(event: Event) -> RingCxEvent {
    match event {
        Event::DialogInit(init) => {
            let dialog = init.dialog.unwrap_or_default();
            RingCxEvent::DialogInit {
                dialog: dialog.id,
                ani: dialog.ani,
                attributes: sorted(dialog.attributes),
            }
        }
        Event::SegmentStart(start) => {
            let participant = start.participant.unwrap_or_default();
            RingCxEvent::SegmentStart {
                segment: start.segment_id,
                role: role(&participant),
                participant: participant.id,
                format: start.audio_format.map(format),
            }
        }
        Event::SegmentMedia(media) => {
            let content = media.audio_content.unwrap_or_default();
            RingCxEvent::SegmentMedia {
                segment: media.segment_id,
                payload: content.payload,
                sequence: content.seq,
                duration: Duration::from_millis(content.duration.into()),
            }
        }
        Event::SegmentInfo(info) => RingCxEvent::SegmentInfo { segment: info.segment_id, event: info.event },
        Event::SegmentStop(stop) => RingCxEvent::SegmentStop { segment: stop.segment_id },
    }
}

fn role(participant: &Participant) -> RingCxParticipant {
    match participant.r#type() {
        ParticipantType::Contact => RingCxParticipant::Contact,
        _ => RingCxParticipant::Other,
    }
}

fn format(format: AudioFormat) -> (RingCxCodec, u32) {
    let codec = match format.codec() {
        Codec::Pcma => RingCxCodec::Pcma,
        Codec::Pcmu => RingCxCodec::Pcmu,
        _ => RingCxCodec::Other,
    };
    (codec, format.rate)
}
