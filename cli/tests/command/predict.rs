//! `netwright predict`.

use std::fs;
use std::path::Path;

use image::{DynamicImage, GrayImage, ImageFormat, Luma, Rgb, RgbImage};
use netwright::data::digits::digits;
use serde_json::Value;
use tempfile::tempdir;

use crate::program::{documented, fields, good, run, trained};

netwright::model!(<squeezenet> as SqueezeNet);

/// Writes digits that the network has not seen, and returns their paths and classes.
fn write_digits(folder: &Path, n: usize, format: ImageFormat, extension: &str) -> Vec<(String, u64)> {
    let test = digits(1, n, 1234).unwrap().test;
    let write = |idx: usize| {
        let pixels = test.input(idx).unwrap();
        let image = GrayImage::from_fn(28, 28, |x, y| Luma([(255.0 * pixels[(28 * y + x) as usize]) as u8]));
        let path = folder.join(format!("{idx}.{extension}"));
        DynamicImage::from(image).save_with_format(&path, format).unwrap();
        (path.to_str().unwrap().to_owned(), u64::from(test.label(idx).unwrap()))
    };
    (0..n).map(write).collect()
}

#[test]
fn it_reads_digits() {
    let (folder, _) = trained();
    let scratch = tempdir().unwrap();
    let images = write_digits(scratch.path(), 40, ImageFormat::Png, "png");
    let paths = images.iter().map(|(path, _)| path.as_str());
    let args: Vec<&str> = ["predict", "lenet", "--json", "--top", "2"].into_iter().chain(paths).collect();
    let said = run(folder, &args);
    assert_eq!(said.exit, Some(0), "{said:?}");
    let answers: Vec<Value> = said.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(answers.len(), images.len());
    let mut right = 0;
    for (answer, (path, class)) in answers.iter().zip(&images) {
        assert_eq!((answer["image"].as_str(), answer["network"].as_str()), (Some(path.as_str()), Some("LeNet")));
        let top = answer["top"].as_array().unwrap();
        let probability = |idx: usize| top[idx]["probability"].as_f64().unwrap();
        assert_eq!(top.len(), 2);
        assert!(probability(0) >= probability(1) && probability(0) + probability(1) < 1.0 + 1e-5, "{answer}");
        right += usize::from(top[0]["class"].as_u64() == Some(*class));
    }
    assert!(right >= 36, "{right} of 40");
    assert_eq!(fields(&answers[0]), documented("predict"));
    // One thread says the same.
    let one: Vec<&str> = args.iter().copied().chain(["--threads", "1"]).collect();
    assert_eq!(run(folder, &one).stdout, said.stdout);
}

#[test]
fn people_get_bars() {
    let (folder, _) = trained();
    let scratch = tempdir().unwrap();
    let images = write_digits(scratch.path(), 1, ImageFormat::Jpeg, "jpg");
    let said = run(folder, &["predict", "lenet", &images[0].0]);
    assert_eq!(said.exit, Some(0), "{said:?}");
    let lines: Vec<&str> = said.stdout.lines().collect();
    assert_eq!(lines.len(), 4, "{}", said.stdout);
    assert!(lines[1].contains(" %") && lines[1].contains('█'), "{}", said.stdout);
    assert!(said.stderr.contains("runs/lenet/weights.safetensors"), "{}", said.stderr);
}

/// A photograph of another shape than the input, prepared as the description says and named by ImageNet's labels: what the
/// command says is what a program of one's own computes.
#[test]
#[ignore = "builds a program with optimisation: some minutes"]
fn squeezenet_names_what_a_photograph_shows() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    let net = SqueezeNet::new(5);
    net.save(folder.join("weights.safetensors")).unwrap();
    let photo = RgbImage::from_fn(320, 240, |x, y| {
        let is_inside = (x as i32 - 180).pow(2) + (y as i32 - 110).pow(2) < 70 * 70;
        if is_inside { Rgb([230, 140, (x % 256) as u8]) } else { Rgb([(y % 256) as u8, 90, 40]) }
    });
    let path = folder.join("photo.jpg");
    DynamicImage::from(photo).save_with_format(&path, ImageFormat::Jpeg).unwrap();

    let expected = net.predict(SqueezeNet::read_photo(&path).unwrap().view()).unwrap();
    let mut ranked: Vec<(usize, f32)> = expected.iter().copied().enumerate().collect();
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1));

    let words = ["predict", "squeezenet", "photo.jpg", "--weights", "weights.safetensors", "--top", "3"];
    let answer = good(folder, &[&words[..], &["--json"]].concat()).json();
    let top = answer["top"].as_array().unwrap();
    assert_eq!(top.len(), 3, "{answer}");
    for (found, (class, probability)) in top.iter().zip(&ranked) {
        assert_eq!(found["class"].as_u64(), Some(*class as u64), "{answer}");
        assert_eq!(found["name"].as_str(), Some(SqueezeNet::LABELS[*class]), "{answer}");
        let difference = found["probability"].as_f64().unwrap() - f64::from(*probability);
        assert!(difference.abs() < 1e-5, "{answer}: {probability}");
    }
    let said = good(folder, &words).stdout;
    // Untrained, it holds every class for nearly as likely: the thinnest bars.
    assert!(said.contains(SqueezeNet::LABELS[ranked[0].0]) && said.contains(" %  ▏"), "{said}");
}

#[test]
fn images_that_cannot_be_read_are_named_and_the_others_classified() {
    let (folder, _) = trained();
    let scratch = tempdir().unwrap();
    let images = write_digits(scratch.path(), 1, ImageFormat::Png, "png");
    let text = scratch.path().join("text.png");
    fs::write(&text, "no image at all").unwrap();
    let said = run(folder, &["predict", "lenet", "--json", text.to_str().unwrap(), "missing.png", &images[0].0]);
    assert_eq!(said.exit, Some(1));
    assert_eq!(said.stdout.lines().count(), 1, "{said:?}");
    assert!(said.stderr.contains("text.png: expected a PNG or JPEG image"), "{}", said.stderr);
    assert!(said.stderr.contains("missing.png: cannot read the image"), "{}", said.stderr);
}
