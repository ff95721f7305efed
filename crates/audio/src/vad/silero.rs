//! The 8 kHz half of Silero VAD 6: a short-time spectrum, four convolutions, an LSTM.
//!
//! Computed here rather than by ONNX Runtime because a chunk is so little work that the runtime's own
//! cost would be most of it. A test below holds the two together.

use super::VAD_CHUNK;
use super::graph::Weights;
use super::kernel::Matrix;

/// Samples of the chunk before that the network sees again.
pub(super) const CONTEXT: usize = 32;
/// The end of the chunk is mirrored by so much, so that four frames fit.
const MIRRORED: usize = 32;
/// Samples of a spectrum's frame.
const FRAME: usize = 128;
/// From one frame to the next.
const HOP: usize = 64;
/// Frames in a chunk.
const FRAMES: usize = 4;
/// Bins of a frame's spectrum.
const BINS: usize = FRAME / 2 + 1;
/// Size of the LSTM's hidden and of its cell state.
pub(super) const STATE: usize = 128;

/// The network's weights.
#[derive(Clone, Debug)]
pub(super) struct Silero {
    spectrum: Matrix,
    encoder: [Matrix; 4],
    lstm: Matrix,
    output_weights: Vec<f32>,
    output_bias: f32,
}

/// What the network remembers of a stream, and its work space.
#[derive(Clone, Debug)]
pub(super) struct SileroState {
    context: [f32; CONTEXT],
    hidden: [f32; STATE],
    cell: [f32; STATE],
    spectra: [[f32; 144]; FRAMES],
}

impl Default for SileroState {
    fn default() -> Self {
        Self {
            context: [0.0; CONTEXT],
            hidden: [0.0; STATE],
            cell: [0.0; STATE],
            spectra: [[0.0; 144]; FRAMES],
        }
    }
}

impl Silero {
    /// Reads the weights of an ONNX file made by `models/silero-vad-8k/make.py`.
    pub(super) fn read(onnx: &[u8]) -> Result<Self, String> {
        let mut weights = Weights::read(onnx)?;
        let basis = weights.take("spectrum.basis", &[2 * BINS as i64, FRAME as i64, 1])?;
        Ok(Self {
            spectrum: Matrix::new(FRAME, &[0.0; 2 * BINS], |o, i| basis[o * FRAME + i]),
            encoder: [
                convolution(&mut weights, 0, BINS, 128, 3)?,
                convolution(&mut weights, 1, 128, 64, 3)?,
                convolution(&mut weights, 2, 64, 64, 3)?,
                convolution(&mut weights, 3, 64, 128, 1)?,
            ],
            lstm: lstm(&mut weights)?,
            output_weights: weights.take("decoder.weight", &[STATE as i64, 1])?,
            output_bias: weights.take("decoder.bias", &[1])?[0],
        })
    }

    /// The probability that the next chunk of a stream is speech.
    pub(super) fn probability(&self, state: &mut SileroState, chunk: &[f32; VAD_CHUNK]) -> f32 {
        let magnitudes = self.magnitudes(state, chunk);
        let encoded = self.encode(&magnitudes);
        self.recur(state, &encoded);
        let relu = state.hidden.iter().map(|h| h.max(0.0));
        sigmoid(relu.zip(&self.output_weights).map(|(h, w)| h * w).sum::<f32>() + self.output_bias)
    }

    /// `[frames + 2][bins]`, a frame of zeros at each end for the convolution to reach into.
    fn magnitudes(&self, state: &mut SileroState, chunk: &[f32; VAD_CHUNK]) -> [f32; (FRAMES + 2) * BINS] {
        let mut samples = [0.0; CONTEXT + VAD_CHUNK + MIRRORED];
        samples[..CONTEXT].copy_from_slice(&state.context);
        samples[CONTEXT..CONTEXT + VAD_CHUNK].copy_from_slice(chunk);
        let end = CONTEXT + VAD_CHUNK;
        for n in 0..MIRRORED {
            samples[end + n] = samples[end - 2 - n];
        }
        state.context.copy_from_slice(&chunk[VAD_CHUNK - CONTEXT..]);

        let frames = [0, 1, 2, 3].map(|t| &samples[t * HOP..t * HOP + FRAME]);
        let [a, b, c, d] = &mut state.spectra;
        self.spectrum.multiply(frames, [a, b, c, d]);
        let mut magnitudes = [0.0; (FRAMES + 2) * BINS];
        for (spectrum, row) in state.spectra.iter().zip(magnitudes[BINS..].chunks_exact_mut(BINS)) {
            let (real, imaginary) = spectrum.split_at(BINS);
            for ((re, im), magnitude) in real.iter().zip(imaginary).zip(row) {
                *magnitude = (re * re + im * im).sqrt();
            }
        }
        magnitudes
    }

    /// The convolutions. Time by channels, so that what a kernel sees is one slice.
    fn encode(&self, magnitudes: &[f32; (FRAMES + 2) * BINS]) -> [f32; STATE] {
        let [first, second, third, fourth] = &self.encoder;
        // Four frames, then two, then one; a frame of zeros before the first (and, where the kernel
        // reaches it, after the last).
        let mut a = [0.0; (1 + FRAMES) * 128];
        let [_, a0, a1, a2, a3] = rows(&mut a);
        first.multiply([0, 1, 2, 3].map(|t| &magnitudes[t * BINS..(t + 3) * BINS]), [a0, a1, a2, a3]);
        relu(&mut a);
        let mut b = [0.0; 4 * 64];
        let [_, b0, b1, _] = rows(&mut b);
        second.multiply([&a[..3 * 128], &a[2 * 128..]], [b0, b1]);
        relu(&mut b);
        let mut c = [0.0; 64];
        third.multiply([&b[..3 * 64]], [&mut c]);
        relu(&mut c);
        let mut encoded = [0.0; STATE];
        fourth.multiply([&c], [&mut encoded]);
        relu(&mut encoded);
        encoded
    }

    /// One step of the LSTM. The gates lie in ONNX's order: input, output, forget, cell.
    fn recur(&self, state: &mut SileroState, encoded: &[f32; STATE]) {
        let mut input = [0.0; 2 * STATE];
        input[..STATE].copy_from_slice(encoded);
        input[STATE..].copy_from_slice(&state.hidden);
        let mut gates = [0.0; 4 * STATE];
        self.lstm.multiply([&input], [&mut gates]);
        for n in 0..STATE {
            let [entry, output, forget] = [0, 1, 2].map(|gate| sigmoid(gates[gate * STATE + n]));
            let candidate = tanh(gates[3 * STATE + n]);
            state.cell[n] = forget * state.cell[n] + entry * candidate;
            state.hidden[n] = output * tanh(state.cell[n]);
        }
    }
}

/// A one-dimensional convolution as a matrix over `width` frames laid end to end.
fn convolution(
    weights: &mut Weights,
    layer: usize,
    inputs: usize,
    outputs: usize,
    width: usize,
) -> Result<Matrix, String> {
    let dims = [outputs as i64, inputs as i64, width as i64];
    let kernel = weights.take(&format!("encoder.{layer}.weight"), &dims)?;
    let bias = weights.take(&format!("encoder.{layer}.bias"), &dims[..1])?;
    Ok(Matrix::new(width * inputs, &bias, |output, column| {
        let (tap, input) = (column / inputs, column % inputs);
        kernel[(output * inputs + input) * width + tap]
    }))
}

/// Both matrices of the LSTM side by side, over the input and the hidden state laid end to end.
fn lstm(weights: &mut Weights) -> Result<Matrix, String> {
    let dims = [1, 4 * STATE as i64, STATE as i64];
    let input = weights.take("lstm.input", &dims)?;
    let recurrence = weights.take("lstm.recurrence", &dims)?;
    let biases = weights.take("lstm.bias", &[1, 8 * STATE as i64])?;
    let (of_input, of_recurrence) = biases.split_at(4 * STATE);
    let bias: Vec<f32> = of_input.iter().zip(of_recurrence).map(|(a, b)| a + b).collect();
    Ok(Matrix::new(2 * STATE, &bias, |output, column| match column.checked_sub(STATE) {
        None => input[output * STATE + column],
        Some(column) => recurrence[output * STATE + column],
    }))
}

/// Cuts a buffer into `N` equal rows.
fn rows<const N: usize>(buffer: &mut [f32]) -> [&mut [f32]; N] {
    let mut rows = buffer.chunks_exact_mut(buffer.len() / N);
    std::array::from_fn(|_| rows.next().unwrap_or_default())
}

fn relu(values: &mut [f32]) {
    values.iter_mut().for_each(|v| *v = v.max(0.0));
}

fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

/// Four times as fast as the standard library's, which also keeps the relative precision around zero.
fn tanh(x: f32) -> f32 {
    1.0 - 2.0 / (1.0 + (2.0 * x).exp())
}

#[cfg(test)]
mod tests;
