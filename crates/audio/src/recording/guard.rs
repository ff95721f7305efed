use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::AudioError;

/// Runs a decoding library. A hostile file may hit an arithmetic check or an assertion in it, and
/// a file from outside must not end the process: such a panic becomes an error, and the caller
/// drops the decoder.
pub(super) fn decoding<T>(
    codec: &'static str,
    step: impl FnOnce() -> Result<T, AudioError>,
) -> Result<T, AudioError> {
    // Nothing half-changed is seen again: the decoder is dropped and its block is cleared.
    catch_unwind(AssertUnwindSafe(step)).unwrap_or(Err(AudioError::DecoderFault { codec }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_in_a_library_is_an_error_here() {
        let failed = decoding::<()>("test", || panic!("index out of bounds"));
        assert!(matches!(failed, Err(AudioError::DecoderFault { codec: "test" })));
        assert_eq!(decoding("test", || Ok(3)).unwrap(), 3);
    }
}
