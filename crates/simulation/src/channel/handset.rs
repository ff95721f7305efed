//! What a telephone's microphone, its housing and its filters do linearly: the ends of the band, a
//! tilt and some resonances. The spread of real sets is that of ITU-T P.48 and P.64's send masks and
//! of the handset recordings of HTIMIT (Reynolds, ICASSP 1997).

use serde_json::{Value, json};

use super::Setting;
use super::biquad::Biquad;
use crate::plan::Span;
use crate::signal::rounded;

/// Where resonances lie, in Hz, and how sharp they are.
const RESONANCE_HZ: Span = Span::new(300.0, 3_400.0);
const RESONANCE_Q: Span = Span::new(0.7, 4.0);
/// Around which frequency the tilt turns, in Hz.
const TILT_HZ: f64 = 1_000.0;
/// The two sections of a Butterworth filter of fourth order.
const BUTTERWORTH_4: [f64; 2] = [0.541_196_100, 1.306_562_965];

pub(super) struct Handset {
    sections: Vec<Biquad>,
    drawn: Value,
}

pub(super) fn draw(setting: &Setting<'_>) -> Handset {
    let (plan, mut draw) = (&setting.plan.handset, setting.draws.stage("handset"));
    if !draw.chance(plan.share) {
        return Handset { sections: Vec::new(), drawn: Value::Null };
    }
    let low = draw.log_between(plan.low_cut_hz);
    let high = draw.log_between(plan.high_cut_hz);
    let tilt = draw.between(plan.tilt_db);
    let [fewest, most] = plan.resonances;
    let count = fewest + draw.below(most - fewest + 1);
    let mut sections = vec![Biquad::high_pass(low, std::f64::consts::FRAC_1_SQRT_2)];
    sections.extend(BUTTERWORTH_4.map(|q| Biquad::low_pass(high, q)));
    sections.push(Biquad::high_shelf(TILT_HZ, tilt));
    let mut resonances = Vec::new();
    for _ in 0..count {
        let (hz, q) = (draw.log_between(RESONANCE_HZ), draw.log_between(RESONANCE_Q));
        let db = draw.between(plan.resonance_db);
        sections.push(Biquad::peak(hz, q, db));
        resonances.push(json!({ "hz": rounded(hz), "q": rounded(q), "db": rounded(db) }));
    }
    let drawn = json!({
        "low_cut_hz": rounded(low), "high_cut_hz": rounded(high), "tilt_db": rounded(tilt),
        "resonances": resonances,
    });
    Handset { sections, drawn }
}

impl Handset {
    pub(super) fn apply(&self, samples: &mut [f32]) {
        self.sections.iter().for_each(|section| section.apply(samples));
    }

    pub(super) fn to_json(&self) -> Value {
        self.drawn.clone()
    }
}
