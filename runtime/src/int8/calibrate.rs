//! Post-training quantisation: ranges from images, weights as integers, and how far the result is off.

use netwright_kernels::conv::Among;
use netwright_kernels::int8::{Scale, bytes, floats};
use netwright_nwz::Range;
use netwright_nwz::write::{WriteError, Writer, Written};

use super::ranges::{Extremes, Histograms, channel_scale, integer};
use super::{NONE, Observer, Spec};
use crate::engine::observe;
use crate::error::Error;
use crate::network::Network;
use crate::random::Stream;
use crate::weights::{Compressed, network_from_bytes};
use crate::{parameters, spec};

/// The images to look at, batch by batch: for each input the images of a batch one after another; `None` after the last.
pub type Batches<'a> = &'a dyn Fn(usize) -> Result<Option<Vec<Vec<f32>>>, Error>;

/// A network in integers.
#[derive(Debug)]
pub struct Quantized<N> {
    /// The network as the file gives it.
    pub network: N,
    /// The file.
    pub compressed: Compressed,
    /// What calibration saw of each tensor, and the scale that was chosen, in the order of [`Spec::tensors`].
    pub tensors: Vec<(f32, f32, Scale)>,
    /// The scales of each layer's channels, in the order of [`Spec::layers`].
    pub layers: Vec<Channels>,
}

/// The scales of a layer's channels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Channels {
    /// How many there are.
    pub count: usize,
    /// The smallest scale.
    pub least: f32,
    /// The largest.
    pub most: f32,
}

/// Quantises a network's weights, and its activations by the ranges that they have for some images. `None` of a network
/// whose code cannot calibrate, or that has no layer to compute in integers.
///
/// Every tensor's range is that of the least squared error among clipped ones, weights are symmetric with a scale for each
/// output channel, found in the same way. The same images give the same file, bit for bit.
///
/// # Errors
///
/// If images have another shape, memory cannot be had, or an array is too large for the format.
pub fn quantize<N: Network>(network: &N, images: Batches<'_>) -> Result<Option<Quantized<N>>, Error> {
    let Some(int8) = N::INT8.filter(|int8| !int8.points.is_empty()) else { return Ok(None) };
    let network = N::from_core(crate::engine::Core::from_parameters(network.core().parameters().clone()));
    let mut extremes = Extremes::new(int8.points, int8.tensors.len());
    look(&network, images, &mut extremes)?;
    let mut histograms = Histograms::new(int8.points, &extremes.of);
    look(&network, images, &mut histograms)?;
    let scales = histograms.scales();
    let (compressed, layers) = write(&network, int8, &scales)
        .map_err(|error| Error::io("quantise", N::SPEC.name)(std::io::Error::other(error)))?;
    let network = network_from_bytes(&compressed.bytes)?;
    let tensors = extremes.of.iter().zip(scales).map(|(&(low, high), scale)| (low, high, scale)).collect();
    Ok(Some(Quantized { network, compressed, tensors, layers }))
}

/// Shows the values of all images to an observer.
fn look<N: Network>(network: &N, images: Batches<'_>, observer: &mut dyn Observer) -> Result<(), Error> {
    let mut index = 0;
    while let Some(batch) = images(index)? {
        let inputs: Vec<&[f32]> = batch.iter().map(Vec::as_slice).collect();
        observe(network, &inputs, observer)?;
        index += 1;
    }
    Ok(())
}

/// One batch of images drawn at random, for measuring time where there are none.
pub fn random_images<N: Network>(n: usize) -> impl Fn(usize) -> Result<Option<Vec<Vec<f32>>>, Error> {
    move |batch| {
        let mut random = Stream::new(batch as u64, "calibration");
        let mut input = |tensor: &spec::TensorSpec| (0..n * tensor.len()).map(|_| random.normal() as f32).collect();
        Ok((batch == 0).then(|| N::SPEC.inputs.iter().map(&mut input).collect()))
    }
}

/// The file: integers for the layers that are computed in them, everything else as it is.
fn write<N: Network>(network: &N, int8: &Spec, scales: &[Scale]) -> Result<(Compressed, Vec<Channels>), WriteError> {
    let range = |(&name, scale): (&&'static str, &Scale)| Range { name, scale: scale.scale, zero: scale.zero };
    let ranges: Vec<Range<'_>> = int8.tensors.iter().zip(scales).map(range).collect();
    let mut writer = Writer::int8(N::SPEC.name, N::SPEC.fingerprint, &ranges)?;
    let (mut logical, mut arrays) = (Vec::new(), Vec::<Written>::new());
    let mut layers = vec![Channels { count: 0, least: 0.0, most: 0.0 }; int8.layers.len()];
    for parameter in N::SPEC.parameters {
        parameters::unpack(parameter, network.core().parameters().values(), &mut logical);
        let layer = int8.layers.iter().position(|layer| layer.weight == parameter.name);
        let (Some(layer), Some(&count)) = (layer, parameter.shape.last()) else {
            arrays.push(writer.add(parameter.name, parameter.shape, &logical)?);
            continue;
        };
        let channel = |channel: usize| logical.iter().skip(channel).step_by(count).copied();
        let channels: Vec<f32> = (0..count).map(|index| channel_scale(channel(index))).collect();
        for row in logical.chunks_exact_mut(count) {
            row.iter_mut().zip(&channels).for_each(|(weight, &scale)| *weight = integer(*weight, scale));
        }
        let ends = channels.iter().fold((f32::INFINITY, 0.0_f32), |(low, high), &s| (low.min(s), high.max(s)));
        if let Some(entry) = layers.get_mut(layer) {
            *entry = Channels { count, least: ends.0, most: ends.1 };
        }
        arrays.push(writer.add_scaled(parameter.name, parameter.shape, &logical, &channels)?);
    }
    Ok((Compressed { bytes: writer.finish(), arrays }, layers))
}

/// How far a value is off in integers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PointReport {
    /// The root of the mean squared error.
    pub error: f64,
    /// The mean square of the numbers over that of the errors, in decibels; infinite where nothing is off.
    pub signal_to_noise: f64,
}

/// Compares a network in integers with one of floats, value by value, in the order of [`Spec::points`].
///
/// # Errors
///
/// If images have another shape, or memory cannot be had.
pub fn signal_to_noise<N: Network>(floats: &N, integers: &N, images: Batches<'_>) -> Result<Vec<PointReport>, Error> {
    let points = N::INT8.map_or(&[][..], |int8| int8.points);
    let mut sums = vec![(0.0_f64, 0.0_f64, 0_usize); points.len()];
    let mut index = 0;
    while let Some(batch) = images(index)? {
        let inputs: Vec<&[f32]> = batch.iter().map(Vec::as_slice).collect();
        let seen = |network: &N| -> Result<Vec<Vec<f32>>, Error> {
            let state = network.core().int8().unwrap_or(&NONE);
            let scales = points.iter().map(|point| point.tensor.and_then(|tensor| state.scale(tensor))).collect();
            let mut recorder = Recorder { scales, seen: vec![Vec::new(); points.len()] };
            observe(network, &inputs, &mut recorder)?;
            Ok(recorder.seen)
        };
        for (sums, (exact, found)) in sums.iter_mut().zip(seen(floats)?.iter().zip(seen(integers)?)) {
            for (&exact, found) in exact.iter().zip(found) {
                sums.0 += f64::from(exact).powi(2);
                sums.1 += f64::from(exact - found).powi(2);
                sums.2 += 1;
            }
        }
        index += 1;
    }
    let report = |(signal, noise, n): (f64, f64, usize)| PointReport {
        error: (noise / n.max(1) as f64).sqrt(),
        signal_to_noise: 10.0 * (signal / noise).log10(),
    };
    Ok(sums.into_iter().map(report).collect())
}

/// Keeps all values, as floats.
struct Recorder {
    scales: Vec<Option<Scale>>,
    seen: Vec<Vec<f32>>,
}

impl Observer for Recorder {
    fn floats(&mut self, index: usize, x: &[f32]) {
        if let Some(seen) = self.seen.get_mut(index) {
            seen.extend(x);
        }
    }

    fn bytes_among(&mut self, index: usize, pixels: usize, channels: usize, among: Among, x: &[f32]) {
        let scale = self.scales.get(index).copied().flatten();
        if let (Some(seen), Some(scale)) = (self.seen.get_mut(index), scale) {
            let image = pixels * among.total;
            for image in bytes(x).chunks_exact(4 * floats(image)).map(|padded| &padded[..image]) {
                for pixel in image.chunks_exact(among.total) {
                    seen.extend(pixel.iter().skip(among.first).take(channels).map(|&byte| scale.number(byte)));
                }
            }
        }
    }
}
