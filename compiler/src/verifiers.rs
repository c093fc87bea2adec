//! What the verifiers of graphs and of plans say of damaged ones: each check answers for one kind of damage.

use crate::diagnostic::Sink;
use crate::driver::{Compiled, Settings, compile};
use crate::ir::{self, Graph, NodeId, Shape, ValueId};
use crate::plan::{self, Place, Plan, Slot};
use crate::program::NoSources;
use crate::source::SourceMap;

/// Layers of every kind of place: a barrier's statistics, a concatenation that copies nothing, steps in place.
const TEXT: &str = "network N {
    input x: [6, 6, 2];
    a = x -> conv(4, kernel: 1) -> batch_norm -> relu;
    left = a -> conv(4, kernel: 3);
    right = a -> conv(4, kernel: 3);
    wide = left -> conv(8, kernel: 1) -> sigmoid;
    joined = concat(left, right) + wide;
    logits = joined -> flatten -> dense(3) -> relu -> dense(3);
    output y = softmax(logits);
    train { loss: cross_entropy(logits); }
}";

fn compiled() -> Compiled {
    compiled_for(TEXT, None)
}

/// A text, planned for a cache of so many bytes.
fn compiled_for(text: &str, cache: Option<usize>) -> Compiled {
    let (mut map, mut sink) = (SourceMap::new(), Sink::new());
    let source = map.add("a.net", text);
    compile(source, &mut map, &Settings { cache, ..Settings::default() }, &mut NoSources, &mut sink).unwrap()
}

const NOWHERE: ValueId = ValueId(9999);

/// The value of that name.
fn value(graph: &Graph, name: &str) -> ValueId {
    let index = graph.values.iter().position(|value| value.name == name);
    ValueId(index.unwrap_or_else(|| panic!("no value `{name}`:\n{graph}")) as u32)
}

/// The node that makes the value of that name.
fn maker(graph: &Graph, name: &str) -> usize {
    let made = value(graph, name);
    graph.nodes.iter().position(|node| node.results.contains(&made)).unwrap()
}

#[test]
fn damaged_graphs_are_refused() {
    type Damage = fn(&mut Graph);
    let cases: &[(&str, Damage)] = &[
        ("reads a value before it is made", |graph| graph.nodes.swap(0, 1)),
        ("`dense2` (dense 3) reads a value before it is made", |graph| {
            let node = maker(graph, "dense2");
            graph.nodes[node].args[0] = NOWHERE;
        }),
        ("`conv1` (", |graph| graph.nodes[0].parameters[0] = ir::ParameterId(77)),
        ("names parameter 77 of", |graph| graph.nodes[0].parameters[0] = ir::ParameterId(77)),
        ("the operands of `dense2` (dense 3) do not fit", |graph| {
            let node = maker(graph, "dense2");
            graph.nodes[node].args[0] = graph.inputs[0];
        }),
        ("is inferred as [3] but recorded as [4]", |graph| {
            let scores = value(graph, "dense2");
            graph.values[scores.0 as usize].shape = Shape::flat(4).unwrap();
        }),
        ("is inferred as [6, 6, 4] but recorded as ", |graph| graph.nodes[0].results.clear()),
        ("makes a value that is not in the graph", |graph| graph.nodes[0].results[0] = NOWHERE),
        ("`input` makes a value that is not in the graph", |graph| graph.inputs[0] = NOWHERE),
        ("`x` is made twice, the second time by `input`", |graph| graph.inputs.push(graph.inputs[0])),
        ("`left` is made twice, the second time by `right`", |graph| {
            let (node, left) = (maker(graph, "right"), value(graph, "left"));
            graph.nodes[node].results[0] = left;
        }),
        ("output `y` is never made", |graph| graph.outputs[0].value = NOWHERE),
        ("output `y` is never made", |graph| graph.nodes.truncate(3)),
    ];
    let graph = compiled().graph;
    assert_eq!(ir::verify(&graph), Ok(()));
    for (index, (message, damage)) in cases.iter().enumerate() {
        let mut graph = graph.clone();
        damage(&mut graph);
        let found = ir::verify(&graph).expect_err(message);
        assert!(found.contains(message), "{index}: expected {message}, found {found}");
    }
}

/// The slot of a value that has one for itself.
fn slot(plan: &Plan, name: &str) -> usize {
    match plan.place(value(&plan.graph, name)) {
        Some(Place::Slot(slot)) => slot,
        other => panic!("`{name}` is at {other:?}\n{plan}"),
    }
}

fn put(plan: &mut Plan, name: &str, place: Option<Place>) {
    let id = value(&plan.graph, name);
    plan.places[id.0 as usize] = place;
}

/// The first value with such a place, and the place.
fn first(plan: &Plan, is_wanted: fn(Place) -> bool) -> (usize, Place) {
    let mut places = plan.places.iter().enumerate();
    places.find_map(|(index, place)| place.filter(|&place| is_wanted(place)).map(|place| (index, place))).unwrap()
}

/// A part of a message, and the damage that gives it.
type Damage = (&'static str, fn(&mut Plan));

/// Each damage gives its message.
fn refused(plan: &Plan, cases: &[Damage]) {
    assert_eq!(plan::verify(plan), Ok(()));
    for (index, (message, damage)) in cases.iter().enumerate() {
        let mut plan = plan.clone();
        damage(&mut plan);
        let found = plan::verify(&plan).expect_err(message);
        assert!(found.contains(message), "{index}: expected {message}, found {found}");
    }
}

#[test]
fn damaged_plans_of_inference_are_refused() {
    let cases: &[Damage] = &[
        ("`wide` is in no output", |plan| put(plan, "wide", Some(Place::Output(9)))),
        ("`wide` does not fit into its output", |plan| put(plan, "wide", Some(Place::Output(0)))),
        ("before it is made", |plan| plan.graph.inputs.clear()),
    ];
    refused(&compiled().inference, cases);
}

#[test]
fn damaged_plans_of_training_are_refused() {
    let cases: &[Damage] = &[
        ("nodes, but", |plan| {
            plan.stages[0].steps.pop();
        }),
        ("before it is made", |plan| plan.stages[0].steps.swap(0, 1)),
        ("before it is made", |plan| plan.stages.reverse()),
        ("a step names no node", |plan| plan.stages[0].steps[0] = NodeId(9999)),
        ("is planned twice", |plan| plan.stages[0].steps[1] = plan.stages[0].steps[0]),
        ("`wide` has no place", |plan| put(plan, "wide", None)),
        ("`wide` is in no slot", |plan| put(plan, "wide", Some(Place::Slot(9999)))),
        ("does not fit into its slot", |plan| {
            let slot = slot(plan, "wide");
            plan.slots[slot].len += 1;
        }),
        ("does not fit into its slot", |plan| plan.arena -= 1),
        ("does not fit into what barriers leave", |plan| plan.shared = 0),
        ("does not fit into what barriers leave", |plan| {
            put(plan, "wide", Some(Place::Shared { offset: 0, len: 128 }));
        }),
        ("does not fit among the channels of its slot", |plan| {
            let (index, place) = first(plan, |place| matches!(place, Place::Among { .. }));
            let Place::Among { slot, total, .. } = place else { unreachable!() };
            plan.places[index] = Some(Place::Among { slot, first: total - 3, total });
        }),
        ("is in no slot", |plan| {
            let (index, _) = first(plan, |place| matches!(place, Place::Among { .. }));
            plan.places[index] = Some(Place::Among { slot: 9999, first: 0, total: 8 });
        }),
        ("share memory while both live", |plan| {
            let wide = plan.slots[slot(plan, "wide")].clone();
            let lives_with = |other: &&mut Slot| {
                other.value != wide.value && other.live.0 <= wide.live.1 && wide.live.0 <= other.live.1
            };
            plan.slots.iter_mut().find(lives_with).unwrap().offset = wide.offset;
        }),
        // A step in place of an operand that it must not write over.
        ("writes over", |plan| {
            let id = value(&plan.graph, "dense2");
            let node = &plan.graph.nodes[maker(&plan.graph, "dense2")];
            let arg = plan.place(node.args[0]);
            plan.places[id.0 as usize] = arg;
        }),
        // The whole of a concatenation, of which the step reads a part.
        ("writes into memory of which it reads `right`", |plan| {
            let right = value(&plan.graph, "right");
            let Some(Place::Among { slot, .. }) = plan.place(right) else { panic!("`right` stands in `joined`") };
            let node = maker(&plan.graph, "wide");
            plan.graph.nodes[node].args[0] = right;
            put(plan, "wide", Some(Place::Slot(slot)));
        }),
    ];
    refused(&compiled().training.unwrap().training, cases);
}

#[test]
fn damaged_bands_are_refused() {
    const TEXT: &str = "network N {
        input x: [16, 16, 2];
        a = x -> conv(8, kernel: [3, 1], pad: [1, 0]) -> relu;
        b = a -> conv(8, kernel: [3, 1], pad: [1, 0]) -> max_pool(2);
        logits = b -> flatten -> dense(3);
        output y = softmax(logits);
    }";
    let cases: &[Damage] = &[
        // Of the first buffer, the second band keeps a row less than it needs, the first makes one less.
        ("are at hand", |plan| plan.bands[0].table[1][0][0] += 1),
        ("are at hand", |plan| plan.bands[0].table[0][0][1] -= 1),
        ("in a buffer of", |plan| plan.bands[0].table[0][0][1] += 9),
        ("in a buffer of", |plan| plan.bands[0].table[1][0][0] = 0),
        ("is not made", |plan| plan.bands[0].table[1][0][1] = 0),
        ("rows of `max_pool1` are made", |plan| {
            plan.bands[0].table.pop();
        }),
        ("cannot go in bands", |plan| plan.bands[0].steps.end += 2),
        ("are out of order", |plan| {
            let again = plan.bands[0].clone();
            plan.bands.push(again);
        }),
        ("bands of several images", |plan| {
            plan.stages.push(plan::Stage::default());
        }),
        ("has no buffer", |plan| {
            plan.bands[0].buffers.pop();
        }),
        ("does not fit into its slot", |plan| plan.bands[0].buffers[0].capacity -= 1),
    ];
    let compiled = compiled_for(TEXT, Some(3000));
    assert_eq!((compiled.inference.bands.len(), compiled.inference.bands[0].steps.clone()), (1, 0..3));
    refused(&compiled.inference, cases);
}

#[test]
fn damaged_bands_of_training_are_refused() {
    const TEXT: &str = "network N {
        input x: [32, 32, 2];
        logits = x -> conv(8, kernel: 3) -> max_pool(3, stride: 2) -> relu -> conv(8, kernel: 3) -> relu -> global_avg_pool
            -> dense(3);
        output y = softmax(logits);
        train { loss: cross_entropy(logits); }
    }";
    /// The arguments of the first step of a run whose operation is called so.
    fn arguments<'a>(plan: &'a mut plan::Plan, run: usize, name: &str) -> &'a mut Vec<crate::ir::ValueId> {
        let steps = &plan.stages[0].steps[plan.bands[run].steps.clone()];
        let named = |id: &&crate::ir::NodeId| plan.graph.nodes[id.0 as usize].op.to_string().starts_with(name);
        let id = steps.iter().find(named).unwrap().0 as usize;
        &mut plan.graph.nodes[id].args
    }
    let cases: &[Damage] = &[
        ("needs all of `d_conv2_relu`", |plan| {
            let args = arguments(plan, 1, "weight_gradient");
            args[0] = args[1];
        }),
        ("`relu1` has no buffer", |plan| {
            let args = arguments(plan, 1, "weight_gradient");
            args[1] = args[0];
        }),
        ("are at hand", |plan| {
            let run = &mut plan.bands[1];
            let pooled = run.buffers.iter().position(|buffer| buffer.is_cut()).unwrap();
            run.table[0][pooled][1] -= 1;
        }),
        ("and lives from", |plan| {
            let slot = plan.slots.iter_mut().find(|slot| slot.live.0 < slot.live.1).unwrap();
            slot.live.1 = slot.live.0;
        }),
        ("is used outside of its bands", |plan| {
            let run = &mut plan.bands[1];
            let index = run.buffers.iter().position(|buffer| !buffer.is_cut()).unwrap();
            run.table.last_mut().unwrap()[index][1] -= 1;
            let whole = &mut run.buffers[index];
            whole.capacity -= 1;
            let (value, len) = (whole.value, whole.capacity * whole.row);
            plan.slots.iter_mut().find(|slot| slot.value == value).unwrap().len = len;
        }),
        ("`max_pool1_index` is read by rows", |plan| {
            let step = plan.stages[0].steps[plan.bands[0].steps.start + 1];
            let index = plan.graph.nodes[step.0 as usize].results[1];
            arguments(plan, 0, "relu")[0] = index;
        }),
    ];
    let training = compiled_for(TEXT, Some(3000)).training.unwrap().training;
    let runs = |plan: &plan::Plan| plan.bands.iter().map(|bands| bands.steps.clone()).collect::<Vec<_>>();
    assert_eq!(runs(&training), [0..3, 9..15]);
    refused(&training, cases);
    // In the last run of another cache, a gradient that nothing but the gradient of the weights takes.
    let training = compiled_for(TEXT, Some(1500)).training.unwrap().training;
    assert_eq!(runs(&training), [0..2, 2..4, 9..13, 13..16]);
    let cases: &[Damage] = &[("of 30 rows of `d_conv1` are made", |plan| {
        let gradient = arguments(plan, 3, "weight_gradient")[1];
        let index = plan.buffer_in(&plan.bands[3], gradient).unwrap();
        plan.bands[3].table.last_mut().unwrap()[index][1] -= 1;
    })];
    refused(&training, cases);
}
