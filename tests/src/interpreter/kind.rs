//! Names of operations, so that tests can say which they have met.

use netwright_compiler::ops::Op;

/// Defines [`KINDS`] and [`kind`] from one list, which the compiler checks for completeness.
macro_rules! kinds {
    ($($name:ident)*) => {
        /// Every kind of operation.
        pub const KINDS: &[&str] = &[$(stringify!($name)),*];

        /// The kind of an operation.
        #[must_use]
        pub fn kind(op: &Op) -> &'static str {
            match op {
                $(Op::$name(_) => stringify!($name),)*
            }
        }
    };
}

kinds! {
    Conv
    ConvInputGradient
    ConvWeightGradient
    Dense
    DenseInputGradient
    DenseWeightGradient
    Activation
    ActivationGradient
    Prelu
    PreluGradient
    PreluSlopeGradient
    Softmax
    SoftmaxGradient
    LogSoftmax
    LogSoftmaxGradient
    MaxPool
    MaxPoolIndexed
    MaxPoolGradient
    AvgPool
    AvgPoolGradient
    GlobalAvgPool
    GlobalAvgPoolGradient
    Reshape
    Dropout
    DropoutGradient
    BatchNorm
    BatchNormPartial
    BatchNormMerge
    BatchNormApply
    BatchNormGradientPartial
    BatchNormGradientMerge
    BatchNormGradient
    FrozenBatchNormGradient
    Norm
    NormGradient
    NormParameterGradient
    Lrn
    LrnGradient
    Concat
    Slice
    Add
    Accumulate
    Multiply
    ScaleGradient
    Gate
    GateGradient
    AddGate
    AddGateGradient
    Copy
    CrossEntropy
    MeanSquaredError
    BinaryCrossEntropy
    L1
    Huber
}
