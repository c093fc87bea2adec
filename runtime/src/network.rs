//! The traits that generated code implements: what the engines, the trainer and the tools know of a network.

use crate::engine::{Core, Inference, InferenceChunk};
use crate::spec::{Photo, Spec};

/// A compiled network. Implemented by `model!` only; the hidden items are between the generated code and the engines.
pub trait Network: Sized + Send + Sync + 'static {
    /// The network's description.
    const SPEC: &'static Spec;

    /// Sizes of the inference plan.
    #[doc(hidden)]
    const INFERENCE: Inference;

    /// How photographs become the inputs, in the order of the inputs, where the description says so with `from photo(…)`;
    /// empty where it says so of none.
    const PHOTOS: &'static [Option<Photo>] = &[];

    /// The names of each output's classes, in the order of the outputs, none for one without; empty where the description
    /// names none. A network with the labels of one output has them as `LABELS`, too.
    const OUTPUT_LABELS: &'static [&'static [&'static str]] = &[];

    /// The numbers behind the network.
    #[doc(hidden)]
    fn core(&self) -> &Core;

    /// The same, to change them.
    #[doc(hidden)]
    fn core_mut(&mut self) -> &mut Core;

    /// A network over these numbers.
    #[doc(hidden)]
    fn from_core(core: Core) -> Self;

    /// Runs inference over one chunk of images.
    #[doc(hidden)]
    fn infer(chunk: &mut InferenceChunk<'_>);

    /// What inference in integers needs, where there is code for it.
    #[doc(hidden)]
    const INT8: Option<&'static crate::int8::Spec> = None;

    /// Sizes of its plan.
    #[doc(hidden)]
    const INT8_INFERENCE: Inference = Self::INFERENCE;

    /// Runs inference in integers over one chunk of images.
    #[doc(hidden)]
    fn infer_int8(chunk: &mut InferenceChunk<'_>) {
        Self::infer(chunk);
    }

    /// Runs inference over one chunk of images and shows the values that calibration looks at.
    #[doc(hidden)]
    fn observe(_chunk: &mut InferenceChunk<'_>, _observer: &mut dyn crate::int8::Observer) {}

    /// The same in integers.
    #[doc(hidden)]
    fn observe_int8(_chunk: &mut InferenceChunk<'_>, _observer: &mut dyn crate::int8::Observer) {}
}

/// A compiled network with a backward pass and a training recipe.
#[cfg(feature = "train")]
pub trait Trainable: Network {
    /// The `train` section of the description, with defaults filled in.
    const RECIPE: crate::train::Recipe;

    /// The `prune` section of the description, with defaults filled in, where there is one.
    const PRUNING: Option<crate::train::prune::Pruning<'static>> = None;

    /// Parameters whose learning rate is another than the recipe's, in the order of their places.
    #[doc(hidden)]
    const RATES: &'static [crate::spec::Rate] = &[];

    /// Sizes of the training plan.
    #[doc(hidden)]
    const TRAINING: crate::engine::Training;

    /// Sizes of the evaluation plan.
    #[doc(hidden)]
    const EVALUATION: crate::engine::Inference;

    /// The loss with its settings, as the description spells them: another one makes another run.
    #[doc(hidden)]
    const LOSS: &'static str = Self::RECIPE.loss.name();

    /// How much each class counts in the loss; none where all count the same.
    #[doc(hidden)]
    const CLASS_WEIGHTS: &'static [f32] = &[];

    /// Runs the forward steps in inference mode and the recipe's loss over one chunk of images.
    #[doc(hidden)]
    fn evaluate(chunk: &mut crate::engine::EvaluationChunk<'_>);

    /// Sizes of the evaluation plan in integers.
    #[doc(hidden)]
    const INT8_EVALUATION: crate::engine::Inference = Self::EVALUATION;

    /// [`evaluate`](Self::evaluate) in integers.
    #[doc(hidden)]
    fn evaluate_int8(chunk: &mut crate::engine::EvaluationChunk<'_>) {
        Self::evaluate(chunk);
    }

    /// Fills one of the derived arrays (transposed weights) from the parameters; `job` indexes `TRAINING.derived`.
    #[doc(hidden)]
    fn derive(job: usize, parameters: &[f32], out: &mut [f32]);

    /// Runs one stage of a training step over one chunk of images.
    #[doc(hidden)]
    fn stage(stage: usize, chunk: &mut crate::engine::TrainingChunk<'_>);

    /// What happens once, between stage `stage` and the next: whole-batch statistics.
    #[doc(hidden)]
    fn barrier(stage: usize, barrier: &mut crate::engine::Barrier<'_>);
}
