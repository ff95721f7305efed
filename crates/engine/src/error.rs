use earmark_audio::AudioError;
use earmark_index::IndexError;
use earmark_records::RecordsError;
use earmark_scoring::ScoringError;
use earmark_voiceprint::{CallId, IdError, NetSpeech, ProxyId, VoiceprintError};

/// Why a use case could not be carried out. Nothing of it was kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// Audio of a request without a name could not be used.
    #[error(transparent)]
    Audio(#[from] AudioError),
    /// One of several recordings could not be used: send the others without it, or mend it.
    #[error("{recording}: {source}")]
    Recording {
        /// Which one.
        recording: String,
        /// Its place in the request, from 0.
        position: usize,
        /// What is wrong with it.
        source: AudioError,
    },
    /// Less speech than a voiceprint needs: record more.
    #[error("{what} has {got} of speech and needs {needed}; record more")]
    InsufficientSpeech {
        /// Which recording, or all together.
        what: String,
        /// How much there is.
        got: NetSpeech,
        /// How much it takes.
        needed: NetSpeech,
    },
    /// The audio is too poor to stand for a customer from now on: record again.
    #[error("{what} is too poor to enroll: {problem}; record again on a better line")]
    LowQuality {
        /// Which recording.
        what: String,
        /// What is wrong, with the figure and the limit.
        problem: String,
    },
    /// One recording is of another voice than the rest: leave it out, or force it.
    #[error("{recording} does not sound like the other recordings; leave it out")]
    OutlierRecording {
        /// Which one.
        recording: String,
    },
    /// More than one voice speaks in a recording: choose the customer's channel or cut it.
    #[error("{what} holds more than one voice; send the customer's channel alone")]
    SeveralVoices {
        /// Which recording.
        what: String,
    },
    /// The voice is in the proxy library: check who called, or force it.
    #[error("the voice resembles listed proxy {proxy}; check who called, or enroll with force")]
    ProxyMatch {
        /// The listing it resembles.
        proxy: ProxyId,
    },
    /// The voice is unlike the customer's own history: check who called, or force it.
    #[error("the voice is unlike this customer's history; check who called, or enroll with force")]
    UnlikeHistory,
    /// A request must bring at least one recording and not more than the limit.
    #[error("{got} recordings were sent; send 1 to {max}")]
    RecordingCount {
        /// How many came.
        got: usize,
        /// The most there may be.
        max: usize,
    },
    /// A matrix larger than the limit: send fewer voiceprints at a time.
    #[error("{got} comparisons were asked for; at most {max} are made at once")]
    TooManyComparisons {
        /// How many pairs.
        got: usize,
        /// The most there may be.
        max: usize,
    },
    /// An id that can't be one.
    #[error(transparent)]
    Id(#[from] IdError),
    /// Voiceprints that can't be taken or compared.
    #[error(transparent)]
    Voiceprint(#[from] VoiceprintError),
    /// The galleries could not be used.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// The back end or the calibration could not be used.
    #[error(transparent)]
    Scoring(#[from] ScoringError),
    /// The records could not be read or kept.
    #[error(transparent)]
    Records(#[from] RecordsError),
    /// Nobody waits for it any more, or its deadline passed.
    #[error("the request was cancelled or its deadline passed")]
    Cancelled,
    /// The call id stands for other audio, another customer or a live call: check who hands out the ids.
    #[error(
        "call {call} is in the records with other audio or another customer; every call needs an id of its own"
    )]
    CallIdReused {
        /// The call.
        call: CallId,
    },
    /// The call's end could not be kept, and so its verdict is not told: see to the store. The call is
    /// ended in the records, with the last update that was kept, when the program starts again.
    #[error(
        "the end of call {call} could not be kept ({source}); it is concluded with its last kept update at the next start"
    )]
    CallNotConcluded {
        /// The call.
        call: CallId,
        /// What the store says.
        source: RecordsError,
    },
    /// The call was ended before: begin another.
    #[error("the call has ended; begin a new call for new audio")]
    CallEnded,
}

/// What kind of fault an error is, whoever reports it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The request is wrong: correct it.
    InvalidArgument,
    /// What it names is not there.
    NotFound,
    /// What it makes is there already.
    AlreadyExists,
    /// It can't be done in the present state of things.
    FailedPrecondition,
    /// A limit was reached: ask for less, or later.
    ResourceExhausted,
    /// Try again.
    Unavailable,
    /// Stored data is damaged.
    DataLoss,
    /// Nobody waits for it.
    Cancelled,
    /// Our fault.
    Internal,
}
