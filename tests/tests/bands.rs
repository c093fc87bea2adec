//! Networks that go through an image in bands of rows, as those do whose images are larger than a core's cache: they predict what
//! the interpreter does, and to the bit what they predict without bands, and train as it does.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failure ends the test")]

use netwright::Trainable;
use netwright::engine;
use netwright_compiler::compile;
use netwright_compiler::diagnostic::Sink;
use netwright_compiler::driver::{Compiled, Settings};
use netwright_compiler::plan::Plan;
use netwright_compiler::source::SourceMap;
use netwright_files::Disk;
use netwright_tests::agreement::{agrees, network, singles, slices};
use netwright_tests::generator;
use netwright_tests::interpreter::{self, Example};

/// Compiles each description twice, the second time for a cache of so many bytes.
macro_rules! networks {
    ($($module:ident $file:literal $cache:literal;)*) => {
        $(
            mod $module {
                pub(super) mod whole { netwright::model!($file as Net); }
                pub(super) mod banded { netwright::model!($file as Net, cache = $cache); }
            }

            #[test]
            fn $module() {
                let text = include_str!($file);
                assert!(bands(text, $cache) > 0, "there are no bands");
                is_the_same::<$module::whole::Net, $module::banded::Net>(text);
                agrees::<$module::banded::Net>(text);
            }
        )*
    };
}

networks! {
    bands_of_all_kinds "../nets/layers/bands.net" 4000;
    small_bands "../nets/layers/bands.net" 1500;
    in_place "../nets/layers/bands_in_place.net" 6000;
    in_place_small "../nets/layers/bands_in_place.net" 3000;
    batch_norm_branches "../nets/layers/batch_norm_branches.net" 600;
    depthwise "../nets/layers/depthwise.net" 1500;
    joined "../nets/layers/joined.net" 800;
    lrn "../nets/layers/lrn.net" 300;
    max_pool "../nets/layers/max_pool.net" 100;
    residual "../nets/layers/residual.net" 600;
    varied "../nets/layers/varied.net" 1200;
}

/// Networks that train in bands of rows, for a cache of so many bytes.
macro_rules! trained {
    ($($module:ident $file:literal $cache:literal;)*) => {
        $(
            mod $module { netwright::model!($file as Net, cache = $cache); }

            #[test]
            fn $module() {
                let text = include_str!($file);
                assert!(bands_of_training(text, $cache) > 0, "there are no bands");
                agrees::<$module::Net>(text);
            }
        )*
    };
}

trained! {
    training "../nets/layers/bands_training.net" 1500;
    training_in_place "../nets/layers/bands_in_place.net" 3000;
    training_residual "../nets/layers/residual.net" 600;
    training_strides "../nets/layers/bands_strides.net" 600;
    training_ways "../nets/layers/bands_ways.net" 2500;
    training_seed_8 "../nets/random/seed_8.net" 100;
    training_seed_11 "../nets/random/seed_11.net" 300;
}

/// The bands of a network's predictions.
fn bands(text: &str, cache: usize) -> usize {
    counted(&compiled(text, cache).inference)
}

/// Those of its steps of training.
fn bands_of_training(text: &str, cache: usize) -> usize {
    compiled(text, cache).training.map_or(0, |training| counted(&training.training))
}

fn counted(plan: &Plan) -> usize {
    plan.bands.iter().map(|bands| bands.table.len()).sum()
}

fn compiled(text: &str, cache: usize) -> Compiled {
    let mut map = SourceMap::new();
    let source = map.add("bands.net", text);
    let (settings, mut sink) = (Settings { cache: Some(cache), ..Settings::default() }, Sink::new());
    let compiled = compile(source, &mut map, &settings, &mut Disk::bundled(), &mut sink);
    compiled.unwrap_or_else(|| panic!("{:?}\n{text}", sink.diagnostics()))
}

/// What a network predicts for an example, in bits.
fn predictions<N: Trainable>(text: &str, n: usize) -> Vec<Vec<u32>> {
    let lowered = interpreter::compile(text).unwrap();
    let example = Example::new(&lowered, n, 5);
    let network: N = network(&lowered, &example);
    let inputs = singles(&example.inputs);
    let mut outputs: Vec<Vec<f32>> = N::SPEC.outputs.iter().map(|output| vec![f32::NAN; n * output.len()]).collect();
    let mut rooms: Vec<&mut [f32]> = outputs.iter_mut().map(Vec::as_mut_slice).collect();
    engine::predict_all_into(&network, &slices(&inputs), &mut rooms).unwrap();
    outputs.iter().map(|output| output.iter().map(|number| number.to_bits()).collect()).collect()
}

fn is_the_same<A: Trainable, B: Trainable>(text: &str) {
    for n in [1, 2, 3, 7] {
        assert_eq!(predictions::<B>(text, n), predictions::<A>(text, n), "a batch of {n}");
    }
}

/// Networks at the usual size, whose memory is read and written under other shapes.
#[test]
fn other_shapes_are_planned_too() {
    let convs = "-> conv(8, kernel: 3, pad: 1) ".repeat(3);
    for text in [
        "y = x -> conv(8, kernel: 3, pad: 1); r = y -> reshape([512, 128, 8]); a = x -> conv(8, kernel: 3, pad: 1); \
         t = r -> tanh; b = a -> conv(8, kernel: 3, pad: 1); output p = b -> conv(2, kernel: 3, pad: 1); \
         output q = t -> upsample(1);",
        "y = x -> conv(8, kernel: 3, pad: 1); r = y -> reshape([128, 512, 8]); a = x -> conv(8, kernel: 3, pad: 1); \
         t = r -> tanh; b = a -> conv(8, kernel: 3, pad: 1); output p = b -> conv(2, kernel: 3, pad: 1); \
         output q = t -> global_avg_pool;",
        &format!("output q = x -> conv(8, kernel: 3, pad: 1) -> reshape([512, 128, 8]) -> tanh {convs};"),
        "output q = x -> conv(64, kernel: 3, pad: 1) -> relu -> upsample(2) -> conv(2, kernel: 1) -> relu \
         -> conv(64, kernel: 1) -> relu -> global_avg_pool;",
    ] {
        bands(&format!("network N {{ input x: [256, 256, 4]; {text} }}"), netwright_compiler::plan::CACHE);
    }
}

/// The verifier goes through the bands of each plan: random networks have many, for caches of several sizes.
#[test]
fn random_networks_are_planned_in_bands() {
    let (mut planned, mut all, mut trained) = (0, 0, 0);
    for seed in 5000..5300 {
        let text = generator::network(seed);
        for cache in [50, 100, 300] {
            let compiled = compiled(&text, cache);
            let found = counted(&compiled.inference);
            (planned, all) = (planned + usize::from(found > 0), all + found);
            trained += compiled.training.map_or(0, |training| counted(&training.training));
        }
    }
    assert!(planned > 100 && all > 400, "{planned} plans have {all} bands");
    assert!(trained > 400, "training has {trained} bands");
}
