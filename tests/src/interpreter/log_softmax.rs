//! The logarithm of softmax over the last axis.

/// `x - log(sum(exp(x)))` of each row of `c`.
pub(super) fn forward(c: usize, x: &[f64]) -> Vec<f64> {
    let mut y = Vec::with_capacity(x.len());
    for row in x.chunks_exact(c) {
        let largest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let log = largest + row.iter().map(|x| (x - largest).exp()).sum::<f64>().ln();
        y.extend(row.iter().map(|x| x - log));
    }
    y
}

/// `dx[i]` is the sum over `j` of `dy[j] ((i == j) - exp(y[i]))`: the Jacobian, row by row.
pub(super) fn gradient(c: usize, y: &[f64], dy: &[f64]) -> Vec<f64> {
    let mut dx = Vec::with_capacity(y.len());
    for (y, dy) in y.chunks_exact(c).zip(dy.chunks_exact(c)) {
        for (i, y) in y.iter().enumerate() {
            dx.push((0..c).map(|j| dy[j] * (f64::from(u8::from(i == j)) - y.exp())).sum());
        }
    }
    dx
}
