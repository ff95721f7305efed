#![expect(unsafe_code, reason = "libgsm is a C library; this module is its one safe door here")]

use std::ptr::NonNull;

use super::PACKET;

/// The bytes of a frame on the wire.
pub(super) const FRAME_BYTES: usize = 33;

#[repr(C)]
struct State {
    _opaque: [u8; 0],
}

#[link(name = "gsm")]
unsafe extern "C" {
    fn gsm_create() -> *mut State;
    fn gsm_destroy(state: *mut State);
    fn gsm_encode(state: *mut State, samples: *mut i16, frame: *mut u8);
}

/// An encoder's state in libgsm, freed when dropped.
pub(super) struct GsmEncoder(NonNull<State>);

impl GsmEncoder {
    /// None when there is no memory.
    pub(super) fn new() -> Option<Self> {
        // SAFETY: takes no arguments; gives a fresh state or null.
        NonNull::new(unsafe { gsm_create() }).map(Self)
    }

    /// Encodes 20 ms.
    pub(super) fn encode(&mut self, mut samples: [i16; PACKET]) -> [u8; FRAME_BYTES] {
        let mut frame = [0; FRAME_BYTES];
        // SAFETY: the state is alive and not shared (`&mut self`); libgsm reads 160 samples and
        // writes 33 bytes (gsm_encode(3)), which is what the arrays hold.
        unsafe { gsm_encode(self.0.as_ptr(), samples.as_mut_ptr(), frame.as_mut_ptr()) };
        frame
    }
}

impl Drop for GsmEncoder {
    fn drop(&mut self) {
        // SAFETY: made by gsm_create, freed once.
        unsafe { gsm_destroy(self.0.as_ptr()) }
    }
}
