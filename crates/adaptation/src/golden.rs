//! Every step of the fit against scripts/golden/adaptation.py, which works the same made-up voices
//! out on its own: another language, other libraries, no shared code.

use std::collections::BTreeMap;

use earmark_scoring::{CohortStatistics, Side, dot};
use earmark_voiceprint::{ModelId, NetSpeech, Quality, Voiceprint};
use nalgebra::DMatrix;

use crate::calibrate::{self, Example, Weighting};
use crate::cohort_voices::CohortVoices;
use crate::material::Material;
use crate::space::{Moments, Space};
use crate::{AdaptationOptions, Call, CallSide, CohortKind, Purpose, Shape, figures};

const SPEAKERS: usize = 20;
const CALLS: usize = 6;
const DIMENSION: usize = 8;
const TOP: usize = 7;
const SHRINKAGE: f64 = 0.3;
/// (speaker, call) of both sides.
const PAIRS: [[(usize, usize); 2]; 4] =
    [[(0, 0), (0, 3)], [(0, 0), (1, 0)], [(2, 1), (7, 5)], [(9, 2), (9, 4)]];

/// SplitMix64 (Steele et al. 2014).
struct Random(u64);

impl Random {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }
}

fn golden(name: &str) -> Vec<f64> {
    let lines = include_str!("../tests/data/golden.txt").lines();
    let mut found: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for line in lines {
        let mut cells = line.split(' ');
        found.insert(cells.next().unwrap(), cells.map(|c| c.parse().unwrap()).collect());
    }
    found.remove(name).unwrap()
}

fn near(name: &str, got: &[f64], tolerance: f64) {
    let want = golden(name);
    assert_eq!(got.len(), want.len(), "{name}");
    for (g, w) in got.iter().zip(&want) {
        assert!((g - w).abs() < tolerance * w.abs().max(1.0), "{name}: {got:?} {want:?}");
    }
}

fn material() -> Material {
    let mut random = Random(11);
    let mut calls = Vec::new();
    for s in 0..SPEAKERS {
        let voice: Vec<f64> = (0..DIMENSION).map(|_| random.normal()).collect();
        for c in 0..CALLS {
            let channel = 2.0 * random.normal();
            let values: Vec<f64> = (0..DIMENSION)
                .map(|d| {
                    let moved = if d == 0 { channel } else { 0.0 } + if d == 3 { 1.0 } else { 0.0 };
                    voice[d] + 0.5 * random.normal() + moved
                })
                .collect();
            // The reference scales before it rounds to float32.
            let norm = values.iter().map(|v| v * v).sum::<f64>().sqrt();
            let values: Vec<f32> = values.iter().map(|v| (v / norm) as f32).collect();
            let speech = NetSpeech::from_seconds(10.0);
            calls.push(Call {
                recording: format!("{s}-{c}"),
                speaker: Some(format!("{s:02}")),
                session: None,
                side: CallSide::Both,
                purpose: Purpose::Report,
                set: String::new(),
                gender: String::new(),
                codec: String::new(),
                voiceprint: Voiceprint::from_unit(ModelId::new("toy", "0"), &values, speech).unwrap(),
                quality: None,
                looks: Vec::new(),
            });
        }
    }
    Material::new(&calls).unwrap()
}

fn fitted(material: &Material, shape: Shape) -> Space {
    let calls: Vec<usize> = (0..SPEAKERS * CALLS).collect();
    Moments::of(material, &AdaptationOptions::default(), &calls).unwrap().space(material, shape).unwrap()
}

fn column((speaker, call): (usize, usize)) -> usize {
    speaker * CALLS + call
}

#[test]
fn spaces() {
    let material = material();
    let wccn = fitted(&material, Shape::Wccn { shrinkage: SHRINKAGE });
    near("mean", wccn.mean.as_slice(), 1e-7);
    near("wccn", wccn.projection.unwrap().transpose().as_slice(), 1e-5);
    let lda = fitted(&material, Shape::Lda { dimensions: 4, shrinkage: SHRINKAGE }).projection.unwrap();
    let gram: DMatrix<f64> = lda.transpose() * &lda;
    near("lda_gram", gram.as_slice(), 1e-5);
}

#[test]
fn plda() {
    let material = material();
    let space = fitted(&material, Shape::Plda { dimensions: 4, shrinkage: SHRINKAGE });
    let (between, within) = space.variances.clone().unwrap();
    near("plda_between", &between, 1e-5);
    near("plda_within", &within, 1e-5);
    let plda = space.plda.clone().unwrap();
    let scores: Vec<f64> = PAIRS
        .iter()
        .map(|pair| {
            let [a, b] = pair.map(|at| space.apply(&material.vectors, &[column(at)]));
            plda.score(f64::from(dot(&a, &b)), &plda.terms(&a), &plda.terms(&b))
        })
        .collect();
    near("plda_scores", &scores, 1e-4);
}

#[test]
fn normalized_scores() {
    let material = material();
    let space = fitted(&material, Shape::Wccn { shrinkage: SHRINKAGE });
    let calls: Vec<usize> = (10 * CALLS..SPEAKERS * CALLS).collect();
    let cohort = CohortVoices::of(&material, &space, &calls, CohortKind::Calls);
    let scores: Vec<f64> = PAIRS
        .iter()
        .map(|pair| {
            let [a, b] = pair.map(|at| space.apply(&material.vectors, &[column(at)]));
            let of = |v: &[f32]| CohortStatistics::of_top(&mut cohort.scores(v, None), TOP);
            CohortStatistics::normalize(f64::from(dot(&a, &b)), &of(&a), &of(&b)).value()
        })
        .collect();
    near("as_norm", &scores, 1e-4);
}

#[test]
fn calibration() {
    let mut random = Random(23);
    let examples: Vec<Example> = (0..3000)
        .map(|i| {
            let target = i % 5 == 0;
            let seconds = 3.0 + 17.0 * random.uniform();
            let snr = 15.0 + 5.0 * random.normal();
            let spread = 0.15 * random.normal() * (8.0 / seconds).powf(0.25);
            let very_alike = i % 3 == 0;
            let score = if target { 0.5 } else { 0.05 } + spread + 0.004 * (snr - 15.0);
            let score = score + if very_alike && !target { 0.05 } else { 0.0 };
            let quality = Quality {
                snr_db: snr as f32,
                clipped_fraction: 0.0,
                level_dbfs: -20.0,
                bandwidth_hz: 3400.0,
            };
            // The enrolled side never differs, so that its conditions drop out.
            let probe = Side::single(NetSpeech::from_seconds(seconds as f32), Some(quality));
            let enrolled = Side::single(NetSpeech::from_seconds(24.0), None);
            Example { score, target, very_alike, probe, enrolled }
        })
        .collect();
    for (name, weighting) in
        [("calibration_even", Weighting::Even), ("calibration_half", Weighting::HalfAlike)]
    {
        let fit = calibrate::fit(&examples, weighting, 0.1, (-6.0, 8.0)).unwrap();
        let slopes = std::iter::once(fit.slope).chain(fit.terms.iter().map(|t| t.slope));
        let offsets = std::iter::once(fit.offset).chain(fit.terms.iter().map(|t| t.offset));
        near(name, &slopes.chain(offsets).collect::<Vec<_>>(), 1e-4);
    }
}

#[test]
fn figures_of_scores() {
    let mut random = Random(31);
    let mut draw = |count: usize, center: f64| -> Vec<f64> {
        (0..count).map(|_| ((center + 2.0 * random.normal()) * 8.0).round_ties_even() / 8.0).collect()
    };
    let (targets, nontargets) = (draw(300, 2.0), draw(2000, -3.0));
    let f = figures(&targets, &nontargets).unwrap();
    let got = [f.eer, f.min_dcf_01, f.min_dcf_05, f.min_cllr, f.cllr, f.act_dcf_01, f.act_dcf_05];
    near("figures", &got, 1e-8);
    assert_eq!((f.targets, f.nontargets), (300, 2000));
    assert!(figures(&targets, &[]).is_none() && figures(&[f64::NAN], &[0.0]).is_none());
}
