//! Random parameters, images and targets for a network.

use netwright_compiler::lower::Lowered;
use netwright_compiler::recipe::LossKind;

use super::{Arrays, Batch, Random, Targets};

/// What a network can be run with.
#[derive(Debug, Clone)]
pub struct Example {
    /// Images.
    pub n: usize,
    /// Every parameter and state array.
    pub parameters: Arrays,
    /// `[n, ...input]` for each input.
    pub inputs: Vec<Vec<f64>>,
    /// The class of each image; empty where the loss takes values, or where there is none.
    pub labels: Vec<u32>,
    /// The values of each image; empty where the loss takes classes.
    pub values: Vec<f64>,
    /// Keys dropout.
    pub seed: u64,
    /// Keys dropout.
    pub step: u64,
}

impl Example {
    /// Random numbers for a batch of `n`, all of them exact in f32.
    #[must_use]
    pub fn new(lowered: &Lowered, n: usize, seed: u64) -> Self {
        let mut random = Random::new(seed);
        let graph = &lowered.graph;
        let mut parameters = Arrays::new();
        for parameter in &graph.parameters {
            let len = parameter.shape.elements();
            // Weights keep the size of what goes through them; variances stay above zero; scales stay away from it.
            let fan_in = (len / parameter.shape.channels()).max(1) as f64;
            let (low, high) = match parameter.name.rsplit('.').next() {
                Some("weight" | "depthwise" | "pointwise") => (-(3.0 / fan_in).sqrt(), (3.0 / fan_in).sqrt()),
                Some("scale" | "running_variance") => (0.5, 1.5),
                _ => (-0.5, 0.5),
            };
            parameters.insert(parameter.name.clone(), random.array(len, low, high));
        }
        let inputs =
            graph.inputs.iter().map(|&input| random.array(n * graph.shape(input).elements(), -1.0, 1.0)).collect();
        let loss = lowered.recipe.as_ref().map(|recipe| &recipe.loss);
        let elements = loss.map_or(0, |loss| graph.shape(loss.of).elements());
        let (mut labels, mut values) = (Vec::new(), Vec::new());
        match loss.map(|loss| &loss.kind) {
            Some(LossKind::CrossEntropy { .. }) => labels = (0..n).map(|_| random.below(elements) as u32).collect(),
            Some(LossKind::BinaryCrossEntropy) => values = random.array(n * elements, 0.0, 1.0),
            Some(LossKind::MeanSquaredError | LossKind::L1 | LossKind::Huber { .. }) => {
                values = random.array(n * elements, -1.0, 1.0);
            }
            None => {}
        }
        Self { n, parameters, inputs, labels, values, seed: seed ^ 0x5eed_0000_0001, step: seed % 1000 }
    }

    /// The images with their targets.
    #[must_use]
    pub fn batch(&self) -> Batch<'_> {
        let targets =
            if self.values.is_empty() { Targets::Classes(&self.labels) } else { Targets::Values(&self.values) };
        Batch { n: self.n, inputs: &self.inputs, targets, seed: self.seed, step: self.step, rounding: None }
    }
}
