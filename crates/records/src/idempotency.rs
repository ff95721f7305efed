use crate::hash::hash_parts;
use crate::{Enrolled, ProxyAdded, RequestId};

/// SHA-256 over all that a request asks for, so that a request id can't be used for another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RequestDigest([u8; 32]);

impl RequestDigest {
    /// Over the parts in their order. Each part's length is hashed before it, so that moving a
    /// byte from one part to the next gives another digest.
    #[must_use]
    pub fn of<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Self {
        Self(hash_parts(parts))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// What makes a request safe to send again: the same id with the same digest gives the earlier
/// result, with another digest [`crate::RecordsError::RequestIdReused`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestKey {
    /// The caller's id of the request, unique within the tenant.
    pub id: RequestId,
    /// What it asks for.
    pub digest: RequestDigest,
}

/// The result of a request that was carried out before.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestOutcome {
    /// It enrolled a customer.
    Enrolled(Enrolled),
    /// It listed a proxy.
    ProxyAdded(ProxyAdded),
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_byte_moved_to_the_next_part_is_another_request() {
        let digest = |a: &str, b: &str| RequestDigest::of([a.as_bytes(), b.as_bytes()]);
        assert_ne!(digest("ab", "c"), digest("a", "bc"));
        assert_ne!(digest("abc", ""), digest("", "abc"));
    }

    proptest! {
        #[test]
        fn equal_exactly_for_equal_parts(a in parts(), b in parts()) {
            let digest = |p: &[Vec<u8>]| RequestDigest::of(p.iter().map(Vec::as_slice));
            prop_assert_eq!(digest(&a) == digest(&b), a == b);
        }
    }

    fn parts() -> impl Strategy<Value = Vec<Vec<u8>>> {
        prop::collection::vec(prop::collection::vec(0u8..2, 0..3), 0..3)
    }
}
