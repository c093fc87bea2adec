//! Where boxes stand and how edges run: layers from top to bottom, groups as blocks within blocks.
//!
//! A block lays out its own boxes and the blocks of its groups. Edges from outside enter it at its top, at a port for each
//! box that they come from, and leave it at its bottom likewise; so what surrounds a block sees a box with ports.

use std::collections::{BTreeMap, BTreeSet};

use super::TooLarge;
use super::order::order;
use super::straighten::{Wish, straighten};

/// Between neighbours of a layer.
const GAP: f64 = 22.0;
/// Between layers: room for edges to turn.
const RISE: f64 = 34.0;
/// Between a layer and ports, where edges run straight.
const SHORT_RISE: f64 = 6.0;
/// Room for an edge that passes a layer.
const LANE: f64 = 14.0;
/// Around the boxes in a frame, and above them, where its name stands.
const PAD: f64 = 14.0;
const HEAD: f64 = 26.0;
/// Between edges that enter a box.
const PORT: f64 = 16.0;
/// How much an edge counts that starts or ends at a lane: what passes makes way for what stands.
const PASSING: f64 = 0.05;
/// Most places in layers, boxes and passing edges together.
const MOST: usize = 20_000;
/// Deepest frames.
const MOST_FRAMES: usize = 16;

/// A point; `y` grows downwards.
pub(super) type Point = (f64, f64);

/// A rectangle by its upper left corner.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rect {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

/// What is to be laid out.
#[derive(Debug, Clone)]
pub(super) struct Problem {
    /// Width and height of each box.
    pub(super) sizes: Vec<(f64, f64)>,
    /// The names of the groups that each box is in, the outermost first.
    pub(super) groups: Vec<Vec<String>>,
    /// From box to box, forwards, each pair at most once.
    pub(super) edges: Vec<(usize, usize)>,
    /// The width of each edge's label; 0 where it has none.
    pub(super) labels: Vec<f64>,
}

/// A frame around a group.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Frame {
    pub(super) rect: Rect,
    pub(super) name: String,
    /// Frames around it.
    pub(super) depth: usize,
}

/// What was laid out: a block with all that is in it, from its upper left corner.
#[derive(Debug, Clone, Default)]
pub(super) struct Layout {
    pub(super) width: f64,
    pub(super) height: f64,
    /// By box.
    pub(super) boxes: BTreeMap<usize, Rect>,
    pub(super) frames: Vec<Frame>,
    /// By edge: the points that it runs through, down from box, or from the block's top, to box, or to its bottom.
    pub(super) paths: BTreeMap<usize, Vec<Point>>,
    /// By edge: the left end of its label's base line.
    pub(super) labels: BTreeMap<usize, Point>,
}

/// Lays out all boxes.
pub(super) fn layout(problem: &Problem) -> Result<Layout, TooLarge> {
    let all: Vec<usize> = (0..problem.sizes.len()).collect();
    block(problem, &problem.groups, &all, 0)
}

/// A part of a block.
#[derive(Debug, Clone)]
enum Element {
    Box(usize),
    Group(String, Vec<usize>),
}

/// What stands in a layer.
#[derive(Debug)]
enum Node {
    /// A box, or a group that has been laid out.
    Part(Layout),
    /// An edge that passes, with the width of its label.
    Lane(f64),
    /// Where edges from one box outside enter, or edges from one box inside leave.
    Port,
}

/// A connection within a block, from node to node, through lanes: all edges that start at one box and share both ends.
#[derive(Debug)]
struct Link {
    from: usize,
    to: usize,
    lanes: Vec<usize>,
    /// Indices of the problem's edges.
    edges: Vec<usize>,
}

/// Lays out a part of the boxes; `depth` frames are around them.
fn block(problem: &Problem, groups: &[Vec<String>], items: &[usize], depth: usize) -> Result<Layout, TooLarge> {
    let elements = elements(problem, groups, items, depth);
    let mut nodes = Vec::with_capacity(elements.len());
    let mut part_of = BTreeMap::new();
    for (idx, element) in elements.iter().enumerate() {
        match element {
            Element::Box(item) => {
                part_of.insert(*item, idx);
                nodes.push(Node::Part(single(problem, *item)));
            }
            Element::Group(name, members) => {
                part_of.extend(members.iter().map(|member| (*member, idx)));
                nodes.push(Node::Part(framed(block(problem, groups, members, depth + 1)?, name, depth)));
            }
        }
    }
    let n_parts = nodes.len();
    let mut links = links(problem, &part_of, &mut nodes);
    let mut layer_of = layers(&links, n_parts, nodes.len());
    add_lanes(problem, &mut links, &mut nodes, &mut layer_of)?;
    Ok(compose(problem, &nodes, &links, &layer_of))
}

/// The boxes and groups of a block. A group is kept together only where no path leads out of it and in again; boxes of no
/// group that are on such a path become a part of it.
fn elements(problem: &Problem, groups: &[Vec<String>], items: &[usize], depth: usize) -> Vec<Element> {
    let inside: BTreeSet<usize> = items.iter().copied().collect();
    let mut named: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
    let name = |item: usize| groups[item].get(depth).map(String::as_str);
    if depth < MOST_FRAMES {
        items.iter().for_each(|&item| {
            if let Some(name) = name(item) {
                named.entry(name).or_default().insert(item);
            }
        });
    }
    named.retain(|_, members| members.len() > 1);
    let edges: Vec<(usize, usize)> =
        problem.edges.iter().copied().filter(|(from, to)| inside.contains(from) && inside.contains(to)).collect();
    let mut taken: BTreeSet<usize> = named.values().flatten().copied().collect();
    let names: Vec<&str> = named.keys().copied().collect();
    for name in names {
        let Some(members) = named.get_mut(name) else { continue };
        let between = between(&edges, members);
        if between.iter().any(|item| taken.contains(item)) {
            named.remove(name);
        } else {
            taken.extend(&between);
            members.extend(between);
        }
    }
    let build = |named: &BTreeMap<&str, BTreeSet<usize>>| {
        // In the order of their first boxes.
        let mut found: Vec<(usize, Element)> = Vec::new();
        let grouped: BTreeSet<usize> = named.values().flatten().copied().collect();
        found.extend(items.iter().filter(|item| !grouped.contains(item)).map(|&item| (item, Element::Box(item))));
        for (name, members) in named {
            let first = members.first().copied().unwrap_or(0);
            found.push((first, Element::Group((*name).to_owned(), members.iter().copied().collect())));
        }
        found.sort_by_key(|(first, _)| *first);
        found.into_iter().map(|(_, element)| element).collect::<Vec<_>>()
    };
    let found = build(&named);
    // Two groups may be kept together each and still wait for each other.
    if is_acyclic(&edges, &found) { found } else { build(&BTreeMap::new()) }
}

/// The boxes outside of `members` that lie on paths between them.
fn between(edges: &[(usize, usize)], members: &BTreeSet<usize>) -> Vec<usize> {
    // Edges lead forwards, so one pass each way is enough once they are sorted.
    let reach = |edges: &mut dyn Iterator<Item = (usize, usize)>| {
        let mut reached = members.clone();
        for (from, to) in edges {
            if reached.contains(&from) {
                reached.insert(to);
            }
        }
        reached
    };
    let mut down = edges.to_vec();
    down.sort_unstable();
    let mut up: Vec<(usize, usize)> = edges.iter().map(|&(from, to)| (to, from)).collect();
    up.sort_unstable_by(|a, b| b.cmp(a));
    let (below, above) = (reach(&mut down.into_iter()), reach(&mut up.into_iter()));
    below.intersection(&above).filter(|item| !members.contains(item)).copied().collect()
}

/// Whether the elements can stand in layers.
fn is_acyclic(edges: &[(usize, usize)], elements: &[Element]) -> bool {
    let mut element_of = BTreeMap::new();
    for (idx, element) in elements.iter().enumerate() {
        match element {
            Element::Box(item) => {
                element_of.insert(*item, idx);
            }
            Element::Group(_, members) => element_of.extend(members.iter().map(|member| (*member, idx))),
        }
    }
    let mut below: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); elements.len()];
    let mut n_above = vec![0_usize; elements.len()];
    for (from, to) in edges {
        if let (Some(&from), Some(&to)) = (element_of.get(from), element_of.get(to))
            && from != to
            && below[from].insert(to)
        {
            n_above[to] += 1;
        }
    }
    let mut free: Vec<usize> = (0..elements.len()).filter(|&idx| n_above[idx] == 0).collect();
    let mut n_done = 0;
    while let Some(idx) = free.pop() {
        n_done += 1;
        for &next in &below[idx] {
            n_above[next] -= 1;
            if n_above[next] == 0 {
                free.push(next);
            }
        }
    }
    n_done == elements.len()
}

/// A box as a block of its own; its edges start and end in its middle.
fn single(problem: &Problem, item: usize) -> Layout {
    let (width, height) = problem.sizes[item];
    let rect = Rect { x: 0.0, y: 0.0, width, height };
    Layout { width, height, boxes: BTreeMap::from([(item, rect)]), ..Layout::default() }
}

/// A block in its frame.
fn framed(block: Layout, name: &str, depth: usize) -> Layout {
    let mut framed = Layout { width: block.width + 2.0 * PAD, height: block.height + HEAD + PAD, ..Layout::default() };
    let rect = Rect { x: 0.0, y: 0.0, width: framed.width, height: framed.height };
    let inner_height = block.height;
    framed.frames.push(Frame { rect, name: name.to_owned(), depth });
    framed.add(block, PAD, HEAD);
    // Edges that entered or left the block do so at the frame.
    for points in framed.paths.values_mut() {
        if let Some(&(x, y)) = points.first()
            && (y - HEAD).abs() < 1e-6
        {
            points.insert(0, (x, 0.0));
        }
        if let Some(&(x, y)) = points.last()
            && (y - HEAD - inner_height).abs() < 1e-6
        {
            points.push((x, rect.height));
        }
    }
    framed
}

impl Layout {
    /// Puts another block's contents in at an offset.
    fn add(&mut self, other: Layout, dx: f64, dy: f64) {
        let moved = |(x, y): Point| (x + dx, y + dy);
        let rect = |rect: Rect| Rect { x: rect.x + dx, y: rect.y + dy, ..rect };
        self.boxes.extend(other.boxes.into_iter().map(|(item, own)| (item, rect(own))));
        self.frames.extend(other.frames.into_iter().map(|frame| Frame { rect: rect(frame.rect), ..frame }));
        self.labels.extend(other.labels.into_iter().map(|(edge, at)| (edge, moved(at))));
        for (edge, points) in other.paths {
            self.paths.entry(edge).or_default().extend(points.into_iter().map(moved));
        }
    }
}

/// The connections of a block, with nodes for its ports, which are added.
fn links(problem: &Problem, part_of: &BTreeMap<usize, usize>, nodes: &mut Vec<Node>) -> Vec<Link> {
    let mut ports: BTreeMap<(bool, usize), usize> = BTreeMap::new();
    let mut port = |is_exit: bool, item: usize| {
        *ports.entry((is_exit, item)).or_insert_with(|| {
            nodes.push(Node::Port);
            nodes.len() - 1
        })
    };
    let mut links: BTreeMap<(usize, usize, usize), Vec<usize>> = BTreeMap::new();
    for (edge, (from, to)) in problem.edges.iter().enumerate() {
        let ends = match (part_of.get(from), part_of.get(to)) {
            // What is within one part has been laid out there.
            (Some(a), Some(b)) if a == b => continue,
            (Some(&a), Some(&b)) => (a, b),
            (Some(&a), None) => (a, port(true, *from)),
            (None, Some(&b)) => (port(false, *from), b),
            (None, None) => continue,
        };
        links.entry((ends.0, ends.1, *from)).or_default().push(edge);
    }
    links.into_iter().map(|((from, to, _), edges)| Link { from, to, lanes: Vec::new(), edges }).collect()
}

/// The layer of each node: one more than the last of those above it. Ports stand in the first and the last layer.
fn layers(links: &[Link], n_parts: usize, n_nodes: usize) -> Vec<usize> {
    let entries: BTreeSet<usize> = links.iter().map(|link| link.from).filter(|&node| node >= n_parts).collect();
    let mut n_above = vec![0_usize; n_nodes];
    let mut below: Vec<Vec<usize>> = vec![Vec::new(); n_nodes];
    for link in links {
        n_above[link.to] += 1;
        below[link.from].push(link.to);
    }
    let start = usize::from(!entries.is_empty());
    let mut layer: Vec<usize> = (0..n_nodes).map(|node| if entries.contains(&node) { 0 } else { start }).collect();
    let mut free: Vec<usize> = (0..n_nodes).rev().filter(|&node| n_above[node] == 0).collect();
    while let Some(node) = free.pop() {
        for &next in &below[node] {
            layer[next] = layer[next].max(layer[node] + 1);
            n_above[next] -= 1;
            if n_above[next] == 0 {
                free.push(next);
            }
        }
    }
    let last = (0..n_parts).map(|part| layer[part]).max().unwrap_or(0) + 1;
    for node in (n_parts..n_nodes).filter(|node| !entries.contains(node)) {
        layer[node] = last;
    }
    layer
}

/// Gives each link a lane in every layer that it passes.
fn add_lanes(
    problem: &Problem,
    links: &mut [Link],
    nodes: &mut Vec<Node>,
    layer_of: &mut Vec<usize>,
) -> Result<(), TooLarge> {
    for link in links {
        let label = link.edges.iter().map(|&edge| problem.labels[edge]).fold(0.0, f64::max);
        for layer in layer_of[link.from] + 1..layer_of[link.to] {
            if nodes.len() >= MOST {
                return Err(TooLarge);
            }
            // The label stands at the first one.
            let label = if link.lanes.is_empty() { label } else { 0.0 };
            link.lanes.push(nodes.len());
            nodes.push(Node::Lane(label));
            layer_of.push(layer);
        }
    }
    if nodes.len() > MOST { Err(TooLarge) } else { Ok(()) }
}

impl Node {
    fn size(&self) -> (f64, f64) {
        match self {
            Self::Part(block) => (block.width, block.height),
            // A label stands right of its lane; the lane stays in the middle.
            Self::Lane(label) => (LANE + 2.0 * label, 0.0),
            Self::Port => (LANE, 0.0),
        }
    }

    /// Where an edge enters or leaves, from the node's middle.
    fn port(&self, edge: usize, leaves: bool) -> f64 {
        let Self::Part(block) = self else { return 0.0 };
        let points = block.paths.get(&edge);
        let point = points.and_then(|points| if leaves { points.last() } else { points.first() });
        point.map_or(0.0, |point| point.0 - 0.5 * block.width)
    }
}

/// Orders, places and connects the nodes.
fn compose(problem: &Problem, nodes: &[Node], links: &[Link], layer_of: &[usize]) -> Layout {
    let n_layers = layer_of.iter().max().map_or(0, |last| last + 1);
    let mut layers: Vec<Vec<usize>> = vec![Vec::new(); n_layers];
    for (node, &layer) in layer_of.iter().enumerate() {
        layers[layer].push(node);
    }
    // Neighbours, with the way from this node's middle to the other's where the edge is straight, and how much that counts.
    let mut above: Vec<Vec<(usize, f64, f64)>> = vec![Vec::new(); nodes.len()];
    let mut below = above.clone();
    for link in links {
        let stops: Vec<usize> = [link.from].into_iter().chain(link.lanes.iter().copied()).chain([link.to]).collect();
        let edge = link.edges.first().copied().unwrap_or(0);
        for pair in stops.windows(2) {
            let &[from, to] = pair else { continue };
            let is_lane = |node: usize| matches!(nodes[node], Node::Lane(_));
            let weight = if is_lane(from) != is_lane(to) { PASSING } else { 1.0 };
            // Groups stand middle under middle, so that a row of them does not drift; ports stand over what they lead to.
            let is_port = |node: usize| matches!(nodes[node], Node::Port);
            let way = match is_port(from) || is_port(to) {
                true => nodes[from].port(edge, true) - nodes[to].port(edge, false),
                false => 0.0,
            };
            below[from].push((to, way, weight));
            above[to].push((from, -way, weight));
        }
    }
    let plain = |neighbours: &[Vec<(usize, f64, f64)>]| -> Vec<Vec<usize>> {
        neighbours.iter().map(|around| around.iter().map(|&(other, ..)| other).collect()).collect()
    };
    order(&mut layers, &plain(&above), &plain(&below));
    let middles = middles(nodes, &layers, &above, &below);
    // The first layer's top is the block's; a layer is as high as its highest node.
    let is_ports = |layer: &[usize]| layer.iter().all(|&node| matches!(nodes[node], Node::Port));
    let is_straight =
        |&node: &usize| below[node].iter().all(|&(other, way, _)| (middles[other] - way - middles[node]).abs() < 0.5);
    let mut bands = Vec::with_capacity(n_layers);
    let mut bottom = 0.0;
    for (idx, layer) in layers.iter().enumerate() {
        let above = idx.checked_sub(1).and_then(|above| layers.get(above));
        let rise = above.map_or(0.0, |above| {
            let is_short = (is_ports(above) || is_ports(layer)) && above.iter().all(is_straight);
            if is_short { SHORT_RISE } else { RISE }
        });
        let height = layer.iter().map(|&node| nodes[node].size().1).fold(0.0, f64::max);
        bands.push((bottom + rise, bottom + rise + height));
        bottom += rise + height;
    }
    let left = (0..nodes.len()).map(|node| middles[node] - 0.5 * nodes[node].size().0).fold(f64::INFINITY, f64::min);
    let right =
        (0..nodes.len()).map(|node| middles[node] + 0.5 * nodes[node].size().0).fold(f64::NEG_INFINITY, f64::max);
    let mut layout = Layout { width: (right - left).max(0.0), height: bottom, ..Layout::default() };
    let middles: Vec<f64> = middles.into_iter().map(|middle| middle - left).collect();
    connect(problem, &mut layout, nodes, links, layer_of, &middles, &bands);
    layout
}

/// The middle of each node: straightened layer by layer, as its neighbours above or below want it.
fn middles(
    nodes: &[Node],
    layers: &[Vec<usize>],
    above: &[Vec<(usize, f64, f64)>],
    below: &[Vec<(usize, f64, f64)>],
) -> Vec<f64> {
    let mut middles = vec![0.0; nodes.len()];
    let settle = |middles: &mut Vec<f64>, layer: &[usize], neighbours: &[Vec<(usize, f64, f64)>]| {
        let wish = |&node: &usize| {
            let around = &neighbours[node];
            let weight: f64 = around.iter().map(|(.., weight)| weight).sum();
            let sum: f64 = around.iter().map(|&(other, way, weight)| weight * (middles[other] - way)).sum();
            // Who has no neighbours stays, if nobody minds.
            let (at, weight) = if weight > 0.0 { (sum / weight, weight) } else { (middles[node], 0.01) };
            Wish { at, weight, width: nodes[node].size().0 }
        };
        let wishes: Vec<Wish> = layer.iter().map(wish).collect();
        for (&node, middle) in layer.iter().zip(straighten(&wishes, GAP)) {
            middles[node] = middle;
        }
    };
    // Down, up for the sake of the first layer, and down: so what follows one by one stands in a straight line.
    layers.iter().for_each(|layer| settle(&mut middles, layer, above));
    layers.iter().rev().for_each(|layer| settle(&mut middles, layer, below));
    layers.iter().for_each(|layer| settle(&mut middles, layer, above));
    middles
}

/// Puts the parts in their places and draws the edges between them.
fn connect(
    problem: &Problem,
    layout: &mut Layout,
    nodes: &[Node],
    links: &[Link],
    layer_of: &[usize],
    middles: &[f64],
    bands: &[(f64, f64)],
) {
    // Parts stand in the middle of their layer's height.
    let top_of = |node: usize| {
        let (top, bottom) = bands[layer_of[node]];
        0.5 * (top + bottom - nodes[node].size().1)
    };
    // What runs within the parts of an edge between them, moved to its place.
    let within = |node: usize, edge: usize| -> Vec<Point> {
        let Node::Part(part) = &nodes[node] else { return Vec::new() };
        let (dx, dy) = (middles[node] - 0.5 * part.width, top_of(node));
        part.paths.get(&edge).into_iter().flatten().map(|&(x, y)| (x + dx, y + dy)).collect()
    };
    let crossing: BTreeSet<usize> = links.iter().flat_map(|link| link.edges.iter().copied()).collect();
    let mut n_entering = vec![0_usize; nodes.len()];
    links.iter().for_each(|link| n_entering[link.to] += 1);
    for (node, part) in nodes.iter().enumerate() {
        let Node::Part(part) = part else { continue };
        let mut part = part.clone();
        part.paths.retain(|edge, _| !crossing.contains(edge));
        let (dx, dy) = (middles[node] - 0.5 * part.width, top_of(node));
        layout.add(part, dx, dy);
    }
    let entries = entries(nodes, links, middles);
    for (idx, link) in links.iter().enumerate() {
        for &edge in &link.edges {
            let mut points = within(link.from, edge);
            let from = middles[link.from] + nodes[link.from].port(edge, true);
            let to = match nodes[link.to] {
                Node::Part(ref part) if !part.paths.contains_key(&edge) => entries[idx],
                _ => middles[link.to] + nodes[link.to].port(edge, false),
            };
            // Within the height of a layer edges run straight down; they turn between layers.
            points.push((from, top_of(link.from) + nodes[link.from].size().1));
            points.push((from, bands[layer_of[link.from]].1));
            for &lane in &link.lanes {
                let (top, bottom) = bands[layer_of[lane]];
                points.extend([(middles[lane], top), (middles[lane], bottom)]);
            }
            points.push((to, bands[layer_of[link.to]].0));
            points.push((to, top_of(link.to)));
            let is_alone = n_entering[link.to] == 1;
            let label = match link.lanes.first() {
                Some(&lane) => {
                    let (top, bottom) = bands[layer_of[lane]];
                    Some((middles[lane] + 6.0, 0.5 * (top + bottom) + 4.0))
                }
                // On the side that the edge does not come from.
                None if is_alone && matches!(nodes[link.to], Node::Part(_)) => {
                    let x = if from > to + 1.0 { to - 6.0 - problem.labels[edge] } else { to + 6.0 };
                    Some((x, top_of(link.to) - 9.0))
                }
                None => None,
            };
            if let Some(label) = label {
                layout.labels.entry(edge).or_insert(label);
            }
            points.extend(within(link.to, edge));
            points.dedup();
            layout.paths.insert(edge, points);
        }
    }
}

/// Where each link enters its box: side by side in the order in which they come.
fn entries(nodes: &[Node], links: &[Link], middles: &[f64]) -> Vec<f64> {
    let mut entering: BTreeMap<usize, Vec<(f64, usize)>> = BTreeMap::new();
    for (idx, link) in links.iter().enumerate() {
        let edge = link.edges.first().copied().unwrap_or(0);
        let from = match link.lanes.last() {
            Some(&lane) => middles[lane],
            None => middles[link.from] + nodes[link.from].port(edge, true),
        };
        entering.entry(link.to).or_default().push((from, idx));
    }
    let mut entries = vec![0.0; links.len()];
    for (node, mut sources) in entering {
        sources.sort_by(|a, b| a.0.total_cmp(&b.0));
        if let &[(from, idx)] = sources.as_slice() {
            entries[idx] = if (from - middles[node]).abs() < 0.75 * PORT { from } else { middles[node] };
            continue;
        }
        // Straight down where that meets the box, else at its edge; the whole row inside of it.
        let (width, n_gaps) = (nodes[node].size().0, sources.len().saturating_sub(1).max(1) as f64);
        let half = (0.5 * width - PORT).max(0.0);
        let gap = PORT.min(2.0 * half / n_gaps);
        let wish = |&(from, _): &(f64, usize)| {
            let at = from.clamp(middles[node] - half, middles[node] + half);
            Wish { at, weight: if at == from { 1.0 } else { PASSING }, width: 0.0 }
        };
        let wishes: Vec<Wish> = sources.iter().map(wish).collect();
        let places = straighten(&wishes, gap);
        let over = |limit: f64, place: Option<&f64>| place.map_or(0.0, |place| limit - place);
        let shift =
            over(middles[node] - half, places.first()).max(0.0) + over(middles[node] + half, places.last()).min(0.0);
        for ((_, idx), place) in sources.into_iter().zip(places) {
            entries[idx] = place + shift;
        }
    }
    entries
}
