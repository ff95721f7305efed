/// Which work goes first. A lane is looked at only when all above it are empty, but for lookups: one of
/// them goes after a few live jobs (`MAX_LIVE_BEFORE_LOOKUP`), so that pages work however many calls
/// there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Lane {
    /// Steps of live calls: an agent waits for them while the customer speaks.
    Live,
    /// Small reads and writes: a person waits for them.
    Lookup,
    /// Whole recordings and matrices: seconds to minutes each. Never takes the last thread.
    Batch,
}

impl Lane {
    pub(crate) const COUNT: usize = 3;
    pub(crate) const ALL: [Self; Self::COUNT] = [Self::Live, Self::Lookup, Self::Batch];

    pub(crate) fn index(self) -> usize {
        self as usize
    }

    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Lookup => "lookup",
            Self::Batch => "batch",
        }
    }
}
