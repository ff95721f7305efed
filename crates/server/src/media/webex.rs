mod guard;
mod keys;
mod options;
mod rsa;

use std::sync::Arc;
use std::time::Duration;

use earmark_engine::Encoding;
use earmark_telephony::{
    CallEvent, EndReason, Parting, ProtocolError, Webex, WebexAudio, WebexMessage, WebexRole,
};
use prost_types::Timestamp;
use tonic::{Request, Response, Status, Streaming};
use tracing::{Instrument, Span};

pub(crate) use self::guard::WebexGuard;
pub use self::keys::WebexKeysError;
pub use self::options::{WEBEX_FORKING_SCHEMA, WebexOptions};
use super::drive::drive;
use super::vendor::{VendorSource, VendorStream, route, sorted};
use crate::backend::{Backend, extension};
use crate::proto::webex::conversation_audio_server::ConversationAudio;
use crate::proto::webex::{
    AudioEncoding, AudioStream, ConversationAudioForkingRequest, ConversationAudioForkingResponse, ErrorCode,
    ParticipantRole,
};
use crate::replies::{Replies, replies};

/// Webex Contact Center's service, of which we are the server.
pub(crate) struct WebexConversationAudio(pub(crate) Arc<Backend>);

#[tonic::async_trait]
impl ConversationAudio for WebexConversationAudio {
    type StreamConversationAudioStream = Replies<ConversationAudioForkingResponse>;

    async fn stream_conversation_audio(
        &self,
        request: Request<Streaming<ConversationAudioForkingRequest>>,
    ) -> Result<Response<Self::StreamConversationAudioStream>, Status> {
        let backend = self.0.clone();
        let route = route(&backend, extension(&request)?, "webex");
        let end = extension(&request)?;
        let source = VendorSource { stream: Webex::new(), messages: request.into_inner(), end };
        let (answer, stream) = replies();
        let task = async move {
            let parting = tokio::select! {
                biased;
                () = answer.replies.closed() => return,
                parting = drive(&backend, route, source) => parting,
            };
            // Fails only if the client left.
            drop(answer.replies.send(acknowledgement(&parting)).await);
            answer.end(Ok(()));
        };
        self.0.streams.spawn(task.instrument(Span::current()));
        Ok(Response::new(stream))
    }
}

/// The one reply, as the interface wants it: what became of the stream.
fn acknowledgement(parting: &Parting) -> ConversationAudioForkingResponse {
    let (code, status_message) = match parting {
        Parting::Finished(_) => (ErrorCode::ErrorNone, "screened".to_owned()),
        Parting::Refused(error @ (ProtocolError::BadField { .. } | ProtocolError::Unsupported { .. })) => {
            (ErrorCode::ErrorInvalidAudioFormat, error.to_string())
        }
        Parting::Refused(error) => (ErrorCode::ErrorStreamFailure, error.to_string()),
        Parting::Failed { code, problem } => (ErrorCode::ErrorStreamFailure, format!("{code}: {problem}")),
        Parting::Draining => (ErrorCode::ErrorStreamFailure, "DRAINING: the server is stopping".to_owned()),
    };
    ConversationAudioForkingResponse { status_message, error_code: code.into() }
}

impl VendorStream for Webex {
    type Message = ConversationAudioForkingRequest;

    fn receive(&mut self, message: ConversationAudioForkingRequest) -> Result<Vec<CallEvent>, ProtocolError> {
        self.receive(WebexMessage {
            conversation: message.conversation_id,
            audio: message.audio.map(audio),
            additional_info: sorted(message.additional_info),
        })
    }

    fn closed(&mut self, reason: EndReason) -> Vec<CallEvent> {
        self.closed(reason)
    }
}

fn audio(audio: AudioStream) -> WebexAudio {
    let encoding = match audio.encoding() {
        AudioEncoding::Linear16 => Some(Encoding::Pcm16Le),
        AudioEncoding::Mulaw => Some(Encoding::MuLaw),
        AudioEncoding::Alaw => Some(Encoding::ALaw),
        AudioEncoding::Unspecified => None,
    };
    let role = match audio.role() {
        ParticipantRole::Caller => WebexRole::Caller,
        ParticipantRole::Agent => WebexRole::Agent,
        ParticipantRole::RoleUnspecified => WebexRole::Unspecified,
    };
    WebexAudio {
        encoding,
        // A negative rate is no rate: 1 is refused with the others that can't be.
        sample_rate_hz: u32::try_from(audio.sample_rate_hertz).unwrap_or(1),
        captured_at: audio.audio_timestamp.as_ref().and_then(since_epoch),
        role,
        role_id: audio.role_id,
        bytes: audio.audio_data,
    }
}

/// None for a moment before 1970: it says nothing of where the audio lies.
fn since_epoch(time: &Timestamp) -> Option<Duration> {
    let nanos = u32::try_from(time.nanos).ok()?;
    Some(
        Duration::from_secs(time.seconds.try_into().ok()?).saturating_add(Duration::from_nanos(nanos.into())),
    )
}
