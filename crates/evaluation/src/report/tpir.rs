use super::svg::{COLORS, DASHES, Plot, Svg, legend};
use super::text::short;
use crate::{IdentifyResult, SystemIdentification};

const WIDTH: f64 = 480.0;
const FRAME: [f64; 4] = [62.0, 12.0, 404.0, 320.0];
const ROW: f64 = 22.0;
const ENDS: [f64; 2] = [0.0005, 0.5];
const TICKS: [(f64, &str); 8] = [
    (0.001, "0.1"),
    (0.003, "0.3"),
    (0.01, "1"),
    (0.03, "3"),
    (0.1, "10"),
    (0.2, "20"),
    (0.3, ""),
    (0.5, "50"),
];

/// How many listed callers are found at the price of how many false tags.
pub(crate) fn tpir_chart(result: &IdentifyResult) -> String {
    let systems = result.systems();
    let below = FRAME[1] + FRAME[3] + 64.0;
    let mut svg = Svg::new("tpir", WIDTH, below + ROW * systems.len() as f64 - 10.0);
    let plot = Plot { frame: FRAME, x: ENDS.map(f64::ln), y: [0.0, 1.0] };
    for (share, label) in TICKS {
        plot.tick_x(&mut svg, share.ln(), label);
    }
    for tenth in [0.0, 0.2, 0.4, 0.6, 0.8, 1.0] {
        plot.tick_y(&mut svg, tenth, &format!("{:.0}", tenth * 100.0));
    }
    plot.names(&mut svg, "误标率 False tags, FPIR (%)", "找到的比例 Found, TPIR (%)");
    for (i, system) in systems.iter().enumerate().rev() {
        curve(&mut svg, &plot, i, system);
    }
    if let Some(shipped) = systems.first() {
        whiskers(&mut svg, &plot, shipped);
    }
    for (i, system) in systems.iter().enumerate() {
        legend(&mut svg, [FRAME[0] - 40.0, below + ROW * i as f64], i, &short(&system.title, 46));
    }
    svg.finish("找到与误标 Found against false tags", FRAME)
}

fn curve(svg: &mut Svg, plot: &Plot, index: usize, system: &SystemIdentification) {
    let (color, dash) = (COLORS[index % COLORS.len()], DASHES[index % DASHES.len()]);
    // No false tag at all lies left of the axis.
    let points = system.figures.curve.iter().map(|[fpir, tpir]| plot.at(fpir.max(1e-6).ln(), *tpir));
    let points: Vec<[f64; 2]> = points.collect();
    svg.curve(&points, color, if index == 0 { 2.6 } else { 1.9 }, dash);
}

fn whiskers(svg: &mut Svg, plot: &Plot, system: &SystemIdentification) {
    for figures in &system.figures.tpir {
        let x = figures.fpir.max(1e-6).ln();
        if let Some([low, high]) = figures.tpir.interval {
            svg.line(plot.inside(x, low), plot.inside(x, high), COLORS[0], 1.6, "");
        }
        svg.dot(plot.inside(x, figures.tpir.value), 4.6, COLORS[0]);
    }
}
