//! Every error's kind, stable reason and field, in one place: what the edges make of it.

use earmark_audio::AudioError;
use earmark_index::IndexError;
use earmark_records::RecordsError;
use earmark_scoring::ScoringError;
use earmark_voiceprint::{IdError, VoiceprintError};

use crate::{EngineError, ErrorKind};

use ErrorKind::{
    AlreadyExists, Cancelled, DataLoss, FailedPrecondition, Internal, InvalidArgument, NotFound,
    ResourceExhausted, Unavailable,
};

impl EngineError {
    /// What kind of fault it is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.classified().0
    }

    /// A stable name for programs, such as `NOT_AUDIO`.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        self.classified().1
    }

    /// The request's field that is wrong, where one is.
    #[must_use]
    pub fn field(&self) -> Option<String> {
        match self {
            Self::Recording { position, .. } => Some(format!("recordings[{position}].content")),
            Self::RecordingCount { .. } => Some("recordings".to_owned()),
            Self::Records(RecordsError::InvalidField { field, .. }) => Some(field.replace(' ', "_")),
            Self::Records(RecordsError::BadPageToken) => Some("page_token".to_owned()),
            Self::Records(RecordsError::RequestIdReused { .. }) => Some("request_id".to_owned()),
            Self::Audio(error) => Some(audio_field(error).to_owned()),
            _ => None,
        }
    }

    fn classified(&self) -> (ErrorKind, &'static str) {
        match self {
            Self::Audio(error) | Self::Recording { source: error, .. } => audio(error),
            Self::InsufficientSpeech { .. } => (FailedPrecondition, "INSUFFICIENT_SPEECH"),
            Self::LowQuality { .. } => (FailedPrecondition, "LOW_QUALITY"),
            Self::OutlierRecording { .. } => (FailedPrecondition, "OUTLIER_RECORDING"),
            Self::SeveralVoices { .. } => (FailedPrecondition, "SEVERAL_VOICES"),
            Self::ProxyMatch { .. } => (FailedPrecondition, "PROXY_MATCH"),
            Self::UnlikeHistory => (FailedPrecondition, "UNLIKE_HISTORY"),
            Self::RecordingCount { .. } => (InvalidArgument, "RECORDING_COUNT"),
            Self::TooManyComparisons { .. } => (InvalidArgument, "TOO_MANY_COMPARISONS"),
            Self::Id(error) => (InvalidArgument, id(error)),
            Self::Voiceprint(error) => (InvalidArgument, voiceprint(error)),
            Self::Index(error) => index(error),
            Self::Scoring(error) => scoring(error),
            Self::Records(error) => records(error),
            Self::Cancelled => (Cancelled, "CANCELLED"),
            Self::CallIdReused { .. } => (AlreadyExists, "CALL_ID_REUSED"),
            Self::CallNotConcluded { source, .. } => (records(source).0, "CALL_NOT_CONCLUDED"),
            Self::CallEnded => (FailedPrecondition, "CALL_ENDED"),
        }
    }
}

fn audio_field(error: &AudioError) -> &'static str {
    match error {
        AudioError::ChannelNotChosen { .. } | AudioError::NoSuchChannel { .. } => "channel",
        AudioError::WrongEncoding { .. } | AudioError::BadStreamFormat { .. } => "format",
        _ => "audio",
    }
}

fn audio(error: &AudioError) -> (ErrorKind, &'static str) {
    match error {
        AudioError::Empty => (InvalidArgument, "EMPTY_AUDIO"),
        AudioError::NotAudio { .. } => (InvalidArgument, "NOT_AUDIO"),
        AudioError::Unsupported { .. } => (InvalidArgument, "UNSUPPORTED_AUDIO"),
        AudioError::Malformed { .. } => (InvalidArgument, "MALFORMED_AUDIO"),
        AudioError::Truncated { .. } => (InvalidArgument, "TRUNCATED_AUDIO"),
        AudioError::LimitReached { .. } => (InvalidArgument, "LIMIT_REACHED"),
        AudioError::NotFinite { .. } => (InvalidArgument, "NOT_FINITE"),
        AudioError::ChannelNotChosen { .. } => (InvalidArgument, "CHANNEL_NOT_CHOSEN"),
        AudioError::NoSuchChannel { .. } => (InvalidArgument, "NO_SUCH_CHANNEL"),
        AudioError::StreamEndsInsideSample { .. } => (InvalidArgument, "STREAM_ENDS_INSIDE_SAMPLE"),
        AudioError::FileInRawStream { .. } => (InvalidArgument, "FILE_IN_RAW_STREAM"),
        AudioError::WrongEncoding { .. } => (InvalidArgument, "WRONG_ENCODING"),
        AudioError::BadStreamFormat { .. } | AudioError::UnsupportedRate { .. } => {
            (InvalidArgument, "BAD_STREAM_FORMAT")
        }
        AudioError::Io(_) => (Unavailable, "AUDIO_UNREADABLE"),
        AudioError::RuntimeMissing { .. }
        | AudioError::RuntimeUnusable { .. }
        | AudioError::RuntimeAlreadyLoaded { .. } => (FailedPrecondition, "RUNTIME_MISSING"),
        AudioError::CorruptModel { .. } => (DataLoss, "CORRUPT_MODEL"),
        AudioError::ModelFile { .. }
        | AudioError::ModelDescription { .. }
        | AudioError::ModelGraph { .. } => (FailedPrecondition, "UNUSABLE_MODEL"),
        AudioError::Prompt { .. } => (FailedPrecondition, "UNUSABLE_PROMPT"),
        AudioError::DecoderFault { .. } => (Internal, "DECODER_FAULT"),
        _ => (Internal, "AUDIO_FAULT"),
    }
}

fn id(error: &IdError) -> &'static str {
    match error {
        IdError::Empty { .. } => "EMPTY_ID",
        IdError::TooLong { .. } => "ID_TOO_LONG",
        _ => "UNPRINTABLE_ID",
    }
}

fn voiceprint(error: &VoiceprintError) -> &'static str {
    match error {
        VoiceprintError::ModelMismatch { .. } => "MODEL_MISMATCH",
        VoiceprintError::NothingToMerge => "NOTHING_TO_MERGE",
        _ => "BAD_VOICEPRINT",
    }
}

fn index(error: &IndexError) -> (ErrorKind, &'static str) {
    match error {
        IndexError::OtherModel { .. } | IndexError::OtherDimension { .. } => {
            (InvalidArgument, "MODEL_MISMATCH")
        }
        IndexError::GalleryFull { .. } => (ResourceExhausted, "GALLERY_FULL"),
        IndexError::HistoryFull { .. } => (ResourceExhausted, "HISTORY_FULL"),
        IndexError::Corrupt { .. } => (DataLoss, "CORRUPT_GALLERY"),
        _ => (Internal, "INDEX_FAULT"),
    }
}

fn scoring(error: &ScoringError) -> (ErrorKind, &'static str) {
    match error {
        ScoringError::OtherModel { .. } => (InvalidArgument, "MODEL_MISMATCH"),
        ScoringError::Corrupt { .. } => (DataLoss, "CORRUPT_MODEL"),
        ScoringError::Read { .. }
        | ScoringError::TooLarge { .. }
        | ScoringError::Malformed { .. }
        | ScoringError::NewerFormat { .. }
        | ScoringError::BadFit(_) => (FailedPrecondition, "UNUSABLE_MODEL"),
        ScoringError::Voiceprint(error) => (InvalidArgument, voiceprint(error)),
        ScoringError::BadSetting(_) => (InvalidArgument, "BAD_SETTING"),
        _ => (Internal, "SCORING_FAULT"),
    }
}

fn records(error: &RecordsError) -> (ErrorKind, &'static str) {
    match error {
        RecordsError::AlreadyExists { .. } => (AlreadyExists, "ALREADY_EXISTS"),
        RecordsError::NotFound { .. } => (NotFound, "NOT_FOUND"),
        RecordsError::InvalidField { .. } => (InvalidArgument, "INVALID_FIELD"),
        RecordsError::OptedOut { .. } => (FailedPrecondition, "CUSTOMER_OPTED_OUT"),
        RecordsError::RequestIdReused { .. } => (AlreadyExists, "REQUEST_ID_REUSED"),
        RecordsError::CallFinished { .. } => (FailedPrecondition, "CALL_FINISHED"),
        RecordsError::BadPageToken => (InvalidArgument, "BAD_PAGE_TOKEN"),
        RecordsError::DiskFull => (ResourceExhausted, "DISK_FULL"),
        RecordsError::Busy | RecordsError::InUse { .. } => (Unavailable, "STORE_BUSY"),
        RecordsError::KeyFileMissing { .. } | RecordsError::KeyMissing { .. } => {
            (FailedPrecondition, "KEY_MISSING")
        }
        RecordsError::Io { .. } | RecordsError::NewerSchema { .. } => {
            (FailedPrecondition, "DATA_FOLDER_UNUSABLE")
        }
        RecordsError::TooOpen { .. } => (FailedPrecondition, "KEY_TOO_OPEN"),
        RecordsError::KeyFileMalformed { .. } => (DataLoss, "KEY_MALFORMED"),
        RecordsError::DamagedVoiceprint { .. }
        | RecordsError::DamagedRecord { .. }
        | RecordsError::Corrupt { .. }
        | RecordsError::AuditBroken { .. } => (DataLoss, "DAMAGED_RECORDS"),
        _ => (Internal, "RECORDS_FAULT"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recording_of_several_is_named_by_its_field_and_its_own_reason() {
        let recording = "b.wav".to_owned();
        let error = EngineError::Recording { recording, position: 1, source: AudioError::Empty };
        assert_eq!(error.field().as_deref(), Some("recordings[1].content"));
        assert_eq!((error.kind(), error.reason()), (InvalidArgument, "EMPTY_AUDIO"));
    }

    #[test]
    fn what_lies_with_the_disk_is_not_the_callers_fault() {
        assert_eq!(EngineError::from(RecordsError::DiskFull).kind(), ResourceExhausted);
        assert_eq!(EngineError::from(RecordsError::Busy).kind(), Unavailable);
        let corrupt = RecordsError::Corrupt { detail: String::new() };
        assert_eq!(EngineError::from(corrupt).kind(), DataLoss);
    }
}
