#![expect(unsafe_code, reason = "libgsm is a C library; this module is its one safe door")]

use std::ffi::c_int;
use std::ptr::NonNull;

use crate::AudioError;

/// The samples of one GSM 06.10 frame: 20 ms at 8 kHz.
pub(super) const FRAME_SAMPLES: usize = 160;
/// The bytes of a frame on the wire: a magic nibble 0xD and 260 bits.
pub(super) const FRAME_BYTES: usize = 33;
/// The bytes of a WAV block: two frames of 260 bits, packed from the low bit up.
pub(super) const BLOCK_BYTES: usize = 65;

const OPTION_WAV49: c_int = 4;

#[repr(C)]
struct State {
    _opaque: [u8; 0],
}

#[link(name = "gsm")]
unsafe extern "C" {
    fn gsm_create() -> *mut State;
    fn gsm_destroy(state: *mut State);
    fn gsm_option(state: *mut State, option: c_int, value: *mut c_int) -> c_int;
    fn gsm_decode(state: *mut State, frame: *mut u8, samples: *mut i16) -> c_int;
}

/// A decoder's state in libgsm, freed when dropped.
pub(super) struct Gsm(NonNull<State>);

// SAFETY: libgsm's state is a plain allocation without thread affinity; `&mut self` on every
// method that touches it keeps two threads from using it at once.
unsafe impl Send for Gsm {}
// SAFETY: no method takes `&self`.
unsafe impl Sync for Gsm {}

impl Gsm {
    /// For frames of 33 bytes, or for the 65-byte blocks of WAV format 0x31.
    pub(super) fn new(wav49: bool) -> Result<Self, AudioError> {
        // SAFETY: takes no arguments; gives a fresh state or null.
        let state = unsafe { gsm_create() };
        let gsm = Self(NonNull::new(state).ok_or(AudioError::DecoderFault { codec: "gsm 06.10" })?);
        if wav49 {
            let mut on: c_int = 1;
            // SAFETY: the state is alive and `on` outlives the call, which only reads it.
            let done = unsafe { gsm_option(gsm.0.as_ptr(), OPTION_WAV49, &raw mut on) };
            if done < 0 {
                // A libgsm built without WAV49 can't read these files.
                return Err(AudioError::DecoderFault { codec: "gsm 06.10 (wav49)" });
            }
        }
        Ok(gsm)
    }

    /// Decodes one frame of 33 bytes. Under WAV49 the first frame of a block takes 33 bytes and the
    /// second 32; the array is 33 long all the same because the library may look at it whole.
    ///
    /// Gives nothing when the frame is not one.
    pub(super) fn decode(&mut self, mut frame: [u8; FRAME_BYTES]) -> Option<[i16; FRAME_SAMPLES]> {
        let mut samples = [0i16; FRAME_SAMPLES];
        // SAFETY: the state is alive and not shared (`&mut self`); libgsm reads at most 33 bytes
        // and writes exactly 160 samples (gsm_decode(3)), which is what the arrays hold.
        let done = unsafe { gsm_decode(self.0.as_ptr(), frame.as_mut_ptr(), samples.as_mut_ptr()) };
        (done == 0).then_some(samples)
    }
}

impl Drop for Gsm {
    fn drop(&mut self) {
        // SAFETY: made by gsm_create, freed once.
        unsafe { gsm_destroy(self.0.as_ptr()) }
    }
}

impl std::fmt::Debug for Gsm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Gsm")
    }
}
