//! Goes through a graph's nodes in order, each to the function that computes it.

use std::hash::{DefaultHasher, Hash, Hasher};

use netwright_compiler::ir::{Extent, Graph, Node, ParameterId, ValueId};
use netwright_compiler::ops::{Concat, Op, Part};
use netwright_compiler::recipe::LossKind;

use super::{
    Arrays, Batch, Manner, Outcome, Random, activation, arithmetic, batch_norm, concat, conv, conv_transpose, dense,
    dropout, log_softmax, loss, lrn, mean, norm, pad, pool, prelu, softmax, upsample,
};

/// What single precision rounds by, in units of the number.
const UNIT: f64 = f32::EPSILON as f64 / 2.0;

/// See [`super::run`].
pub(super) fn run(graph: &Graph, manner: Manner, parameters: &Arrays, batch: &Batch<'_>) -> Outcome {
    let mut outcome = Outcome { values: vec![None; graph.values.len()], ..Outcome::default() };
    assert_eq!(batch.inputs.len(), graph.inputs.len(), "another number of inputs");
    for (&input, images) in graph.inputs.iter().zip(batch.inputs) {
        assert_eq!(images.len(), batch.n * graph.shape(input).elements(), "input of another size");
        outcome.values[input.0 as usize] = Some(images.clone());
    }
    let mut run = Run { graph, manner, parameters, batch, outcome, decisions: DefaultHasher::new() };
    let mut rounding = batch.rounding.map(Random::new);
    for node in &graph.nodes {
        let mut results = run.node(node);
        if let (Some(random), Some(first)) = (&mut rounding, results.first_mut()) {
            first.iter_mut().for_each(|value| *value *= 1.0 + UNIT * random.uniform(-1.0, 1.0));
        }
        assert_eq!(results.len(), node.results.len(), "`{}` makes another number of results", node.op);
        for (port, (&id, result)) in node.results.iter().zip(results).enumerate() {
            // Places of maxima are kept in bytes there, in numbers here: only the first result has the shape's size.
            if port == 0 {
                let images = if graph.value(id).extent == Extent::Image { batch.n } else { 1 };
                assert_eq!(result.len(), images * graph.shape(id).elements(), "`{}` has another size", node.op);
            }
            run.outcome.values[id.0 as usize] = Some(result);
        }
    }
    run.outcome.decisions = run.decisions.finish();
    run.outcome
}

struct Run<'a> {
    graph: &'a Graph,
    manner: Manner,
    parameters: &'a Arrays,
    batch: &'a Batch<'a>,
    outcome: Outcome,
    decisions: DefaultHasher,
}

impl<'a> Run<'a> {
    fn value(&self, id: ValueId) -> &[f64] {
        self.outcome.value(id)
    }

    fn parameter(&self, id: ParameterId) -> &'a [f64] {
        let name = &self.graph.parameter(id).name;
        let array = self.parameters.get(name).unwrap_or_else(|| panic!("no parameter `{name}` is given"));
        assert_eq!(array.len(), self.graph.parameter(id).shape.elements(), "`{name}` has another size");
        array
    }

    /// Adds to the gradient of a parameter.
    fn add_gradient(&mut self, id: ParameterId, gradient: Vec<f64>) {
        let parameter = self.graph.parameter(id);
        assert!(parameter.trained, "`{}` has no gradient", parameter.name);
        assert_eq!(gradient.len(), parameter.shape.elements());
        let sum = self.outcome.gradients.entry(parameter.name.clone()).or_insert_with(|| vec![0.0; gradient.len()]);
        sum.iter_mut().zip(gradient).for_each(|(sum, gradient)| *sum += gradient);
    }

    /// Counts decisions towards the digest.
    fn decide(&mut self, decisions: impl Iterator<Item = u64>) {
        decisions.for_each(|decision| decision.hash(&mut self.decisions));
    }

    /// Gradients of a weight and, if there is one, a bias; or of a scale and a shift.
    fn add_gradients(&mut self, node: &Node, (weight, bias): (Vec<f64>, Vec<f64>)) {
        self.add_gradient(node.parameters[0], weight);
        if let Some(&id) = node.parameters.get(1) {
            self.add_gradient(id, bias);
        }
    }

    fn mask(&self, dropout: &netwright_compiler::ops::Dropout, len: usize) -> Vec<f64> {
        dropout::mask(dropout, self.batch.seed, self.batch.step, self.batch.n, len)
    }

    /// The results of one node.
    fn node(&mut self, node: &Node) -> Vec<Vec<f64>> {
        let n = self.batch.n;
        let arg = |index: usize| self.value(node.args[index]);
        let len = |index: usize| self.graph.shape(node.args[index]).elements();
        let channels = |index: usize| self.graph.shape(node.args[index]).channels();
        let bias = || node.parameters.get(1).map(|&id| self.parameter(id));
        let weight = || self.parameter(node.parameters[0]);
        match &node.op {
            Op::Conv(op) => {
                let mut y = conv::forward(op, n, arg(0), weight(), bias());
                self.fused_relu(op.relu, &mut y);
                vec![y]
            }
            Op::ConvInputGradient(op) => vec![conv::input_gradient(&op.0, n, arg(0), weight())],
            Op::ConvWeightGradient(op) => {
                let gradients = conv::weight_gradient(&op.0, n, arg(0), arg(1));
                self.add_gradients(node, gradients);
                Vec::new()
            }
            Op::ConvTranspose(op) => {
                let mut y = conv_transpose::forward(op, n, arg(0), weight(), bias());
                self.fused_relu(op.relu, &mut y);
                vec![y]
            }
            Op::ConvTransposeInputGradient(op) => vec![conv_transpose::input_gradient(&op.0, n, arg(0), weight())],
            Op::ConvTransposeWeightGradient(op) => {
                let gradients = conv_transpose::weight_gradient(&op.0, n, arg(0), arg(1));
                self.add_gradients(node, gradients);
                Vec::new()
            }
            Op::Dense(op) => {
                let mut y = dense::forward(op, n, arg(0), weight(), bias());
                self.fused_relu(op.relu, &mut y);
                vec![y]
            }
            Op::DenseInputGradient(op) => vec![dense::input_gradient(&op.0, n, arg(0), weight())],
            Op::DenseWeightGradient(op) => {
                let gradients = dense::weight_gradient(&op.0, n, arg(0), arg(1));
                self.add_gradients(node, gradients);
                Vec::new()
            }
            Op::Activation(op) => {
                let x = arg(0);
                let y = x.iter().map(|&x| activation::apply(op.0, x)).collect();
                let pieces: Vec<u64> = x.iter().map(|&x| activation::piece(op.0, x)).collect();
                self.decide(pieces.into_iter());
                vec![y]
            }
            Op::ActivationGradient(op) => {
                let slope = if op.0.reads_input() { activation::slope_at_input } else { activation::slope_at_output };
                let slopes = arg(0).iter().map(|&value| slope(op.0, value));
                vec![slopes.zip(arg(1)).map(|(slope, dy)| slope * dy).collect()]
            }
            Op::Prelu(_) => {
                let sides: Vec<u64> = arg(0).iter().map(|&x| u64::from(x > 0.0)).collect();
                let y = prelu::forward(weight(), arg(0));
                self.decide(sides.into_iter());
                vec![y]
            }
            Op::PreluGradient(_) => vec![prelu::gradient(weight(), arg(0), arg(1))],
            Op::PreluSlopeGradient(op) => {
                let gradient = prelu::slope_gradient(op.0.c, arg(0), arg(1));
                self.add_gradient(node.parameters[0], gradient);
                Vec::new()
            }
            Op::Softmax(_) => vec![softmax::forward(channels(0), arg(0))],
            Op::SoftmaxGradient(_) => vec![softmax::gradient(channels(0), arg(0), arg(1))],
            Op::LogSoftmax(_) => vec![log_softmax::forward(channels(0), arg(0))],
            Op::LogSoftmaxGradient(_) => vec![log_softmax::gradient(channels(0), arg(0), arg(1))],
            Op::MaxPool(op) => {
                let (y, places) = pool::max(op, n, arg(0));
                self.decide(places.iter().map(|&place| place as u64));
                vec![y]
            }
            Op::MaxPoolIndexed(op) => {
                let (y, places) = pool::max(&op.0, n, arg(0));
                vec![y, places.into_iter().map(|place| place as f64).collect()]
            }
            Op::MaxPoolGradient(op) => vec![pool::max_gradient(&op.0, n, arg(0), arg(1))],
            Op::AvgPool(op) => vec![pool::avg(op, n, arg(0))],
            Op::AvgPoolGradient(op) => vec![pool::avg_gradient(&op.0, n, arg(0))],
            Op::GlobalAvgPool(op) => vec![pool::global_avg(op.input, n, arg(0))],
            Op::GlobalAvgPoolGradient(op) => vec![pool::global_avg_gradient(op.0.input, n, arg(0))],
            Op::GlobalMaxPool(op) => {
                let (y, pixels) = pool::global_max(op.input, n, arg(0));
                self.decide(pixels.into_iter().map(|pixel| pixel as u64));
                vec![y]
            }
            Op::GlobalMaxPoolGradient(op) => vec![pool::global_max_gradient(op.0.input, n, arg(0), arg(2))],
            Op::Mean(op) => vec![mean::forward(op, n, arg(0))],
            Op::MeanGradient(op) => vec![mean::gradient(&op.mean, n, arg(0))],
            Op::Pad(op) => vec![pad::forward(op, n, arg(0))],
            Op::PadGradient(op) => vec![pad::gradient(&op.0, n, arg(0))],
            Op::Upsample(op) => vec![upsample::forward(op, n, arg(0))],
            Op::UpsampleGradient(op) => vec![upsample::gradient(&op.0, n, arg(0))],
            Op::Reshape(_) | Op::Copy(_) => vec![arg(0).to_vec()],
            Op::Dropout(op) => match self.manner {
                Manner::Inference => vec![arg(0).to_vec()],
                Manner::Training => vec![arithmetic::product(arg(0), &self.mask(op, len(0)))],
            },
            Op::DropoutGradient(op) => vec![arithmetic::product(arg(0), &self.mask(&op.0, len(0)))],
            Op::BatchNorm(op) => {
                let (scale, shift) = (weight(), self.parameter(node.parameters[1]));
                let is_frozen = !self.graph.parameter(node.parameters[0]).trained;
                let stats = match self.manner {
                    _ if is_frozen => {
                        let (mean, variance) = (self.parameter(node.parameters[2]), self.parameter(node.parameters[3]));
                        batch_norm::statistics(op, mean, variance)
                    }
                    Manner::Inference => {
                        let (mean, variance) = (self.parameter(node.parameters[2]), self.parameter(node.parameters[3]));
                        batch_norm::statistics(op, mean, variance)
                    }
                    Manner::Training => {
                        let moments = batch_norm::moments(op, arg(0));
                        let count = (n * op.pixels) as f64;
                        let variance: Vec<f64> = moments[op.c..].iter().map(|squares| squares / count).collect();
                        batch_norm::statistics(op, &moments[..op.c], &variance)
                    }
                };
                vec![batch_norm::normalise(op, arg(0), &stats, scale, shift)]
            }
            Op::FrozenBatchNormGradient(op) => {
                let (scale, variance) = (weight(), self.parameter(node.parameters[1]));
                let factor = |at: usize| scale[at % op.0.c] / (variance[at % op.0.c] + op.0.epsilon).sqrt();
                vec![arg(0).iter().enumerate().map(|(at, dy)| dy * factor(at)).collect()]
            }
            Op::BatchNormPartial(op) => vec![batch_norm::moments(&op.0, arg(0))],
            Op::BatchNormMerge(op) => {
                let (mean, variance) = (self.parameter(node.parameters[0]), self.parameter(node.parameters[1]));
                let merged = batch_norm::merge(&op.0, n, arg(0), mean, variance);
                for (&id, array) in node.parameters.iter().zip([merged.mean, merged.variance]) {
                    self.outcome.state.insert(self.graph.parameter(id).name.clone(), array);
                }
                vec![merged.stats]
            }
            Op::BatchNormApply(op) => {
                vec![batch_norm::normalise(&op.0, arg(0), arg(1), weight(), self.parameter(node.parameters[1]))]
            }
            Op::BatchNormGradientPartial(op) => vec![batch_norm::gradient_sums(&op.0, arg(0), arg(1), arg(2))],
            Op::BatchNormGradientMerge(op) => {
                let sums = arg(0).to_vec();
                let (shift, scale) = sums.split_at(op.0.c);
                self.add_gradient(node.parameters[0], scale.to_vec());
                self.add_gradient(node.parameters[1], shift.to_vec());
                vec![sums]
            }
            Op::BatchNormGradient(op) => {
                vec![batch_norm::gradient(&op.0, n, arg(0), arg(1), arg(2), arg(3), weight())]
            }
            Op::Norm(op) => {
                let (y, stats) = norm::forward(op, arg(0), weight(), self.parameter(node.parameters[1]));
                vec![y, stats]
            }
            Op::NormGradient(op) => vec![norm::gradient(&op.0, arg(0), arg(1), arg(2), weight())],
            Op::NormParameterGradient(op) => {
                let gradients = norm::parameter_gradient(&op.0, arg(0), arg(1), arg(2));
                self.add_gradients(node, gradients);
                Vec::new()
            }
            Op::Lrn(op) => vec![lrn::forward(op, arg(0))],
            // Its second result is working memory.
            Op::LrnGradient(op) => vec![lrn::gradient(&op.0, arg(0), arg(1)), Vec::new()],
            Op::Concat(op) => {
                let Concat { axis, parts } = op;
                let operands: Vec<&[f64]> = node.args.iter().map(|&id| self.value(id)).collect();
                let shape = self.graph.shape(node.results[0]).dims();
                vec![concat::join(n, shape, *axis, parts, &operands)]
            }
            Op::Slice(op) => vec![concat::slice(n, self.graph.shape(node.args[0]).dims(), op, arg(0))],
            Op::SliceGradient(op) => {
                let zeros = vec![0.0; n * op.whole.elements()];
                vec![concat::add_slice(op.whole.dims(), &op.slice, zeros, arg(0))]
            }
            Op::SliceAccumulate(op) => {
                let shape = self.graph.shape(node.args[0]).dims();
                vec![concat::add_slice(shape, &op.0, arg(0).to_vec(), arg(1))]
            }
            Op::Subtract(_) => vec![arithmetic::difference(arg(0), arg(1))],
            Op::Affine(op) => vec![arg(0).iter().map(|x| op.scale * x + op.shift).collect()],
            // A number for each pixel is one for each image of a single pixel's channels.
            Op::PixelGate(_) => {
                let gate = arithmetic::spread(arg(1).len(), channels(0), 1, arg(1));
                vec![arithmetic::product(arg(0), &gate)]
            }
            Op::PixelGateGradient(_) => {
                let product = arithmetic::product(arg(0), arg(1));
                vec![arithmetic::gather(product.len() / channels(0), channels(0), 1, &product)]
            }
            Op::AddPixelGate(_) => {
                let shift = arithmetic::spread(arg(1).len(), channels(0), 1, arg(1));
                vec![arithmetic::sum(arg(0), &shift)]
            }
            Op::AddPixelGateGradient(_) => {
                vec![arithmetic::gather(arg(0).len() / channels(0), channels(0), 1, arg(0))]
            }
            Op::Add(_) | Op::Accumulate(_) => vec![arithmetic::sum(arg(0), arg(1))],
            Op::Multiply(_) | Op::ScaleGradient(_) => vec![arithmetic::product(arg(0), arg(1))],
            Op::Gate(_) => {
                let gate = arithmetic::spread(n, len(0), channels(0), arg(1));
                vec![arithmetic::product(arg(0), &gate)]
            }
            Op::GateGradient(_) => {
                let product = arithmetic::product(arg(0), arg(1));
                vec![arithmetic::gather(n, len(0), channels(0), &product)]
            }
            Op::AddGate(_) => {
                let shift = arithmetic::spread(n, len(0), channels(0), arg(1));
                vec![arithmetic::sum(arg(0), &shift)]
            }
            Op::AddGateGradient(_) => vec![arithmetic::gather(n, len(0), channels(0), arg(0))],
            Op::CrossEntropy(op) => {
                let (smoothing, weights) = (op.smoothing, op.weights.clone());
                self.loss(&LossKind::CrossEntropy { smoothing, weights }, op.part, node)
            }
            Op::MeanSquaredError(op) => self.loss(&LossKind::MeanSquaredError, op.part, node),
            Op::BinaryCrossEntropy(op) => self.loss(&LossKind::BinaryCrossEntropy, op.part, node),
            Op::L1(op) => self.loss(&LossKind::L1, op.part, node),
            Op::Huber(op) => self.loss(&LossKind::Huber { delta: op.delta }, op.part, node),
            Op::LossSum(op) => {
                let terms: Vec<&[f64]> = node.args.iter().map(|&arg| self.value(arg)).collect();
                let sum = |image| op.weights.iter().zip(&terms).map(|(weight, term)| weight * term[image]).sum();
                self.outcome.losses = (0..n).map(sum).collect();
                Vec::new()
            }
            // Inference in integers has tests of its own.
            Op::Int8(op) => panic!("the interpreter knows no integers: {op}"),
        }
    }

    fn fused_relu(&mut self, is_fused: bool, y: &mut [f64]) {
        if is_fused {
            self.decide(y.iter().map(|&y| u64::from(y > 0.0)));
            y.iter_mut().for_each(|y| *y = y.max(0.0));
        }
    }

    fn loss(&mut self, kind: &LossKind, part: Part, node: &Node) -> Vec<Vec<f64>> {
        let mut found = loss::losses(kind, self.batch.n, self.value(node.args[0]), self.batch.targets);
        if part.term.is_none_or(|term| term == 0) {
            self.outcome.correct = found.correct;
            self.outcome.weight = found.weight;
        }
        found.gradient.iter_mut().for_each(|gradient| *gradient *= part.weight);
        let mut results = if part.gradient { vec![found.gradient] } else { Vec::new() };
        match part.term {
            Some(_) => results.push(found.losses),
            None => self.outcome.losses = found.losses,
        }
        results
    }
}
