//! Photographs against torchvision's transforms: `tests/parity/photos.py` has the other half.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may")]

use std::io::Cursor;

use ::image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use serde_json::Value;

use super::*;

const IMAGENET: Photo = Photo {
    resize: 0,
    scale: 1.0 / 255.0,
    mean: &[0.485, 0.456, 0.406],
    std: &[0.229, 0.224, 0.225],
    order: ChannelOrder::Rgb,
};

/// Bytes as they are.
const BYTES: Photo = Photo { resize: 0, scale: 1.0, mean: &[0.0; 3], std: &[1.0; 3], order: ChannelOrder::Rgb };

fn png(image: RgbImage) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    DynamicImage::from(image).write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}

fn image(width: u32, height: u32) -> Vec<u8> {
    let byte = |x: u32, y: u32, c: u32| ((x * x * 3 + y * 5 + c * 71 + x * y) % 256) as u8;
    png(RgbImage::from_fn(width, height, |x, y| Rgb([byte(x, y, 0), byte(x, y, 1), byte(x, y, 2)])))
}

#[test]
fn torchvision_makes_the_same_of_an_image() {
    let reference: Value =
        serde_json::from_str(include_str!("../../../../tests/parity/reference/photos.json")).unwrap();
    let cases = reference["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 6);
    for case in cases {
        let number = |value: &Value| value.as_u64().unwrap() as usize;
        let (resize, height, width) = (number(&case["resize"]), number(&case["crop"][0]), number(&case["crop"][1]));
        let bytes = image(number(&case["image"][0]) as u32, number(&case["image"][1]) as u32);
        let shape = [height, width, 3];
        let cut = decode_photo(&bytes, "x", shape, &Photo { resize, ..BYTES }).unwrap();
        let cut: Vec<u8> = cut.iter().map(|&value| value as u8).collect();
        assert_eq!(u64::from(crc32fast::hash(&cut)), case["crc32"].as_u64().unwrap(), "{case}");
        let values = decode_photo(&bytes, "x", shape, &Photo { resize, ..IMAGENET }).unwrap();
        let values: Vec<f32> = values.into_iter().collect();
        for (index, expected) in case["picked"].as_array().unwrap().iter().enumerate() {
            let found = f64::from(values[index * values.len() / 16]);
            assert!((found - expected.as_f64().unwrap()).abs() < 2e-6, "{case}: {index} is {found}");
        }
    }
}

#[test]
fn channels_have_an_order() {
    let bytes = png(RgbImage::from_pixel(1, 1, Rgb([10, 20, 30])));
    let photo = Photo { resize: 2, mean: &[1.0, 2.0, 3.0], std: &[1.0, 2.0, 1.0], order: ChannelOrder::Bgr, ..BYTES };
    let input = decode_photo(&bytes, "x", [2, 2, 3], &photo).unwrap();
    assert!(input.iter().eq([29.0, 9.0, 7.0].iter().cycle().take(12)), "{input}");
    let plain = super::super::decode(&bytes, "x", [2, 2, 3], &super::super::Options::default()).unwrap();
    assert!((&normalised(&plain, &photo) - &input).iter().all(|difference| difference.abs() < 1e-4));
    let grey = Photo { resize: 1, mean: &[0.0], std: &[1.0], ..BYTES };
    assert_eq!(decode_photo(&bytes, "x", [1, 1, 1], &grey).unwrap()[[0, 0, 0]], 18.0);
}

#[test]
fn hostile_images_are_refused() {
    let narrow = png(RgbImage::new(16_384, 1));
    let photo = Photo { resize: 16_384, ..IMAGENET };
    let error = decode_photo(&narrow, "x", [8, 8, 3], &photo).unwrap_err().to_string();
    assert!(error.contains("16384 x 1 pixels is too narrow"), "{error}");
    // A thousand times as wide as high is still cut, and only what is cut is computed.
    let wide = png(RgbImage::from_pixel(2_000, 2, Rgb([255, 255, 255])));
    let input = decode_photo(&wide, "x", [4, 4, 3], &Photo { resize: 4, ..BYTES }).unwrap();
    assert!(input.iter().all(|&value| value == 255.0));
    for shape in [[0, 1, 3], [1, 1, 2], [1, 20_000, 3]] {
        assert!(matches!(decode_photo(&wide, "x", shape, &photo), Err(ImageError::Shape { .. })));
    }
    assert!(decode_photo(&wide[..wide.len() / 2], "x", [4, 4, 3], &photo).is_err());
}

#[test]
fn the_middle_is_rounded_as_python_rounds() {
    assert_eq!([0, 1, 2, 3, 5, 7, 9].map(middle), [0, 0, 1, 2, 2, 4, 4]);
}
