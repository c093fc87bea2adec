//! What a family computes, against torchvision's model of it.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use netwright_compiler::ir::Graph;
use netwright_compiler::ops::Op;
use netwright_tests::interpreter::{Arrays, Batch, Manner, Targets, run};
use serde::Deserialize;

use crate::{MEMBERS, Member, formula};

/// Both sides compute in f64, and sums of up to 25,088 products in another order; twelve digits are kept.
const RELATIVE: f64 = 1e-10;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reference {
    #[serde(rename = "versions")]
    _versions: BTreeMap<String, String>,
    families: BTreeMap<String, Family>,
}

/// What one model of torchvision has and computes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Family {
    /// Height and width of the image.
    size: usize,
    /// Elements of all trained parameters.
    parameters: u64,
    /// Trained parameters and running statistics.
    arrays: usize,
    /// A hash of their names and shapes, after the names have become ours.
    names: u32,
    pub(crate) logits: Logits,
}

/// What is kept of the scores of one image.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Logits {
    pub(crate) count: usize,
    pub(crate) mean: f64,
    pub(crate) norm: f64,
    /// The product with a fixed pseudo-random array.
    projection: f64,
    /// The first eight elements and 24 spread over all.
    pub(crate) picked: Vec<f64>,
}

static REFERENCE: LazyLock<Reference> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../parity/reference/families.json")).unwrap());

/// The references of a network.
pub(crate) fn reference_of(key: &str) -> &'static Family {
    REFERENCE.families.get(key).unwrap_or_else(|| panic!("no reference for {key}"))
}

/// The scores that are kept: the first eight, and 24 spread over all.
pub(crate) fn places(count: usize) -> Vec<usize> {
    (0..8).chain((0..24).map(|index| index * count / 24)).collect()
}

/// The references of a network, after it has been seen to have the same arrays.
fn reference(member: &Member) -> &'static Family {
    let family = reference_of(member.key);
    assert_eq!(family.parameters, member.parameters, "{}: torchvision's parameters", member.key);
    family
}

/// The names and shapes of all arrays, one on a line, in the order of the names.
fn names(graph: &Graph) -> Vec<String> {
    let line = |dims: &[usize]| dims.iter().map(usize::to_string).collect::<Vec<_>>().join(" ");
    let mut names: Vec<String> = graph
        .parameters
        .iter()
        .map(|parameter| format!("{}: {}\n", parameter.name, line(parameter.shape.dims())))
        .collect();
    names.sort_unstable();
    names
}

/// Asserts that the graph has the arrays that the mapping of `families.py` names.
fn assert_same_names(member: &Member, graph: &Graph) {
    let (family, names) = (reference(member), names(graph));
    assert!(
        names.len() == family.arrays && formula::name_hash(&names.concat()) == family.names,
        "{}: the arrays are not those that `families.py {}` lists:\n{}",
        member.key,
        member.key,
        names.concat()
    );
}

/// Weights that keep the size of what relus halve; scales and variances near one.
pub(crate) fn values_of(name: &str, shape: &[usize]) -> Vec<f64> {
    formula::scaled(name, shape, 6.0).into_iter().map(f64::from).collect()
}

/// The scores of the formula's image, which the network's probabilities come from.
fn logits(member: &Member, graph: &Graph) -> Vec<f64> {
    let arrays: Arrays = graph
        .parameters
        .iter()
        .map(|p| (p.name.clone(), values_of(&format!("{}/{}", member.key, p.name), p.shape.dims())))
        .collect();
    let pixels = graph.shape(graph.inputs[0]).elements();
    let image = formula::uniform(&format!("{}/image", member.key), pixels, -1.0, 1.0);
    let image: Vec<f64> = image.into_iter().map(f64::from).collect();
    let batch = Batch { n: 1, inputs: &[image], targets: Targets::Classes(&[]), seed: 0, step: 0, rounding: None };
    let outcome = run(graph, Manner::Inference, &arrays, &batch);
    let softmax = graph.producer(graph.outputs[0].value).unwrap();
    assert!(matches!(softmax.op, Op::Softmax(_)), "{}: the output is `{}`", member.key, softmax.op);
    outcome.value(softmax.args[0]).to_vec()
}

fn agrees(key: &str) {
    let member = MEMBERS.iter().find(|member| member.key == key).unwrap();
    let family = reference(member);
    let graph = member.compile(has_size(member).then_some(family.size)).graph;
    assert_eq!(graph.shape(graph.inputs[0]).dims()[0], family.size, "{key}: the image");
    let found = logits(member, &graph);
    let Logits { count, mean, norm, projection, picked } = &family.logits;
    assert_eq!(found.len(), *count, "{key}: the number of scores");
    let close = |what: &str, found: f64, expected: f64, scale: f64| {
        let allowed = RELATIVE * scale;
        // Not `>`: a NaN is not close to anything.
        assert!((found - expected).abs() <= allowed, "{key}: the {what} is {found:e}, torchvision's {expected:e}");
    };
    let rms = norm / (*count as f64).sqrt();
    close("norm", found.iter().map(|x| x * x).sum::<f64>().sqrt(), *norm, *norm);
    close("mean", found.iter().sum::<f64>() / *count as f64, *mean, rms);
    let units = formula::unit("projection", *count);
    close("projection", found.iter().zip(units).map(|(x, unit)| x * unit).sum(), *projection, *norm);
    let places = places(*count);
    assert_eq!(picked.len(), places.len(), "{key}: the elements that are kept");
    for (&place, &expected) in places.iter().zip(picked) {
        close(&format!("score {place}"), found[place], expected, rms);
    }
}

/// Whether the network takes images of several sizes.
fn has_size(member: &Member) -> bool {
    !matches!(member.text, "alexnet" | "lenet300_100")
}

#[test]
fn arrays_are_torchvisions() {
    let keys: Vec<&str> = MEMBERS.iter().map(|member| member.key).collect();
    assert!(REFERENCE.families.keys().all(|key| keys.contains(&key.as_str())), "{keys:?}");
    for member in MEMBERS {
        assert_same_names(member, &member.compile(None).graph);
    }
}

/// Declares tests; those of `slow` belong to the slow tier.
macro_rules! families {
    (quick: $($quick:ident)*; slow: $($slow:ident)*;) => {
        $(#[test]
        fn $quick() {
            agrees(stringify!($quick));
        })*

        $(#[test]
        #[ignore = "slow: part of .ci/nightly"]
        fn $slow() {
            agrees(stringify!($slow));
        })*

        #[test]
        fn every_member_is_compared() {
            let mut names = vec![$(stringify!($quick),)* $(stringify!($slow),)*];
            let mut keys: Vec<&str> = MEMBERS.iter().map(|member| member.key).collect();
            names.sort_unstable();
            keys.sort_unstable();
            assert_eq!(names, keys);
        }
    };
}

families! {
    quick: lenet300_100 googlenet resnet18 squeezenet1_0 squeezenet1_1 resnet34 densenet121 mobilenet_v2;
    slow: alexnet vgg11 vgg16;
}
