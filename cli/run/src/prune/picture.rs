//! The picture of a scan: a line for each layer, accuracy against the fraction of its weights that is gone.

use super::scan::{Layer, SPARSITIES};
use crate::run::svg::{Anchor, Axis, Svg};
use crate::text;

const WIDTH: f64 = 880.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 690.0;
const TOP: f64 = 106.0;
const BOTTOM: f64 = 400.0;
/// From the lowest line of the axis to the lower edge.
const FOOT: f64 = 62.0;
/// From one name of the legend to the next.
const NAME_HEIGHT: f64 = 19.0;

/// Colours that carry on light and dark grounds; the ground follows the reader's preference. Lines beyond the colours
/// take them again, dashed.
const STYLE: &str = "\
text{font:12px system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif;fill:#59636e}\
.title{font-size:18px;font-weight:600;fill:#1f2328}\
.ground{fill:#ffffff;stroke:#d1d9e0}.grid{stroke:#e6eaef}.axis{stroke:#818b98}.whole{stroke:#818b98;stroke-dasharray:2 4}\
polyline,.key{fill:none;stroke-width:2.2;stroke-linejoin:round;stroke-linecap:round}\
.dashed{stroke-dasharray:7 5}.name{font-weight:600}\
.c0{stroke:#3b82d6}.c1{stroke:#d9731a}.c2{stroke:#2f9e5b}.c3{stroke:#b052c0}.c4{stroke:#c9403a}.c5{stroke:#1d9aa3}\
.c6{stroke:#a07c12}.c7{stroke:#6a6ad6}\
circle{stroke:none}.d0{fill:#3b82d6}.d1{fill:#d9731a}.d2{fill:#2f9e5b}.d3{fill:#b052c0}.d4{fill:#c9403a}.d5{fill:#1d9aa3}\
.d6{fill:#a07c12}.d7{fill:#6a6ad6}\
@media(prefers-color-scheme:dark){text{fill:#9198a1}.title{fill:#f0f6fc}.ground{fill:#0d1117;stroke:#3d444d}\
.grid{stroke:#21262d}.axis,.whole{stroke:#656c76}}";

const COLOURS: usize = 8;

/// Draws a scan as an SVG file; `whole` is what the network with all its weights comes to.
pub(super) fn draw(layers: &[Layer], network: &str, measure: &str, whole: f64, images: usize) -> String {
    let is_accuracy = measure == "accuracy";
    let scale = if is_accuracy { 100.0 } else { 1.0 };
    let bottom = BOTTOM.max(TOP + NAME_HEIGHT * (layers.len() + 1) as f64);
    let height = bottom + FOOT;
    let mut svg = Svg::default();
    svg.card("ground", WIDTH, height, 8.0);
    let title = format!("{network}: what each layer bears");
    svg.text("title", (24.0, 38.0), Anchor::Start, &title);
    let subtitle = format!(
        "{measure} on {} with the smallest weights of one layer gone and nothing trained on",
        text::count(images, "training image")
    );
    svg.text("subtitle", (24.0, 62.0), Anchor::Start, &subtitle);

    let values = || layers.iter().flat_map(|layer| &layer.values).copied().filter(|value| value.is_finite());
    let (low, high) = values().fold((whole, whole), |(low, high), value| (low.min(value), high.max(value)));
    let axis = Axis::around(scale * low, if is_accuracy { (scale * high).min(100.0) } else { scale * high }, 6);
    let y = |value: f64| bottom - (bottom - TOP) * axis.place(scale * value);
    let x = |sparsity: f32| LEFT + (RIGHT - LEFT) * f64::from(sparsity);
    let unit = if is_accuracy { "accuracy (%)" } else { measure };
    svg.text("label", (LEFT, TOP - 16.0), Anchor::Start, unit);
    for &tick in &axis.ticks {
        let height = y(tick / scale);
        svg.line("grid", (LEFT, height), (RIGHT, height));
        svg.text("tick", (LEFT - 8.0, height + 4.0), Anchor::End, &format!("{tick:.*}", axis.digits));
    }
    svg.line("axis", (LEFT, bottom), (RIGHT, bottom));
    for tenth in 0..=10_u8 {
        let at = x(f32::from(tenth) / 10.0);
        svg.line("axis", (at, bottom), (at, bottom + 4.0));
        svg.text("tick", (at, bottom + 18.0), Anchor::Middle, &(10 * u32::from(tenth)).to_string());
    }
    svg.text(
        "label",
        (f64::midpoint(LEFT, RIGHT), bottom + 40.0),
        Anchor::Middle,
        "weights of the layer that are gone (%)",
    );
    svg.line("whole", (LEFT, y(whole)), (RIGHT, y(whole)));

    let key = |svg: &mut Svg, class: &str, row: usize, style: &str, name: &str| {
        let height = TOP + NAME_HEIGHT * row as f64;
        svg.line(class, (RIGHT + 24.0, height), (RIGHT + 50.0, height));
        svg.text(style, (RIGHT + 58.0, height + 4.0), Anchor::Start, name);
    };
    svg.text("label", (RIGHT + 24.0, TOP - 16.0), Anchor::Start, "layer (weights)");
    for (idx, layer) in layers.iter().enumerate() {
        let dashed = if idx / COLOURS % 2 == 1 { " dashed" } else { "" };
        let class = format!("c{}{dashed}", idx % COLOURS);
        let found = SPARSITIES.iter().zip(&layer.values).filter(|(_, value)| value.is_finite());
        let points: Vec<(f64, f64)> = std::iter::once((x(0.0), y(whole)))
            .chain(found.map(|(sparsity, value)| (x(*sparsity), y(*value))))
            .collect();
        svg.polyline(&class, &points);
        for &point in &points[1..] {
            svg.dot(&format!("d{}", idx % COLOURS), point, 2.6);
        }
        let name = format!("{} ({})", layer.layer, text::thousands(layer.weights as u64));
        key(&mut svg, &format!("key {class}"), idx, "name", &name);
    }
    key(&mut svg, "whole", layers.len(), "label", "with all weights");
    svg.finish(WIDTH, height, &title, STYLE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layers(n: usize) -> Vec<Layer> {
        let values = |idx: usize| SPARSITIES.iter().map(|s| 0.99 - f64::from(*s) * idx as f64 / 40.0).collect();
        (0..n).map(|idx| Layer { layer: format!("conv{idx}"), weights: 1000, values: values(idx) }).collect()
    }

    #[test]
    fn every_layer_has_a_line_and_a_name_within_the_picture() {
        for n in [0, 1, 3, 26] {
            let svg = draw(&layers(n), "Net<1>", "accuracy", 0.99, 6000);
            assert_eq!(svg.matches("<polyline").count(), n);
            assert_eq!(svg.matches("class=\"name\"").count(), n);
            // Of every sixteen lines the second eight.
            assert_eq!(svg.matches("dashed\" points").count(), (0..n).filter(|line| line / 8 % 2 == 1).count());
            let height: f64 = svg.split("height=\"").nth(1).unwrap().split('"').next().unwrap().parse().unwrap();
            for number in svg.split(" cy=\"").skip(1).map(|part| part.split('"').next().unwrap()) {
                assert!((TOP - 0.1..=height).contains(&number.parse().unwrap()), "{number}");
            }
            assert!(svg.contains("Net&lt;1&gt;") && !svg.contains("NaN"));
        }
    }

    #[test]
    fn a_line_starts_at_the_whole_network() {
        let svg = draw(&layers(1), "Net", "loss", 2.0, 10);
        let line = svg.split("points=\"").nth(1).unwrap();
        // The largest value on an axis of losses up to 2.
        assert!(line.starts_with(&format!("{LEFT:.1},{TOP:.1} ")), "{line}");
    }
}
