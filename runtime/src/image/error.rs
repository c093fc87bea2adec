//! What can go wrong with an image file.

use std::io;

/// An image could not become an input.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImageError {
    /// The operating system refused.
    #[error("{name}: cannot read the image: {source}")]
    Io {
        /// The file.
        name: String,
        /// The operating system's answer.
        source: io::Error,
    },
    /// The file is longer than [`MAX_FILE`](super::MAX_FILE).
    #[error("{name}: longer than {} MiB; expected a PNG or JPEG image of ordinary size", super::MAX_FILE >> 20)]
    LongFile {
        /// The file.
        name: String,
    },
    /// Neither PNG nor JPEG.
    #[error("{name}: expected a PNG or JPEG image, found other data (first bytes {start:02x?}); convert it to PNG")]
    Format {
        /// The file.
        name: String,
        /// Its first bytes.
        start: Vec<u8>,
    },
    /// More pixels than are ever decoded.
    #[error("{name}: the image is too large{}; expected sides up to {} and up to {} million pixels in all", found(size), super::MAX_SIDE, super::MAX_PIXELS >> 20)]
    TooLarge {
        /// The file.
        name: String,
        /// Its width and height in pixels, where the decoder got as far as to tell.
        size: Option<(u32, u32)>,
    },
    /// The file begins like an image and does not go on like one.
    #[error("{name}: the image is damaged: {message}; get the file again")]
    Damaged {
        /// The file.
        name: String,
        /// What the decoder says.
        message: String,
    },
    /// An image that is so much longer than wide, or the other way round, that it cannot be resized by its shorter side.
    #[error(
        "{name}: the image of {width} x {height} pixels is too narrow to be resized by its shorter side to {resize}"
    )]
    Narrow {
        /// The file.
        name: String,
        /// Its width in pixels.
        width: usize,
        /// Its height in pixels.
        height: usize,
        /// What the shorter side would become.
        resize: usize,
    },
    /// An input that no image can become.
    #[error(
        "an image cannot become an input of shape {shape:?}; expected [height, width, channels], each side from 1 to {} and 1 or 3 channels",
        super::MAX_SIDE
    )]
    Shape {
        /// The input's shape.
        shape: [usize; 3],
    },
}

fn found(size: &Option<(u32, u32)>) -> String {
    size.map_or_else(String::new, |(width, height)| format!(" with {width} x {height} pixels"))
}
