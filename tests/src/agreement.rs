//! Generated code in single precision against the reference interpreter in double precision: predictions, losses,
//! gradients of every parameter and running statistics; and against itself on other numbers of threads.

use ndarray::{ArrayViewD, IxDyn};
use netwright::Trainable;
use netwright::engine::{self, Core, Gradients, Targets};
use netwright::train::{Optimizer, OptimizerState};
use netwright_compiler::ir::Output;
use netwright_compiler::lower::Lowered;
use netwright_compiler::passes::Mode;

use crate::interpreter::{self, Example, Manner, Random};

const RELATIVE: f64 = 1e-4;
/// In units of the largest number that plays a part.
const ABSOLUTE: f64 = 1e-5;

/// How large, in units of the largest gradient, are the terms that cancel in a gradient that is zero, as that of a bias
/// before a normalisation: in networks that were written for the test, and in random ones.
const CANCELLED: f64 = 0.1;
const CANCELLED_IN_RANDOM: f64 = 1.0;

/// An array of a network under its name.
struct Named {
    name: String,
    values: Vec<f64>,
    /// Terms of this size may have cancelled on the way to the values.
    scale: f64,
    /// What the rounding of all that is computed on the way may come to.
    noise: f64,
}

impl Named {
    fn new(name: impl Into<String>, values: impl Into<Vec<f64>>, scale: f64) -> Self {
        Self { name: name.into(), values: values.into(), scale, noise: 0.0 }
    }

    fn singles(name: impl Into<String>, values: impl IntoIterator<Item = f32>) -> Self {
        Self::new(name, values.into_iter().map(f64::from).collect::<Vec<f64>>(), 0.0)
    }
}

/// Numbers in single precision.
#[must_use]
pub fn single(values: &[f64]) -> Vec<f32> {
    values.iter().map(|&value| value as f32).collect()
}

/// The same of several arrays.
#[must_use]
pub fn singles(arrays: &[Vec<f64>]) -> Vec<Vec<f32>> {
    arrays.iter().map(|array| single(array)).collect()
}

/// Arrays as the engine takes them.
#[must_use]
pub fn slices(arrays: &[Vec<f32>]) -> Vec<&[f32]> {
    arrays.iter().map(Vec::as_slice).collect()
}

/// An example's targets, its values given in single precision.
#[must_use]
pub fn targets<'a>(example: &'a Example, values: &'a [f32]) -> Targets<'a> {
    if values.is_empty() { Targets::Classes(&example.labels) } else { Targets::Values(values) }
}

/// A network with an example's parameters.
///
/// # Panics
///
/// If it has other parameters than the graph.
#[must_use]
pub fn network<N: Trainable>(lowered: &Lowered, example: &Example) -> N {
    let mut network = N::from_core(Core::new(N::SPEC, 1));
    for parameter in &lowered.graph.parameters {
        let values = single(&example.parameters[&parameter.name]);
        let view = ArrayViewD::from_shape(IxDyn(parameter.shape.dims()), &values).unwrap();
        let parameters = network.core_mut().parameters_mut();
        parameters.set(&parameter.name, view.clone()).unwrap();
        assert_eq!(parameters.get(&parameter.name).unwrap(), view);
    }
    network
}

/// Batches around the sizes at which a network's code does something else: one image, a chunk, several lanes.
#[must_use]
pub fn batch_sizes<N: Trainable>() -> Vec<usize> {
    let chunk = N::TRAINING.chunk;
    let several_lanes = chunk * N::TRAINING.lanes + chunk / 2 + 1;
    let mut sizes: Vec<usize> = (1..=9).collect();
    sizes.extend([chunk, chunk + 1, 2 * chunk + 1, N::INFERENCE.chunk + 1]);
    if several_lanes * (N::TRAINING.macs as usize) < 6_000_000 {
        sizes.push(several_lanes);
    }
    sizes.sort_unstable();
    sizes.dedup();
    sizes
}

/// Compares a network with what the interpreter makes of its text, over [`batch_sizes`].
///
/// # Panics
///
/// Where they differ.
pub fn agrees<N: Trainable>(text: &str) {
    let lowered = interpreter::compile(text).unwrap();
    describes::<N>(&lowered);
    for n in batch_sizes::<N>() {
        let example = Example::new(&lowered, n, n as u64 + 17);
        if let Err(difference) = compare(&found::<N>(&lowered, &example), &expected(&lowered, &example, CANCELLED), 1.0)
        {
            panic!("a batch of {n}: {difference}");
        }
    }
}

/// What a random network came to.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Tally {
    /// Batches on which code and interpreter agree.
    pub agreed: usize,
    /// Those of them on which they do within what the rounding of every intermediate result comes to, and not within the
    /// tolerance.
    pub cancelled: usize,
    /// Batches on which they do not, and where rounding alone explains it: an input that is moved by as little moves the
    /// interpreter's own results as much, as beside the kink of a relu.
    pub unsteady: usize,
}

/// As [`agrees`], for a text of the generator, of which not every batch need be steady; at least one is.
///
/// # Errors
///
/// Where they differ.
pub fn random_agrees<N: Trainable>(text: &str, seed: u64) -> Result<Tally, String> {
    let lowered = interpreter::compile(text)?;
    describes::<N>(&lowered);
    let mut tally = Tally::default();
    let sizes = batch_sizes::<N>();
    // A few of them, and always the largest.
    for n in sizes.iter().copied().filter(|&n| n <= 3).chain(sizes.last().copied()) {
        for again in 0..4 {
            let example = Example::new(&lowered, n, seed ^ (n as u64 + (again << 20)));
            let found = found::<N>(&lowered, &example);
            match compare(&found, &expected(&lowered, &example, CANCELLED_IN_RANDOM), 1.0) {
                Ok(()) => {
                    tally.agreed += 1;
                    break;
                }
                // Where a sum of many terms is nearly zero, rounding alone may come to more than the tolerance.
                Err(_) => match compare(&found, &with_noise(&lowered, &example), 1.0) {
                    Ok(()) => {
                        tally.agreed += 1;
                        tally.cancelled += 1;
                        break;
                    }
                    Err(difference) if is_steady(&lowered, &example) => {
                        return Err(format!("a batch of {n}, example {again}: {difference}"));
                    }
                    Err(_) => tally.unsteady += 1,
                },
            }
        }
    }
    if tally.agreed == 0 { Err(format!("no batch to compare: {tally:?}")) } else { Ok(tally) }
}

/// What is expected, with the noise of each array: how far the interpreter's own results move at most when every number
/// on the way is rounded to single precision at random, four times. Sums over `n` images round their partial sums as well,
/// which moves them up to about the square root of `n` times as far as rounded terms do.
fn with_noise(lowered: &Lowered, example: &Example) -> Vec<Named> {
    const SAFETY: f64 = 4.0;
    let safety = SAFETY * (example.n as f64).sqrt();
    let mut exact = expected(lowered, example, CANCELLED_IN_RANDOM);
    for seed in 1..=4 {
        let rounded = expected_of(lowered, example, CANCELLED_IN_RANDOM, Some(seed));
        for (array, rounded) in exact.iter_mut().zip(rounded) {
            let moved = array.values.iter().zip(&rounded.values).map(|(a, b)| (a - b).abs());
            array.noise = moved.fold(array.noise, |noise, moved| noise.max(safety * moved));
        }
    }
    exact
}

/// Whether the interpreter's results stay where they are, well within the tolerances, when all that goes in moves by about
/// as much as single precision rounds.
fn is_steady(lowered: &Lowered, example: &Example) -> bool {
    const ROUNDING: f64 = 1e-6;
    let before = expected(lowered, example, CANCELLED_IN_RANDOM);
    (0..3).all(|round| {
        let mut random = Random::new(round + 1);
        let mut moved = example.clone();
        for value in moved.parameters.values_mut().chain(&mut moved.inputs).flatten() {
            *value += ROUNDING * random.uniform(-1.0, 1.0) * (value.abs() + 0.1);
        }
        compare(&expected(lowered, &moved, CANCELLED_IN_RANDOM), &before, 0.25).is_ok()
    })
}

/// Compares arrays within a share of the tolerances.
fn compare(found: &[Named], expected: &[Named], share: f64) -> Result<(), String> {
    let names = |arrays: &[Named]| arrays.iter().map(|array| array.name.clone()).collect::<Vec<_>>();
    if names(found) != names(expected) {
        return Err(format!("found {:?}, expected {:?}", names(found), names(expected)));
    }
    for (found, Named { name, values, scale, noise }) in found.iter().zip(expected) {
        if found.values.len() != values.len() {
            return Err(format!("{name}: found {} values, expected {}", found.values.len(), values.len()));
        }
        let largest = largest(values).max(*scale);
        for (index, (&found, &expected)) in found.values.iter().zip(values).enumerate() {
            let bound = share * (RELATIVE * expected.abs() + ABSOLUTE * largest) + noise;
            let error = (found - expected).abs();
            // What is not a number is not within the bound either.
            if error.is_nan() || error > bound {
                return Err(format!(
                    "{name}[{index}]: found {found}, expected {expected}, off by {error:e} of {bound:e}"
                ));
            }
        }
    }
    Ok(())
}

fn largest(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |largest, value| largest.max(value.abs()))
}

/// The generated description names the graph's parameters, trained ones first.
fn describes<N: Trainable>(lowered: &Lowered) {
    let (trained, state): (Vec<_>, Vec<_>) = lowered.graph.parameters.iter().partition(|parameter| parameter.trained);
    let expected: Vec<_> = trained.iter().chain(&state).map(|p| (p.name.as_str(), p.shape.dims(), p.trained)).collect();
    let found: Vec<_> = N::SPEC.parameters.iter().map(|p| (p.name, p.shape, p.trained)).collect();
    assert_eq!(found, expected);
    let count: usize = trained.iter().map(|parameter| parameter.shape.elements()).sum();
    assert_eq!(Core::new(N::SPEC, 0).parameters().count(), count);
}

/// What the interpreter makes of an example: inference, evaluation and a step of training. `cancelled` is the size of
/// what may have cancelled in a gradient, in units of the largest.
fn expected(lowered: &Lowered, example: &Example, cancelled: f64) -> Vec<Named> {
    expected_of(lowered, example, cancelled, None)
}

/// The same, with every number on the way rounded by a seed.
fn expected_of(lowered: &Lowered, example: &Example, cancelled: f64, rounding: Option<u64>) -> Vec<Named> {
    let mut all = Vec::new();
    let recipe = lowered.recipe.as_ref().unwrap();
    let batch = interpreter::Batch { rounding, ..example.batch() };
    let inferred = interpreter::run_with_loss(&lowered.graph, recipe, Manner::Inference, &example.parameters, &batch);
    for output in &lowered.graph.outputs {
        all.push(Named::new(format!("output {}", output.name), inferred.value(output.value), 0.0));
    }
    all.push(Named::new("evaluated loss", [inferred.loss()], 1.0));
    all.push(Named::new("evaluated images that are right", [inferred.correct as f64], 0.0));

    let unit = interpreter::prepared(lowered, Mode::Training).unwrap();
    let trained = interpreter::run(&unit.graph, Manner::Training, &example.parameters, &batch);
    all.push(Named::new("loss", [trained.loss()], 1.0));
    all.push(Named::new("images that are right", [trained.correct as f64], 0.0));
    let scale = cancelled * trained.gradients.values().map(|gradient| largest(gradient)).fold(0.0, f64::max);
    for parameter in &lowered.graph.parameters {
        let name = &parameter.name;
        if parameter.trained {
            let none = vec![0.0; parameter.shape.elements()];
            let gradient = trained.gradients.get(name).unwrap_or(&none);
            all.push(Named::new(format!("gradient of {name}"), gradient.as_slice(), scale));
        } else {
            let kept = &example.parameters[name];
            let after = trained.state.get(name).unwrap_or(kept);
            all.push(Named::new(format!("{name} after a step"), after.as_slice(), 0.0));
        }
    }
    all
}

/// The same of the generated code.
fn found<N: Trainable>(lowered: &Lowered, example: &Example) -> Vec<Named> {
    let mut all = Vec::new();
    let mut network: N = network(lowered, example);
    let (n, inputs, values) = (example.n, singles(&example.inputs), single(&example.values));
    let inputs = slices(&inputs);
    let outputs = &lowered.graph.outputs;
    let room = |output: &Output| vec![f32::NAN; n * lowered.graph.shape(output.value).elements()];
    let mut predicted: Vec<_> = outputs.iter().map(room).collect();
    let mut rooms: Vec<&mut [f32]> = predicted.iter_mut().map(Vec::as_mut_slice).collect();
    engine::predict_all_into(&network, &inputs, &mut rooms).unwrap();
    for (output, predicted) in outputs.iter().zip(predicted) {
        all.push(Named::singles(format!("output {}", output.name), predicted));
    }
    let evaluated = engine::evaluate_all(&network, &inputs, targets(example, &values)).unwrap();
    assert_eq!(evaluated.images, n);
    all.push(Named::singles("evaluated loss", [evaluated.loss as f32]));
    all.push(Named::new("evaluated images that are right", [evaluated.correct as f64], 0.0));

    let before = network.core().parameters().trained().to_vec();
    let mut gradients = Gradients::new::<N>().unwrap();
    // A step before this one, of another key, leaves nothing behind.
    let state = network.core().parameters().state().to_vec();
    gradients.set_key(7, 7);
    engine::loss_and_gradients_all(&mut network, &inputs, targets(example, &values), &mut gradients).unwrap();
    network.core_mut().parameters_mut().split_mut().1.copy_from_slice(&state);

    gradients.set_key(example.seed, example.step);
    let trained =
        engine::loss_and_gradients_all(&mut network, &inputs, targets(example, &values), &mut gradients).unwrap();
    assert_eq!(trained.images, n);
    assert_eq!(network.core().parameters().trained(), before, "gradients change no parameter");
    all.push(Named::singles("loss", [trained.loss as f32]));
    all.push(Named::new("images that are right", [trained.correct as f64], 0.0));
    for parameter in &lowered.graph.parameters {
        let name = &parameter.name;
        if parameter.trained {
            let found = gradients.get(name).unwrap();
            assert_eq!(found.shape(), parameter.shape.dims());
            all.push(Named::singles(format!("gradient of {name}"), found));
        } else {
            let found = network.core().parameters().get(name).unwrap();
            all.push(Named::singles(format!("{name} after a step"), found));
        }
    }
    all
}

/// Whether a few steps of training and a prediction leave the same bits on 1, 2, 3 and 7 threads.
///
/// # Errors
///
/// The number of threads that gives others than one thread.
pub fn is_the_same_for_any_number_of_threads<N: Trainable>(text: &str, n: usize) -> Result<(), String> {
    let lowered = interpreter::compile(text)?;
    let example = Example::new(&lowered, n, 3);
    let one = trace::<N>(&lowered, &example, 1);
    match [2, 3, 7].into_iter().find(|&threads| trace::<N>(&lowered, &example, threads) != one) {
        Some(threads) => Err(format!("{threads} threads give other bits than one, for a batch of {n}")),
        None => Ok(()),
    }
}

/// Everything that a few steps and a prediction leave, in bits.
fn trace<N: Trainable>(lowered: &Lowered, example: &Example, threads: usize) -> Vec<u64> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    let bits = |values: &[f32]| values.iter().map(|value| u64::from(value.to_bits())).collect::<Vec<_>>();
    pool.install(|| {
        let (inputs, values) = (singles(&example.inputs), single(&example.values));
        let inputs = slices(&inputs);
        let mut network: N = network(lowered, example);
        let mut gradients = Gradients::new::<N>().unwrap();
        let optimizer = Optimizer::Sgd { lr: 0.01, momentum: 0.9, nesterov: false, weight_decay: 0.0 };
        let mut state = OptimizerState::new(&optimizer, N::SPEC.trained).unwrap();
        let mut trace = Vec::new();
        for step in 0..2 {
            gradients.set_key(9, step);
            let targets = targets(example, &values);
            let loss = engine::loss_and_gradients_all(&mut network, &inputs, targets, &mut gradients).unwrap();
            trace.extend([loss.loss.to_bits(), loss.correct as u64]);
            trace.extend(bits(gradients.values()));
            let parameters = network.core_mut().parameters_mut().trained_mut();
            state.step(&optimizer, optimizer.lr(), parameters, gradients.values());
        }
        trace.extend(bits(network.core().parameters().values()));
        let mut predicted: Vec<Vec<f32>> =
            N::SPEC.outputs.iter().map(|output| vec![0.0; example.n * output.len()]).collect();
        let mut rooms: Vec<&mut [f32]> = predicted.iter_mut().map(Vec::as_mut_slice).collect();
        engine::predict_all_into(&network, &inputs, &mut rooms).unwrap();
        trace.extend(predicted.iter().flat_map(|predicted| bits(predicted)));
        trace
    })
}
