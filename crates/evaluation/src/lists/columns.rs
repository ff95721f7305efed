use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::Arc;

/// The optional columns that are kept for breakdowns; any other is ignored. `speaker` is the true
/// voice of a trial's recording, which makes the confidence intervals exact.
pub const KNOWN_COLUMNS: [&str; 7] =
    ["codec", "snr_db", "gender", "language", "net_speech_s", "set", "speaker"];

/// What a list says about a recording beyond what is needed, by column name; see
/// [`KNOWN_COLUMNS`]. Cheap to clone: a recording stands in many trials.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Columns(Arc<BTreeMap<String, String>>);

impl Columns {
    /// Nothing said.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a column or gives it another value.
    pub fn insert(&mut self, column: impl Into<String>, value: impl Into<String>) {
        Arc::make_mut(&mut self.0).insert(column.into(), value.into());
    }
}

impl Deref for Columns {
    type Target = BTreeMap<String, String>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl FromIterator<(String, String)> for Columns {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(columns: I) -> Self {
        Self(Arc::new(columns.into_iter().collect()))
    }
}
