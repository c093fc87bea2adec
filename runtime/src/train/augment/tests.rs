//! Each change against a naive one in f64, what the numbers follow from, and the gathering of batches.

use super::*;
use crate::dataset::Dataset;
use crate::network::Trainable;
use crate::random::Stream;
use crate::testing::Classifier;
use crate::train::Recipe;
use crate::train::batch::{Augmented, Batch};

const SHAPE: [usize; 3] = [9, 7, 2];
const LEN: usize = 9 * 7 * 2;

fn key(sample: u32) -> Key {
    Key { seed: 3, epoch: 1, sample }
}

fn image(seed: u64) -> Vec<f32> {
    let mut stream = Stream::new(seed, "image");
    (0..LEN).map(|_| stream.uniform() as f32 - 0.25).collect()
}

fn of(changes: &[Change]) -> Augmentation {
    Augmentation::try_from(changes).unwrap()
}

fn changed(changes: &[Change], sample: u32, image: &[f32]) -> Vec<f32> {
    let (mut image, mut other) = (image.to_vec(), vec![f32::NAN; image.len()]);
    Draw::new(&of(changes), key(sample)).apply(0, SHAPE, &mut image, &mut other);
    image
}

/// The numbers of a sample's own stream, which changes use up in order.
fn stream(sample: u32) -> Stream {
    Stream::numbered(3, "augment", 1 << 32 | u64::from(sample))
}

/// The image at a pixel that need not lie inside.
fn pixel(image: &[f32], row: i64, column: i64, channel: usize, fill: Fill) -> f64 {
    let [h, w, c] = SHAPE;
    let (inner_row, inner_column) = (row.clamp(0, h as i64 - 1), column.clamp(0, w as i64 - 1));
    if fill == Fill::Zero && (inner_row, inner_column) != (row, column) {
        return 0.0;
    }
    f64::from(image[(inner_row as usize * w + inner_column as usize) * c + channel])
}

/// The image seen through a function from places of the result to places of the image, about the centre: bilinear, in f64.
fn seen(image: &[f32], fill: Fill, from: impl Fn(f64, f64) -> (f64, f64)) -> Vec<f64> {
    let [h, w, c] = SHAPE;
    let (middle_row, middle_column) = ((h as f64 - 1.0) / 2.0, (w as f64 - 1.0) / 2.0);
    let mut out = Vec::new();
    for row in 0..h {
        for column in 0..w {
            let (y, x) = from(row as f64 - middle_row, column as f64 - middle_column);
            let (y, x) = (y + middle_row, x + middle_column);
            let (top, left) = (y.floor(), x.floor());
            for channel in 0..c {
                let at = |dy: i64, dx: i64| pixel(image, top as i64 + dy, left as i64 + dx, channel, fill);
                let upper = at(0, 0) * (1.0 - (x - left)) + at(0, 1) * (x - left);
                let lower = at(1, 0) * (1.0 - (x - left)) + at(1, 1) * (x - left);
                out.push(upper * (1.0 - (y - top)) + lower * (y - top));
            }
        }
    }
    out
}

#[track_caller]
fn assert_near(found: &[f32], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!((f64::from(*found) - expected).abs() < 2e-6, "{index}: {found} and {expected}");
    }
}

/// Twice a uniform number, less one.
fn either_way(stream: &mut Stream) -> f64 {
    2.0 * stream.uniform() - 1.0
}

#[test]
fn shifts_move_by_whole_pixels() {
    for fill in [Fill::Zero, Fill::Edge] {
        let mut seen_shifts = std::collections::HashSet::new();
        for sample in 0..200 {
            let image = image(sample.into());
            let mut stream = stream(sample);
            let (down, right) = (i64::from(stream.below(5)) - 2, i64::from(stream.below(5)) - 2);
            seen_shifts.insert((down, right));
            let found = changed(&[Change::Shift { pixels: 2, fill }], sample, &image);
            let [h, w, c] = SHAPE;
            for (index, &found) in found.iter().enumerate() {
                let (row, column) = ((index / (w * c)) as i64 - down, (index / c % w) as i64 - right);
                // Bit for bit: nothing is interpolated.
                assert_eq!(f64::from(found), pixel(&image, row, column, index % c, fill));
                assert!(index < h * w * c);
            }
        }
        assert_eq!(seen_shifts.len(), 25);
    }
}

#[test]
fn turns_sizes_and_shears_are_bilinear() {
    for sample in 0..50 {
        let image = image(sample.into());
        for fill in [Fill::Zero, Fill::Edge] {
            let angle = (30.0 * either_way(&mut stream(sample))).to_radians();
            let expected =
                seen(&image, fill, |y, x| (y * angle.cos() + x * angle.sin(), x * angle.cos() - y * angle.sin()));
            assert_near(&changed(&[Change::Rotate { degrees: 30.0, fill }], sample, &image), &expected);

            let factor = 0.5 + 1.5 * stream(sample).uniform();
            let expected = seen(&image, fill, |y, x| (y / factor, x / factor));
            assert_near(&changed(&[Change::Scale { low: 0.5, high: 2.0, fill }], sample, &image), &expected);

            let lean = (40.0 * either_way(&mut stream(sample))).to_radians().tan();
            let expected = seen(&image, fill, |y, x| (y, x + lean * y));
            assert_near(&changed(&[Change::Shear { degrees: 40.0, fill }], sample, &image), &expected);
        }
    }
}

/// Sine and cosine are our own: all quarters of the circle.
#[test]
fn turns_go_all_around() {
    let image = image(1);
    for sample in 0..400 {
        let angle = (180.0 * either_way(&mut stream(sample))).to_radians();
        let fill = Fill::Zero;
        let expected =
            seen(&image, fill, |y, x| (y * angle.cos() + x * angle.sin(), x * angle.cos() - y * angle.sin()));
        assert_near(&changed(&[Change::Rotate { degrees: 180.0, fill }], sample, &image), &expected);
    }
}

#[test]
fn changes_of_place_are_made_at_once() {
    let fill = Fill::Zero;
    let changes = [
        Change::Rotate { degrees: 20.0, fill },
        Change::Shift { pixels: 3, fill },
        Change::Flip { axis: Axis::Horizontal },
        Change::Scale { low: 0.8, high: 1.25, fill },
    ];
    for sample in 0..50 {
        let image = image(sample.into());
        let mut stream = stream(sample);
        let angle = (20.0 * either_way(&mut stream)).to_radians();
        let (down, right) = (f64::from(stream.below(7)) - 3.0, f64::from(stream.below(7)) - 3.0);
        let mirror = if stream.below(2) == 1 { -1.0 } else { 1.0 };
        let factor = 0.8 + (f64::from(1.25_f32) - f64::from(0.8_f32)) * stream.uniform();
        let expected = seen(&image, fill, |y, x| {
            // The last change is undone first.
            let (y, x) = (y / factor, x / factor);
            let (y, x) = (y - down, mirror * x - right);
            (y * angle.cos() + x * angle.sin(), x * angle.cos() - y * angle.sin())
        });
        assert_near(&changed(&changes, sample, &image), &expected);
    }
}

#[test]
fn flips_change_every_other_image() {
    for (axis, place) in [
        (Axis::Horizontal, (|row, column| (row, 6 - column)) as fn(usize, usize) -> (usize, usize)),
        (Axis::Vertical, |row, column| (8 - row, column)),
    ] {
        let mut n_flipped = 0;
        for sample in 0..1000 {
            let image = image(sample.into());
            let found = changed(&[Change::Flip { axis }], sample, &image);
            let is_flipped = found != image;
            n_flipped += usize::from(is_flipped);
            assert_eq!(is_flipped, stream(sample).below(2) == 1);
            if is_flipped {
                for (index, &found) in found.iter().enumerate() {
                    let (row, column) = place(index / 14, index / 2 % 7);
                    assert_eq!(found, image[(row * 7 + column) * 2 + index % 2]);
                }
            }
        }
        // Four standard deviations of a thousand throws are 63.
        assert!((437..=563).contains(&n_flipped), "{n_flipped}");
    }
}

#[test]
fn values_change_where_they_stand() {
    for sample in 0..50 {
        let image = image(sample.into());
        let by = 0.3 * either_way(&mut stream(sample));
        let expected: Vec<f64> = image.iter().map(|&x| f64::from(x) + by).collect();
        assert_near(&changed(&[Change::Brightness { by: 0.3 }], sample, &image), &expected);

        let mean = image.iter().map(|&x| f64::from(x)).sum::<f64>() / LEN as f64;
        let factor = 1.0 + 0.5 * either_way(&mut stream(sample));
        let expected: Vec<f64> = image.iter().map(|&x| mean + factor * (f64::from(x) - mean)).collect();
        assert_near(&changed(&[Change::Contrast { by: 0.5 }], sample, &image), &expected);

        let mut noise = Stream::numbered(stream(sample).next_u64(), "augment noise", 0);
        let expected: Vec<f64> = image.iter().map(|&x| f64::from(x) + 0.25 * noise.normal()).collect();
        assert_near(&changed(&[Change::Noise { deviation: 0.25 }], sample, &image), &expected);
    }
}

#[test]
fn a_cutout_is_a_square_of_zeros() {
    let ones = vec![1.0; LEN];
    let mut sizes = std::collections::HashSet::new();
    for (size, before, after) in [(1, 0, 1), (2, 1, 1), (3, 1, 2), (5, 2, 3)] {
        for sample in 0..200 {
            let mut stream = stream(sample);
            let (row, column) = ((stream.uniform() * 9.0) as i64, (stream.uniform() * 7.0) as i64);
            let found = changed(&[Change::Cutout { size }], sample, &ones);
            for (index, found) in found.iter().enumerate() {
                let (y, x) = ((index / 14) as i64, (index / 2 % 7) as i64);
                let is_inside =
                    (row - before..row + after).contains(&y) && (column - before..column + after).contains(&x);
                assert_eq!(*found, if is_inside { 0.0 } else { 1.0 }, "{size} at {row}, {column}: {y}, {x}");
            }
            sizes.insert(found.iter().filter(|&&x| x == 0.0).count());
        }
    }
    // Whole squares, and such as lie outside in part.
    assert!(sizes.contains(&50) && sizes.len() > 8, "{sizes:?}");
}

/// The changes of this page's kinds, with numbers that follow from seed, epoch and sample alone.
const ALL: [Change; 8] = [
    Change::Flip { axis: Axis::Vertical },
    Change::Rotate { degrees: 15.0, fill: Fill::Edge },
    Change::Contrast { by: 0.2 },
    Change::Scale { low: 0.9, high: 1.1, fill: Fill::Zero },
    Change::Noise { deviation: 0.1 },
    Change::Shift { pixels: 1, fill: Fill::Zero },
    Change::Brightness { by: 0.1 },
    Change::Cutout { size: 3 },
];

#[test]
fn numbers_follow_from_seed_epoch_and_sample() {
    let base = Draw::new(&of(&ALL), key(5));
    assert_eq!(base, Draw::new(&of(&ALL), key(5)));
    for other in [Key { seed: 4, ..key(5) }, Key { epoch: 2, ..key(5) }, key(6)] {
        assert_ne!(base, Draw::new(&of(&ALL), other));
    }
    // The same draw for every image of a sample, noise apart.
    let draw = Draw::new(&of(&[Change::Rotate { degrees: 9.0, fill: Fill::Zero }]), key(1));
    let noisy = Draw::new(&of(&[Change::Noise { deviation: 0.1 }]), key(1));
    let with = |draw: &Draw, input| {
        let (mut image, mut other) = (image(1), vec![0.0; LEN]);
        draw.apply(input, SHAPE, &mut image, &mut other);
        image
    };
    assert_eq!(with(&draw, 0), with(&draw, 1));
    assert_ne!(with(&noisy, 0), with(&noisy, 1));
}

/// Two images and a flat input a sample.
fn data(n: usize) -> Dataset {
    let images = |seed: u64| {
        let values: Vec<f32> = (0..n as u64).flat_map(|sample| image(100 * seed + sample)).collect();
        ndarray::Array4::from_shape_vec((n, 9, 7, 2), values).unwrap()
    };
    let flat = ndarray::Array2::from_shape_fn((n, 4), |(sample, at)| (sample * 4 + at) as f32);
    let labels: Vec<u32> = (0..n as u32).map(|sample| sample % 3).collect();
    let dataset = Dataset::from_classes(images(0), labels, 3).unwrap();
    dataset.with_input(images(1)).unwrap().with_input(flat).unwrap()
}

fn gathered(augment: Augmentation, size: usize, threads: usize, epoch: u64) -> Vec<Vec<u32>> {
    let data = data(37);
    let recipe = Recipe { batch: size, augment, ..Classifier::RECIPE };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| {
        let mut batch = Batch::for_training(&data, &recipe).unwrap();
        let augmented = Augmented { augmentation: augment, seed: 7, epoch };
        let mut all = vec![Vec::new(); 3];
        let indices: Vec<u32> = (0..37).collect();
        for indices in indices.chunks(size) {
            let (inputs, _) = batch.gather(&data, indices, Some(&augmented)).unwrap();
            for (all, input) in all.iter_mut().zip(inputs.iter()) {
                all.extend(input.iter().map(|value| value.to_bits()));
            }
        }
        all
    })
}

#[test]
fn batches_have_the_same_bits_for_any_size_and_any_number_of_threads() {
    let pixels_only = of(&[Change::Noise { deviation: 0.1 }, Change::Cutout { size: 2 }]);
    for augment in [of(&ALL), pixels_only] {
        let base = gathered(augment, 37, 1, 2);
        for threads in [1, 2, 3, 7] {
            for size in [1, 5, 16, 37] {
                assert_eq!(gathered(augment, size, threads, 2), base, "{threads} threads, batches of {size}");
            }
        }
        let plain = gathered(Augmentation::NONE, 37, 2, 2);
        let next = gathered(augment, 37, 2, 3);
        for input in 0..2 {
            assert_ne!(base[input], plain[input]);
            assert_ne!(base[input], next[input]);
        }
        // What is no image is left alone.
        assert_eq!((&base[2], &next[2]), (&plain[2], &plain[2]));
    }
}

#[test]
fn ranges_are_checked_and_it_reads_as_it_is_written() {
    let recipe = |change| Recipe { augment: of(&[change]), ..Classifier::RECIPE };
    assert!(ALL.iter().all(|&change| recipe(change).check().is_ok()));
    let fill = Fill::Zero;
    for (change, expected) in [
        (Change::Shift { pixels: 0, fill }, "`augment: shift` is 0; expected at least 1"),
        (Change::Cutout { size: 0 }, "`augment: cutout` is 0; expected at least 1"),
        (Change::Rotate { degrees: 181.0, fill }, "`augment: rotate` is 181; expected degrees above 0, up to 180"),
        (Change::Shear { degrees: f32::NAN, fill }, "`augment: shear` is NaN; expected degrees above 0, up to 60"),
        (
            Change::Scale { low: 2.0, high: 1.0, fill },
            "`augment: scale` is 2; expected a smallest factor from 0.1 up to the largest",
        ),
        (Change::Scale { low: 1.0, high: 11.0, fill }, "`augment: scale` is 11; expected a largest factor up to 10"),
        (Change::Brightness { by: -1.0 }, "`augment: brightness` is -1; expected a number above 0"),
        (Change::Contrast { by: 1.5 }, "`augment: contrast` is 1.5; expected a number above 0, up to 1"),
        (Change::Noise { deviation: 0.0 }, "`augment: noise` is 0; expected a number above 0"),
    ] {
        assert_eq!(recipe(change).check().unwrap_err().to_string(), expected);
    }
    let nine = Augmentation::try_from([ALL[0]; 9].as_slice()).unwrap_err();
    assert_eq!(nine.to_string(), "`augment` is 9; expected at most 8 changes");
    let all = Recipe { augment: of(&ALL), ..Classifier::RECIPE };
    assert!(
        all.to_string().contains(
            "    augment: flip(vertical) -> rotate(15.0, fill: edge) -> contrast(0.2) -> scale(0.9, 1.1) -> noise(0.1) \
             -> shift(1) -> brightness(0.1) -> cutout(3);\n"
        ),
        "{all}"
    );
    let json = serde_json::to_string(&all).unwrap();
    assert_eq!(serde_json::from_str::<Recipe>(&json).unwrap(), all, "{json}");
}
