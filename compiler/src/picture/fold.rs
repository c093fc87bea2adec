//! Blocks closed: a picture of a large network whose blocks are one box each.

use std::collections::{BTreeSet, HashMap};

use super::scene::{Class, Edge, Item, Scene, thousands};

/// A scene with `depth` levels: what is inside of more groups than `depth - 1` becomes one box for its group.
///
/// A group whose values leave it and come back cannot be one box, since edges lead forwards; it stays open.
pub(super) fn fold(scene: Scene, depth: usize) -> Scene {
    let depth = depth.max(1);
    let mut open = BTreeSet::new();
    loop {
        let closed: Vec<Option<String>> = scene.items.iter().map(|item| group(item, depth, &open)).collect();
        match close(&scene, &closed) {
            Ok(folded) => return folded,
            Err(returning) => open.extend(returning),
        }
    }
}

/// The group that an item vanishes in, by its qualified name.
fn group(item: &Item, depth: usize, open: &BTreeSet<String>) -> Option<String> {
    let groups = item.groups();
    let name = groups.get(..depth)?.join(".");
    (!open.contains(&name)).then_some(name)
}

/// One box for each group, or the groups that edges lead out of and back into.
fn close(scene: &Scene, closed: &[Option<String>]) -> Result<Scene, BTreeSet<String>> {
    let mut members: Vec<Vec<usize>> = Vec::new();
    let mut boxes: HashMap<&str, usize> = HashMap::new();
    let mut place: Vec<usize> = Vec::with_capacity(closed.len());
    for (idx, group) in closed.iter().enumerate() {
        let found = group.as_deref().map(|name| *boxes.entry(name).or_insert(members.len()));
        let at = found.unwrap_or(members.len());
        if at == members.len() {
            members.push(Vec::new());
        }
        members[at].push(idx);
        place.push(at);
    }
    // Between the same two boxes once, with the first value's label.
    let mut seen = BTreeSet::new();
    let moved = scene.edges.iter().map(|edge| Edge { from: place[edge.from], to: place[edge.to], ..edge.clone() });
    let mut edges: Vec<Edge> = moved.filter(|edge| edge.from != edge.to && seen.insert((edge.from, edge.to))).collect();
    let order = forwards(members.len(), &edges)
        .map_err(|rest| rest.iter().filter_map(|&at| closed[members[at][0]].clone()).collect::<BTreeSet<_>>())?;
    let mut rank = vec![0; members.len()];
    order.iter().enumerate().for_each(|(idx, &at)| rank[at] = idx);
    edges.iter_mut().for_each(|edge| (edge.from, edge.to) = (rank[edge.from], rank[edge.to]));
    edges.sort_by_key(|edge| edge.to);
    let items = order.iter().map(|&at| summary(scene, &members[at], closed)).collect();
    Ok(Scene { title: scene.title.clone(), subtitle: scene.subtitle.clone(), items, edges })
}

/// An order in which edges lead forwards, as near to the given one as there is; or what lies on circles or behind them.
fn forwards(n: usize, edges: &[Edge]) -> Result<Vec<usize>, Vec<usize>> {
    let mut waits = vec![0_usize; n];
    let mut after: Vec<Vec<usize>> = vec![Vec::new(); n];
    for edge in edges {
        waits[edge.to] += 1;
        after[edge.from].push(edge.to);
    }
    let mut ready: BTreeSet<usize> = (0..n).filter(|&at| waits[at] == 0).collect();
    let mut order = Vec::with_capacity(n);
    while let Some(at) = ready.pop_first() {
        order.push(at);
        for &next in &after[at] {
            waits[next] -= 1;
            if waits[next] == 0 {
                ready.insert(next);
            }
        }
    }
    if order.len() == n { Ok(order) } else { Err((0..n).filter(|&at| waits[at] > 0).collect()) }
}

/// The box that stands for some items: the one itself, or what a group holds.
fn summary(scene: &Scene, members: &[usize], closed: &[Option<String>]) -> Item {
    let last = &scene.items[members[members.len() - 1]];
    let Some(name) = &closed[members[0]] else { return last.clone() };
    let parameters: u64 = members.iter().map(|&idx| scene.items[idx].parameters).sum();
    Item {
        name: name.clone(),
        kind: format!("{} {}", members.len(), if members.len() == 1 { "layer" } else { "layers" }),
        settings: if parameters == 0 { String::new() } else { format!("{} parameters", thousands(parameters)) },
        shape: last.shape.clone(),
        class: Class::Block,
        parameters,
    }
}
