use super::svg::{Anchor, COLORS, INK, Plot, SOFT, Svg};
use super::text::decimal;
use crate::VerifyResult;
use crate::metrics::{VerificationFigures, quantile};

const WIDTH: f64 = 480.0;
const BINS: usize = 60;
const TOP: [f64; 4] = [62.0, 34.0, 404.0, 170.0];
const BOTTOM: [f64; 4] = [62.0, 274.0, 404.0, 300.0];
/// Widest the axes go, in nats.
const MOST: f64 = 60.0;
const TARGET: &str = COLORS[0];
const NONTARGET: &str = COLORS[1];

/// Do the likelihood ratios mean what they say: above, how those of both kinds of trials spread;
/// below, what the trials say each is worth (PAV) against what it claims.
pub(crate) fn calibration_chart(result: &VerifyResult) -> String {
    let mut svg = Svg::new("calibration", WIDTH, BOTTOM[1] + BOTTOM[3] + 72.0);
    let of = |kind| result.llrs().filter(|(_, t)| *t == kind).map(|(s, _)| s).collect::<Vec<f64>>();
    let (targets, nontargets) = (of(true), of(false));
    let range = range(&targets, &nontargets);
    histograms(&mut svg, range, &targets, &nontargets);
    if let Some(shipped) = result.systems().first() {
        reliability(&mut svg, range, &shipped.figures);
    }
    svg.finish("似然比校准 Calibration of the likelihood ratios", BOTTOM)
}

/// From the 0.2nd percentile of the non-targets to the 99.8th of the targets, in whole nats.
fn range(targets: &[f64], nontargets: &[f64]) -> [f64; 2] {
    let low = quantile(nontargets, 0.002).unwrap_or(-1.0).min(quantile(targets, 0.002).unwrap_or(-1.0));
    let high = quantile(targets, 0.998).unwrap_or(1.0).max(quantile(nontargets, 0.998).unwrap_or(1.0));
    [(low.floor() - 1.0).clamp(-MOST, -4.0), (high.ceil() + 1.0).clamp(4.0, MOST)]
}

fn histograms(svg: &mut Svg, range: [f64; 2], targets: &[f64], nontargets: &[f64]) {
    let (target, nontarget) = (histogram(targets, range), histogram(nontargets, range));
    let most = target.iter().chain(&nontarget).copied().fold(1e-9, f64::max);
    let plot = Plot { frame: TOP, x: range, y: [0.0, most * 1.08] };
    ticks(svg, &plot, range);
    for (bins, color) in [(&nontarget, NONTARGET), (&target, TARGET)] {
        let step = (range[1] - range[0]) / BINS as f64;
        for (i, share) in bins.iter().enumerate() {
            let x = range[0] + i as f64 * step;
            let ([left, top], [right, bottom]) = (plot.at(x, *share), plot.at(x + step, 0.0));
            svg.rect([left, top, right - left, bottom - top], color, 0.5);
        }
    }
    plot.names(svg, "", "占比 Share");
    svg.rect([TOP[0], 10.0, 14.0, 12.0], NONTARGET, 0.5);
    svg.text([TOP[0] + 20.0, 21.0], Anchor::Start, 13.0, INK, "不同人 different people");
    svg.rect([TOP[0] + 210.0, 10.0, 14.0, 12.0], TARGET, 0.5);
    svg.text([TOP[0] + 230.0, 21.0], Anchor::Start, 13.0, INK, "同一人 same person");
}

/// Shares of the values in each bin; what lies outside counts at the ends.
fn histogram(values: &[f64], [low, high]: [f64; 2]) -> Vec<f64> {
    let mut bins = vec![0.0; BINS];
    for value in values {
        let bin = ((value - low) / (high - low) * BINS as f64).floor().clamp(0.0, BINS as f64 - 1.0);
        bins[bin as usize] += 1.0 / values.len() as f64;
    }
    bins
}

fn reliability(svg: &mut Svg, range: [f64; 2], figures: &VerificationFigures) {
    let plot = Plot { frame: BOTTOM, x: range, y: range };
    ticks(svg, &plot, range);
    for tick in steps(range) {
        plot.tick_y(svg, tick, &format!("{tick:.0}"));
    }
    svg.curve(&[plot.at(range[0], range[0]), plot.at(range[1], range[1])], SOFT, 1.5, "5 4");
    let totals = (figures.targets as f64, figures.nontargets as f64);
    let mut points = Vec::new();
    for block in &figures.pav {
        let llr = block.llr(totals.0, totals.1).clamp(-1e3, 1e3);
        points.push(plot.at(block.low, llr));
        points.push(plot.at(block.high, llr));
    }
    svg.curve(&points, TARGET, 2.4, "");
    plot.names(svg, "系统给出的 LLR（奈特）· as given (nats)", "数据支持的 LLR · what the trials show");
    let loss = figures.cllr.map(|c| {
        let (cllr, least) = (decimal(c.value), decimal(figures.min_cllr.value));
        format!(
            "Cllr {cllr} · min Cllr {least} · 校准损失 loss {}",
            decimal(c.value - figures.min_cllr.value)
        )
    });
    let y = BOTTOM[1] + BOTTOM[3] + 61.0;
    svg.text([WIDTH / 2.0, y], Anchor::Middle, 13.0, SOFT, &loss.unwrap_or_default());
}

fn ticks(svg: &mut Svg, plot: &Plot, range: [f64; 2]) {
    for tick in steps(range) {
        plot.tick_x(svg, tick, &format!("{tick:.0}"));
    }
}

/// Round numbers in a range, some five to nine.
fn steps([low, high]: [f64; 2]) -> Vec<f64> {
    let step = [1.0, 2.0, 5.0, 10.0, 20.0].into_iter().find(|s| (high - low) / s <= 9.0).unwrap_or(50.0);
    let (first, last) = ((low / step).ceil() as i32, (high / step).floor() as i32);
    (first..=last).map(|i| f64::from(i) * step).collect()
}
