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
use crate::proto::ringcx::{
    AudioFormat, Codec, Dialog, DialogType, Participant, ParticipantType, StreamEvent,
};

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
                number: customers_number(&dialog),
                dialog: dialog.id,
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

/// In a call of ours to the customer, theirs is the number that was called.
fn customers_number(dialog: &Dialog) -> Option<String> {
    match dialog.r#type() {
        DialogType::Outbound => dialog.dnis.clone(),
        DialogType::Inbound | DialogType::Unspecified => dialog.ani.clone(),
    }
}

fn role(participant: &Participant) -> RingCxParticipant {
    match participant.r#type() {
        ParticipantType::Contact => RingCxParticipant::Contact,
        _ => RingCxParticipant::Other,
    }
}

fn format(format: AudioFormat) -> (RingCxCodec, u32) {
    let codec = match Codec::try_from(format.codec) {
        Ok(Codec::Pcma) => RingCxCodec::Pcma,
        // The documented default.
        Ok(Codec::Pcmu | Codec::Unspecified) => RingCxCodec::Pcmu,
        // One of a later version is no default either.
        Ok(_) | Err(_) => RingCxCodec::Other,
    };
    (codec, format.rate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_customers_number_is_the_far_end_of_the_call() {
        let number = |kind: DialogType| {
            let (ani, dnis) = (Some("ani".to_owned()), Some("dnis".to_owned()));
            customers_number(&Dialog { r#type: kind.into(), ani, dnis, ..Dialog::default() }).unwrap()
        };
        assert_eq!(number(DialogType::Inbound), "ani");
        assert_eq!(number(DialogType::Unspecified), "ani");
        assert_eq!(number(DialogType::Outbound), "dnis");
    }

    #[test]
    fn a_codec_that_is_not_named_is_the_documented_one_and_an_unknown_one_is_not() {
        let codec = |codec: i32| format(AudioFormat { codec, rate: 0, ptime: 20 }).0;
        assert_eq!(codec(Codec::Unspecified.into()), RingCxCodec::Pcmu);
        assert_eq!(codec(Codec::Pcma.into()), RingCxCodec::Pcma);
        for other in [i32::from(Codec::Opus), Codec::L16.into(), Codec::Flac.into(), 99] {
            assert_eq!(codec(other), RingCxCodec::Other);
        }
    }
}
