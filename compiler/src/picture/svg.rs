//! The picture as SVG: no scripts, no fonts of its own, colours for light and dark grounds.

use std::fmt::Write as _;

use super::TooLarge;
use super::layout::{Layout, Point, Problem, Rect, layout};
use super::scene::{Class, Item, Scene};
use crate::ir::Graph;

/// Around everything.
const MARGIN: f64 = 26.0;
/// For title and subtitle.
const HEADING: f64 = 58.0;
/// Height of a line of a box, and what stands above the first and below the last one.
const LINE: f64 = 17.0;
const INSET: f64 = 9.0;
/// Widths of a character: of names, which are bold, and of everything else, which is in a face of one width.
const BOLD: f64 = 7.9;
const MONO: f64 = 6.7;
/// The narrowest and the widest box; longer texts are cut.
const NARROWEST: f64 = 116.0;
const WIDEST: f64 = 340.0;

/// Colours are mixed into the ground, so that one palette serves light and dark ones; the ground follows the reader's
/// preference.
const STYLE: &str = "\
text{font:11px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;fill:#59636e}\
.name,.title{font:600 13px system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif;fill:#1f2328}\
.title{font-size:18px}.frame text{font-weight:600}\
.ground{fill:#ffffff;stroke:#d1d9e0}.frame rect{fill:#818b98;fill-opacity:.05;stroke:#818b98;stroke-opacity:.6}\
.edge{fill:none;stroke:#818b98;stroke-width:1.5}#tip{fill:#818b98}\
.label{font-size:10px;paint-order:stroke;stroke:#ffffff;stroke-width:3px}\
.box rect{fill-opacity:.13;stroke-width:1.3}\
.end rect{fill:#6e7781;stroke:#6e7781}.conv rect{fill:#3b82d6;stroke:#3b82d6}.dense rect{fill:#8957d9;stroke:#8957d9}\
.pool rect{fill:#2f9e5b;stroke:#2f9e5b}.activation rect{fill:#d9731a;stroke:#d9731a}\
.norm rect{fill:#158f9c;stroke:#158f9c}.join rect{fill:#cc4f84;stroke:#cc4f84}\
.block rect{fill:#b08800;stroke:#b08800}\
@media(prefers-color-scheme:dark){text{fill:#9da7b3}.name,.title{fill:#f0f6fc}.ground{fill:#0d1117;stroke:#3d444d}\
.label{stroke:#0d1117}.box rect{fill-opacity:.22}}";

/// Draws a checked graph; with a `depth`, that many levels of it: at 1 every block is one box.
///
/// # Errors
///
/// [`TooLarge`] if a picture cannot show it.
pub fn svg(graph: &Graph, depth: Option<usize>) -> Result<String, TooLarge> {
    let scene = Scene::of(graph, depth);
    let layout = layout(&problem(&scene))?;
    Ok(draw(&scene, &layout))
}

/// What of a scene decides the places.
pub(super) fn problem(scene: &Scene) -> Problem {
    let width = |label: &str| if label.is_empty() { 0.0 } else { length(label, MONO) };
    Problem {
        sizes: scene.items.iter().map(size).collect(),
        groups: scene.items.iter().map(Item::groups).collect(),
        edges: scene.edges.iter().map(|edge| (edge.from, edge.to)).collect(),
        labels: scene.edges.iter().map(|edge| width(&edge.label)).collect(),
    }
}

fn length(text: &str, character: f64) -> f64 {
    text.chars().count() as f64 * character
}

/// The size of a box: a line with name and kind, the settings, the shape.
fn size(item: &Item) -> (f64, f64) {
    let first = length(&item.name, BOLD) + length(item.untold_kind(), MONO) + 18.0;
    let widest = first.max(length(&item.settings, MONO)).max(length(&item.shape, MONO));
    let n_lines = if item.settings.is_empty() { 2.0 } else { 3.0 };
    ((widest + 2.0 * INSET).clamp(NARROWEST, WIDEST).ceil(), n_lines * LINE + INSET)
}

fn draw(scene: &Scene, layout: &Layout) -> String {
    let heading = length(&scene.title, 1.4 * BOLD).max(length(&scene.subtitle, MONO));
    let width = (layout.width.max(heading) + 2.0 * MARGIN).ceil();
    let height = (layout.height + HEADING + 2.0 * MARGIN).ceil();
    let (dx, dy) = (0.5 * (width - layout.width), MARGIN + HEADING);
    let title = escape(&scene.title);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         role=\"img\">\n<title>{title}</title>\n<style>{STYLE}</style>\n<defs><marker id=\"tip\" viewBox=\"0 0 8 8\" \
         refX=\"7\" refY=\"4\" markerWidth=\"6\" markerHeight=\"6\" orient=\"auto\"><path d=\"M0 0 8 4 0 8z\"/></marker></defs>\n\
         <rect class=\"ground\" x=\".5\" y=\".5\" width=\"{}\" height=\"{}\" rx=\"8\"/>\n",
        width - 1.0,
        height - 1.0,
    );
    push(&mut out, text("title", (MARGIN, MARGIN + 12.0), "start", &scene.title));
    push(&mut out, text("", (MARGIN, MARGIN + 32.0), "start", &scene.subtitle));
    let moved = |rect: &Rect| Rect { x: rect.x + dx, y: rect.y + dy, ..*rect };
    let mut frames: Vec<_> = layout.frames.iter().collect();
    frames.sort_by_key(|frame| frame.depth);
    for frame in frames {
        let at = moved(&frame.rect);
        let name = text("", (at.x + 10.0, at.y + 16.0), "start", &cut(&frame.name, at.width - 20.0, MONO));
        push(&mut out, format!("<g class=\"frame\">{}{name}</g>", rect(&at)));
    }
    for (edge, points) in &layout.paths {
        let title = scene.edges.get(*edge).map_or_else(String::new, |edge| ends(scene, edge.from, edge.to));
        push(
            &mut out,
            format!("<path class=\"edge\" marker-end=\"url(#tip)\" d=\"{}\">{title}</path>", path(points, dx, dy)),
        );
    }
    for (item, (idx, at)) in layout.boxes.iter().filter_map(|(idx, at)| Some((scene.items.get(*idx)?, (*idx, at)))) {
        let is_framed = |(depth, name): &(usize, String)| {
            layout.frames.iter().any(|frame| frame.depth == *depth && frame.name == *name && holds(&frame.rect, at))
        };
        let depth = item.groups().into_iter().enumerate().take_while(is_framed).count();
        push(&mut out, node(item, idx, &moved(at), depth));
    }
    for (edge, &(x, y)) in &layout.labels {
        if let Some(edge) = scene.edges.get(*edge).filter(|edge| !edge.label.is_empty()) {
            push(&mut out, text("label", (x + dx, y + dy), "start", &edge.label));
        }
    }
    out + "</svg>\n"
}

fn push(out: &mut String, element: String) {
    out.push_str(&element);
    out.push('\n');
}

/// Whether a rectangle holds another.
pub(super) fn holds(outer: &Rect, inner: &Rect) -> bool {
    outer.x <= inner.x
        && outer.y <= inner.y
        && outer.x + outer.width >= inner.x + inner.width
        && outer.y + outer.height >= inner.y + inner.height
}

/// What a pointer over an edge is told.
fn ends(scene: &Scene, from: usize, to: usize) -> String {
    let name = |idx: usize| scene.items.get(idx).map_or("", |item| item.name.as_str());
    format!("<title>{} to {}</title>", escape(name(from)), escape(name(to)))
}

/// A box; `depth` parts of its name stand on the frames around it.
fn node(item: &Item, idx: usize, at: &Rect, depth: usize) -> String {
    let class = match item.class {
        Class::End => "end",
        Class::Conv => "conv",
        Class::Dense => "dense",
        Class::Pool => "pool",
        Class::Activation => "activation",
        Class::Norm => "norm",
        Class::Join => "join",
        Class::Block => "block",
    };
    let framed: usize = item.groups().iter().take(depth).map(|group| group.len() + 1).sum();
    let short = item.name.get(framed..).unwrap_or(&item.name);
    let room = at.width - 2.0 * INSET;
    let (left, right) = (at.x + INSET, at.x + at.width - INSET);
    let line = |number: f64| at.y + number * LINE;
    let name = cut(short, room - length(item.untold_kind(), MONO) - 10.0, BOLD);
    let mut body = format!("<title>{}</title>{}", escape(&item.name), rect(at));
    body += &text("name", (left, line(1.0)), "start", &name);
    if !item.untold_kind().is_empty() {
        body += &text("", (right, line(1.0)), "end", item.untold_kind());
    }
    let mut number = 2.0;
    if !item.settings.is_empty() {
        body += &text("", (left, line(number)), "start", &cut(&item.settings, room, MONO));
        number += 1.0;
    }
    body += &text("", (left, line(number)), "start", &cut(&item.shape, room, MONO));
    format!("<g class=\"box {class}\" id=\"n{idx}\">{body}</g>")
}

/// As much of a text as there is room for.
fn cut(text: &str, room: f64, character: f64) -> String {
    let most = (room / character).floor().max(1.0) as usize;
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

fn rect(at: &Rect) -> String {
    let Rect { x, y, width, height } = at;
    format!("<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"6\"/>")
}

fn text(class: &str, (x, y): Point, anchor: &str, text: &str) -> String {
    let class = if class.is_empty() { String::new() } else { format!(" class=\"{class}\"") };
    format!("<text{class} x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{}</text>", escape(text))
}

/// Straight down where an edge goes down, else a bow that starts and ends downwards.
fn path(points: &[Point], dx: f64, dy: f64) -> String {
    let mut text = String::new();
    let mut last: Option<Point> = None;
    for (x, y) in points.iter().map(|&(x, y)| (x + dx, y + dy)) {
        // Writing to a String cannot fail.
        let _ = match last {
            None => write!(text, "M{x:.1} {y:.1}"),
            Some((from, top)) if (from - x).abs() < 0.05 || (top - y).abs() < 0.05 => write!(text, "L{x:.1} {y:.1}"),
            Some((from, top)) => {
                let middle = 0.5 * (top + y);
                write!(text, "C{from:.1} {middle:.1} {x:.1} {middle:.1} {x:.1} {y:.1}")
            }
        };
        last = Some((x, y));
    }
    text
}

/// Text with what XML keeps to itself written out, and what it forbids replaced.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '"' => escaped.push_str("&quot;"),
            other if other.is_control() || matches!(other, '\u{fffe}' | '\u{ffff}') => escaped.push(' '),
            other => escaped.push(other),
        }
    }
    escaped
}
