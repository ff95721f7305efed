use super::svg::{Anchor, FAINT, INK, SOFT, Svg};
use super::text::short;

/// A bar: its label, its value with interval, and the texts beside it.
pub(super) struct Bar {
    pub(super) label: String,
    /// None draws no bar.
    pub(super) value: Option<f64>,
    pub(super) interval: Option<[f64; 2]>,
    /// The value as text.
    pub(super) text: String,
    /// How many trials stand behind it.
    pub(super) note: String,
}

const WIDTH: f64 = 480.0;
const LEFT: f64 = 104.0;
const RIGHT: f64 = 306.0;
const ROW: f64 = 38.0;

/// Horizontal bars with their intervals, from 0 to the highest end or `most`, whichever is less.
pub(super) fn bars(title: &str, bars: &[Bar], most: f64, color: &str) -> String {
    let ends = bars.iter().filter_map(|b| b.interval.map(|i| i[1]).or(b.value));
    let scale = ends.fold(1e-9, f64::max).min(most);
    let mut svg = Svg::new("bars", WIDTH, ROW * bars.len() as f64 + 8.0);
    let place = |value: f64| LEFT + (RIGHT - LEFT) * (value / scale).clamp(0.0, 1.0);
    for (i, bar) in bars.iter().enumerate() {
        let y = ROW * i as f64 + 6.0;
        svg.text([LEFT - 8.0, y + 17.0], Anchor::End, 14.0, INK, &short(&bar.label, 12));
        svg.line([LEFT, y], [LEFT, y + 24.0], FAINT, 1.0, "");
        if let Some(value) = bar.value {
            svg.rect([LEFT, y + 2.0, (place(value) - LEFT).max(1.0), 20.0], color, 0.75);
        }
        if let Some([low, high]) = bar.interval {
            let middle = y + 12.0;
            svg.line([place(low), middle], [place(high), middle], INK, 1.4, "");
            for end in [low, high] {
                svg.line([place(end), middle - 4.0], [place(end), middle + 4.0], INK, 1.4, "");
            }
        }
        svg.text([RIGHT + 10.0, y + 11.0], Anchor::Start, 14.0, INK, &bar.text);
        svg.text([RIGHT + 10.0, y + 27.0], Anchor::Start, 12.5, SOFT, &bar.note);
    }
    svg.finish(title, [0.0, 0.0, WIDTH, ROW * bars.len() as f64 + 8.0])
}
