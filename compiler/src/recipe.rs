//! A description's `train` and `prune` sections, checked: the compiler's view of `netwright_runtime::train::Recipe` and
//! `netwright_runtime::train::prune::Pruning`.

use crate::ir::ValueId;
use crate::source::Span;

/// How to train a network.
#[derive(Debug, Clone, PartialEq)]
pub struct Recipe {
    /// What training makes small.
    pub loss: Loss,
    /// How gradients change parameters.
    pub optimizer: Optimizer,
    /// How the learning rate changes.
    pub schedule: Schedule,
    /// Steps over which the learning rate rises from nearly zero.
    pub warmup_steps: u64,
    /// Images in a batch.
    pub batch: u64,
    /// Passes over the training data.
    pub epochs: u64,
    /// Seeds everything random.
    pub seed: u64,
    /// Epochs without a better validation loss after which training stops.
    pub patience: Option<u64>,
    /// The fraction of the training data to set aside for validation.
    pub validation: Option<f64>,
    /// The largest global norm of a step's gradients.
    pub clip_norm: Option<f64>,
}

/// A loss and what it looks at.
#[derive(Debug, Clone, PartialEq)]
pub struct Loss {
    /// Which one.
    pub kind: LossKind,
    /// Scores or outputs.
    pub of: ValueId,
    /// Where the description names them.
    pub span: Span,
}

/// The losses.
#[derive(Debug, Clone, PartialEq)]
pub enum LossKind {
    /// Cross entropy of a class under the softmax of scores.
    CrossEntropy {
        /// How much of each target is spread evenly over all classes.
        smoothing: f64,
        /// How much each class counts; none where all count the same.
        weights: Vec<f64>,
    },
    /// The squared difference from target values.
    MeanSquaredError,
    /// Cross entropy of target values from 0 to 1 under the logistic function of scores.
    BinaryCrossEntropy,
    /// The absolute difference from target values.
    L1,
    /// Half the squared difference from target values, linear beyond a bound.
    Huber {
        /// The bound.
        delta: f64,
    },
}

impl LossKind {
    /// Whether a target is a class; otherwise it is values.
    #[must_use]
    pub fn takes_classes(&self) -> bool {
        match self {
            LossKind::CrossEntropy { .. } => true,
            LossKind::MeanSquaredError | LossKind::BinaryCrossEntropy | LossKind::L1 | LossKind::Huber { .. } => false,
        }
    }
}

/// An optimiser with its settings, in the order of the runtime's fields.
#[derive(Debug, Clone, PartialEq)]
pub struct Optimizer {
    /// The runtime's variant.
    pub variant: &'static str,
    /// Its settings.
    pub settings: Vec<(&'static str, Setting)>,
}

impl Optimizer {
    /// Numbers that it keeps for each parameter.
    #[must_use]
    pub fn slots(&self) -> u64 {
        let momentum = self
            .settings
            .iter()
            .any(|(name, setting)| *name == "momentum" && matches!(setting, Setting::Number(value) if *value > 0.0));
        match self.variant {
            "Sgd" => u64::from(momentum),
            "RmsProp" => 1 + u64::from(momentum),
            _ => 2,
        }
    }
}

/// How to prune a network that is trained.
#[derive(Debug, Clone, PartialEq)]
pub struct Pruning {
    /// The runtime's method.
    pub method: &'static str,
    /// The fraction of the weights that layers keep for which nothing else is said.
    pub keep: Option<f64>,
    /// Names of layers or blocks, with the fraction that they keep.
    pub layers: Vec<(String, f64)>,
    /// When weights go.
    pub pace: Schedule,
    /// Epochs of training under the mask.
    pub epochs: u64,
    /// What the learning rate is multiplied by meanwhile.
    pub lr_factor: f64,
    /// Whether dropout's rates shrink with the layers.
    pub scale_dropout: bool,
}

/// A learning-rate schedule, or the pace of pruning, with its settings.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    /// The runtime's variant.
    pub variant: &'static str,
    /// Its settings.
    pub settings: Vec<(&'static str, Setting)>,
}

/// A setting's value.
#[derive(Debug, Clone, PartialEq)]
pub enum Setting {
    /// A number.
    Number(f64),
    /// A whole number.
    Whole(u64),
    /// A truth value.
    Flag(bool),
    /// A time in steps.
    Steps(u64),
    /// A time in epochs.
    Epochs(u64),
    /// Some numbers.
    Numbers(Vec<f64>),
}
