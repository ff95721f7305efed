/// A figure and how sure it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// On all trials.
    pub value: f64,
    /// Lower and upper end of the confidence interval; none with too few speakers for one.
    pub interval: Option<[f64; 2]>,
}

impl Estimate {
    /// The value with the percentile interval of its resampled values, at this confidence level.
    /// At least half of the resamples must have given a value.
    pub(super) fn new(value: f64, samples: Vec<f64>, resamples: usize, level: f64) -> Self {
        Self { value, interval: interval(samples, resamples, level) }
    }
}

pub(super) fn interval(mut samples: Vec<f64>, resamples: usize, level: f64) -> Option<[f64; 2]> {
    if samples.is_empty() || samples.len() * 2 < resamples {
        return None;
    }
    samples.sort_by(f64::total_cmp);
    let tail = (1.0 - level) / 2.0;
    Some([sorted_quantile(&samples, tail)?, sorted_quantile(&samples, 1.0 - tail)?])
}

/// The value below which a share `q` of `values` lies, on the line between the two around it; none
/// of no values.
#[must_use]
pub fn quantile(values: &[f64], q: f64) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted_quantile(&sorted, q)
}

fn sorted_quantile(sorted: &[f64], q: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let place = q.clamp(0.0, 1.0) * last as f64;
    let below = sorted.get(place.floor() as usize)?;
    let above = sorted.get((place.ceil() as usize).min(last))?;
    Some(below + (above - below) * place.fract())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_lie_on_the_line_between() {
        let values = [4.0, 1.0, 3.0, 2.0];
        assert_eq!(quantile(&values, 0.0), Some(1.0));
        assert_eq!(quantile(&values, 0.5), Some(2.5));
        assert_eq!(quantile(&values, 0.9).map(|v| (v * 1e9).round()), Some(3.7e9));
        assert_eq!(quantile(&values, 1.0), Some(4.0));
        assert_eq!(quantile(&[], 0.5), None);
    }

    #[test]
    fn too_few_samples_give_no_interval() {
        assert_eq!(interval(vec![1.0; 4], 10, 0.95), None);
        assert_eq!(interval(vec![1.0; 5], 10, 0.95), Some([1.0, 1.0]));
    }
}
