//! Pooling: every window with its cells.

use netwright_compiler::ops::{AvgPool, MaxPool, Window};

use super::conv::pairs;

/// One window of one channel of one image.
struct Pooled {
    /// Index of the output.
    output: usize,
    /// Place in the window and index of the input of each cell that lies in the image.
    cells: Vec<(usize, usize)>,
    /// Cells that lie in the image or its padding.
    padded: usize,
}

/// The largest element of each window, and its place in the window; the first of several.
pub(super) fn max(pool: &MaxPool, n: usize, x: &[f64]) -> (Vec<f64>, Vec<usize>) {
    let mut results = Vec::new();
    each_window(pool.input, &pool.window, n, |window| {
        let mut best: Option<(usize, f64)> = None;
        for &(place, index) in &window.cells {
            if best.is_none_or(|(_, value)| x[index] > value) {
                best = Some((place, x[index]));
            }
        }
        results.push((window.output, best.unwrap_or_else(|| panic!("a window without cells"))));
    });
    results.sort_unstable_by_key(|&(output, _)| output);
    results.into_iter().map(|(_, (place, value))| (value, place)).unzip()
}

/// Each output's gradient at the place of its maximum.
pub(super) fn max_gradient(pool: &MaxPool, n: usize, dy: &[f64], places: &[f64]) -> Vec<f64> {
    let mut dx = vec![0.0; n * pool.input.iter().product::<usize>()];
    each_window(pool.input, &pool.window, n, |window| {
        for &(place, index) in &window.cells {
            if place as f64 == places[window.output] {
                dx[index] += dy[window.output];
            }
        }
    });
    dx
}

/// The mean of each window.
pub(super) fn avg(pool: &AvgPool, n: usize, x: &[f64]) -> Vec<f64> {
    let mut results = Vec::new();
    each_window(pool.input, &pool.window, n, |window| {
        let sum: f64 = window.cells.iter().map(|&(_, index)| x[index]).sum();
        results.push((window.output, sum / divisor(pool, window)));
    });
    results.sort_unstable_by_key(|&(output, _)| output);
    results.into_iter().map(|(_, mean)| mean).collect()
}

/// Each output's gradient, spread over its window.
pub(super) fn avg_gradient(pool: &AvgPool, n: usize, dy: &[f64]) -> Vec<f64> {
    let mut dx = vec![0.0; n * pool.input.iter().product::<usize>()];
    each_window(pool.input, &pool.window, n, |window| {
        window.cells.iter().for_each(|&(_, index)| dx[index] += dy[window.output] / divisor(pool, window));
    });
    dx
}

fn divisor(pool: &AvgPool, window: &Pooled) -> f64 {
    (if pool.count_include_pad { window.padded } else { window.cells.len() }) as f64
}

/// The mean of each channel.
pub(super) fn global_avg([h, w, c]: [usize; 3], n: usize, x: &[f64]) -> Vec<f64> {
    pairs(n, c)
        .map(|(image, channel)| {
            (0..h * w).map(|pixel| x[(image * h * w + pixel) * c + channel]).sum::<f64>() / (h * w) as f64
        })
        .collect()
}

/// Each channel's gradient, spread over the image.
pub(super) fn global_avg_gradient([h, w, c]: [usize; 3], n: usize, dy: &[f64]) -> Vec<f64> {
    pairs(n, h * w).flat_map(|(image, _)| (0..c).map(move |channel| dy[image * c + channel] / (h * w) as f64)).collect()
}

/// The largest element of each channel, and its pixel; the first of several.
pub(super) fn global_max([h, w, c]: [usize; 3], n: usize, x: &[f64]) -> (Vec<f64>, Vec<usize>) {
    pairs(n, c)
        .map(|(image, channel)| {
            let value = |pixel: usize| x[(image * h * w + pixel) * c + channel];
            let best = (1..h * w).fold(0, |best, pixel| if value(pixel) > value(best) { pixel } else { best });
            (value(best), best)
        })
        .unzip()
}

/// Each channel's gradient at the pixel of its maximum.
pub(super) fn global_max_gradient([h, w, c]: [usize; 3], n: usize, x: &[f64], dy: &[f64]) -> Vec<f64> {
    let mut dx = vec![0.0; x.len()];
    for (index, pixel) in global_max([h, w, c], n, x).1.into_iter().enumerate() {
        dx[(index / c * h * w + pixel) * c + index % c] = dy[index];
    }
    dx
}

/// The number of windows on an axis: those that fit, and with `ceil` one more that overlaps the end, where it starts
/// inside of the image or the padding before it.
fn count(size: usize, kernel: usize, stride: usize, pad: usize, ceil: bool) -> usize {
    let fits = |start: usize| start + kernel <= size + 2 * pad;
    let mut count = (0..).take_while(|index| fits(index * stride)).count();
    let reached = (count - 1) * stride + kernel;
    if ceil && reached < size + 2 * pad && count * stride < size + pad {
        count += 1;
    }
    count
}

fn each_window([h, w, c]: [usize; 3], window: &Window, n: usize, mut act: impl FnMut(&Pooled)) {
    let [kh, kw] = window.kernel;
    let oh = count(h, kh, window.stride[0], window.pad[0], window.ceil);
    let ow = count(w, kw, window.stride[1], window.pad[1], window.ceil);
    for (image, channel) in pairs(n, c) {
        for (oy, ox) in pairs(oh, ow) {
            let output = ((image * oh + oy) * ow + ox) * c + channel;
            let mut pooled = Pooled { output, cells: Vec::new(), padded: 0 };
            for (ky, kx) in pairs(kh, kw) {
                // Counted from the start of the padding.
                let (y, x) = (oy * window.stride[0] + ky, ox * window.stride[1] + kx);
                if y >= h + 2 * window.pad[0] || x >= w + 2 * window.pad[1] {
                    continue;
                }
                pooled.padded += 1;
                let (y, x) = (y.checked_sub(window.pad[0]), x.checked_sub(window.pad[1]));
                if let (Some(y), Some(x)) = (y.filter(|&y| y < h), x.filter(|&x| x < w)) {
                    pooled.cells.push((ky * kw + kx, ((image * h + y) * w + x) * c + channel));
                }
            }
            act(&pooled);
        }
    }
}
