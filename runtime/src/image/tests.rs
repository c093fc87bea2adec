//! Images as inputs: sizes, colours, light and dark, and files that are not what they seem.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may")]

use std::time::Instant;

use ::image::codecs::jpeg::JpegEncoder;
use ::image::{GrayImage, Luma, Rgb, RgbImage, Rgba};

use super::*;

const NO_CHANGE: Options = Options { fit: Fit::Letterbox, invert: Invert::No };

fn png(image: impl Into<DynamicImage>) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.into().write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}

fn jpeg(image: impl Into<DynamicImage>) -> Vec<u8> {
    let mut bytes = Vec::new();
    image.into().write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, 100)).unwrap();
    bytes
}

fn message(bytes: &[u8]) -> String {
    decode(bytes, "x.png", [4, 4, 1], &NO_CHANGE).unwrap_err().to_string()
}

/// A dark bar on light paper.
fn written() -> GrayImage {
    GrayImage::from_fn(8, 8, |x, y| Luma([if (3..5).contains(&x) && (1..7).contains(&y) { 10 } else { 240 }]))
}

#[test]
fn pixels_of_the_same_size_become_the_values_of_a_dataset() {
    let image = GrayImage::from_fn(16, 16, |x, y| Luma([(y * 16 + x) as u8]));
    let input = decode(&png(image), "x", [16, 16, 1], &NO_CHANGE).unwrap();
    for byte in 0..=255_u8 {
        let (y, x) = (usize::from(byte) / 16, usize::from(byte) % 16);
        assert_eq!(input[[y, x, 0]], f32::from(byte) * (1.0 / 255.0));
    }
}

#[test]
fn colours_become_channels_or_luma() {
    let image = RgbImage::from_pixel(2, 2, Rgb([255, 0, 51]));
    let rgb = decode(&png(image.clone()), "x", [1, 1, 3], &NO_CHANGE).unwrap();
    assert!(rgb.iter().zip([1.0, 0.0, 0.2]).all(|(a, b)| (a - b).abs() < 1e-6), "{rgb}");
    let grey = decode(&png(image), "x", [1, 1, 1], &NO_CHANGE).unwrap();
    assert!((grey[[0, 0, 0]] - (0.299 + 0.114 * 0.2)).abs() < 1e-6, "{grey}");
    let from_grey = decode(&png(written()), "x", [8, 8, 3], &NO_CHANGE).unwrap();
    assert_eq!(from_grey[[3, 3, 0]], from_grey[[3, 3, 2]]);
}

#[test]
fn what_is_transparent_lies_on_white() {
    let image = RgbaImage::from_fn(2, 1, |x, _| Rgba([0, 0, 0, if x == 0 { 0 } else { 51 }]));
    let input = decode(&png(image), "x", [1, 2, 1], &NO_CHANGE).unwrap();
    assert!((input[[0, 0, 0]] - 1.0).abs() < 1e-6 && (input[[0, 1, 0]] - 0.8).abs() < 1e-6, "{input}");
}

#[test]
fn light_and_dark_are_exchanged_where_the_border_is_light() {
    let with = |image: GrayImage, channels, invert| {
        let options = Options { invert, ..Options::default() };
        let input = decode(&png(image), "x", [8, 8, channels], &options).unwrap();
        (input[[0, 0, 0]] > 0.5, input[[3, 3, 0]] > 0.5)
    };
    let mut negative = written();
    negative.pixels_mut().for_each(|pixel| pixel.0[0] = 255 - pixel.0[0]);
    let (light_on_dark, dark_on_light) = ((false, true), (true, false));
    assert_eq!(with(written(), 1, Invert::Auto), light_on_dark);
    assert_eq!(with(negative.clone(), 1, Invert::Auto), light_on_dark);
    assert_eq!(with(written(), 1, Invert::No), dark_on_light);
    assert_eq!(with(negative, 1, Invert::Yes), dark_on_light);
    assert_eq!(with(written(), 3, Invert::Auto), dark_on_light);
    assert_eq!(with(written(), 3, Invert::Yes), light_on_dark);
}

#[test]
fn proportions_are_kept_unless_told_otherwise() {
    // White, with a black middle column, twice as wide as high.
    let image = GrayImage::from_fn(12, 6, |x, _| Luma([if x == 0 || x == 11 { 255 } else { 0 }]));
    let boxed = decode(&png(image.clone()), "x", [12, 12, 1], &NO_CHANGE).unwrap();
    assert_eq!((boxed[[3, 0, 0]], boxed[[8, 5, 0]]), (1.0, 0.0));
    let border = boxed[[0, 0, 0]];
    assert!(border > 0.2 && border < 0.5, "the bars have the border's mean colour, found {border}");
    assert_eq!((boxed[[2, 5, 0]], boxed[[9, 5, 0]]), (border, border));
    let stretched = decode(&png(image), "x", [12, 12, 1], &Options { fit: Fit::Stretch, ..NO_CHANGE }).unwrap();
    assert_eq!((stretched[[0, 0, 0]], stretched[[11, 5, 0]]), (1.0, 0.0));
    let place = letterbox(1, 10_000, 28, 28);
    assert_eq!(place, resize::Target { top: 13, left: 0, height: 1, width: 28 });
    assert_eq!(letterbox(20, 10, 28, 28), resize::Target { top: 0, left: 7, height: 28, width: 14 });
}

#[test]
fn jpeg_is_read_whatever_the_file_is_called() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("picture.png");
    fs::write(&path, jpeg(written())).unwrap();
    let input = read(&path, [8, 8, 1], &NO_CHANGE).unwrap();
    assert!((input[[3, 0, 0]] - 240.0 / 255.0).abs() < 0.05 && input[[3, 3, 0]] < 0.15, "{input}");
}

#[test]
fn an_image_is_turned_as_its_exif_data_says() {
    // Light on the left half only; orientation 6 says that the camera was turned: left becomes top.
    let bytes = jpeg(GrayImage::from_fn(16, 16, |x, _| Luma([if x < 8 { 255 } else { 0 }])));
    let exif = [&b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"[..]].concat();
    let segment = [&[0xff, 0xe1][..], &(exif.len() as u16 + 2).to_be_bytes(), &exif].concat();
    let turned = [&bytes[..2], &segment, &bytes[2..]].concat();
    let input = decode(&turned, "x", [2, 2, 1], &NO_CHANGE).unwrap();
    assert!(input[[0, 0, 0]] > 0.9 && input[[0, 1, 0]] > 0.9 && input[[1, 0, 0]] < 0.1, "{input}");
}

#[test]
fn other_files_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("text.png");
    fs::write(&path, b"no image at all").unwrap();
    let error = read(&path, [4, 4, 1], &NO_CHANGE).unwrap_err().to_string();
    assert!(error.contains("text.png: expected a PNG or JPEG image, found other data (first bytes [6e, 6f"), "{error}");
    assert!(message(b"").contains("expected a PNG or JPEG image"));
    assert!(message(b"GIF89a\x01\0\x01\0\0\0\0;").contains("expected a PNG or JPEG image"));
    let missing = read(&folder.path().join("none.png"), [4, 4, 1], &NO_CHANGE).unwrap_err().to_string();
    assert!(missing.contains("none.png: cannot read the image: "), "{missing}");
    let folder = read(folder.path(), [4, 4, 1], &NO_CHANGE).unwrap_err().to_string();
    assert!(folder.contains("not a regular file"), "{folder}");
}

#[test]
fn every_truncation_is_an_error() {
    let noisy = GrayImage::from_fn(24, 24, |x, y| Luma([(x * 37 + y * 91 + x * y) as u8]));
    let (png, jpeg) = (png(noisy.clone()), jpeg(noisy));
    assert!(decode(&png, "x", [4, 4, 1], &NO_CHANGE).is_ok() && decode(&jpeg, "x", [4, 4, 1], &NO_CHANGE).is_ok());
    for len in 0..jpeg.len() {
        let error = decode(&jpeg[..len], "x.jpg", [4, 4, 1], &NO_CHANGE).unwrap_err();
        assert!(matches!(error, ImageError::Damaged { .. } | ImageError::Format { .. }), "{len}: {error}");
    }
    // All pixels are there once the last data chunk is; the empty end chunk and its checksum add nothing.
    for len in 0..png.len() - 16 {
        let error = decode(&png[..len], "x.png", [4, 4, 1], &NO_CHANGE).unwrap_err();
        assert!(matches!(error, ImageError::Damaged { .. } | ImageError::Format { .. }), "{len}: {error}");
    }
}

#[test]
fn damaged_bytes_never_bring_it_down() {
    let noisy = RgbImage::from_fn(16, 16, |x, y| Rgb([(x * 37) as u8, (y * 91) as u8, (x * y) as u8]));
    for bytes in [png(noisy.clone()), jpeg(noisy)] {
        for at in 0..bytes.len() {
            for flip in [0x01, 0x80, 0xff] {
                let mut changed = bytes.clone();
                changed[at] ^= flip;
                if let Ok(input) = decode(&changed, "x", [4, 4, 3], &NO_CHANGE) {
                    assert!(input.iter().all(|value| (0.0..=1.0).contains(value)), "byte {at}");
                }
            }
        }
    }
}

/// A PNG header that declares a size, with a correct checksum and nothing behind it.
fn declaring(width: u32, height: u32) -> Vec<u8> {
    let mut chunk = b"IHDR".to_vec();
    chunk.extend([width.to_be_bytes(), height.to_be_bytes()].concat());
    chunk.extend([8, 6, 0, 0, 0]);
    let checksum = crc32fast::hash(&chunk).to_be_bytes();
    [&b"\x89PNG\r\n\x1a\n\0\0\0\x0d"[..], &chunk, &checksum, b"\0\0\0\x01IDAT\0\0\0\0\0"].concat()
}

#[test]
fn giant_sizes_are_refused_before_anything_is_allocated() {
    let started = Instant::now();
    for (width, height) in [(100_000, 100_000), (0x7fff_ffff, 0x7fff_ffff), (20_000, 1), (16_000, 16_000)] {
        let error = message(&declaring(width, height));
        assert!(error.contains("x.png: the image is too large"), "{error}");
        assert!(width > 1 << 30 || error.contains(&format!("{width} x {height} pixels")), "{error}");
    }
    assert!(message(&declaring(0, 5)).contains("damaged"), "{}", message(&declaring(0, 5)));
    // The size in a JPEG's frame header, made as large as it can be.
    let mut giant = jpeg(written());
    let frame = giant.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
    giant[frame + 5..frame + 9].fill(0xff);
    let error = message(&giant);
    assert!(error.contains("too large with 65535 x 65535 pixels; expected sides up to 16384"), "{error}");
    assert!(started.elapsed().as_millis() < 500, "{:?}", started.elapsed());
}

#[test]
fn wide_images_with_deep_pixels_are_within_the_limits() {
    let image = ::image::ImageBuffer::from_pixel(MAX_SIDE, 40, Rgba([u16::MAX; 4]));
    let input = decode(&png(DynamicImage::ImageRgba16(image)), "x", [2, 2, 1], &NO_CHANGE).unwrap();
    assert!(input.iter().all(|&value| value > 0.999), "{input}");
}

#[test]
fn shapes_that_no_image_can_take_are_refused() {
    for shape in [[0, 4, 1], [4, 0, 1], [4, 4, 0], [4, 4, 2], [4, 4, 4], [usize::MAX, 4, 1], [20_000, 1, 1]] {
        let error = decode(&png(written()), "x", shape, &NO_CHANGE).unwrap_err();
        assert!(error.to_string().starts_with("an image cannot become an input of shape"), "{error}");
    }
}
