//! PNG and JPEG images as network inputs.
//!
//! An image is turned the way its EXIF data says, laid on white where it is transparent, made grey or RGB as the input
//! has one channel or three, resized, and scaled to values from 0 to 1.

mod bilinear;
mod error;
mod jpeg;
mod photo;
mod resize;

use std::fs::{self, File};
use std::io::{self, Cursor, Read};
use std::path::Path;

use ::image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits, RgbaImage};
use ndarray::Array3;

pub use error::ImageError;
pub use photo::{decode_batch, read_batch};
pub use photo::{decode_photo, normalised, read_photo};

/// No file longer than this is read, in bytes.
pub const MAX_FILE: u64 = 128 << 20;
/// No image with a longer side is decoded, in pixels.
pub const MAX_SIDE: u32 = 16_384;
/// No image with more pixels is decoded.
pub const MAX_PIXELS: u64 = 64 << 20;
/// What a decoder may allocate, in bytes: 16-bit RGBA at the most pixels.
const MAX_ALLOCATION: u64 = MAX_PIXELS * 8;
/// What a decoder may allocate for everything but the pixels: compressed text and colour profiles unpack to this.
const MAX_METADATA: u64 = 16 << 20;

/// How an image becomes an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Options {
    /// What to do when the proportions differ.
    pub fit: Fit,
    /// Whether to exchange light and dark.
    pub invert: Invert,
}

/// What to do when an image's proportions are not the input's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Fit {
    /// Keep them: the whole image in the middle, the rest in the mean colour of its border.
    #[default]
    Letterbox,
    /// Stretch the image to the input.
    Stretch,
}

/// Whether to exchange light and dark; MNIST's digits are light on dark, most photographs of digits dark on light.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Invert {
    /// Inputs of one channel are made light on dark: they are inverted when the border's mean is above one half.
    /// Inputs of three channels stay as they are.
    #[default]
    Auto,
    /// Always.
    Yes,
    /// Never.
    No,
}

/// Reads an image file as an input of `shape` = `[H, W, C]`, values from 0 to 1.
///
/// What the file is, its content says and not its name. Pixels are averaged by area where the image shrinks, and
/// interpolated where it grows.
///
/// # Errors
/// [`ImageError`]: the file cannot be read, is no whole PNG or JPEG, is too large, or `shape` has an axis of zero or
/// other than 1 or 3 channels.
pub fn read(path: &Path, shape: [usize; 3], options: &Options) -> Result<Array3<f32>, ImageError> {
    decode(&read_file(path)?, &path.display().to_string(), shape, options)
}

/// The bytes of an image file.
fn read_file(path: &Path) -> Result<Vec<u8>, ImageError> {
    let failed = |source| ImageError::Io { name: path.display().to_string(), source };
    // Opening a pipe would wait for its writer.
    let metadata = fs::metadata(path).map_err(failed)?;
    if !metadata.is_file() {
        return Err(failed(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file")));
    }
    let mut bytes = Vec::new();
    File::open(path).map_err(failed)?.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

/// Decodes an image in memory as [`read`] does; `name` stands for it in errors.
///
/// # Errors
/// As for [`read`].
pub fn decode(bytes: &[u8], name: &str, shape: [usize; 3], options: &Options) -> Result<Array3<f32>, ImageError> {
    let [height, width, channels] = shape;
    check_shape(shape)?;
    let pixels = decode_pixels(bytes, name)?;
    let background = border_mean(&pixels, channels);
    let target = match options.fit {
        Fit::Stretch => resize::Target { top: 0, left: 0, height, width },
        Fit::Letterbox => letterbox(pixels.height() as usize, pixels.width() as usize, height, width),
    };
    let resized = resize::resize(&Picture { pixels: &pixels, channels }, target.height, target.width);
    let mut input = Array3::from_shape_fn((height, width, channels), |(y, x, channel)| {
        let inside = y.checked_sub(target.top).zip(x.checked_sub(target.left));
        let inside = inside.filter(|&(y, x)| y < target.height && x < target.width);
        match inside {
            Some((y, x)) => resized[(y * target.width + x) * channels + channel],
            None => background[channel],
        }
    });
    let invert = match options.invert {
        Invert::Auto => channels == 1 && background[0] > 0.5,
        Invert::Yes => true,
        Invert::No => false,
    };
    // Averages of weights that sum to one only nearly stay within bounds.
    input.mapv_inplace(|value| if invert { 1.0 - value } else { value }.clamp(0.0, 1.0));
    Ok(input)
}

/// Refuses inputs that no image can become.
fn check_shape(shape: [usize; 3]) -> Result<(), ImageError> {
    let [height, width, channels] = shape;
    let size = height.checked_mul(width).and_then(|size| size.checked_mul(channels));
    if !matches!(size, Some(1..)) || (height | width) > MAX_SIDE as usize || !matches!(channels, 1 | 3) {
        return Err(ImageError::Shape { shape });
    }
    Ok(())
}

/// Decodes to 8-bit RGBA, upright.
fn decode_pixels(bytes: &[u8], name: &str) -> Result<RgbaImage, ImageError> {
    if bytes.len() as u64 > MAX_FILE {
        return Err(ImageError::LongFile { name: name.to_owned() });
    }
    let damaged = |message: String| ImageError::Damaged { name: name.to_owned(), message };
    let too_large = |size| ImageError::TooLarge { name: name.to_owned(), size };
    let failed = |error| match error {
        ::image::ImageError::Limits(_) => too_large(None),
        other => damaged(other.to_string()),
    };
    let format = ::image::guess_format(bytes).ok();
    match format {
        Some(ImageFormat::Png) => {}
        // The decoder fills in what is missing, and a network would classify the filling.
        Some(ImageFormat::Jpeg) if jpeg::is_whole(bytes) => {}
        Some(ImageFormat::Jpeg) => return Err(damaged("the JPEG data ends early".to_owned())),
        _ => return Err(ImageError::Format { name: name.to_owned(), start: bytes.iter().take(4).copied().collect() }),
    }
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(MAX_METADATA);
    let mut reader = ImageReader::new(Cursor::new(bytes));
    if let Some(format) = format {
        reader.set_format(format);
    }
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(failed)?;
    let (width, height) = decoder.dimensions();
    let fits = width.max(height) <= MAX_SIDE && u64::from(width) * u64::from(height) <= MAX_PIXELS;
    if !fits || decoder.total_bytes() > MAX_ALLOCATION {
        return Err(too_large(Some((width, height))));
    }
    // EXIF data that cannot be read says nothing about how to turn the image.
    let orientation = decoder.orientation().ok();
    let mut image = DynamicImage::from_decoder(decoder).map_err(failed)?;
    if let Some(orientation) = orientation {
        image.apply_orientation(orientation);
    }
    if image.width() == 0 || image.height() == 0 {
        return Err(damaged("it has no pixels".to_owned()));
    }
    Ok(image.into_rgba8())
}

/// Pixels seen as one or three channels with values from 0 to 1.
struct Picture<'a> {
    pixels: &'a RgbaImage,
    channels: usize,
}

impl resize::Source for Picture<'_> {
    fn size(&self) -> (usize, usize) {
        (self.pixels.height() as usize, self.pixels.width() as usize)
    }

    fn channels(&self) -> usize {
        self.channels
    }

    fn row(&self, y: usize, out: &mut [f32]) {
        let row = self.pixels.as_raw().chunks_exact(4 * self.pixels.width() as usize).nth(y).unwrap_or_default();
        for (rgba, out) in row.chunks_exact(4).zip(out.chunks_exact_mut(self.channels)) {
            write_pixel(rgba, out);
        }
    }
}

/// Lays one RGBA pixel on white and writes it as grey or RGB.
fn write_pixel(rgba: &[u8], out: &mut [f32]) {
    let &[red, green, blue, alpha] = rgba else { return };
    let alpha = f32::from(alpha) * (1.0 / 255.0);
    let on_white = |byte: u8| match alpha {
        // As a dataset of bytes scales them, to the last bit.
        1.0 => f32::from(byte) * (1.0 / 255.0),
        _ => f32::from(byte) * (1.0 / 255.0) * alpha + (1.0 - alpha),
    };
    match out {
        [grey] if red == green && green == blue => *grey = on_white(red),
        // Luma of Rec. ITU-R BT.601, as most tools that prepare datasets have it.
        [grey] => *grey = 0.299 * on_white(red) + 0.587 * on_white(green) + 0.114 * on_white(blue),
        [r, g, b] => (*r, *g, *b) = (on_white(red), on_white(green), on_white(blue)),
        _ => {}
    }
}

/// The mean of the outermost pixels, per channel.
fn border_mean(pixels: &RgbaImage, channels: usize) -> [f32; 3] {
    let (width, height) = pixels.dimensions();
    let (last_x, last_y) = (width.saturating_sub(1), height.saturating_sub(1));
    let rows = (0..width).flat_map(|x| [(x, 0), (x, last_y)]);
    let columns = (0..height).flat_map(|y| [(0, y), (last_x, y)]);
    let (mut sum, mut n) = ([0.0_f64; 3], 0_u32);
    for (x, y) in rows.chain(columns) {
        let mut values = [0.0; 3];
        write_pixel(&pixels.get_pixel(x, y).0, values.get_mut(..channels).unwrap_or_default());
        sum.iter_mut().zip(values).for_each(|(sum, value)| *sum += f64::from(value));
        n += 1;
    }
    sum.map(|sum| (sum / f64::from(n.max(1))) as f32)
}

/// The largest place in the middle of an input that has the image's proportions.
fn letterbox(image_height: usize, image_width: usize, height: usize, width: usize) -> resize::Target {
    // Compares image_width / image_height with width / height; all four are at most MAX_SIDE.
    let round = |numerator: usize, denominator: usize| ((numerator + denominator / 2) / denominator.max(1)).max(1);
    let (fit_height, fit_width) = if image_width * height > width * image_height {
        (round(image_height * width, image_width).min(height), width)
    } else {
        (height, round(image_width * height, image_height).min(width))
    };
    resize::Target {
        top: (height - fit_height) / 2,
        left: (width - fit_width) / 2,
        height: fit_height,
        width: fit_width,
    }
}

#[cfg(test)]
mod tests;
