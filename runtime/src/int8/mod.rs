//! Inference in integers: what a network says of it, and the numbers that a file gives for it.

#[cfg(feature = "train")]
mod calibrate;
#[cfg(feature = "train")]
mod ranges;

use netwright_kernels::conv::Among;
use netwright_kernels::int8::{Layer, Scale};
use netwright_nwz::{Archive, Array};

#[cfg(feature = "train")]
pub use calibrate::{Batches, Channels, PointReport, Quantized, quantize, random_images, signal_to_noise};

use crate::weights::WeightsError;

/// What a network needs for inference in integers; a constant of the generated code.
#[derive(Debug)]
pub struct Spec {
    /// The tensors that are bytes, by the name of the first value of each.
    pub tensors: &'static [&'static str],
    /// The layers that are computed in integers.
    pub layers: &'static [LayerSpec],
    /// The values that calibration looks at, in the order in which they are made; none where the code cannot calibrate.
    pub points: &'static [Point],
    /// The names and kinds of the layers that stay in floats; none where the code cannot calibrate.
    pub floats: &'static [(&'static str, &'static str)],
}

/// A layer that is computed in integers.
#[derive(Debug)]
pub struct LayerSpec {
    /// The name of its weight.
    pub weight: &'static str,
    /// The name of its bias; empty where it has none.
    pub bias: &'static str,
    /// Its sizes, as [`Layer::pack`] takes them.
    pub sizes: [usize; 4],
    /// The tensor that it reads.
    pub input: usize,
    /// The tensor that it writes, unless it writes floats.
    pub output: Option<usize>,
}

/// A value that is made from floats, or by a layer that is computed in integers.
#[derive(Debug)]
pub struct Point {
    /// The value's name.
    pub name: &'static str,
    /// The tensor whose range it belongs to, unless it is floats.
    pub tensor: Option<usize>,
    /// The layer that makes it, unless it is made from floats.
    pub layer: Option<usize>,
    /// Elements of one image.
    pub elements: usize,
}

/// The integers of a network.
#[derive(Debug, Default)]
pub struct State {
    tensors: Vec<Scale>,
    layers: Vec<Layer>,
}

/// That of a network of floats.
pub(crate) static NONE: State = State { tensors: Vec::new(), layers: Vec::new() };

impl State {
    /// How the bytes of a tensor stand for its numbers.
    #[must_use]
    pub fn tensor(&self, index: usize) -> Scale {
        self.tensors[index]
    }

    /// The integers of a layer.
    #[must_use]
    pub fn layer(&self, index: usize) -> &Layer {
        &self.layers[index]
    }

    /// The same, where there is such a tensor.
    #[cfg(feature = "train")]
    fn scale(&self, index: usize) -> Option<Scale> {
        self.tensors.get(index).copied()
    }

    /// The integers of a file whose arrays are the network's.
    pub(crate) fn of(network: &crate::Spec, spec: &Spec, archive: &Archive<'_>) -> Result<Self, WeightsError> {
        let weights = spec.layers.iter().map(|layer| layer.weight);
        archive.check_int8(network.name, network.fingerprint, spec.tensors.iter().copied(), weights)?;
        let range = |name: &&'static str| {
            let range = archive.ranges.iter().flatten().find(|range| range.name == *name);
            range.map(|range| Scale { scale: range.scale, zero: range.zero }).ok_or_else(|| missing(name))
        };
        let tensors = spec.tensors.iter().map(range).collect::<Result<Vec<_>, _>>()?;
        let layers = spec.layers.iter().map(|layer| pack(layer, &tensors, archive)).collect::<Result<_, _>>()?;
        Ok(Self { tensors, layers })
    }
}

fn pack(spec: &LayerSpec, tensors: &[Scale], archive: &Archive<'_>) -> Result<Layer, WeightsError> {
    let array = |name: &str| -> Result<&Array<'_>, WeightsError> {
        archive.arrays.iter().find(|array| array.name() == name).ok_or_else(|| missing(name))
    };
    let weight = array(spec.weight)?;
    let mut weights = vec![0.0; weight.count()];
    weight.decode_unscaled(&mut weights)?;
    let scales: Vec<f32> = weight.scales().collect();
    let mut bias = Vec::new();
    if !spec.bias.is_empty() {
        let array = array(spec.bias)?;
        bias.resize(array.count(), 0.0);
        array.decode(&mut bias)?;
    }
    let tensor = |index: usize| tensors.get(index).copied().ok_or_else(|| missing(spec.weight));
    let output = spec.output.map(tensor).transpose()?;
    Layer::pack(spec.sizes, &weights, &scales, &bias, tensor(spec.input)?, output)
        .map_err(|error| WeightsError::Compressed { reason: format!("{}: {error}", spec.weight) })
}

/// Checked before, so that nobody sees it.
fn missing(name: &str) -> WeightsError {
    WeightsError::Compressed { reason: format!("{name} is not there") }
}

/// Who looks at the values that a network makes; `index` is that of the network's [`Spec::points`].
pub trait Observer {
    /// A value as floats.
    fn floats(&mut self, index: usize, x: &[f32]);

    /// A value as floats among the channels of a larger one.
    fn floats_among(&mut self, index: usize, channels: usize, among: Among, x: &[f32]) {
        let Among { first, total } = among;
        let pixels = x.chunks_exact(total);
        let own: Vec<f32> = pixels.flat_map(|pixel| pixel.iter().skip(first).take(channels)).copied().collect();
        self.floats(index, &own);
    }

    /// A value as bytes among the channels of a larger one, or by themselves.
    fn bytes_among(&mut self, index: usize, pixels: usize, channels: usize, among: Among, x: &[f32]);
}
