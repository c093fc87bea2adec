//! A network without some channels computes what the whole one does when nothing reads them.

use std::collections::HashSet;

use netwright_compiler::channels::{Channels, Part};
use netwright_compiler::driver::Compiled;
use netwright_compiler::emit::{flat_name, to_net};
use netwright_compiler::source::SourceMap;
use netwright_compiler::{Settings, compile, diagnostic::Sink};
use netwright_files::{Disk, load_bundled};
use netwright_tests::interpreter::{self, Arrays, Example, Manner};

fn compiled(text: &str) -> Compiled {
    let (mut map, mut sink) = (SourceMap::new(), Sink::new());
    let source = map.add("test.net", text);
    compile(source, &mut map, &Settings::default(), &mut Disk::bundled(), &mut sink).unwrap_or_else(|| panic!("{text}"))
}

/// The elements of an array that stay, or with `zeros` the whole array with zeros for the others.
fn select(array: &[f64], dims: &[usize], axes: &[Option<Vec<usize>>], zeros: bool) -> Vec<f64> {
    let stays = |mut at: usize| {
        dims.iter().zip(axes).rev().all(|(&len, left)| {
            let index = at % len;
            at /= len;
            left.as_ref().is_none_or(|left| left.contains(&index))
        })
    };
    let all = array.iter().enumerate();
    if zeros {
        return all.map(|(at, &value)| if stays(at) { value } else { 0.0 }).collect();
    }
    all.filter(|(at, _)| stays(*at)).map(|(_, &value)| value).collect()
}

/// Takes every second channel away that can go.
fn check(text: &str) -> (usize, usize) {
    check_without(text, |at| at % 2 == 1)
}

/// Takes the channels of such numbers away, where they can go; returns how many parameters are left of how many.
fn check_without(text: &str, goes: impl Fn(usize) -> bool) -> (usize, usize) {
    let whole = compiled(text);
    let lowered = interpreter::compile(text).unwrap();
    let example = Example::new(&lowered, 2, 7);
    let loss = lowered.recipe.as_ref().map(|recipe| recipe.loss.of);
    let channels = Channels::of(&whole.graph, loss);
    let mut gone = HashSet::new();
    for group in channels.tied_layers() {
        let layer = &channels.layers()[group[0]];
        gone.extend(channels.of_layer(layer).enumerate().filter(|(at, _)| goes(*at)).filter_map(|(_, id)| id));
    }
    let parts = channels.parts(&gone);
    let small_text = to_net(&whole, &channels.widths(&gone), &[]);
    let small = interpreter::compile(&small_text).unwrap_or_else(|error| panic!("{error}\n{small_text}"));

    // Where nobody reads the channels that go, it does not matter what is in them.
    let (mut unread, mut cut): (Arrays, Arrays) = (example.parameters.clone(), Arrays::new());
    for (id, parameter) in (0..).map(netwright_compiler::ir::ParameterId).zip(&whole.graph.parameters) {
        let (array, dims) = (&example.parameters[&parameter.name], parameter.shape.dims());
        let all = vec![None; dims.len()];
        let axes = parts.iter().find(|part| part.parameter == id).map_or(&all, |Part { axes, .. }| axes);
        cut.insert(flat_name(&whole.graph, &parameter.name), select(array, dims, axes, false));
        let mut readers = axes.clone();
        readers.last_mut().unwrap().take();
        unread.insert(parameter.name.clone(), select(array, dims, &readers, true));
    }
    let batch = example.batch();
    let expected = interpreter::run(&lowered.graph, Manner::Inference, &unread, &batch);
    let found = interpreter::run(&small.graph, Manner::Inference, &cut, &batch);
    for (before, after) in lowered.graph.outputs.iter().zip(&small.graph.outputs) {
        let (expected, found) = (expected.value(before.value), found.value(after.value));
        assert_eq!(expected.len(), found.len());
        for (expected, found) in expected.iter().zip(found) {
            assert!((expected - found).abs() < 1e-9, "{expected} {found}\n{small_text}");
        }
    }
    (compiled(&small_text).parameter_count(), whole.parameter_count())
}

#[test]
fn channels_are_cut_out_of_every_kind_of_layer() {
    let text = "
        network Mixed {
            input x: [10, 10, 3];
            a = x -> conv(8, kernel: 3, pad: 1) as a -> batch_norm as n -> relu;
            b = a -> conv(8, kernel: 3, pad: 1, bias: false) as b -> prelu;
            c = concat(a + b, x -> conv(5, kernel: 1) as c -> sigmoid);
            d = c -> depthwise_conv(kernel: 3, multiplier: 2) as d -> max_pool(2);
            e = d -> separable_conv(6, kernel: 3) as e -> avg_pool(2) -> pad(1) -> upsample(2);
            g = e -> global_avg_pool -> dense(4) as squeeze -> relu -> dense(6) as excite -> sigmoid;
            f = e * g -> conv(7, kernel: 1) as f -> dropout(0.5);
            h = concat(f -> flatten, f -> global_max_pool, g) -> dense(9) as h -> tanh -> dense(4) as i;
            output y = softmax(h);
            output z = f -> mean([0, 1]) -> dense(2) as z;
            train { loss: cross_entropy(h); }
            allow(dominant_layer);
        }";
    let (left, all) = check(text);
    assert!(left * 2 < all, "{left} of {all}");
}

#[test]
fn outputs_stay_when_nothing_is_removed() {
    for name in ["lenet", "squeeze_excite", "squeezenet_digits"] {
        let (left, all) = check_without(&load_bundled(name).unwrap().text, |_| false);
        assert_eq!(left, all, "{name}");
    }
}

#[test]
fn bundled_networks_are_cut() {
    for name in ["lenet", "lenet_caffe", "squeeze_excite", "squeezenet_digits"] {
        let (left, all) = check(&load_bundled(name).unwrap().text);
        assert!(left * 2 < all, "{name}: {left} of {all}");
    }
}
