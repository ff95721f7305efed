#![expect(unsafe_code, reason = "opencore-amrnb is a C library; this module is its one safe door")]

use std::ffi::{c_int, c_short, c_uchar, c_void};
use std::ptr::NonNull;

use super::PACKET;
use crate::SimulationError;

/// The file and the Debian package that has it.
const LIBRARY: &str = "libopencore-amrnb.so.0";
const PACKAGE: &str = "libopencore-amrnb0";

/// The largest frame: a type byte and 244 bits (RFC 4867, section 5.3), with room to spare.
pub(super) const FRAME_BYTES: usize = 64;

type EncoderInit = unsafe extern "C" fn(c_int) -> *mut c_void;
type EncoderEncode = unsafe extern "C" fn(*mut c_void, c_int, *const c_short, *mut c_uchar, c_int) -> c_int;
type DecoderInit = unsafe extern "C" fn() -> *mut c_void;
type DecoderDecode = unsafe extern "C" fn(*mut c_void, *const c_uchar, *mut c_short, c_int);
type Exit = unsafe extern "C" fn(*mut c_void);

/// The library, loaded at run time so that a server needs none of it.
pub(crate) struct AmrLibrary {
    encoder_init: EncoderInit,
    encoder_encode: EncoderEncode,
    encoder_exit: Exit,
    decoder_init: DecoderInit,
    decoder_decode: DecoderDecode,
    decoder_exit: Exit,
    /// Keeps the functions above in memory.
    _library: libloading::Library,
}

impl AmrLibrary {
    /// Loads it.
    pub(crate) fn load() -> Result<Self, SimulationError> {
        Self::load_from(LIBRARY)
    }

    fn load_from(file: &str) -> Result<Self, SimulationError> {
        let missing = |error: libloading::Error| SimulationError::CodecLibrary {
            library: LIBRARY,
            package: PACKAGE,
            cause: error.to_string(),
        };
        // SAFETY: the library's initializers are the compiler's own; the types of the six functions
        // are those of interf_enc.h and interf_dec.h of opencore-amr 0.1.x (soname 0), and the
        // functions live as long as the library, which is kept beside them.
        unsafe {
            let library = libloading::Library::new(file).map_err(missing)?;
            Ok(Self {
                encoder_init: *library.get::<EncoderInit>(b"Encoder_Interface_init\0").map_err(missing)?,
                encoder_encode: *library
                    .get::<EncoderEncode>(b"Encoder_Interface_Encode\0")
                    .map_err(missing)?,
                encoder_exit: *library.get::<Exit>(b"Encoder_Interface_exit\0").map_err(missing)?,
                decoder_init: *library.get::<DecoderInit>(b"Decoder_Interface_init\0").map_err(missing)?,
                decoder_decode: *library
                    .get::<DecoderDecode>(b"Decoder_Interface_Decode\0")
                    .map_err(missing)?,
                decoder_exit: *library.get::<Exit>(b"Decoder_Interface_exit\0").map_err(missing)?,
                _library: library,
            })
        }
    }

    /// An encoder; `gaps` turns on discontinuous transmission.
    pub(super) fn encoder(&self, gaps: bool) -> Option<AmrEncoder<'_>> {
        // SAFETY: takes a flag; gives a fresh state or null.
        let state = NonNull::new(unsafe { (self.encoder_init)(c_int::from(gaps)) })?;
        Some(AmrEncoder { library: self, state })
    }

    pub(super) fn decoder(&self) -> Option<AmrDecoder<'_>> {
        // SAFETY: takes no arguments; gives a fresh state or null.
        let state = NonNull::new(unsafe { (self.decoder_init)() })?;
        Some(AmrDecoder { library: self, state })
    }
}

impl std::fmt::Debug for AmrLibrary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AmrLibrary")
    }
}

pub(super) struct AmrEncoder<'a> {
    library: &'a AmrLibrary,
    state: NonNull<c_void>,
}

impl AmrEncoder<'_> {
    /// Encodes 20 ms at the mode 0 (4.75 kbit/s) to 7 (12.2).
    pub(super) fn encode(&mut self, mode: u8, samples: &[i16; PACKET]) -> [u8; FRAME_BYTES] {
        let mut frame = [0; FRAME_BYTES];
        let mode = c_int::from(mode.min(7));
        // SAFETY: the state is alive and not shared (`&mut self`); the mode is one of the eight; the
        // library reads 160 samples and writes at most 32 bytes.
        unsafe {
            (self.library.encoder_encode)(self.state.as_ptr(), mode, samples.as_ptr(), frame.as_mut_ptr(), 0)
        };
        frame
    }
}

impl Drop for AmrEncoder<'_> {
    fn drop(&mut self) {
        // SAFETY: made by this library's init, freed once.
        unsafe { (self.library.encoder_exit)(self.state.as_ptr()) }
    }
}

pub(super) struct AmrDecoder<'a> {
    library: &'a AmrLibrary,
    state: NonNull<c_void>,
}

impl AmrDecoder<'_> {
    /// Decodes 20 ms from a frame that begins with its type byte.
    pub(super) fn decode(&mut self, frame: &[u8; FRAME_BYTES]) -> [i16; PACKET] {
        let mut samples = [0; PACKET];
        // SAFETY: the state is alive and not shared (`&mut self`); the library reads at most the 32
        // bytes of the largest frame, whatever its type byte says, and writes 160 samples.
        unsafe {
            (self.library.decoder_decode)(self.state.as_ptr(), frame.as_ptr(), samples.as_mut_ptr(), 0);
        }
        samples
    }
}

impl Drop for AmrDecoder<'_> {
    fn drop(&mut self) {
        // SAFETY: made by this library's init, freed once.
        unsafe { (self.library.decoder_exit)(self.state.as_ptr()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_library_names_its_package() {
        let error = AmrLibrary::load_from("libno-such-codec.so.0").unwrap_err();
        assert!(matches!(error, SimulationError::CodecLibrary { .. }));
        assert!(error.to_string().contains("install the Debian package libopencore-amrnb0"), "{error}");
    }
}
