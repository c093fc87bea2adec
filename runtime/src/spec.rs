//! The description of a compiled network: plain constants that the generated code fills in.

pub use netwright_kernels::layout::Layout;

/// Everything about a compiled network that is not code.
#[derive(Debug)]
pub struct Spec {
    /// The network's name in its description, such as `LeNet`.
    pub name: &'static str,
    /// A digest of the structure (layers, shapes, names; not the training recipe), in hexadecimal. Weights saved by one
    /// network load into another only if these agree, or if names and shapes do.
    pub fingerprint: &'static str,
    /// The inputs, in the order in which they are declared.
    pub inputs: &'static [TensorSpec],
    /// The outputs, in the order in which they are declared.
    pub outputs: &'static [TensorSpec],
    /// Trained parameters first, then state such as running statistics, each in the order of the description.
    pub parameters: &'static [ParameterSpec],
    /// How many floats at the start of the stored vector are trained; padding counted.
    pub trained: usize,
    /// How many floats the stored vector has; padding and state counted.
    pub stored: usize,
    /// The layers that do arithmetic, in order.
    pub layers: &'static [LayerSpec],
}

/// An input or output: one image's shape, without the batch axis.
#[derive(Debug)]
pub struct TensorSpec {
    /// The name in the description.
    pub name: &'static str,
    /// The shape without the batch axis, such as `[28, 28, 1]`.
    pub shape: &'static [usize],
}

impl TensorSpec {
    /// The number of elements of one image.
    #[must_use]
    pub const fn len(&self) -> usize {
        let mut product = 1;
        let mut axis = 0;
        while axis < self.shape.len() {
            product *= self.shape[axis];
            axis += 1;
        }
        product
    }

    /// Whether the tensor has no elements; never so in a checked network.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// One named array of parameters or state.
#[derive(Debug)]
pub struct ParameterSpec {
    /// The qualified name, such as `conv1.weight`.
    pub name: &'static str,
    /// The logical shape: `[KH, KW, C / groups, F]` for a convolution's weight, `[inputs, outputs]` for a dense one's.
    pub shape: &'static [usize],
    /// Where it starts in the stored vector, in floats; a multiple of 16.
    pub offset: usize,
    /// How its elements are stored from there.
    pub layout: Layout,
    /// How it starts.
    pub init: Init,
    /// Whether training changes it through a gradient.
    pub trained: bool,
}

impl ParameterSpec {
    /// The number of logical elements, without padding.
    #[must_use]
    pub fn count(&self) -> usize {
        self.shape.iter().product()
    }
}

/// How a parameter starts.
///
/// With `fan_in` and `fan_out` as Keras counts them: for `[KH, KW, C, F]` they are `KH * KW * C` and `KH * KW * F`, for
/// `[inputs, outputs]` the two numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Init {
    /// All zeros.
    Zeros,
    /// All ones.
    Ones,
    /// One value everywhere.
    Constant(f32),
    /// Uniform in `±sqrt(6 / (fan_in + fan_out))` (Glorot and Bengio, 2010).
    GlorotUniform,
    /// Normal with variance `2 / (fan_in + fan_out)`, truncated at two standard deviations as Keras does.
    GlorotNormal,
    /// Uniform in `±sqrt(6 / fan_in)` (He et al., 2015).
    HeUniform,
    /// Normal with variance `2 / fan_in`, truncated at two standard deviations as Keras does.
    HeNormal,
    /// Normal with mean zero and this standard deviation, not truncated.
    Normal(f32),
    /// Uniform in plus or minus this limit.
    Uniform(f32),
}

/// How a photograph becomes an input of `[H, W, C]`: its shorter side becomes `resize`, `H` x `W` pixels are cut from its
/// middle, and a byte of channel `c` becomes `(byte * scale - mean[c]) / std[c]`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Photo {
    /// What the shorter side is resized to, in pixels; at least `H` and `W`.
    pub resize: usize,
    /// What a byte is multiplied by first.
    pub scale: f32,
    /// What is subtracted then, for each channel in its order.
    pub mean: &'static [f32],
    /// What is divided by last, for each channel in its order.
    pub std: &'static [f32],
    /// The order of three channels.
    pub order: ChannelOrder,
}

impl Photo {
    /// The value of channel `c` for a byte, or for any number between two bytes.
    #[must_use]
    pub fn value(&self, c: usize, byte: f32) -> f32 {
        let of = |values: &[f32], otherwise| values.get(c).copied().unwrap_or(otherwise);
        (byte * self.scale - of(self.mean, 0.0)) / of(self.std, 1.0)
    }
}

/// The order of an image's channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ChannelOrder {
    /// Red, green, blue; also what a grey image has.
    #[default]
    Rgb,
    /// Blue, green, red, as OpenCV and Caffe have it.
    Bgr,
}

/// A part of the trained parameters, as stored, whose learning rate is the recipe's times a factor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// Its first float.
    pub start: usize,
    /// One past its last float.
    pub end: usize,
    /// What the learning rate is multiplied by.
    pub factor: f32,
}

/// One layer of the summary.
#[derive(Debug)]
pub struct LayerSpec {
    /// The layer's name, such as `conv1`.
    pub name: &'static str,
    /// The kind, as the language spells it: `conv`, `max_pool`.
    pub kind: &'static str,
    /// The shape that goes in (the first operand's).
    pub input: &'static [usize],
    /// The shape that comes out.
    pub output: &'static [usize],
    /// Trained parameters, padding not counted.
    pub parameters: u64,
    /// Multiply-adds of convolutions and dense layers for one image, without biases.
    pub macs: u64,
}
