//! The picture as a text for graphviz, whose `dot` draws it.

use std::fmt::Write as _;

use super::scene::{Class, Scene};
use crate::ir::Graph;

/// A checked graph in graphviz's language; boxes of a group in a cluster. With a `depth`, that many levels: at 1 every
/// block is one box.
#[must_use]
pub fn dot(graph: &Graph, depth: Option<usize>) -> String {
    let scene = Scene::of(graph, depth);
    let mut out = format!(
        "digraph {} {{\n  node [shape=box, style=\"rounded,filled\", fontname=\"sans-serif\", fontsize=11];\n  \
         edge [fontname=\"sans-serif\", fontsize=10, color=\"#818b98\"];\n",
        quote(&scene.title)
    );
    let mut tree = Cluster::default();
    for (idx, item) in scene.items.iter().enumerate() {
        tree.insert(&item.groups(), idx);
    }
    tree.write(&scene, &mut out, &mut 0, 1);
    for edge in &scene.edges {
        let label = if edge.label.is_empty() { String::new() } else { format!(" [label={}]", quote(&edge.label)) };
        // Writing to a String cannot fail.
        let _ = writeln!(out, "  n{} -> n{}{label};", edge.from, edge.to);
    }
    out + "}\n"
}

/// Boxes and clusters of one prefix, in the order in which they come.
#[derive(Debug, Default)]
struct Cluster {
    items: Vec<usize>,
    inner: Vec<(String, Cluster)>,
}

/// Deepest clusters.
const MOST_CLUSTERS: usize = 16;

impl Cluster {
    fn insert(&mut self, path: &[String], item: usize) {
        let mut cluster = self;
        for name in path.iter().take(MOST_CLUSTERS) {
            let found = cluster.inner.iter().position(|(other, _)| other == name);
            let place = found.unwrap_or_else(|| {
                cluster.inner.push((name.clone(), Self::default()));
                cluster.inner.len() - 1
            });
            cluster = &mut cluster.inner[place].1;
        }
        cluster.items.push(item);
    }

    fn write(&self, scene: &Scene, out: &mut String, number: &mut usize, depth: usize) {
        let indent = "  ".repeat(depth);
        for &idx in &self.items {
            let item = &scene.items[idx];
            let short = item.short_name();
            let lines = [format!("{short}: {}", item.kind), item.settings.clone(), item.shape.clone()];
            let lines: Vec<String> = lines.into_iter().filter(|line| !line.is_empty()).collect();
            let (fill, stroke) = colours(item.class);
            let _ = writeln!(
                out,
                "{indent}n{idx} [label={}, fillcolor=\"{fill}\", color=\"{stroke}\"];",
                quote(&lines.join("\n"))
            );
        }
        for (name, inner) in &self.inner {
            let _ = writeln!(out, "{indent}subgraph cluster_{number} {{\n{indent}  label={};", quote(name));
            *number += 1;
            inner.write(scene, out, number, depth + 1);
            let _ = writeln!(out, "{indent}}}");
        }
    }
}

/// Ground and edge of a box.
fn colours(class: Class) -> (&'static str, &'static str) {
    match class {
        Class::End => ("#ecedef", "#6e7781"),
        Class::Conv => ("#e6effa", "#3b82d6"),
        Class::Dense => ("#f0e9fa", "#8957d9"),
        Class::Pool => ("#e4f2ea", "#2f9e5b"),
        Class::Activation => ("#faede2", "#d9731a"),
        Class::Norm => ("#e1f1f2", "#158f9c"),
        Class::Join => ("#f8e8ef", "#cc4f84"),
        Class::Block => ("#fbf4db", "#b08800"),
    }
}

/// A string of graphviz's language.
fn quote(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            other if other.is_control() => quoted.push(' '),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}
