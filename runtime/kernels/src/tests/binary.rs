//! Sums, products, channel gates, concatenation.

use super::{Random, Sum, around, assert_sums, cases, most};
use crate::isa::on_every_isa;
use crate::{binary, concat};

#[test]
fn element_by_element() {
    on_every_isa(|_| {
        let mut random = Random::new(70);
        for len in around(&mut random, [0, 1, 8, 13, 100], 1000, 300) {
            let (a, b) = (random.floats(len), random.floats(len));
            let zip = |f: fn(f32, f32) -> f32| -> Vec<f32> { a.iter().zip(&b).map(|(&a, &b)| f(a, b)).collect() };
            let mut y = vec![f32::NAN; len];
            binary::add(&a, &b, &mut y);
            assert_eq!(y, zip(|a, b| a + b));
            binary::subtract(&a, &b, &mut y);
            assert_eq!(y, zip(|a, b| a - b));
            binary::multiply(&a, &b, &mut y);
            assert_eq!(y, zip(|a, b| a * b));
            y.copy_from_slice(&b);
            binary::add_into(&a, &mut y);
            assert_eq!(y, zip(|a, b| a + b));
            y.copy_from_slice(&b);
            binary::multiply_into(&a, &mut y);
            assert_eq!(y, zip(|a, b| a * b));
            binary::copy(&a, &mut y);
            assert_eq!(y, a);
            binary::fill(2.0, &mut y);
            assert!(y.iter().all(|&y| y == 2.0));
        }
    });
}

#[test]
fn channel_by_channel() {
    on_every_isa(|_| {
        let mut random = Random::new(71);
        for c in around(&mut random, [1, 5, 8, 16, 33, 64, 70], 1000, 90) {
            let (n, pixels) = (random.within(1, 3), random.within(1, most(200)));
            let (x, dy, gate) = (random.floats(n * pixels * c), random.floats(n * pixels * c), random.floats(n * c));
            let gate_of = |i: usize| i / (pixels * c) * c + i % c;
            let mut y = vec![f32::NAN; x.len()];
            binary::scale_channels(n, pixels, c, &x, &gate, &mut y);
            assert!(y.iter().enumerate().all(|(i, &y)| y == x[i] * gate[gate_of(i)]));
            binary::add_channels(n, pixels, c, &x, &gate, &mut y);
            assert!(y.iter().enumerate().all(|(i, &y)| y == x[i] + gate[gate_of(i)]));
            let (mut products, mut sums) = (vec![Sum::default(); n * c], vec![Sum::default(); n * c]);
            for i in 0..x.len() {
                products[gate_of(i)].add(f64::from(x[i]) * f64::from(dy[i]));
                sums[gate_of(i)].add(f64::from(dy[i]));
            }
            let mut dgate = vec![f32::NAN; n * c];
            binary::scale_channels_gate_gradient(n, pixels, c, &x, &dy, &mut dgate);
            assert_sums(&dgate, &products, "scale");
            binary::add_channels_gate_gradient(n, pixels, c, &dy, &mut dgate);
            assert_sums(&dgate, &sums, "add");
        }
    });
}

#[test]
fn concatenation() {
    let mut random = Random::new(72);
    for _ in 0..cases(1000) {
        let outer = random.within(1, 9);
        let parts: Vec<usize> = (0..random.within(1, 4)).map(|_| random.within(1, most(40))).collect();
        let total = parts.iter().sum();
        let tensors: Vec<Vec<f32>> = parts.iter().map(|part| random.floats(outer * part)).collect();
        let mut joined = vec![f32::NAN; outer * total];
        let mut offset = 0;
        for (tensor, &part) in tensors.iter().zip(&parts) {
            concat::copy_in(outer, part, total, offset, tensor, &mut joined);
            offset += part;
        }
        for row in 0..outer {
            let expected: Vec<f32> =
                tensors.iter().zip(&parts).flat_map(|(tensor, &part)| tensor[row * part..][..part].to_vec()).collect();
            assert_eq!(joined[row * total..][..total], expected);
        }
        let mut offset = 0;
        for (tensor, &part) in tensors.iter().zip(&parts) {
            let mut back = vec![f32::NAN; outer * part];
            concat::copy_out(outer, part, total, offset, &joined, &mut back);
            assert_eq!(&back, tensor);
            offset += part;
        }
    }
}

#[test]
#[should_panic(expected = "reaches past")]
fn a_part_outside_is_refused() {
    concat::copy_in(1, 2, 4, 3, &[0.0; 2], &mut [0.0; 4]);
}
