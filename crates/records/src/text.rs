use std::fmt;
use std::sync::Arc;

use crate::{FieldProblem, RecordsError};

/// As long as the ids of the vocabulary.
const MAX_NAME_BYTES: usize = 128;
const MAX_CODE_BYTES: usize = 64;

/// One line of text: printable, at most `max` bytes, not empty.
pub(crate) fn check_line(field: &'static str, text: &str, max: usize) -> Result<(), RecordsError> {
    check_size(field, text, max)?;
    if text.chars().any(char::is_control) || text.trim() != text {
        return Err(RecordsError::field(field, FieldProblem::Unprintable));
    }
    Ok(())
}

/// Several lines of text: at most `max` bytes and more than white space. NUL is refused because
/// PostgreSQL can't hold it.
pub(crate) fn check_prose(field: &'static str, text: &str, max: usize) -> Result<(), RecordsError> {
    check_size(field, text.trim(), usize::MAX)?;
    check_size(field, text, max)?;
    if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        return Err(RecordsError::field(field, FieldProblem::Unprintable));
    }
    Ok(())
}

fn check_size(field: &'static str, text: &str, max: usize) -> Result<(), RecordsError> {
    let got = text.len();
    match got {
        0 => Err(RecordsError::field(field, FieldProblem::Empty)),
        _ if got > max => Err(RecordsError::field(field, FieldProblem::TooLong { got, max })),
        _ => Ok(()),
    }
}

fn check_code(field: &'static str, text: &str) -> Result<(), RecordsError> {
    check_size(field, text, MAX_CODE_BYTES)?;
    if text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_') {
        return Ok(());
    }
    Err(RecordsError::field(field, FieldProblem::NotACode))
}

macro_rules! text {
    ($(#[$doc:meta])* $name:ident, $field:literal, $check:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks and takes a text from outside.
            ///
            /// # Errors
            /// [`RecordsError::InvalidField`] says which rule the text breaks.
            pub fn new(text: &str) -> Result<Self, RecordsError> {
                $check($field, text)?;
                Ok(Self(text.into()))
            }

            /// The text itself.
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

fn check_name(field: &'static str, text: &str) -> Result<(), RecordsError> {
    check_line(field, text, MAX_NAME_BYTES)
}

text!(
    /// Who did something: a user's or a service's name, as the audit trail shows it. 1 to 128
    /// bytes of printable text.
    Actor, "actor", check_name
);
text!(
    /// The caller's id of a request that may be sent again. 1 to 128 bytes of printable text.
    RequestId, "request id", check_name
);
text!(
    /// A stable name for a verdict, a risk tier, a reason or a state: 1 to 64 lowercase ASCII
    /// letters, digits and underscores. The crate that decides gives it its meaning.
    Code, "code", check_code
);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_one_printable_line() {
        assert_eq!(Actor::new("坐席 07").unwrap().as_str(), "坐席 07");
        for bad in ["", " a", "a ", "a\nb", "a\0"] {
            assert!(Actor::new(bad).is_err(), "{bad:?}");
            assert!(RequestId::new(bad).is_err(), "{bad:?}");
        }
        assert!(RequestId::new(&"x".repeat(128)).is_ok());
        assert!(RequestId::new(&"x".repeat(129)).is_err());
    }

    #[test]
    fn prose_may_have_lines_but_not_be_blank() {
        assert!(check_prose("note", "one\n\ttwo ", 20).is_ok());
        for bad in ["", " \n ", "a\0b", "long enough to be too long"] {
            assert!(check_prose("note", bad, 20).is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn a_code_is_what_the_rule_says(text in "\\PC{0,70}") {
            let good = (1..=64).contains(&text.len())
                && text.chars().all(|c| matches!(c, 'a'..='z' | '0'..='9' | '_'));
            prop_assert_eq!(Code::new(&text).is_ok(), good);
        }

        #[test]
        fn every_good_code_is_kept_as_it_is(text in "[a-z0-9_]{1,64}") {
            let code = Code::new(&text).unwrap();
            prop_assert_eq!(code.as_str(), text.as_str());
        }
    }
}
