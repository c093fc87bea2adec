//! Photographs as a description says: resized by the shorter side, cut from the middle, normalised by channel.

use std::path::Path;

use ::image::RgbaImage;
use ndarray::{Array3, Array4, Axis};

use super::bilinear::{self, Bytes};
use super::{ImageError, Picture, check_shape, decode_pixels, read_file, resize::Source};
use crate::network::Network;
use crate::spec::{ChannelOrder, Photo};

/// The longest side of a photograph after resizing, in pixels: far more than any that a camera makes.
const LONGEST: usize = 1 << 24;

/// Reads an image file as an input of `shape` = `[H, W, C]`, as a description's `photo(…)` says.
///
/// The result is what torchvision's `Resize(photo.resize)`, `CenterCrop((H, W))`, `ToTensor` and `Normalize` make of the
/// image as Pillow opens it, in colour with the same bytes to the last bit; but the image is turned the way its EXIF data says, and
/// laid on white where it is transparent.
///
/// # Errors
/// As for [`read`](super::read); [`ImageError::Narrow`] if one side is millions of times the other after resizing.
pub fn read_photo(path: &Path, shape: [usize; 3], photo: &Photo) -> Result<Array3<f32>, ImageError> {
    decode_photo(&read_file(path)?, &path.display().to_string(), shape, photo)
}

/// Decodes an image in memory as [`read_photo`] does; `name` stands for it in errors.
///
/// # Errors
/// As for [`read_photo`].
pub fn decode_photo(bytes: &[u8], name: &str, shape: [usize; 3], photo: &Photo) -> Result<Array3<f32>, ImageError> {
    check_shape(shape)?;
    let [height, width, channels] = shape;
    let cut = cut(&decode_pixels(bytes, name)?, name, shape, photo.resize)?;
    let place = |y: usize, x: usize, channel: usize| (y * cut.width + x) * channels + channel;
    let input = Array3::from_shape_fn((height.min(cut.height), width.min(cut.width), channels), |(y, x, channel)| {
        let byte = cut.values.get(place(y, x, source(photo, channels, channel))).copied();
        photo.value(channel, f32::from(byte.unwrap_or_default()))
    });
    Ok(input)
}

/// An input with values from 0 to 1, red, green and blue, as [`read`](super::read) gives it, with the order and
/// normalisation of a photograph.
#[must_use]
pub fn normalised(input: &Array3<f32>, photo: &Photo) -> Array3<f32> {
    let channels = input.dim().2;
    Array3::from_shape_fn(input.dim(), |(y, x, channel)| {
        photo.value(channel, 255.0 * input[[y, x, source(photo, channels, channel)]])
    })
}

/// The channel of an image that becomes a channel of the input.
fn source(photo: &Photo, channels: usize, channel: usize) -> usize {
    match photo.order {
        ChannelOrder::Rgb => channel,
        ChannelOrder::Bgr => channels - 1 - channel,
    }
}

/// The middle of an image after its shorter side has become `resize`: `[H, W, C]` bytes.
fn cut(
    pixels: &RgbaImage,
    name: &str,
    [height, width, channels]: [usize; 3],
    resize: usize,
) -> Result<Bytes, ImageError> {
    let (from_height, from_width) = (pixels.height() as usize, pixels.width() as usize);
    let shorter = from_height.min(from_width).max(1);
    let narrow = || ImageError::Narrow { name: name.to_owned(), width: from_width, height: from_height, resize };
    let resized = |side: usize| {
        let side = resize.checked_mul(side)? / shorter;
        (side <= LONGEST).then_some(side)
    };
    let to_height = resized(from_height).filter(|&to| to >= height).ok_or_else(narrow)?;
    let to_width = resized(from_width).filter(|&to| to >= width).ok_or_else(narrow)?;
    let rows = bilinear::Axis { from: from_height, to: to_height, first: middle(to_height - height), count: height };
    let columns = bilinear::Axis { from: from_width, to: to_width, first: middle(to_width - width), count: width };
    let picture = Picture { pixels, channels };
    let mut values = vec![0.0; from_width * channels];
    Ok(bilinear::resize(rows, columns, channels, |y, out| {
        picture.row(y, &mut values);
        out.iter_mut().zip(&values).for_each(|(out, value)| *out = (value * 255.0).round().clamp(0.0, 255.0) as u8);
    }))
}

/// Half of what is cut off, rounded to an even number where it lies between two, as Python rounds.
fn middle(rest: usize) -> usize {
    let half = rest / 2;
    half + usize::from(rest % 2 == 1 && half % 2 == 1)
}

/// What generated code calls: a file as a batch of one image for an input of the network.
///
/// # Errors
/// As for [`read_photo`].
#[doc(hidden)]
pub fn read_batch<N: Network>(input: usize, path: &Path) -> Result<Array4<f32>, ImageError> {
    batch::<N>(input, &read_file(path)?, &path.display().to_string())
}

/// What generated code calls: an image in memory as a batch of one image for an input of the network.
///
/// # Errors
/// As for [`read_photo`].
#[doc(hidden)]
pub fn decode_batch<N: Network>(input: usize, bytes: &[u8]) -> Result<Array4<f32>, ImageError> {
    batch::<N>(input, bytes, "the image")
}

fn batch<N: Network>(input: usize, bytes: &[u8], name: &str) -> Result<Array4<f32>, ImageError> {
    let shape = N::SPEC.inputs.get(input).map_or(&[][..], |input| input.shape);
    // The compiler has seen to both.
    match (shape, N::PHOTOS.get(input)) {
        (&[height, width, channels], Some(Some(photo))) => {
            Ok(decode_photo(bytes, name, [height, width, channels], photo)?.insert_axis(Axis(0)))
        }
        _ => Err(ImageError::Shape { shape: [0; 3] }),
    }
}

#[cfg(test)]
mod tests;
