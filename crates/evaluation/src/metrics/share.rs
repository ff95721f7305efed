use super::estimate::interval;
use super::{Bootstrap, probit};

/// How many of how many.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Share {
    /// How many.
    pub count: u64,
    /// Of how many.
    pub total: u64,
    /// The share, from 0 to 1; 0 of nothing.
    pub value: f64,
    /// The wider of Wilson's interval (which knows that 0 of 50 is not 0) and the bootstrap over
    /// speakers (which knows that one person's calls go together). None of nothing.
    pub interval: Option<[f64; 2]>,
}

impl Share {
    /// The same per 1,000: value, then interval.
    #[must_use]
    pub fn per_thousand(&self) -> (f64, Option<[f64; 2]>) {
        (self.value * 1000.0, self.interval.map(|i| i.map(|v| v * 1000.0)))
    }
}

/// The share of events that are hits; each event is the number of its speaker, from 0, and whether
/// it is one.
#[must_use]
pub fn share(events: impl Iterator<Item = (u32, bool)>, bootstrap: &Bootstrap) -> Share {
    let mut speakers: Vec<[u64; 2]> = Vec::new();
    for (speaker, hit) in events {
        let speaker = speaker as usize;
        if speakers.len() <= speaker {
            speakers.resize(speaker + 1, [0, 0]);
        }
        speakers[speaker][0] += u64::from(hit);
        speakers[speaker][1] += 1;
    }
    speakers.retain(|s| s[1] > 0);
    let [count, total] = speakers.iter().fold([0, 0], |sum, s| [sum[0] + s[0], sum[1] + s[1]]);
    if total == 0 {
        return Share { count, total, value: 0.0, interval: None };
    }
    let samples = bootstrap.run(speakers.len(), |counts| {
        let sum =
            |of: usize| -> u64 { counts.iter().zip(&speakers).map(|(c, s)| u64::from(*c) * s[of]).sum() };
        let (hits, all) = (sum(0), sum(1));
        (all > 0).then(|| hits as f64 / all as f64)
    });
    let resampled = interval(samples, bootstrap.resamples, bootstrap.level);
    let value = count as f64 / total as f64;
    Share { count, total, value, interval: Some(wider(wilson(count, total, bootstrap.level), resampled)) }
}

/// Wilson's score interval of a proportion (Wilson 1927).
pub(super) fn wilson(count: u64, total: u64, level: f64) -> [f64; 2] {
    let (n, p) = (total as f64, count as f64 / total as f64);
    let z = probit(0.5 + level / 2.0);
    let middle = (p + z * z / (2.0 * n)) / (1.0 + z * z / n);
    let half = z / (1.0 + z * z / n) * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
    [if count == 0 { 0.0 } else { middle - half }, if count == total { 1.0 } else { middle + half }]
}

pub(super) fn wider(a: [f64; 2], b: Option<[f64; 2]>) -> [f64; 2] {
    b.map_or(a, |b| [a[0].min(b[0]), a[1].max(b[1])])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wilson_by_hand() {
        // 10 of 100 at 95 %: 0.0552 to 0.1744 (Newcombe 1998 and any table).
        let [low, high] = wilson(10, 100, 0.95);
        assert!((low - 0.055_229_1).abs() < 1e-6 && (high - 0.174_366).abs() < 1e-6, "{low} {high}");
        // None of 50: up to 7.1 %.
        let [low, high] = wilson(0, 50, 0.95);
        assert!(low == 0.0 && (high - 0.071_35).abs() < 1e-5, "{high}");
        assert_eq!(wilson(7, 7, 0.95)[1], 1.0);
    }

    #[test]
    fn one_persons_calls_go_together() {
        let bootstrap = Bootstrap::default();
        // Ten people of 100 calls, one of whom is hit always: far less sure than 100 of 1,000.
        let events = (0..10u32).flat_map(|s| (0..100).map(move |_| (s, s == 0)));
        let clustered = share(events, &bootstrap);
        assert_eq!((clustered.count, clustered.total), (100, 1000));
        let interval = clustered.interval.unwrap();
        assert!(interval[0] == 0.0 && interval[1] >= 0.2, "{interval:?}");
        assert_eq!(share(std::iter::empty(), &bootstrap).interval, None);
    }
}
