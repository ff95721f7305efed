use std::fmt;
use std::sync::Arc;

/// Why a text can't be an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdError {
    /// An id must say something.
    #[error("{kind} is empty; give 1 to {max} characters")]
    Empty {
        /// Which id it was.
        kind: &'static str,
        /// The most bytes an id may have.
        max: usize,
    },
    /// Longer than an id may be.
    #[error("{kind} is {got} bytes long; at most {max} are allowed")]
    TooLong {
        /// Which id it was.
        kind: &'static str,
        /// Its length in bytes.
        got: usize,
        /// The most bytes an id may have.
        max: usize,
    },
    /// Control characters or white space at an end, which no log or screen can show.
    #[error("{kind} holds a control character or starts or ends with white space")]
    Unprintable {
        /// Which id it was.
        kind: &'static str,
    },
}

const MAX_ID_BYTES: usize = 128;

fn checked(kind: &'static str, id: &str) -> Result<Arc<str>, IdError> {
    let max = MAX_ID_BYTES;
    if id.is_empty() {
        return Err(IdError::Empty { kind, max });
    }
    if id.len() > max {
        let got = id.len();
        return Err(IdError::TooLong { kind, got, max });
    }
    if id.chars().any(char::is_control) || id.trim() != id {
        return Err(IdError::Unprintable { kind });
    }
    Ok(id.into())
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $kind:literal) => {
        $(#[$doc])*
        ///
        /// 1 to 128 bytes of printable text, as the caller's system writes it. Cheap to clone.
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks and takes an id from outside.
            ///
            /// # Errors
            /// [`IdError`] says which rule the text breaks.
            pub fn new(id: &str) -> Result<Self, IdError> {
                checked($kind, id).map(Self)
            }

            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id!(
    /// The institution (or a part of it) that a record belongs to.
    TenantId, "tenant id"
);
id!(
    /// A customer, by the institution's own key. Identity data: kept apart from voiceprints.
    CustomerId, "customer id"
);
id!(
    /// A listed proxy: a known complaint agent's voice in the proxy library.
    ProxyId, "proxy id"
);
id!(
    /// One phone call.
    CallId, "call id"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_what_a_core_banking_system_writes() {
        for id in ["6217-0000-1234", "客户 42", "a"] {
            assert_eq!(CustomerId::new(id).unwrap().as_str(), id);
        }
    }

    #[test]
    fn refuses_empty_long_and_unprintable() {
        assert!(matches!(CustomerId::new(""), Err(IdError::Empty { .. })));
        assert!(matches!(ProxyId::new(&"x".repeat(129)), Err(IdError::TooLong { got: 129, .. })));
        for bad in ["a\nb", " a", "a ", "\u{7f}"] {
            assert!(matches!(CallId::new(bad), Err(IdError::Unprintable { .. })), "{bad:?}");
        }
    }
}
