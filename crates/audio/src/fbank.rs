//! Log-mel filterbank features, equal to Kaldi's (`feat/feature-fbank.cc`, `feature-window.cc`,
//! `mel-computations.cc`).
//!
//! One step a file: [`window`](self::window) shapes a frame, [`frame`](self::frame) takes its power
//! spectrum, [`mel`](self::mel) sums it into bands. [`Fbank`] strings them together over a stream.

mod frame;
mod mel;
mod options;
mod stream;
mod window;

pub use frame::FrameComputer;
pub use options::{FbankOptions, WindowShape};
pub use stream::Fbank;
