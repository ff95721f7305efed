use std::fmt;

/// What a token may be good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Permission {
    /// Bring calls: media streams, vendors' streams, `RegisterCall` and `SignalCall`.
    Media,
    /// `ScreeningService`: screen calls, watch them, read them, report outcomes.
    Screening,
    /// `VoiceprintsService`, which hands voiceprints out.
    Voiceprints,
    /// `ProxyLibraryService`.
    Library,
    /// `CustomersService`.
    Customers,
    /// `DeskService`, which opens pages to people.
    Desk,
}

impl Permission {
    /// All there are.
    pub const ALL: [Self; 6] =
        [Self::Media, Self::Screening, Self::Voiceprints, Self::Library, Self::Customers, Self::Desk];

    /// As configuration writes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Media => "media",
            Self::Screening => "screening",
            Self::Voiceprints => "voiceprints",
            Self::Library => "library",
            Self::Customers => "customers",
            Self::Desk => "desk",
        }
    }

    /// The permission of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.name() == name)
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
