//! The one kernel of the voice activity network: a small matrix times a few vectors.
//!
//! Written once and compiled three times: for AVX-512, for AVX2 with FMA, and for any CPU. Only the
//! door between them is unsafe, and it asks the CPU first.

/// A matrix with a bias, packed for [`Matrix::multiply`].
#[derive(Clone, Debug)]
pub(super) struct Matrix {
    inputs: usize,
    /// `[blocks][inputs][BLOCK]`, outputs in blocks, the last one padded with zeros.
    packed: Vec<f32>,
    bias: Vec<f32>,
    cpu: Cpu,
}

/// Outputs that lie together: one AVX-512 register, two of AVX2.
const BLOCK: usize = 16;

/// Blocks summed side by side for one vector: enough to hide the latency of an addition.
const ABREAST: usize = 4;

/// What the CPU can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cpu {
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    Any,
}

impl Cpu {
    fn detect() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f") {
                return Self::Avx512;
            }
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                return Self::Avx2;
            }
        }
        Self::Any
    }
}

impl Matrix {
    /// Of `inputs` columns and as many rows as `bias` has; `weight(output, input)` gives the weights.
    pub(super) fn new(inputs: usize, bias: &[f32], weight: impl Fn(usize, usize) -> f32) -> Self {
        let outputs = bias.len();
        let padded = outputs.next_multiple_of(BLOCK);
        let mut packed = Vec::with_capacity(padded * inputs);
        for block in (0..padded).step_by(BLOCK) {
            for input in 0..inputs {
                let value = |output| if output < outputs { weight(output, input) } else { 0.0 };
                packed.extend((block..block + BLOCK).map(value));
            }
        }
        let mut bias = bias.to_vec();
        bias.resize(padded, 0.0);
        Self { inputs, packed, bias, cpu: Cpu::detect() }
    }

    /// `y[t] = bias + matrix * x[t]` for `T` vectors at once. An `x` has the matrix's inputs, a `y`
    /// its outputs rounded up to whole blocks.
    pub(super) fn multiply<const T: usize>(&self, x: [&[f32]; T], mut y: [&mut [f32]; T]) {
        let x = x.map(|x| &x[..self.inputs]);
        for y in &mut y {
            y[..self.bias.len()].copy_from_slice(&self.bias);
        }
        dispatch(self, &x, &mut y);
    }
}

#[expect(unsafe_code, reason = "calls code compiled for features that were detected")]
fn dispatch<const T: usize>(matrix: &Matrix, x: &[&[f32]; T], y: &mut [&mut [f32]; T]) {
    match matrix.cpu {
        // SAFETY: `Cpu::detect` saw avx512f on this CPU.
        #[cfg(target_arch = "x86_64")]
        Cpu::Avx512 => unsafe { avx512(matrix, x, y) },
        // SAFETY: `Cpu::detect` saw avx2 and fma on this CPU.
        #[cfg(target_arch = "x86_64")]
        Cpu::Avx2 => unsafe { avx2(matrix, x, y) },
        Cpu::Any => multiply::<T, false>(matrix, x, y),
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn avx512<const T: usize>(matrix: &Matrix, x: &[&[f32]; T], y: &mut [&mut [f32]; T]) {
    multiply::<T, true>(matrix, x, y);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn avx2<const T: usize>(matrix: &Matrix, x: &[&[f32]; T], y: &mut [&mut [f32]; T]) {
    multiply::<T, true>(matrix, x, y);
}

/// Adds the products onto `y`. With one vector several blocks go abreast; with several vectors one
/// block serves all of them.
#[inline(always)]
fn multiply<const T: usize, const FUSED: bool>(matrix: &Matrix, x: &[&[f32]; T], y: &mut [&mut [f32]; T]) {
    let block_len = matrix.inputs * BLOCK;
    let mut at = 0;
    let mut groups = matrix.packed.chunks_exact(block_len * if T == 1 { ABREAST } else { 1 });
    for group in &mut groups {
        if T == 1 {
            abreast::<FUSED>(group, x[0], &mut y[0][at..at + ABREAST * BLOCK]);
            at += ABREAST * BLOCK;
        } else {
            one_block::<T, FUSED>(group, x, y, at);
            at += BLOCK;
        }
    }
    for block in groups.remainder().chunks_exact(block_len) {
        one_block::<T, FUSED>(block, x, y, at);
        at += BLOCK;
    }
}

#[inline(always)]
fn one_block<const T: usize, const FUSED: bool>(
    block: &[f32],
    x: &[&[f32]; T],
    y: &mut [&mut [f32]; T],
    at: usize,
) {
    let mut sums = [[0.0f32; BLOCK]; T];
    for (sum, y) in sums.iter_mut().zip(&*y) {
        sum.copy_from_slice(&y[at..at + BLOCK]);
    }
    let (rows, _) = block.as_chunks::<BLOCK>();
    for (input, row) in rows.iter().enumerate() {
        for (sum, x) in sums.iter_mut().zip(x) {
            add::<FUSED>(sum, row, x[input]);
        }
    }
    for (sum, y) in sums.iter().zip(y) {
        y[at..at + BLOCK].copy_from_slice(sum);
    }
}

#[inline(always)]
fn abreast<const FUSED: bool>(group: &[f32], x: &[f32], y: &mut [f32]) {
    let (ys, _) = y.as_chunks_mut::<BLOCK>();
    let (rows, _) = group.as_chunks::<BLOCK>();
    let mut sums = [[0.0f32; BLOCK]; ABREAST];
    sums.iter_mut().zip(&*ys).for_each(|(sum, y)| *sum = *y);
    for (input, x) in x.iter().enumerate() {
        for (n, sum) in sums.iter_mut().enumerate() {
            add::<FUSED>(sum, &rows[n * (rows.len() / ABREAST) + input], *x);
        }
    }
    ys.copy_from_slice(&sums);
}

#[inline(always)]
fn add<const FUSED: bool>(sum: &mut [f32; BLOCK], row: &[f32; BLOCK], x: f32) {
    for (sum, weight) in sum.iter_mut().zip(row) {
        *sum = if FUSED { weight.mul_add(x, *sum) } else { weight * x + *sum };
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The oracle: the definition, in double precision.
    fn expected(inputs: usize, bias: &[f32], weights: &[f32], x: &[f32]) -> Vec<f64> {
        let row = |o: usize| &weights[o * inputs..(o + 1) * inputs];
        let dot = |o| row(o).iter().zip(x).map(|(w, x)| f64::from(*w) * f64::from(*x)).sum::<f64>();
        bias.iter().enumerate().map(|(o, b)| f64::from(*b) + dot(o)).collect()
    }

    fn every_cpu() -> Vec<Cpu> {
        let mut all = vec![Cpu::Any];
        #[cfg(target_arch = "x86_64")]
        {
            let has_avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
            all.extend(has_avx2.then_some(Cpu::Avx2));
            all.extend(is_x86_feature_detected!("avx512f").then_some(Cpu::Avx512));
        }
        all
    }

    proptest! {
        #[test]
        fn every_variant_gives_the_product(
            inputs in 1usize..70,
            bias in prop::collection::vec(-1.0f32..1.0, 1..150),
            numbers in prop::collection::vec(-1.0f32..1.0, 70 * 150 + 3 * 70),
        ) {
            let (x, weights) = numbers.split_at(3 * 70);
            let mut matrix = Matrix::new(inputs, &bias, |o, i| weights[o * inputs + i]);
            let vectors = [&x[..inputs], &x[70..70 + inputs], &x[140..140 + inputs]];
            for cpu in every_cpu() {
                matrix.cpu = cpu;
                let padded = bias.len().next_multiple_of(BLOCK);
                let (mut a, mut b, mut c) = (vec![9.0; padded], vec![9.0; padded], vec![9.0; padded]);
                matrix.multiply(vectors, [&mut a, &mut b, &mut c]);
                let mut alone = vec![9.0; padded];
                matrix.multiply([vectors[0]], [&mut alone]);
                for (x, y) in [vectors[0], vectors[1], vectors[2], vectors[0]].iter().zip([a, b, c, alone]) {
                    for (y, wanted) in y.iter().zip(expected(inputs, &bias, weights, x)) {
                        prop_assert!((f64::from(*y) - wanted).abs() < 1e-4, "{:?}", cpu);
                    }
                }
            }
        }
    }
}
