//! Dense layers against a plain matrix product.

use super::{Random, Sum, assert_sums, cases};
use crate::conv::Activation;
use crate::crew;
use crate::dense::{self, Dense};
use crate::isa::on_every_isa;

#[test]
fn random_sizes() {
    on_every_isa(|_| {
        let mut random = Random::new(20);
        let [most, most_images] = if cfg!(miri) { [20, 4] } else { [70, 40] };
        for _ in 0..cases(1000) {
            let g = Dense { inputs: random.within(1, most), outputs: random.within(1, most) };
            let n = random.within(1, most_images);
            let (x, dy) = (random.floats(n * g.inputs), random.floats(n * g.outputs));
            let logical = random.floats(g.inputs * g.outputs);
            let bias = random.floats(g.outputs);
            let mut w = vec![f32::NAN; g.weight_layout().len()];
            g.weight_layout().pack(&logical, &mut w);
            let mut b = vec![f32::NAN; g.bias_layout().len()];
            g.bias_layout().pack(&bias, &mut b);

            let mut expected = vec![Sum::default(); n * g.outputs];
            let mut expected_dx = vec![Sum::default(); n * g.inputs];
            let mut expected_dw = vec![Sum::default(); g.inputs * g.outputs];
            for row in 0..n {
                for output in 0..g.outputs {
                    let y = row * g.outputs + output;
                    expected[y].add(f64::from(bias[output]));
                    for input in 0..g.inputs {
                        let (x_at, w_at) = (row * g.inputs + input, input * g.outputs + output);
                        expected[y].add(f64::from(x[x_at]) * f64::from(logical[w_at]));
                        expected_dx[x_at].add(f64::from(dy[y]) * f64::from(logical[w_at]));
                        expected_dw[w_at].add(f64::from(dy[y]) * f64::from(x[x_at]));
                    }
                }
            }
            let mut y = vec![f32::NAN; n * g.outputs];
            dense::forward(&g, Activation::None, n, &x, &w, &b, &mut y);
            assert_sums(&y, &expected, &format!("y of {g:?}, n = {n}"));
            let mut rectified = vec![f32::NAN; y.len()];
            crew::lead(3, || dense::forward(&g, Activation::Relu, n, &x, &w, &b, &mut rectified));
            assert!(y.iter().zip(&rectified).all(|(y, r)| y.max(0.0) == *r), "ReLU of {g:?}, n = {n}, three threads");
            let mut wt = vec![f32::NAN; dense::transposed_len(&g)];
            dense::transpose_weights(&g, &w, &mut wt);
            for (i, &weight) in wt.iter().enumerate() {
                assert!(dense::transposed_layout(&g).is_real(i) || weight == 0.0);
            }
            let mut dx = vec![f32::NAN; n * g.inputs];
            dense::input_gradient(&g, n, &dy, &wt, &mut dx);
            assert_sums(&dx, &expected_dx, &format!("dx of {g:?}, n = {n}"));
            let (mut dw, mut db) = (vec![0.0; w.len()], vec![0.0; b.len()]);
            dense::weight_gradient(&g, n, &x, &dy, &mut dw, &mut db);
            let mut logical_dw = vec![0.0; logical.len()];
            g.weight_layout().unpack(&dw, &mut logical_dw);
            assert_sums(&logical_dw, &expected_dw, &format!("dw of {g:?}, n = {n}"));
            let mut expected_db = vec![Sum::default(); g.outputs];
            for (i, &dy) in dy.iter().enumerate() {
                expected_db[i % g.outputs].add(f64::from(dy));
            }
            assert_sums(&db[..g.outputs], &expected_db, &format!("db of {g:?}, n = {n}"));
        }
    });
}
