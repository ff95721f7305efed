use std::path::Path;

use ort::value::TensorRef;

use super::*;
use crate::OnnxRuntime;
use crate::model::{SessionPool, VerifiedFile};

/// Vowels from a pulse train through two resonances, noise, silence, clipping and clicks.
fn signal(chunks: usize) -> Vec<[f32; VAD_CHUNK]> {
    let (mut seed, mut phase) = (9u32, 0.0f32);
    let mut resonances = [[0.0f32; 2]; 2];
    let mut sample = |n: usize| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let noise = (seed >> 8) as f32 / (1 << 23) as f32 - 1.0;
        let t = n as f32 / 8_000.0;
        phase += (130.0 + 30.0 * (t * 4.0).sin()) / 8_000.0;
        let pulse = f32::from(phase >= 1.0);
        phase = phase.fract();
        let formants = [500.0 + 250.0 * (t * 9.0).sin(), 1_400.0 + 500.0 * (t * 7.0).sin()];
        let mut voice = pulse * (0.5 + 0.5 * (t * 20.0).sin()).max(0.0);
        for (past, hz) in resonances.iter_mut().zip(formants) {
            let angle = std::f32::consts::TAU * hz / 8_000.0;
            let y = 0.3 * voice + 2.0 * 0.96 * angle.cos() * past[0] - 0.96 * 0.96 * past[1];
            *past = [y, past[0]];
            voice = y;
        }
        match (n / 8_000) % 6 {
            0 | 1 => 0.3 * voice + 0.001 * noise,
            2 => 0.3 * noise,
            3 => 0.0,
            4 => (30.0 * voice).clamp(-1.0, 1.0),
            _ => 0.02 * voice + f32::from(n.is_multiple_of(4_000)),
        }
    };
    (0..chunks).map(|c| std::array::from_fn(|n| sample(c * VAD_CHUNK + n))).collect()
}

/// The oracle: the very same file in ONNX Runtime.
fn by_onnx_runtime(file: &VerifiedFile, runtime: &OnnxRuntime, chunks: &[[f32; VAD_CHUNK]]) -> Vec<f32> {
    let pool = SessionPool::new(file, runtime, 1).unwrap();
    let (mut state, mut context) = (vec![0.0f32; 2 * STATE], vec![0.0f32; CONTEXT]);
    let mut run = |chunk: &[f32; VAD_CHUNK]| {
        let samples = [&context[..], chunk].concat();
        context = chunk[VAD_CHUNK - CONTEXT..].to_vec();
        let samples = TensorRef::from_array_view(([1, CONTEXT + VAD_CHUNK], &samples[..])).unwrap();
        let before = TensorRef::from_array_view(([2, 1, STATE], &state[..])).unwrap();
        let (probability, after) = pool.with(|session| {
            let inputs = ort::inputs! { "samples" => samples, "state" => before };
            let outputs = session.run(inputs).unwrap();
            let tensor = |name: &str| outputs[name].try_extract_tensor::<f32>().unwrap().1.to_vec();
            (tensor("probability")[0], tensor("state_out"))
        });
        state = after;
        probability
    };
    chunks.iter().map(&mut run).collect()
}

#[test]
fn equals_onnx_runtime() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/silero-vad-8k");
    let runtime = match OnnxRuntime::load(None) {
        Ok(runtime) => runtime,
        Err(error) => return println!("skipped: {error}"),
    };
    let path = folder.join("silero_vad_8k.onnx");
    let bytes = std::fs::read(&path).unwrap();
    let network = Silero::read(&bytes).unwrap();
    let chunks = signal(800);
    let expected = by_onnx_runtime(&VerifiedFile { path, sha256: String::new(), bytes }, &runtime, &chunks);
    let mut state = SileroState::default();
    let found: Vec<f32> = chunks.iter().map(|chunk| network.probability(&mut state, chunk)).collect();
    let difference = |(a, b): (&f32, &f32)| (a - b).abs();
    let largest = expected.iter().zip(&found).map(difference).fold(0.0, f32::max);
    assert!(largest < 1e-4, "largest difference {largest}");
    // The signal must move the network, or the comparison shows nothing.
    assert!(expected.iter().any(|p| *p > 0.5) && expected.iter().any(|p| *p < 0.05));
}
