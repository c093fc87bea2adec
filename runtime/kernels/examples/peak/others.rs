//! Kernels that are no convolutions, by the bytes that they have to read and write, on LeNet's and SqueezeNet's sizes.

use crate::cases::{DEPTHWISE, conv};
use crate::{buffer, time};
use netwright_kernels::aligned::OutOfMemory;
use netwright_kernels::conv::{self, Activation};
use netwright_kernels::dropout::Key;
use netwright_kernels::max_pool::{self, Pool};
use netwright_kernels::optimizer::{self, Adam, RmsProp, Sgd};
use netwright_kernels::unary::{self, Unary};
use netwright_kernels::{AlignedVec, batch_norm, dropout, global_avg_pool, reduce, softmax};

/// A kernel, the best nanoseconds of a call, and its elements and bytes.
pub(crate) struct Found {
    pub(crate) name: String,
    pub(crate) nanoseconds: f64,
    pub(crate) elements: usize,
    pub(crate) bytes: usize,
}

type Table = Vec<Found>;

/// Measures a call, by its name, elements and floats.
type Add<'a> = dyn FnMut(String, usize, usize, &mut dyn FnMut()) + 'a;

/// Measures those whose names contain `filter`.
pub(crate) fn measure(filter: &str) -> Result<Table, OutOfMemory> {
    let mut found = Vec::new();
    let mut add = |name: String, elements, floats: usize, call: &mut dyn FnMut()| {
        if name.contains(filter) {
            found.push(Found { name, nanoseconds: time(call), elements, bytes: 4 * floats });
        }
    };
    let pool = |name: &'static str, n, h, c, kernel, ceil| {
        (name, n, Pool { h, w: h, c, kernel: [kernel; 2], stride: [2, 2], pad: [0, 0], ceil })
    };
    let pools = [
        pool("lenet 2x2", 8, 24, 32, 2, false),
        pool("1.1 pool1 3x3", 1, 111, 64, 3, true),
        pool("1.0 pool1 3x3", 1, 109, 96, 3, true),
        pool("1.1 pool3 3x3", 1, 55, 128, 3, true),
        pool("1.1 pool5 3x3", 1, 27, 256, 3, true),
    ];
    for (name, n, g) in pools {
        let (len, out) = (n * g.input_len(), n * g.output_len());
        let (x, mut y, mut dx) = (buffer(len)?, buffer(out)?, buffer(len)?);
        let mut index = buffer(n * max_pool::index_len(&g))?;
        let bytes = len + out + index.len();
        add(format!("max_pool {name}, forward"), len, bytes, &mut || max_pool::forward(&g, n, &x, &mut y, &mut index));
        add(format!("max_pool {name}, infer"), len, len + out, &mut || max_pool::infer(&g, n, &x, &mut y));
        add(format!("max_pool {name}, gradient"), len, bytes, &mut || max_pool::gradient(&g, n, &y, &index, &mut dx));
    }
    let n = 8;
    let len = n * 24 * 24 * 32;
    let (x, mut dx) = (buffer(len)?, buffer(len)?);
    add("relu in place".to_owned(), len, 2 * len, &mut || unary::forward_in_place(Unary::Relu, &mut dx));
    add("relu gradient in place".to_owned(), len, 3 * len, &mut || {
        unary::gradient_in_place(Unary::Relu, &x, &mut dx);
    });
    add("tanh".to_owned(), len, 2 * len, &mut || unary::forward(Unary::Tanh, &x, &mut dx));
    add("sigmoid".to_owned(), len, 2 * len, &mut || unary::forward(Unary::Sigmoid, &x, &mut dx));
    add("softmax of 10".to_owned(), 1280, 2560, &mut || softmax::forward(128, 10, &x[..1280], &mut dx[..1280]));
    add("softmax of 1000".to_owned(), 16_000, 32_000, &mut || {
        softmax::forward(16, 1000, &x[..16_000], &mut dx[..16_000]);
    });
    let scores = 13 * 13 * 1000;
    let scored = buffer(scores)?;
    add("global_avg_pool 13x13x1000".to_owned(), scores, scores, &mut || {
        global_avg_pool::forward(1, 169, 1000, &scored, &mut dx[..1000]);
    });
    let key = Key { seed: 1, step: 1, layer: 1 };
    add("dropout".to_owned(), len, 2 * len, &mut || dropout::forward(0.5, key, 0, n, len / n, &x, &mut dx));
    let mut stats = buffer(64)?;
    add("batch_norm partial".to_owned(), len, len, &mut || batch_norm::partial(n, 576, 32, &x, &mut stats));
    let (mean, inv_std) = (buffer(32)?, buffer(32)?);
    add("batch_norm apply".to_owned(), len, 2 * len, &mut || {
        batch_norm::apply(n, 576, 32, &x, &mean, &inv_std, &mean, &inv_std, &mut dx);
    });
    let g = conv(12, 32, 5, 64, 1, 0);
    let (w, mut wt) = (buffer(g.weight_layout().len())?, buffer(conv::transposed_len(&g))?);
    add("transpose_weights".to_owned(), w.len(), 2 * w.len(), &mut || conv::transpose_weights(&g, &w, &mut wt));
    optimizers(&mut add)?;
    for (name, g) in &DEPTHWISE {
        let (x, mut y) = (buffer(g.input_len())?, buffer(g.output_len())?);
        let (mut w, mut wt) = (buffer(g.weight_layout().len())?, buffer(conv::transposed_len(g))?);
        conv::transpose_weights(g, &w, &mut wt);
        let mut dx = buffer(g.input_len())?;
        let (macs, floats) = (9 * y.len(), x.len() + y.len());
        add(format!("{name}, forward, per MAC"), macs, floats, &mut || {
            conv::forward(g, Activation::None, 1, &x, &w, &[], &mut y);
        });
        add(format!("{name}, dx, per MAC"), macs, floats, &mut || conv::input_gradient(g, 1, &y, &wt, &mut dx));
        add(format!("{name}, dw, per MAC"), macs, floats, &mut || {
            conv::weight_gradient(g, 1, &x, &y, &mut w, &mut []);
        });
    }
    Ok(found)
}

/// The optimisers, over as many parameters as LeNet has, and the sum of gradients of four lanes.
fn optimizers(add: &mut Add<'_>) -> Result<(), OutOfMemory> {
    const LEN: usize = 184_586;
    let (mut p, g) = (buffer(LEN)?, buffer(LEN)?);
    let (mut m, mut v) = (AlignedVec::zeroed(LEN)?, AlignedVec::zeroed(LEN)?);
    let adam = Adam {
        lr: 1e-3,
        beta1: 0.9,
        beta2: 0.999,
        epsilon: 1e-7,
        epsilon_hat: true,
        weight_decay: 0.0,
        decoupled: false,
    };
    add("adam".to_owned(), LEN, 7 * LEN, &mut || optimizer::adam(&adam, 10, &mut p, &g, &mut m, &mut v));
    let sgd = Sgd { lr: 1e-3, momentum: 0.9, nesterov: false, weight_decay: 1e-4 };
    add("sgd with momentum".to_owned(), LEN, 5 * LEN, &mut || optimizer::sgd(&sgd, &mut p, &g, &mut m));
    let rmsprop = RmsProp { lr: 1e-3, rho: 0.9, epsilon: 1e-7, momentum: 0.0, weight_decay: 0.0 };
    add("rmsprop".to_owned(), LEN, 5 * LEN, &mut || optimizer::rmsprop(&rmsprop, &mut p, &g, &mut v, &mut []));
    let lanes = [&g[..], &g[..], &m[..], &v[..]];
    add("sum of four gradients".to_owned(), LEN, 5 * LEN, &mut || reduce::sum_in_order(&lanes, 1.0, &mut p));
    Ok(())
}
