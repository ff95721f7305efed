use earmark_engine::EngineError;

/// Why a recording is set aside. Each says what to do; none shows audio.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    /// Something else of a recording's name: a link could lead anywhere.
    #[error("it is {what}, not a file; deliver the recording itself")]
    NotAFile { what: &'static str },
    #[error("its name is not UTF-8; let the recorder write names in UTF-8")]
    NameNotUtf8,
    #[error("its name has {got} bytes; at most {most} are taken")]
    NameTooLong { got: usize, most: usize },
    #[error("its name does not fit {template}; rename it, or mend --name")]
    NameDoesNotFit { template: String },
    #[error("its name fits {template} in more than one way; choose a separator that no field holds")]
    NameAmbiguous { template: String },
    #[error(
        "{name} is not there, which says whose call it is; deliver it beside the recording, or use --name"
    )]
    SidecarMissing { name: String },
    #[error("{name} can't be used: {problem}")]
    BadSidecar { name: String, problem: String },
    #[error("{field} can't be used: {problem}")]
    BadField { field: &'static str, problem: String },
    #[error(
        "it has {channels} channels and nothing says which is the customer's; use --channel, or \"channel\" in the sidecar"
    )]
    ChannelNotChosen { channels: u16 },
    #[error(
        "it has one channel and nothing says whose voice that is; use --mono customer where the recorder writes \
         the caller's leg alone, or \"role\" in the sidecar"
    )]
    MonoNotDeclared,
    #[error(
        "both parties are in one channel; record one channel a party, or take it with less certainty by \
         --mixed mark"
    )]
    BothParties,
    #[error("it carries the agent's voice; deliver the customer's leg")]
    AgentsLeg,
    #[error("the program failed on it, which is a fault of the program; convert it and report the fault")]
    Panicked,
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl Refused {
    /// A stable name for programs.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::NotAFile { .. } => "NOT_A_FILE",
            Self::NameNotUtf8 => "NAME_NOT_UTF8",
            Self::NameTooLong { .. } => "NAME_TOO_LONG",
            Self::NameDoesNotFit { .. } => "NAME_DOES_NOT_FIT",
            Self::NameAmbiguous { .. } => "NAME_AMBIGUOUS",
            Self::SidecarMissing { .. } => "SIDECAR_MISSING",
            Self::BadSidecar { .. } => "BAD_SIDECAR",
            Self::BadField { .. } => "BAD_FIELD",
            Self::ChannelNotChosen { .. } => "CHANNEL_NOT_CHOSEN",
            Self::MonoNotDeclared => "MONO_NOT_DECLARED",
            Self::BothParties => "MIXED_REFUSED",
            Self::AgentsLeg => "AGENTS_LEG",
            Self::Panicked => "PROGRAM_FAULT",
            Self::Engine(error) => error.reason(),
        }
    }
}
