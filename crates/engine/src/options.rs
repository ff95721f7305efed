use std::path::PathBuf;

use earmark_audio::{ExtractOptions, Limits};
use earmark_scoring::{Policy, Priors};
use earmark_voiceprint::{NetSpeech, TenantId};

/// What an engine is opened with.
#[derive(Clone, Debug)]
pub struct EngineOptions {
    /// The folder that holds the records and the key file; made if it is not there.
    pub data: PathBuf,
    /// The folder of the speaker model: model.toml, weights and `backend/`.
    pub speaker_model: PathBuf,
    /// The folder of the voice-activity model.
    pub voice_activity_model: PathBuf,
    /// ONNX Runtime's shared library; found by itself if none is named.
    pub onnx_runtime: Option<PathBuf>,
    /// How many threads may run a network at once: as many as will call the engine.
    pub sessions: usize,
    /// The institutions served. Requests for others are refused.
    pub tenants: Vec<TenantId>,
    /// Limits on recordings.
    pub limits: Limits,
    /// How voiceprints are made.
    pub extraction: ExtractOptions,
    /// What an enrollment must have.
    pub enrollment: EnrollmentRules,
    /// When a verdict is given.
    pub policy: Policy,
    /// How likely each hypothesis is before anybody speaks.
    pub priors: Priors,
    /// A call is of two voices if the two groups that its 3 s windows split into are less alike than
    /// this, as a cosine in the back end's space (docs/evaluation.md). -1 turns it off.
    pub max_split_cosine: f32,
    /// Whether a caller who claims a customer that opted out is compared with the proxy library.
    /// Off: a refusal covers every comparison until the institution has another legal basis.
    pub screen_opted_out: bool,
    /// Whether a call's voiceprint is kept, sealed, so that proxies listed later can be looked for
    /// in past calls.
    pub keep_call_voiceprints: bool,
}

impl EngineOptions {
    /// The shipped [`EngineOptions::max_split_cosine`].
    pub const MAX_SPLIT_COSINE: f32 = 0.5;

    /// Everything as shipped but where things are and who is served; one session.
    #[must_use]
    pub fn shipped(
        data: PathBuf,
        speaker_model: PathBuf,
        voice_activity_model: PathBuf,
        tenants: Vec<TenantId>,
    ) -> Self {
        Self {
            data,
            speaker_model,
            voice_activity_model,
            onnx_runtime: None,
            sessions: 1,
            tenants,
            limits: Limits::default(),
            extraction: ExtractOptions::default(),
            enrollment: EnrollmentRules::default(),
            policy: Policy::default(),
            priors: Priors::default(),
            max_split_cosine: Self::MAX_SPLIT_COSINE,
            screen_opted_out: false,
            keep_call_voiceprints: false,
        }
    }
}

/// What an enrollment must have: a customer's history decides about them for years.
#[derive(Clone, Debug, PartialEq)]
pub struct EnrollmentRules {
    /// Speech in all recordings together.
    pub min_total_speech: NetSpeech,
    /// Speech in each recording.
    pub min_recording_speech: NetSpeech,
    /// Signal-to-noise ratio of each recording, in dB.
    pub min_snr_db: f32,
    /// The part of each recording's samples that may be clipped, 0 to 1.
    pub max_clipped_fraction: f32,
    /// LLR, in nats, that each recording must reach against all others together, and that new
    /// recordings must reach against the existing history.
    pub min_cohesion_llr: f64,
    /// A recording is of two voices if the two groups that its 3 s windows split into are less alike
    /// than this, as [`EngineOptions::max_split_cosine`] says of calls.
    pub min_split_cosine: f32,
    /// How alike the two least alike 3 s windows of one recording must be, as a cosine in the back
    /// end's space: finds turns that leave no window to one voice. Stricter than what is asked of a call,
    /// because an enrollment can be recorded again.
    pub min_window_cosine: f32,
    /// The most recordings in one request.
    pub max_recordings: usize,
}

impl Default for EnrollmentRules {
    fn default() -> Self {
        Self {
            min_total_speech: NetSpeech::from_seconds(8.0),
            min_recording_speech: NetSpeech::from_seconds(2.0),
            min_snr_db: 5.0,
            max_clipped_fraction: 0.05,
            min_cohesion_llr: -1.0,
            min_split_cosine: EngineOptions::MAX_SPLIT_COSINE,
            min_window_cosine: 0.3,
            max_recordings: 20,
        }
    }
}
