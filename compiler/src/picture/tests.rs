//! Tests of pictures: nothing overlaps, nothing is missing, and the text is XML.

use std::collections::BTreeSet;

use super::layout::{Layout, Point, Problem, Rect, layout};
use super::svg::{holds, problem};
use super::{TooLarge, dot, svg};
use crate::diagnostic::Sink;
use crate::ir::Graph;
use crate::picture::scene::Scene;
use crate::program::NoSources;
use crate::source::SourceMap;
use crate::{Settings, check};

const BRANCHES: &str = "network Fires {
    input image: [32, 32, 3];
    stem = image -> conv(16, kernel: 3, pad: 1) -> relu;
    a = stem -> conv(4, kernel: 1) -> relu;
    one = concat(a -> conv(8, kernel: 1) -> relu, a -> conv(8, kernel: 3, pad: 1) -> relu) + stem;
    two = one -> conv(16, kernel: 3, pad: 1) -> relu;
    output y = one + two -> global_avg_pool -> dense(10) -> softmax;
}";

fn graph(text: &str) -> Graph {
    let mut map = SourceMap::new();
    let source = map.add("a.net", text);
    check(source, &mut map, &Settings::default(), &mut NoSources, &mut Sink::new()).unwrap().graph
}

/// The branching network with its first branch named as an instance of a block.
fn with_blocks() -> Graph {
    let mut graph = graph(BRANCHES);
    let first = graph.nodes.iter().position(|node| node.layer == "a").unwrap();
    let names = [
        "fire2.squeeze",
        "fire2.relu1",
        "fire2.expand1",
        "fire2.relu2",
        "fire2.expand3",
        "fire2.relu3",
        "fire2.concat1",
    ];
    for (node, name) in graph.nodes[first..].iter_mut().zip(names) {
        node.layer = name.to_owned();
    }
    graph
}

/// Everything that must hold of a layout.
fn verify(problem: &Problem, layout: &Layout) {
    assert_eq!(layout.boxes.len(), problem.sizes.len());
    let boxes: Vec<(usize, Rect)> = layout.boxes.iter().map(|(item, rect)| (*item, *rect)).collect();
    let whole = Rect { x: -0.01, y: -0.01, width: layout.width + 0.02, height: layout.height + 0.02 };
    for (idx, (item, rect)) in boxes.iter().enumerate() {
        assert_eq!((rect.width, rect.height), problem.sizes[*item]);
        assert!(holds(&whole, rect), "{item} lies outside: {rect:?} in {whole:?}");
        for (other, second) in &boxes[idx + 1..] {
            assert!(!overlap(rect, second), "{item} and {other} overlap: {rect:?} {second:?}");
        }
    }
    for frame in &layout.frames {
        assert!(holds(&whole, &frame.rect));
        for (item, rect) in &boxes {
            let is_member = problem.groups[*item].get(frame.depth) == Some(&frame.name);
            assert!(holds(&frame.rect, rect) || !overlap(&frame.rect, rect), "{item} is half in {frame:?}");
            assert!(!is_member || holds(&frame.rect, rect), "{item} is not in its frame {frame:?}");
        }
        for other in layout.frames.iter().filter(|other| *other != frame) {
            let is_apart = !overlap(&frame.rect, &other.rect);
            assert!(is_apart || holds(&frame.rect, &other.rect) || holds(&other.rect, &frame.rect));
        }
    }
    assert_eq!(layout.paths.len(), problem.edges.len());
    for (edge, (from, to)) in problem.edges.iter().enumerate() {
        let points = &layout.paths[&edge];
        let (from_box, to_box) = (layout.boxes[from], layout.boxes[to]);
        let (first, last) = (points[0], points[points.len() - 1]);
        assert!(
            (first.1 - from_box.y - from_box.height).abs() < 1e-6 && is_over(first.0, &from_box),
            "{edge} {first:?}"
        );
        assert!((last.1 - to_box.y).abs() < 1e-6 && is_over(last.0, &to_box), "{edge} {last:?} {to_box:?}");
        for pair in points.windows(2) {
            assert!(pair[0].1 <= pair[1].1 + 1e-6, "{edge} runs up: {points:?}");
            for place in bow(pair[0], pair[1]) {
                for (item, rect) in boxes.iter().filter(|(item, _)| item != from && item != to) {
                    assert!(!is_inside(place, rect), "{edge} from {from} to {to} runs through {item}");
                }
            }
        }
    }
}

fn overlap(a: &Rect, b: &Rect) -> bool {
    let e = 1e-6;
    a.x + e < b.x + b.width && b.x + e < a.x + a.width && a.y + e < b.y + b.height && b.y + e < a.y + a.height
}

fn is_over(x: f64, rect: &Rect) -> bool {
    (rect.x..=rect.x + rect.width).contains(&x)
}

fn is_inside((x, y): Point, rect: &Rect) -> bool {
    let e = 1e-6;
    x > rect.x + e && x < rect.x + rect.width - e && y > rect.y + e && y < rect.y + rect.height - e
}

/// Places on the curve between two points, as it is drawn.
fn bow((x0, y0): Point, (x1, y1): Point) -> Vec<Point> {
    let middle = 0.5 * (y0 + y1);
    let at = |t: f64| {
        let (a, b, c, d) = ((1.0 - t).powi(3), 3.0 * t * (1.0 - t).powi(2), 3.0 * t * t * (1.0 - t), t.powi(3));
        ((a + b) * x0 + (c + d) * x1, a * y0 + (b + c) * middle + d * y1)
    };
    (0..=20).map(|step| at(f64::from(step) / 20.0)).collect()
}

/// Numbers that look random and are always the same.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n.max(1)
    }
}

/// A network of so many boxes, most after their predecessors, some in groups within groups.
fn random(seed: u64, n: usize) -> Problem {
    let mut numbers = Numbers(seed);
    let mut edges = BTreeSet::new();
    for to in 1..n {
        edges.insert((if numbers.below(4) == 0 { numbers.below(to) } else { to - 1 }, to));
        if numbers.below(3) == 0 {
            edges.insert((numbers.below(to), to));
        }
    }
    let groups = (0..n).map(|item| match (item / 5 % 3, item % 5) {
        (0, _) => vec![],
        (1, _) => vec![format!("g{}", item / 5)],
        (_, inner) => vec![format!("g{}", item / 10), format!("h{}_{}", item / 10, inner / 2)],
    });
    let groups: Vec<Vec<String>> = groups.collect();
    Problem {
        sizes: (0..n).map(|_| (60.0 + numbers.below(200) as f64, 30.0 + numbers.below(40) as f64)).collect(),
        groups: if seed.is_multiple_of(3) { vec![vec![]; n] } else { groups },
        labels: (0..edges.len()).map(|_| numbers.below(2) as f64 * 60.0).collect(),
        edges: edges.into_iter().collect(),
    }
}

#[test]
fn nothing_overlaps_and_every_edge_is_drawn() {
    for seed in 0..60 {
        let problem = random(seed, 3 + seed as usize % 40);
        verify(&problem, &layout(&problem).unwrap());
    }
}

#[test]
fn blocks_are_framed() {
    let scene = Scene::of(&with_blocks(), None);
    let problem = problem(&scene);
    let layout = layout(&problem).unwrap();
    verify(&problem, &layout);
    let names: Vec<&str> = layout.frames.iter().map(|frame| frame.name.as_str()).collect();
    assert_eq!(names, ["fire2"]);
    let inside = |rect: &Rect| holds(&layout.frames[0].rect, rect);
    assert_eq!(layout.boxes.values().filter(|rect| inside(rect)).count(), 7);
    let drawn = svg(&with_blocks(), None).unwrap();
    assert!(drawn.contains(">expand3<") && drawn.contains("<title>fire2.expand3</title>"), "{drawn}");
}

#[test]
fn a_group_takes_in_what_lies_between_its_boxes_unless_that_is_anothers() {
    let groups =
        |names: [&str; 4]| names.map(|name| if name.is_empty() { vec![] } else { vec![name.to_owned()] }).to_vec();
    let chain = |names| Problem {
        sizes: vec![(100.0, 40.0); 4],
        groups: groups(names),
        edges: vec![(0, 1), (1, 2), (2, 3)],
        labels: vec![0.0; 3],
    };
    let frames = |problem: &Problem| {
        let layout = layout(problem).unwrap();
        verify(problem, &layout);
        layout.frames.into_iter().map(|frame| frame.name).collect::<Vec<_>>()
    };
    assert_eq!(frames(&chain(["a", "", "a", ""])), ["a"]);
    assert_eq!(frames(&chain(["a", "b", "", ""])), [""; 0], "one box needs no frame");
    // `b` lies between the boxes of `a`, and `a` between those of `b`.
    let crossed = Problem { groups: groups(["a", "b", "a", "b"]), ..chain(["", "", "", ""]) };
    let layout = layout(&crossed).unwrap();
    assert!(layout.frames.is_empty() && layout.boxes.len() == 4);
}

#[test]
fn numbers_belong_to_the_part_before_them() {
    let mut graph = graph(BRANCHES);
    for (node, name) in graph.nodes.iter_mut().zip(["fire.2.squeeze", "layer.1.0.first.conv", "plain", "2.a", "a..b"]) {
        node.layer = name.to_owned();
    }
    let groups: Vec<String> =
        Scene::of(&graph, None).items[1..6].iter().map(|item| item.groups().join(" | ")).collect();
    assert_eq!(groups, ["fire.2", "layer.1.0 | first", "", "2", "a"]);
}

#[test]
fn chains_are_straight() {
    let scene =
        Scene::of(&graph("network N { input x: [4]; output y = x -> dense(3) -> relu -> dense(2) -> softmax; }"), None);
    let layout = layout(&problem(&scene)).unwrap();
    for points in layout.paths.values() {
        assert!(points.windows(2).all(|pair| (pair[0].0 - pair[1].0).abs() < 1e-9), "{points:?}");
    }
}

#[test]
fn the_text_is_xml_and_always_the_same() {
    for graph in [graph(BRANCHES), with_blocks()] {
        let drawn = svg(&graph, None).unwrap();
        assert_eq!(drawn, svg(&graph, None).unwrap());
        is_xml(&drawn).unwrap();
        let scene = Scene::of(&graph, None);
        assert_eq!(drawn.matches("class=\"box ").count(), scene.items.len());
        assert_eq!(drawn.matches("class=\"edge\"").count(), scene.edges.len());
        assert!(drawn.contains("filters 8, kernel 3, pad 1") && drawn.contains("[32, 32, 16]"), "{drawn}");
    }
    let mut named = graph(BRANCHES);
    named.name = "<&\"\u{1b}>".repeat(30);
    is_xml(&svg(&named, None).unwrap()).unwrap();
}

/// Whether every element is closed, in order, and no sign stands bare.
fn is_xml(text: &str) -> Result<(), String> {
    let mut open = Vec::new();
    for part in text.split('<').skip(1) {
        let (tag, after) = part.split_once('>').ok_or("a tag does not end")?;
        if after.replace("&lt;", "").replace("&gt;", "").replace("&amp;", "").replace("&quot;", "").contains(['&', '>'])
        {
            return Err(format!("a bare sign in {after:?}"));
        }
        if after.chars().any(|c| c.is_control() && c != '\n') || tag.matches('"').count() % 2 == 1 {
            return Err(format!("not allowed: {part:?}"));
        }
        if let Some(name) = tag.strip_prefix('/') {
            let last: Option<&str> = open.pop();
            if last != Some(name) {
                return Err(format!("{name} closes {last:?}"));
            }
        } else if !tag.ends_with('/') {
            open.push(tag.split(' ').next().unwrap_or_default());
        }
    }
    if open.is_empty() { Ok(()) } else { Err(format!("{open:?} is not closed")) }
}

#[test]
fn graphviz_gets_clusters_and_quoted_names() {
    let text = dot(&with_blocks(), None);
    assert!(text.starts_with("digraph \"Fires\" {\n") && text.ends_with("}\n"), "{text}");
    assert!(text.contains("subgraph cluster_0 {\n    label=\"fire2\";"), "{text}");
    assert_eq!(text.matches(" -> n").count(), Scene::of(&with_blocks(), None).edges.len());
    let mut named = graph(BRANCHES);
    named.name = "a\"\\".to_owned();
    assert!(dot(&named, None).starts_with("digraph \"a\\\"\\\\\" {"));
}

#[test]
fn a_picture_has_a_largest_size() {
    let n = 300;
    let edges: Vec<(usize, usize)> = (1..n).flat_map(|to| [(0, to), (to - 1, to)]).skip(1).collect();
    let problem =
        Problem { sizes: vec![(50.0, 30.0); n], groups: vec![vec![]; n], labels: vec![0.0; edges.len()], edges };
    assert_eq!(layout(&problem).map(|_| ()), Err(TooLarge));
}

#[test]
fn a_closed_block_is_one_box() {
    let scene = Scene::of(&with_blocks(), Some(1));
    let whole = Scene::of(&with_blocks(), None);
    let fire = scene.items.iter().position(|item| item.name == "fire2").unwrap();
    assert_eq!(scene.items.len(), whole.items.len() - 6);
    assert_eq!((scene.items[fire].kind.as_str(), scene.items[fire].shape.as_str()), ("7 layers", "[32, 32, 16]"));
    let inside = whole.items.iter().filter(|item| item.name.starts_with("fire2."));
    assert_eq!(scene.items[fire].parameters, inside.map(|item| item.parameters).sum::<u64>());
    assert!(scene.edges.iter().all(|edge| edge.from < edge.to));
    assert_eq!(scene.edges.iter().filter(|edge| edge.to == fire).count(), 1);
    let problem = problem(&scene);
    verify(&problem, &layout(&problem).unwrap());
    is_xml(&svg(&with_blocks(), Some(1)).unwrap()).unwrap();
    // No block is two levels deep.
    assert_eq!(svg(&with_blocks(), Some(2)), svg(&with_blocks(), None));
}

#[test]
fn a_group_that_values_leave_and_come_back_to_stays_open() {
    let mut graph = with_blocks();
    let squeeze = graph.nodes.iter().position(|node| node.layer == "fire2.relu1").unwrap();
    graph.nodes[squeeze].layer = "outside".to_owned();
    assert_eq!(svg(&graph, Some(1)), svg(&graph, None));
}
