//! Networks written by hand, for tests of what is built over generated ones.

use netwright_kernels::Slot;

use crate::spec::{Init, Layout, ParameterSpec, Spec, TensorSpec};

const fn parameter(
    name: &'static str,
    shape: &'static [usize],
    offset: usize,
    layout: Layout,
    init: Init,
    trained: bool,
) -> ParameterSpec {
    ParameterSpec { name, shape, offset, layout, init, trained }
}

/// Parameters of every layout, some padded, and state after them. Nothing computes with them.
pub(crate) static ARRAYS: Spec = Spec {
    name: "Arrays",
    fingerprint: "a1b2",
    inputs: &[TensorSpec { name: "image", shape: &[8, 8, 2] }],
    outputs: &[TensorSpec { name: "scores", shape: &[3] }],
    parameters: &[
        parameter(
            "conv1.weight",
            &[3, 3, 2, 5],
            0,
            Layout::Panels { groups: 1, k: 18, f: 5 },
            Init::GlorotUniform,
            true,
        ),
        parameter("conv1.bias", &[5], 288, Layout::Padded { len: 5 }, Init::Zeros, true),
        parameter("dense1.weight", &[20, 3], 304, Layout::Panels { groups: 1, k: 20, f: 3 }, Init::HeNormal, true),
        parameter("norm.mean", &[5], 624, Layout::Plain { len: 5 }, Init::Constant(0.5), false),
    ],
    trained: 624,
    stored: 629,
    layers: &[],
};

#[cfg(feature = "train")]
pub(crate) use linear::{Classifier, Regressor, Smoothed, toy};

#[cfg(feature = "train")]
mod linear {
    use super::*;
    use crate::dataset::Dataset;
    use crate::engine::{Barrier, Core, EvaluationChunk, Inference, InferenceChunk, Training, TrainingChunk};
    use crate::network::{Network, Trainable};
    use crate::random::Stream;
    use crate::spec::Rate;
    use crate::train::{Loss, Optimizer, Recipe, Schedule};

    const INPUT: usize = 6;
    const OUTPUT: usize = 3;
    /// Floats that a row of the weights takes.
    const ROW: usize = 16;
    const BIAS: usize = INPUT * ROW;
    const TRAINED: usize = BIAS + ROW;

    static SPEC: Spec = Spec {
        name: "Linear",
        fingerprint: "11ea",
        inputs: &[TensorSpec { name: "x", shape: &[2, 3] }],
        outputs: &[TensorSpec { name: "scores", shape: &[OUTPUT] }],
        parameters: &[
            parameter("dense1.weight", &[6, 3], 0, Layout::Panels { groups: 1, k: 6, f: 3 }, Init::HeUniform, true),
            parameter("dense1.bias", &[3], BIAS, Layout::Padded { len: 3 }, Init::Zeros, true),
            parameter("input.mean", &[6], TRAINED, Layout::Plain { len: 6 }, Init::Zeros, false),
        ],
        trained: TRAINED,
        stored: TRAINED + INPUT,
        layers: &[],
    };

    /// One dense layer with a loss over its scores. Training keeps a running mean of the inputs, which takes a barrier,
    /// and randomly scales each image, so that a run's state and keys show in its numbers.
    #[derive(Clone)]
    pub(crate) struct Linear<const CLASSES: usize, const SMOOTHED: bool = false>(Core);
    pub(crate) type Classifier = Linear<OUTPUT>;
    pub(crate) type Regressor = Linear<0>;
    /// As if the description had settings that are part of the code.
    pub(crate) type Smoothed = Linear<OUTPUT, true>;

    impl<const CLASSES: usize, const SMOOTHED: bool> Linear<CLASSES, SMOOTHED> {
        pub(crate) fn new(seed: u64) -> Self {
            Self(Core::new(&SPEC, seed))
        }
    }

    impl<const CLASSES: usize, const SMOOTHED: bool> Network for Linear<CLASSES, SMOOTHED> {
        const SPEC: &'static Spec = &SPEC;
        const INFERENCE: Inference = Inference { chunk: 4, arena: 0, macs: 18 };

        fn core(&self) -> &Core {
            &self.0
        }

        fn core_mut(&mut self) -> &mut Core {
            &mut self.0
        }

        fn from_core(core: Core) -> Self {
            Self(core)
        }

        fn infer(chunk: &mut InferenceChunk<'_>) {
            for (x, out) in chunk.input.chunks_exact(INPUT).zip(chunk.output.chunks_exact_mut(OUTPUT)) {
                out.copy_from_slice(&scores(chunk.parameters, x, 1.0));
            }
        }
    }

    impl<const CLASSES: usize, const SMOOTHED: bool> Trainable for Linear<CLASSES, SMOOTHED> {
        const RECIPE: Recipe = Recipe {
            loss: if CLASSES == 0 { Loss::MeanSquaredError } else { Loss::CrossEntropy },
            optimizer: Optimizer::Adam { lr: 0.05, beta1: 0.9, beta2: 0.999, epsilon: 1e-7, weight_decay: 0.0 },
            schedule: Schedule::Constant,
            warmup_steps: 0,
            batch: 8,
            epochs: 3,
            seed: 1,
            patience: None,
            validation: None,
            clip_norm: None,
        };
        const RATES: &'static [Rate] = if SMOOTHED { &[Rate { start: BIAS, end: TRAINED, factor: 2.0 }] } else { &[] };
        const LOSS: &'static str = if SMOOTHED { "cross_entropy(smoothing: 0.1)" } else { Self::RECIPE.loss.name() };
        const TRAINING: Training = Training {
            chunk: 4,
            lanes: 2,
            lane_images: 1,
            arena: INPUT,
            stages: 2,
            derived: &[],
            shared: 0,
            classes: CLASSES,
            target: if CLASSES == 0 { OUTPUT } else { 0 },
            // As if it were large, so that chunks are shared among threads.
            macs: 1 << 30,
        };
        const EVALUATION: Inference = Self::INFERENCE;

        fn evaluate(chunk: &mut EvaluationChunk<'_>) {
            for (i, x) in chunk.input.chunks_exact(INPUT).enumerate() {
                let scores = scores(chunk.parameters, x, 1.0);
                (chunk.losses[i], chunk.correct[i]) = loss(&scores, chunk.labels, chunk.values, i).0;
            }
        }

        fn derive(_job: usize, _parameters: &[f32], _out: &mut [f32]) {}

        fn stage(stage: usize, chunk: &mut TrainingChunk<'_>) {
            if stage == 0 {
                let ([], [sums]) = chunk.arena.split(chunk.n, [], [Slot::fixed(0, INPUT)]);
                sums.fill(0.0);
                chunk.input.chunks_exact(INPUT).for_each(|x| sums.iter_mut().zip(x).for_each(|(sum, x)| *sum += x));
                return;
            }
            for (i, x) in chunk.input.chunks_exact(INPUT).enumerate() {
                let mut stream = Stream::numbered(chunk.key.seed, "scale", chunk.key.step);
                let word = (0..=chunk.first + i).fold(0, |_, _| stream.next_u32());
                let scale = 0.75 + 0.5 * word as f32 / u32::MAX as f32;
                let scores = scores(chunk.parameters, x, scale);
                let (outcome, slopes) = loss(&scores, chunk.labels, chunk.values, i);
                (chunk.losses[i], chunk.correct[i]) = outcome;
                for (class, slope) in slopes.iter().enumerate() {
                    let slope = slope / chunk.batch as f32;
                    for (row, x) in x.iter().enumerate() {
                        chunk.gradients[row * ROW + class] += slope * x * scale;
                    }
                    chunk.gradients[BIAS + class] += slope;
                }
            }
        }

        fn barrier(_stage: usize, barrier: &mut Barrier<'_>) {
            let mut mean = [0.0; INPUT];
            for (_, sums) in barrier.partials(Slot::fixed(0, INPUT)) {
                mean.iter_mut().zip(sums).for_each(|(mean, sum)| *mean += sum);
            }
            for (running, sum) in barrier.parameters[TRAINED..].iter_mut().zip(mean) {
                *running = 0.9 * *running + 0.1 * sum / barrier.batch as f32;
            }
        }
    }

    fn scores(parameters: &[f32], x: &[f32], scale: f32) -> [f32; OUTPUT] {
        std::array::from_fn(|class| {
            let terms = x.iter().enumerate().map(|(row, x)| parameters[row * ROW + class] * x * scale);
            parameters[BIAS + class] + terms.sum::<f32>()
        })
    }

    /// The loss, 1 where the largest score is the class, and the slopes of the scores.
    fn loss(scores: &[f32; OUTPUT], labels: &[u32], values: &[f32], i: usize) -> ((f32, u8), [f32; OUTPUT]) {
        if labels.is_empty() {
            let errors: [f32; OUTPUT] = std::array::from_fn(|k| scores[k] - values[i * OUTPUT + k]);
            let loss = errors.iter().map(|error| error * error).sum::<f32>() / OUTPUT as f32;
            return ((loss, 0), errors.map(|error| 2.0 * error / OUTPUT as f32));
        }
        let label = labels[i] as usize;
        let largest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let exponentials = scores.map(|score| (score - largest).exp());
        let sum: f32 = exponentials.iter().sum();
        let slopes = std::array::from_fn(|k| exponentials[k] / sum - f32::from(u8::from(k == label)));
        let hit = u8::from(crate::train::largest(scores) == label);
        ((sum.ln() + largest - scores[label], hit), slopes)
    }

    /// Images of three classes that a linear network can tell apart, `n` of them; as values, each class is a corner.
    pub(crate) fn toy(n: usize, seed: u64, values: bool) -> Dataset {
        let mut stream = Stream::new(seed, "toy");
        let labels: Vec<u32> = (0..n).map(|_| stream.below(3)).collect();
        let inputs = labels.iter().flat_map(|&label| {
            let noise: [f32; INPUT] = std::array::from_fn(|_| stream.normal() as f32 * 0.5);
            (0..INPUT).map(move |k| noise[k] + f32::from(u8::from(k % 3 == label as usize)))
        });
        let inputs = ndarray::Array3::from_shape_vec((n, 2, 3), inputs.collect()).unwrap();
        if !values {
            return Dataset::from_classes(inputs, labels, 3).unwrap();
        }
        let corner = |(i, k): (usize, usize)| f32::from(u8::from(labels[i] as usize == k));
        Dataset::from_values(inputs, ndarray::Array2::from_shape_fn((n, OUTPUT), corner)).unwrap()
    }
}
