//! The same bits for any number of threads, the same start for a seed, and predictions that do not depend on what else
//! is in the batch.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failure ends the test")]

use netwright::engine::{self, Core, Gradients, Targets};
use netwright::train::{Optimizer, OptimizerState};
use netwright::{Network, Trainable};
use netwright_tests::interpreter::Random;
use rayon::ThreadPoolBuilder;

netwright::model!(<lenet> as LeNet);
netwright::model!("../nets/layers/composite.net");
netwright::model!("../nets/layers/decoder.net");
netwright::model!("../nets/layers/varied.net");

const THREADS: [usize; 4] = [1, 2, 3, 7];
const STEPS: u64 = 3;

struct Data {
    images: Vec<f32>,
    labels: Vec<u32>,
}

fn data<N: Trainable>(n: usize) -> Data {
    let mut random = Random::new(5);
    let images = random.array(n * N::SPEC.inputs[0].len(), 0.0, 1.0).into_iter().map(|x| x as f32).collect();
    let labels = (0..n).map(|_| random.below(N::TRAINING.classes) as u32).collect();
    Data { images, labels }
}

fn bits(values: &[f32]) -> impl Iterator<Item = u64> {
    values.iter().map(|value| u64::from(value.to_bits()))
}

/// Everything that a few steps and a prediction leave, in bits.
fn trace<N: Trainable>(threads: usize, n: usize) -> Vec<u64> {
    let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| {
        assert_eq!(rayon::current_num_threads(), threads);
        let Data { images, labels } = data::<N>(n);
        let mut network = N::from_core(Core::new(N::SPEC, 42));
        let mut gradients = Gradients::new::<N>().unwrap();
        let optimizer = Optimizer::Adam { lr: 0.001, beta1: 0.9, beta2: 0.999, epsilon: 1e-7, weight_decay: 0.0 };
        let mut state = OptimizerState::new(&optimizer, N::SPEC.trained).unwrap();
        let mut trace = Vec::new();
        for step in 0..STEPS {
            gradients.set_key(9, step);
            let targets = Targets::Classes(&labels);
            let loss = engine::loss_and_gradients(&mut network, &images, targets, &mut gradients).unwrap();
            trace.extend([loss.loss.to_bits(), loss.correct as u64]);
            trace.extend(bits(gradients.values()));
            let parameters = network.core_mut().parameters_mut().trained_mut();
            state.step(&optimizer, optimizer.lr(), parameters, gradients.values());
        }
        trace.extend(bits(network.core().parameters().values()));
        let mut outputs = vec![0.0; n * N::SPEC.outputs[0].len()];
        engine::predict_into(&network, &images, &mut outputs).unwrap();
        assert!(outputs.iter().all(|output| output.is_finite()));
        trace.extend(bits(&outputs));
        let evaluated = engine::evaluate(&network, &images, Targets::Classes(&labels)).unwrap();
        trace.extend([evaluated.loss.to_bits(), evaluated.correct as u64]);
        trace
    })
}

/// A batch that leaves a chunk partly filled, so large that work is shared among threads.
fn is_the_same_for_any_number_of_threads<N: Trainable>(n: usize) {
    assert!(N::TRAINING.macs * n as u64 > 2_000_000, "too small to be shared among threads");
    assert!(n > N::TRAINING.chunk * 3 && n > N::INFERENCE.chunk * 2);
    let one = trace::<N>(THREADS[0], n);
    for threads in &THREADS[1..] {
        let several = trace::<N>(*threads, n);
        let difference = one.iter().zip(&several).position(|(a, b)| a != b);
        assert_eq!((difference, one.len()), (None, several.len()), "{} threads", threads);
    }
}

/// Predictions of batches so small that threads share the steps of one chunk, in bits.
fn small_batches<N: Network>(threads: usize) -> Vec<u64> {
    let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| {
        let network = N::from_core(Core::new(N::SPEC, 42));
        let mut random = Random::new(6);
        let mut trace = Vec::new();
        for n in [1, 2, 1, 5, 9, 3] {
            let images: Vec<f32> =
                random.array(n * N::SPEC.inputs[0].len(), 0.0, 1.0).into_iter().map(|x| x as f32).collect();
            let mut outputs = vec![0.0; n * N::SPEC.outputs[0].len()];
            engine::predict_into(&network, &images, &mut outputs).unwrap();
            trace.extend(bits(&outputs));
        }
        trace
    })
}

#[test]
fn small_batches_are_the_same_for_any_number_of_threads() {
    const { assert!(LeNet::INFERENCE.macs > 2_000_000, "too small to be shared among threads") };
    let one = (small_batches::<LeNet>(1), small_batches::<Varied>(1));
    for threads in [2, 3, 7] {
        assert!(one == (small_batches::<LeNet>(threads), small_batches::<Varied>(threads)), "{threads} threads");
    }
}

#[test]
fn predictions_from_several_threads_at_once_are_the_same() {
    let network = LeNet::new(3);
    let images = data::<LeNet>(1).images;
    let predict = || {
        let mut outputs = vec![0.0; 10];
        engine::predict_into(&network, &images, &mut outputs).unwrap();
        outputs
    };
    let expected = predict();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..50).for_each(|_| assert_eq!(predict(), expected)));
        }
    });
}

#[test]
fn lenet_is_the_same_for_any_number_of_threads() {
    is_the_same_for_any_number_of_threads::<LeNet>(45);
}

/// With whole-batch statistics and dropout.
#[test]
fn composite_is_the_same_for_any_number_of_threads() {
    is_the_same_for_any_number_of_threads::<Composite>(210);
}

/// With layers that change sizes, forward and back.
#[test]
fn decoder_is_the_same_for_any_number_of_threads() {
    is_the_same_for_any_number_of_threads::<Decoder>(210);
}

/// With normalisation within an image, slopes that are trained, and a weighted mean of losses.
#[test]
fn varied_is_the_same_for_any_number_of_threads() {
    is_the_same_for_any_number_of_threads::<Varied>(45);
}

#[test]
fn a_seed_has_one_start() {
    fn starts<N: Trainable>() {
        let start = |seed| N::from_core(Core::new(N::SPEC, seed)).core().parameters().values().to_vec();
        assert_eq!(start(1), start(1));
        assert_ne!(start(1), start(2));
    }
    starts::<LeNet>();
    starts::<Composite>();
    starts::<Varied>();
    assert_eq!(LeNet::new(3).param("conv1.weight").unwrap(), LeNet::new(3).param("conv1.weight").unwrap());
}

/// An image's prediction is the same alone, in a batch, and at another place of it, bit for bit.
#[test]
fn a_prediction_does_not_depend_on_the_batch() {
    fn predicts<N: Trainable>() {
        const N_IMAGES: usize = 64;
        let (input, output) = (N::SPEC.inputs[0].len(), N::SPEC.outputs[0].len());
        let network = N::from_core(Core::new(N::SPEC, 42));
        let images = data::<N>(N_IMAGES).images;
        let mut together = vec![0.0; N_IMAGES * output];
        engine::predict_into(&network, &images, &mut together).unwrap();
        let mut alone = vec![0.0; N_IMAGES * output];
        for (image, alone) in images.chunks_exact(input).zip(alone.chunks_exact_mut(output)) {
            engine::predict_into(&network, image, alone).unwrap();
        }
        assert!(bits(&together).eq(bits(&alone)));
        let mut later = vec![0.0; (N_IMAGES - 5) * output];
        engine::predict_into(&network, &images[5 * input..], &mut later).unwrap();
        assert!(bits(&together[5 * output..]).eq(bits(&later)));
    }
    predicts::<LeNet>();
    predicts::<Composite>();
    predicts::<Decoder>();
    predicts::<Varied>();
}

/// Dropout is keyed: the same key gives the same gradients, another seed or step others.
#[test]
fn a_key_has_one_mask() {
    let Data { images, labels } = data::<Composite>(6);
    let mut gradients = Composite::gradients().unwrap();
    let mut at = |seed, step| {
        gradients.set_key(seed, step);
        let mut network = Composite::new(1);
        engine::loss_and_gradients(&mut network, &images, Targets::Classes(&labels), &mut gradients).unwrap();
        gradients.values().to_vec()
    };
    let first = at(1, 1);
    assert_eq!(first, at(1, 1));
    assert_ne!(first, at(1, 2));
    assert_ne!(first, at(2, 1));
}
