use earmark_voiceprint::{Quality, Voiceprint};

/// One recording of the material: what was heard in it and what its list says of it.
#[derive(Clone, Debug)]
pub struct Call {
    /// The recording's name, unique in the list.
    pub recording: String,
    /// Who speaks; not needed for an adaptation without labels.
    pub speaker: Option<String>,
    /// Recordings of one session (one line, one day) are never tried against each other. None: the
    /// recording is a session of its own.
    pub session: Option<String>,
    /// Whether it stands for enrollments, for calls, or for both.
    pub side: CallSide,
    /// What it may be used for.
    pub purpose: Purpose,
    /// The collection it is of; strangers of one collection set the alarms. May be empty.
    pub set: String,
    /// The speaker's gender; may be empty.
    pub gender: String,
    /// The line's codec; may be empty.
    pub codec: String,
    /// The model's voiceprint of all its speech.
    pub voiceprint: Voiceprint,
    /// How good the audio is.
    pub quality: Option<Quality>,
    /// What a live call has at each look, rising in speech; empty if it was not listened to so.
    pub looks: Vec<Look>,
}

/// A live call's voiceprint at one look.
#[derive(Clone, Debug)]
pub struct Look {
    /// The mean of all windows so far.
    pub voiceprint: Voiceprint,
    /// How good the audio is so far.
    pub quality: Option<Quality>,
}

/// Which side of a comparison a recording stands for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CallSide {
    /// Enrollment only.
    Enroll,
    /// Call only.
    Probe,
    /// Either.
    #[default]
    Both,
}

impl CallSide {
    pub(crate) fn enrolls(self) -> bool {
        self != Self::Probe
    }

    pub(crate) fn calls(self) -> bool {
        self != Self::Enroll
    }
}

/// What a recording may be used for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Purpose {
    /// In the back end, and in reported figures (by folds that did not train on the speaker).
    #[default]
    Report,
    /// In the back end, the cohort and the calibration; never in a reported figure.
    Train,
    /// In reported figures only: never in anything that is fitted.
    Test,
}

impl Purpose {
    /// The purpose with this name in a list.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "" | "report" => Some(Self::Report),
            "train" => Some(Self::Train),
            "test" => Some(Self::Test),
            _ => None,
        }
    }
}
