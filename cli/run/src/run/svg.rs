//! The few elements of SVG that a picture needs, and round numbers for its axes.

use std::fmt::Write as _;

/// Text in an SVG file, with what XML keeps to itself written out and what it forbids left out.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '"' => escaped.push_str("&quot;"),
            other if other.is_control() => escaped.push(' '),
            other => escaped.push(other),
        }
    }
    escaped
}

/// A picture being written.
#[derive(Debug, Default)]
pub(crate) struct Svg {
    body: String,
}

/// Where a text stands from its point.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

impl Anchor {
    fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Middle => "middle",
            Self::End => "end",
        }
    }
}

impl Svg {
    /// A line from point to point.
    pub(crate) fn line(&mut self, class: &str, from: (f64, f64), to: (f64, f64)) {
        let ((x1, y1), (x2, y2)) = (from, to);
        self.push(format_args!(r#"<line class="{class}" x1="{x1:.1}" y1="{y1:.1}" x2="{x2:.1}" y2="{y2:.1}"/>"#));
    }

    /// A line through all points.
    pub(crate) fn polyline(&mut self, class: &str, points: &[(f64, f64)]) {
        let points: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        self.push(format_args!(r#"<polyline class="{class}" points="{}"/>"#, points.join(" ")));
    }

    /// A disc.
    pub(crate) fn dot(&mut self, class: &str, (x, y): (f64, f64), radius: f64) {
        self.push(format_args!(r#"<circle class="{class}" cx="{x:.1}" cy="{y:.1}" r="{radius:.1}"/>"#));
    }

    /// A rectangle with round corners.
    pub(crate) fn card(&mut self, class: &str, width: f64, height: f64, radius: f64) {
        self.push(format_args!(r#"<rect class="{class}" width="{width}" height="{height}" rx="{radius}"/>"#));
    }

    /// A line of text; `(x, y)` is on its base line.
    pub(crate) fn text(&mut self, class: &str, (x, y): (f64, f64), anchor: Anchor, text: &str) {
        let (anchor, text) = (anchor.name(), escape(text));
        self.push(format_args!(r#"<text class="{class}" x="{x:.1}" y="{y:.1}" text-anchor="{anchor}">{text}</text>"#));
    }

    fn push(&mut self, element: std::fmt::Arguments<'_>) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.body, "{element}");
    }

    /// The whole file. The title is what screen readers say.
    pub(crate) fn finish(self, width: f64, height: f64, title: &str, style: &str) -> String {
        let title = escape(title);
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
             role=\"img\">\n<title>{title}</title>\n<style>{style}</style>\n{}</svg>\n",
            self.body
        )
    }
}

/// A scale from numbers to pixels, with its round numbers.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Axis {
    low: f64,
    high: f64,
    /// The numbers that are written, ascending.
    pub(crate) ticks: Vec<f64>,
    /// Their digits after the dot.
    pub(crate) digits: usize,
}

impl Axis {
    /// An axis that holds `low` to `high`, widened to round numbers, with about `wanted` steps.
    pub(crate) fn around(low: f64, high: f64, wanted: usize) -> Self {
        let span = if high > low { high - low } else { (0.1 * high.abs()).max(1e-3) };
        let step = round_step(span / wanted.max(1) as f64);
        let first = (low / step + 1e-9).floor();
        let last = (high / step - 1e-9).ceil().max(first + 1.0);
        let ticks = (0..=(last - first) as u32).map(|idx| (first + f64::from(idx)) * step).collect();
        let digits = (-step.log10().floor()).clamp(0.0, 12.0) as usize;
        Self { low: first * step, high: last * step, ticks, digits }
    }

    /// Where a number lies: 0 at the low end, 1 at the high end.
    pub(crate) fn place(&self, number: f64) -> f64 {
        (number - self.low) / (self.high - self.low)
    }
}

/// The nearest of 1, 2 and 5 times a power of ten that is not below `step`.
fn round_step(step: f64) -> f64 {
    let power = 10_f64.powf(step.log10().floor());
    let round = [1.0, 2.0, 5.0, 10.0].into_iter().find(|round| round * power >= step * (1.0 - 1e-9));
    round.unwrap_or(10.0) * power
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_leave_its_element() {
        assert_eq!(escape("<script>\"&\u{7}"), "&lt;script&gt;&quot;&amp; ");
    }

    #[test]
    fn axes_have_round_numbers_around_the_data() {
        let axis = Axis::around(0.0, 0.173, 5);
        assert_eq!(axis.digits, 2);
        let ticks: Vec<String> = axis.ticks.iter().map(|tick| format!("{tick:.2}")).collect();
        assert_eq!(ticks, ["0.00", "0.05", "0.10", "0.15", "0.20"]);
        assert_eq!((axis.place(0.0), axis.place(0.2), axis.place(0.1)), (0.0, 1.0, 0.5));
        let percent = Axis::around(94.2, 99.9, 5);
        assert_eq!((percent.ticks.first(), percent.ticks.last(), percent.digits), (Some(&94.0), Some(&100.0), 0));
    }

    #[test]
    fn an_axis_of_one_number_has_a_width() {
        for number in [0.0, 1.0, -3.0, 1e300] {
            let axis = Axis::around(number, number, 5);
            assert!(axis.place(number).is_finite() && axis.ticks.len() > 1, "{number}: {axis:?}");
        }
    }
}
