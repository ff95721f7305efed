//! The trivial baseline beside every result: one Gaussian of cepstra a recording, nothing trained.

mod cepstra;
mod gaussian;
mod symmetric;

pub use cepstra::MFCC_DIMENSION;
pub use gaussian::{MIN_FRAMES, MfccGaussian};
