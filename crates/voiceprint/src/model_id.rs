use std::fmt;
use std::sync::Arc;

/// Which network, front end and back end made a voiceprint.
///
/// `name/fingerprint`, where the fingerprint is over the weights and the front end, so that two
/// voiceprints with equal ids are comparable. A back end that moves voiceprints to another space
/// gives them another id (see [`ModelId::with_back_end`]). Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ModelId(Arc<str>);

impl ModelId {
    /// Builds an id from a model's name and the fingerprint of all that decides its output.
    #[must_use]
    pub fn new(name: &str, fingerprint: &str) -> Self {
        Self(format!("{name}/{fingerprint}").into())
    }

    /// Takes an id as it was stored or sent. An unknown id is harmless: it equals no model's.
    #[must_use]
    pub fn from_stored(id: &str) -> Self {
        Self(id.into())
    }

    /// The id of the space that the back end `fingerprint` maps this model's voiceprints to.
    #[must_use]
    pub fn with_back_end(&self, fingerprint: &str) -> Self {
        Self(format!("{}+{fingerprint}", self.0).into())
    }

    /// The id as text, for storing and sending.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ModelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ModelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ModelId({})", self.0)
    }
}
