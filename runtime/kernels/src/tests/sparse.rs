//! Sparse dense layers against a plain matrix product, and against themselves.

use super::{Random, Sum, assert_sums, most};
use crate::conv::Activation;
use crate::crew;
use crate::dense::Dense;
use crate::isa::on_every_isa;
use crate::sparse::{self, Sparse};

/// A layer of which one weight in so many is not zero: its logical and its stored weights.
fn layer(random: &mut Random, g: &Dense, one_in: usize) -> (Vec<f32>, Vec<f32>) {
    let mut logical = random.floats(g.inputs * g.outputs);
    for weight in &mut logical {
        if random.within(1, one_in) > 1 {
            *weight = 0.0;
        }
    }
    let mut w = vec![f32::NAN; g.weight_layout().len()];
    g.weight_layout().pack(&logical, &mut w);
    (logical, w)
}

#[test]
fn random_sizes() {
    on_every_isa(|_| {
        let mut random = Random::new(41);
        let mut n_sparse = 0;
        for case in 0..if cfg!(miri) { 4 } else { 1000 } {
            let g = Dense { inputs: random.within(1, most(90)), outputs: random.within(1, most(70)) };
            let n = random.within(1, if cfg!(miri) { 4 } else { 9 });
            let (logical, w) = layer(&mut random, &g, [20, 40, 400, 1][case % 4]);
            let (x, bias) = (random.floats(n * g.inputs), random.floats(g.outputs));
            let mut b = vec![f32::NAN; g.bias_layout().len()];
            g.bias_layout().pack(&bias, &mut b);
            let mut expected = vec![Sum::default(); n * g.outputs];
            for (at, sum) in expected.iter_mut().enumerate() {
                let (row, output) = (at / g.outputs, at % g.outputs);
                sum.add(f64::from(bias[output]));
                for input in 0..g.inputs {
                    sum.add(f64::from(x[row * g.inputs + input]) * f64::from(logical[input * g.outputs + output]));
                }
            }
            let sparse = Sparse::of(&g, &w);
            // Where there are too many blocks the dense form is used, and is as right.
            n_sparse += usize::from(sparse.is_some());
            assert!(case % 4 != 3 || sparse.is_none());
            let mut y = vec![f32::NAN; n * g.outputs];
            sparse::forward(&g, Activation::None, n, &x, &w, &b, &mut y, sparse.as_ref());
            assert_sums(&y, &expected, &format!("{g:?}, n = {n}"));

            let mut rectified = vec![f32::NAN; y.len()];
            sparse::forward(&g, Activation::Relu, n, &x, &w, &b, &mut rectified, sparse.as_ref());
            assert!(y.iter().zip(&rectified).all(|(y, r)| y.max(0.0) == *r));
            let mut without = vec![f32::NAN; y.len()];
            sparse::forward(&g, Activation::None, n, &x, &w, &[], &mut without, sparse.as_ref());
            for (at, (y, without)) in y.iter().zip(&without).enumerate() {
                assert!((y - without - bias[at % g.outputs]).abs() < 1e-4);
            }
            // Row by row, and by several threads: the same bits.
            let mut rows = vec![f32::NAN; y.len()];
            crew::lead(3, || {
                for (x, y) in x.chunks(g.inputs).zip(rows.chunks_mut(g.outputs)) {
                    sparse::forward(&g, Activation::None, 1, x, &w, &b, y, sparse.as_ref());
                }
            });
            assert_eq!(y, rows);
        }
        assert!(cfg!(miri) || n_sparse >= 500, "{n_sparse}");
    });
}

#[test]
#[cfg_attr(miri, ignore = "as large as it is, it takes an hour")]
fn a_large_layer_is_shared_by_threads() {
    let g = Dense { inputs: 2000, outputs: 1003 };
    let mut random = Random::new(42);
    let (_, w) = layer(&mut random, &g, 30);
    let sparse = Sparse::of(&g, &w).unwrap();
    let x = random.floats(4 * g.inputs);
    let (mut alone, mut shared) = (vec![f32::NAN; 4 * g.outputs], vec![f32::NAN; 4 * g.outputs]);
    sparse::forward(&g, Activation::Relu, 4, &x, &w, &[], &mut alone, Some(&sparse));
    crew::lead(3, || sparse::forward(&g, Activation::Relu, 4, &x, &w, &[], &mut shared, Some(&sparse)));
    assert_eq!(alone, shared);
}

#[test]
fn only_blocks_with_a_weight_are_kept() {
    let g = Dense { inputs: 5, outputs: 20 };
    let mut logical = vec![0.0; 100];
    // The first and the last eight of the outputs for input 3, which the last ones do not fill.
    (logical[3 * 20], logical[3 * 20 + 7], logical[3 * 20 + 19]) = (1.0, 2.0, 3.0);
    let mut w = vec![0.0; g.weight_layout().len()];
    g.weight_layout().pack(&logical, &mut w);
    let sparse = Sparse::of(&g, &w).unwrap();
    assert_eq!(sparse.blocks(), 2);
    let mut y = vec![f32::NAN; 20];
    sparse::forward(&g, Activation::None, 1, &[9.0, 9.0, 9.0, 10.0, 9.0], &w, &[], &mut y, Some(&sparse));
    let mut expected = [0.0; 20];
    (expected[0], expected[7], expected[19]) = (10.0, 20.0, 30.0);
    assert_eq!(y, expected);
    assert!(Sparse::of(&g, &vec![0.0; w.len()]).is_some_and(|none| none.blocks() == 0));
}

#[test]
#[should_panic(expected = "that of another layer")]
fn the_sparse_form_of_another_layer_is_refused() {
    let (g, other) = (Dense { inputs: 4, outputs: 8 }, Dense { inputs: 8, outputs: 4 });
    let sparse = Sparse::of(&other, &vec![0.0; other.weight_layout().len()]);
    let w = vec![0.0; g.weight_layout().len()];
    sparse::forward(&g, Activation::None, 1, &[0.0; 4], &w, &[], &mut [0.0; 8], sparse.as_ref());
}
