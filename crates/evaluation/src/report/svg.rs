use std::fmt::Write;

use super::text::escape;

/// Colors that stay apart for the color-blind and in print (Okabe and Ito), the shipped system's
/// first; each goes with a dash of its own.
pub(super) const COLORS: [&str; 5] = ["#0b5cad", "#c44f00", "#6b7280", "#00775a", "#9c3d78"];
pub(super) const DASHES: [&str; 5] = ["", "7 4", "2 3", "10 3 2 3", "5 2"];
pub(super) const INK: &str = "#1f2933";
pub(super) const FAINT: &str = "#d5dbe1";
pub(super) const SOFT: &str = "#5b6672";

/// Where a text stands relative to its point.
#[derive(Clone, Copy)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// A chart being drawn, in units of about a pixel.
pub(super) struct Svg {
    /// Names the clip path: several charts share a page.
    id: &'static str,
    width: f64,
    height: f64,
    body: String,
}

impl Svg {
    pub(super) fn new(id: &'static str, width: f64, height: f64) -> Self {
        let mut svg = Self { id, width, height, body: String::new() };
        svg.rect([0.0, 0.0, width, height], "#ffffff", 1.0);
        svg
    }

    fn add(&mut self, element: std::fmt::Arguments) {
        // Writing to a String cannot fail.
        let _ = self.body.write_fmt(element);
        self.body.push('\n');
    }

    /// `[x, y, width, height]`.
    pub(super) fn rect(&mut self, [x, y, width, height]: [f64; 4], fill: &str, opacity: f64) {
        self.add(format_args!(
            r#"<rect x="{x:.1}" y="{y:.1}" width="{:.1}" height="{:.1}" fill="{fill}" fill-opacity="{opacity}"/>"#,
            width.max(0.0),
            height.max(0.0)
        ));
    }

    pub(super) fn line(&mut self, from: [f64; 2], to: [f64; 2], color: &str, width: f64, dash: &str) {
        let ([x1, y1], [x2, y2]) = (from, to);
        self.add(format_args!(
            r#"<line x1="{x1:.1}" y1="{y1:.1}" x2="{x2:.1}" y2="{y2:.1}" stroke="{color}" stroke-width="{width}" stroke-dasharray="{dash}"/>"#
        ));
    }

    /// A line through points, cut off at the plot's frame.
    pub(super) fn curve(&mut self, points: &[[f64; 2]], color: &str, width: f64, dash: &str) {
        let (points, id) = (joined(points), self.id);
        self.add(format_args!(
            r#"<polyline clip-path="url(#{id})" points="{points}" fill="none" stroke="{color}" stroke-width="{width}" stroke-dasharray="{dash}" stroke-linejoin="round"/>"#
        ));
    }

    /// A filled shape, cut off at the plot's frame.
    pub(super) fn area(&mut self, points: &[[f64; 2]], color: &str, opacity: f64) {
        let (points, id) = (joined(points), self.id);
        self.add(format_args!(
            r#"<polygon clip-path="url(#{id})" points="{points}" fill="{color}" fill-opacity="{opacity}"/>"#
        ));
    }

    pub(super) fn dot(&mut self, [x, y]: [f64; 2], radius: f64, color: &str) {
        self.add(format_args!(
            r##"<circle cx="{x:.1}" cy="{y:.1}" r="{radius}" fill="{color}" stroke="#ffffff" stroke-width="1.2"/>"##
        ));
    }

    /// A square on its corner.
    pub(super) fn diamond(&mut self, [x, y]: [f64; 2], size: f64, color: &str) {
        let points = joined(&[[x - size, y], [x, y - size], [x + size, y], [x, y + size]]);
        self.add(format_args!(
            r##"<polygon points="{points}" fill="#ffffff" stroke="{color}" stroke-width="1.8"/>"##
        ));
    }

    pub(super) fn cross(&mut self, [x, y]: [f64; 2], size: f64, color: &str) {
        self.line([x - size, y - size], [x + size, y + size], color, 2.0, "");
        self.line([x - size, y + size], [x + size, y - size], color, 2.0, "");
    }

    pub(super) fn text(&mut self, [x, y]: [f64; 2], anchor: Anchor, size: f64, color: &str, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let text = escape(text);
        self.add(format_args!(
            r#"<text x="{x:.1}" y="{y:.1}" text-anchor="{anchor}" font-size="{size}" fill="{color}">{text}</text>"#
        ));
    }

    /// A text that reads upward, centered on its point.
    pub(super) fn text_up(&mut self, [x, y]: [f64; 2], size: f64, color: &str, text: &str) {
        let text = escape(text);
        self.add(format_args!(
            r#"<text transform="translate({x:.1} {y:.1}) rotate(-90)" text-anchor="middle" font-size="{size}" fill="{color}">{text}</text>"#
        ));
    }

    /// The whole picture; `title` is what is read aloud, `frame` the plot's `[x, y, width, height]`.
    pub(super) fn finish(self, title: &str, [x, y, width, height]: [f64; 4]) -> String {
        let (id, w, h, title) = (self.id, self.width, self.height, escape(title));
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {w} {h}\" role=\"img\" aria-label=\"{title}\" \
             font-family=\"'Noto Sans CJK SC','Noto Sans SC','PingFang SC','Microsoft YaHei',sans-serif\">\n\
             <title>{title}</title>\n\
             <defs><clipPath id=\"{id}\"><rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\"/></clipPath></defs>\n\
             {}</svg>\n",
            self.body
        )
    }
}

fn joined(points: &[[f64; 2]]) -> String {
    let mut out = String::new();
    for [x, y] in points {
        let _ = write!(out, "{x:.1},{y:.1} ");
    }
    out.truncate(out.trim_end().len());
    out
}

/// A plot's frame and scales: from values to places. The places are finite for any finite value.
pub(super) struct Plot {
    pub(super) frame: [f64; 4],
    pub(super) x: [f64; 2],
    pub(super) y: [f64; 2],
}

impl Plot {
    pub(super) fn at(&self, x: f64, y: f64) -> [f64; 2] {
        let [left, top, width, height] = self.frame;
        // Far outside is as good as just outside, and short to write.
        let share = |v: f64, [low, high]: [f64; 2]| ((v - low) / (high - low)).clamp(-1.0, 2.0);
        [left + width * share(x, self.x), top + height * (1.0 - share(y, self.y))]
    }

    /// The place of a value, moved onto the frame where it lies outside.
    pub(super) fn inside(&self, x: f64, y: f64) -> [f64; 2] {
        self.at(x.clamp(self.x[0], self.x[1]), y.clamp(self.y[0], self.y[1]))
    }

    /// A grid line and its label below.
    pub(super) fn tick_x(&self, svg: &mut Svg, x: f64, label: &str) {
        let ([px, bottom], [_, top]) = (self.at(x, self.y[0]), self.at(x, self.y[1]));
        svg.line([px, top], [px, bottom], FAINT, 1.0, "");
        svg.text([px, bottom + 17.0], Anchor::Middle, 14.0, SOFT, label);
    }

    /// A grid line and its label to the left.
    pub(super) fn tick_y(&self, svg: &mut Svg, y: f64, label: &str) {
        let ([left, py], [right, _]) = (self.at(self.x[0], y), self.at(self.x[1], y));
        svg.line([left, py], [right, py], FAINT, 1.0, "");
        svg.text([left - 6.0, py + 4.5], Anchor::End, 14.0, SOFT, label);
    }

    /// The frame and the names of the axes.
    pub(super) fn names(&self, svg: &mut Svg, x: &str, y: &str) {
        let [left, top, width, height] = self.frame;
        let (right, bottom) = (left + width, top + height);
        svg.line([left, top], [left, bottom], SOFT, 1.0, "");
        svg.line([left, bottom], [right, bottom], SOFT, 1.0, "");
        svg.text([left + width / 2.0, top + height + 37.0], Anchor::Middle, 14.5, INK, x);
        svg.text_up([15.0, top + height / 2.0], 14.5, INK, y);
    }
}

/// A line of the legend: a swatch and what it stands for.
pub(super) fn legend(svg: &mut Svg, [x, y]: [f64; 2], index: usize, label: &str) {
    let (color, dash) = (COLORS[index % COLORS.len()], DASHES[index % DASHES.len()]);
    svg.line([x, y - 4.5], [x + 30.0, y - 4.5], color, 2.6, dash);
    svg.text([x + 38.0, y], Anchor::Start, 13.5, INK, label);
}
