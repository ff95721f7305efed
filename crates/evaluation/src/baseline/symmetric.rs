use super::MFCC_DIMENSION as N;

/// A symmetric positive definite matrix of cepstra.
#[derive(Clone, PartialEq)]
pub(super) struct Symmetric(pub(super) [[f64; N]; N]);

impl Symmetric {
    pub(super) const ZERO: Self = Self([[0.0; N]; N]);

    pub(super) fn trace(&self) -> f64 {
        (0..N).map(|i| self.0[i][i]).sum()
    }

    /// Adds to the diagonal.
    pub(super) fn lift(&mut self, by: f64) {
        for i in 0..N {
            self.0[i][i] += by;
        }
    }

    /// The trace of the product of two symmetric matrices.
    pub(super) fn trace_of_product(&self, other: &Self) -> f64 {
        self.0.iter().flatten().zip(other.0.iter().flatten()).map(|(a, b)| a * b).sum()
    }

    /// By Cholesky's factorization; none when it is not positive definite.
    pub(super) fn inverse(&self) -> Option<Self> {
        let lower = self.cholesky()?;
        let mut inverse = Self::ZERO;
        for column in 0..N {
            let mut x = [0.0; N];
            for i in 0..N {
                let known: f64 = (0..i).map(|k| lower[i][k] * x[k]).sum();
                x[i] = (f64::from(u8::from(i == column)) - known) / lower[i][i];
            }
            for i in (0..N).rev() {
                let known: f64 = (i + 1..N).map(|k| lower[k][i] * x[k]).sum();
                x[i] = (x[i] - known) / lower[i][i];
            }
            for (row, value) in inverse.0.iter_mut().zip(x) {
                row[column] = value;
            }
        }
        Some(inverse)
    }

    fn cholesky(&self) -> Option<[[f64; N]; N]> {
        let mut lower = [[0.0; N]; N];
        for i in 0..N {
            for j in 0..=i {
                let known: f64 = (0..j).map(|k| lower[i][k] * lower[j][k]).sum();
                let rest = self.0[i][j] - known;
                lower[i][j] = if i == j { positive(rest)?.sqrt() } else { rest / lower[j][j] };
            }
        }
        Some(lower)
    }
}

fn positive(value: f64) -> Option<f64> {
    (value > 0.0 && value.is_finite()).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inverse_times_itself_is_one() {
        let mut matrix = Symmetric::ZERO;
        for i in 0..N {
            for j in 0..N {
                matrix.0[i][j] = 1.0 / (1.0 + (i as f64 - j as f64).abs());
            }
        }
        let inverse = matrix.inverse().unwrap();
        for i in 0..N {
            for j in 0..N {
                let product: f64 = (0..N).map(|k| matrix.0[i][k] * inverse.0[k][j]).sum();
                assert!((product - f64::from(u8::from(i == j))).abs() < 1e-9);
            }
        }
        assert!((matrix.trace_of_product(&inverse) - N as f64).abs() < 1e-9);
        assert!(Symmetric::ZERO.inverse().is_none());
    }
}
