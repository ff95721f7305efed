use super::svg::{Anchor, COLORS, DASHES, FAINT, INK, Plot, SOFT, Svg, legend};
use super::text::{percent, short};
use crate::metrics::{VerificationFigures, probit};
use crate::{SystemVerification, VerifyResult};

/// Ends of both axes, as shares.
const ENDS: [f64; 2] = [0.0007, 0.55];
const TICKS: [(f64, &str); 9] = [
    (0.001, "0.1"),
    (0.002, "0.2"),
    (0.005, "0.5"),
    (0.01, "1"),
    (0.02, "2"),
    (0.05, "5"),
    (0.1, "10"),
    (0.2, "20"),
    (0.4, "40"),
];
const WIDTH: f64 = 480.0;
const FRAME: [f64; 4] = [62.0, 12.0, 404.0, 404.0];
const ROW: f64 = 22.0;

/// Detection error tradeoff on probit axes (Martin et al. 1997): every system, the shipped one with
/// its confidence band, its equal error rate and its cost points.
pub(crate) fn det_chart(result: &VerifyResult) -> String {
    let systems = result.systems();
    let below = FRAME[1] + FRAME[3] + 66.0;
    let mut svg = Svg::new("det", WIDTH, below + ROW * (systems.len() as f64 + 2.0) - 8.0);
    let ends = ENDS.map(probit);
    let plot = Plot { frame: FRAME, x: ends, y: ends };
    for (share, label) in TICKS {
        plot.tick_x(&mut svg, probit(share), label);
        plot.tick_y(&mut svg, probit(share), label);
    }
    svg.line(plot.at(ends[0], ends[0]), plot.at(ends[1], ends[1]), FAINT, 1.5, "3 4");
    plot.names(&mut svg, "误认率 False matches (%)", "漏认率 Misses (%)");
    if let Some(shipped) = systems.first() {
        band(&mut svg, &plot, &shipped.figures);
    }
    for (i, system) in systems.iter().enumerate().rev() {
        curve(&mut svg, &plot, i, system);
    }
    if let Some(shipped) = systems.first() {
        cost_points(&mut svg, &plot, &shipped.figures);
    }
    for (i, system) in systems.iter().enumerate() {
        let label = format!("{} · EER {}", short(&system.title, 34), percent(system.figures.eer_rocch.value));
        legend(&mut svg, [FRAME[0] - 40.0, below + ROW * i as f64], i, &label);
    }
    marks(&mut svg, below + ROW * systems.len() as f64);
    svg.finish("检测错误权衡曲线 Detection error tradeoff", FRAME)
}

/// A share on the probit axis; what is nothing or all lies beyond the ends.
fn place(share: f64) -> f64 {
    probit(share.clamp(1e-6, 1.0 - 1e-6))
}

fn band(svg: &mut Svg, plot: &Plot, figures: &VerificationFigures) {
    let side =
        |end: usize| figures.det_band.iter().map(move |b| plot.at(place(b.false_match), place(b.miss[end])));
    let mut points: Vec<[f64; 2]> = side(0).collect();
    points.extend(side(1).collect::<Vec<_>>().into_iter().rev());
    if points.len() > 2 {
        svg.area(&points, COLORS[0], 0.16);
    }
}

fn curve(svg: &mut Svg, plot: &Plot, index: usize, system: &SystemVerification) {
    let (color, dash) = (COLORS[index % COLORS.len()], DASHES[index % DASHES.len()]);
    let points = system.figures.det.iter().map(|p| plot.at(place(p.false_match), place(p.miss)));
    let points: Vec<[f64; 2]> = points.collect();
    svg.curve(&points, color, if index == 0 { 2.6 } else { 1.9 }, dash);
    let eer = place(system.figures.eer_rocch.value);
    svg.dot(plot.inside(eer, eer), 4.6, color);
}

fn cost_points(svg: &mut Svg, plot: &Plot, figures: &VerificationFigures) {
    for cost in &figures.costs {
        let rates = &cost.min_rates;
        svg.diamond(plot.inside(place(rates.false_match), place(rates.miss)), 5.0, COLORS[0]);
        if let Some(rates) = &cost.actual_rates {
            svg.cross(plot.inside(place(rates.false_match), place(rates.miss)), 4.5, INK);
        }
    }
}

fn marks(svg: &mut Svg, y: f64) {
    let x = FRAME[0] - 40.0;
    svg.dot([x + 6.0, y - 4.5], 4.6, COLORS[0]);
    svg.text([x + 16.0, y], Anchor::Start, 12.5, SOFT, "EER");
    svg.diamond([x + 68.0, y - 4.5], 5.0, COLORS[0]);
    svg.text([x + 78.0, y], Anchor::Start, 12.5, SOFT, "最低代价 min DCF");
    svg.cross([x + 208.0, y - 4.5], 4.5, INK);
    svg.text([x + 218.0, y], Anchor::Start, 12.5, SOFT, "实际代价 actual DCF");
    svg.rect([x, y + ROW - 12.0, 30.0, 10.0], COLORS[0], 0.16);
    svg.text([x + 38.0, y + ROW - 2.0], Anchor::Start, 12.5, SOFT, "置信带（按说话人重抽样）confidence band");
}
