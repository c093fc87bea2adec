//! Stages and statements that change sizes, cut tensors up, and join tensors of different shapes.

use super::{Generator, Image};

impl Generator {
    /// A stage that makes an image of another size, or of other channels.
    pub(super) fn resized(&mut self, [h, w, c]: Image) -> (String, Image) {
        loop {
            let is_small = h * w <= 30;
            match self.random.below(7) {
                0 if is_small => {
                    let factor = [self.random.between(1, 2), self.random.between(1, 3)];
                    let mode = *self.random.pick(&["", ", mode: \"nearest\"", ", mode: \"bilinear\""]);
                    return (format!("upsample({factor:?}{mode})"), [h * factor[0], w * factor[1], c]);
                }
                1 if is_small => {
                    let sides = [(); 4].map(|()| self.random.below(3));
                    let [top, bottom, left, right] = sides;
                    return (format!("pad({sides:?})"), [top + h + bottom, left + w + right, c]);
                }
                2 if is_small => return self.conv_transpose([h, w, c]),
                3 => {
                    let filters = c * self.random.between(1, 3);
                    let multiplier = filters / c;
                    let multiplier = if multiplier > 1 { format!(", multiplier: {multiplier}") } else { String::new() };
                    return (format!("depthwise_conv(3, pad: 1{multiplier})"), [h, w, filters]);
                }
                4 => {
                    let (filters, stride) = (self.random.between(1, 3), self.random.between(1, 2));
                    let bias = if self.random.one_in(3) { ", bias: false" } else { "" };
                    let text = format!("separable_conv({filters}, kernel: 3, stride: {stride}, pad: 1{bias})");
                    return (text, [(h - 1) / stride + 1, (w - 1) / stride + 1, filters]);
                }
                5 => {
                    let mut shape = [h, w, c];
                    let axis = self.random.below(3);
                    let start = self.random.below(shape[axis]);
                    let end = self.random.between(start + 1, shape[axis]);
                    shape[axis] = end - start;
                    return (format!("slice({axis}, {start}, {end})"), shape);
                }
                6 => {
                    // The same numbers as rows of another length.
                    return (format!("reshape([{w}, {h}, {c}])"), [w, h, c]);
                }
                _ => {}
            }
        }
    }

    fn conv_transpose(&mut self, [h, w, _]: Image) -> (String, Image) {
        loop {
            let pair = |generator: &mut Self, low, high| [(); 2].map(|()| generator.random.between(low, high));
            let (kernel, stride, pad) = (pair(self, 1, 3), pair(self, 1, 2), pair(self, 0, 1));
            let output_pad = [self.random.below(stride[0]), self.random.below(stride[1])];
            let filters = self.random.between(1, 3);
            let axis = |size: usize, i: usize| {
                ((size - 1) * stride[i] + kernel[i] + output_pad[i]).checked_sub(2 * pad[i]).filter(|&size| size > 0)
            };
            let (Some(oh), Some(ow)) = (axis(h, 0), axis(w, 1)) else { continue };
            let bias = if self.random.one_in(3) { ", bias: false" } else { "" };
            let options = format!("kernel: {kernel:?}, stride: {stride:?}, pad: {pad:?}, output_pad: {output_pad:?}");
            return (format!("conv_transpose({filters}, {options}{bias})"), [oh, ow, filters]);
        }
    }

    /// A statement, or several, that keep an image's shape: parts that are joined again, numbers, and tensors with one
    /// number for each channel or pixel.
    pub(super) fn rearranged(&mut self, x: &str, shape: Image) -> (String, Image) {
        let [h, w, c] = shape;
        let text = match self.random.below(7) {
            0 => {
                // A tensor cut up and put together again in another order.
                let axis = self.random.below(3);
                let size = shape[axis];
                let is_even = size.is_multiple_of(2) && self.random.one_in(2);
                let first = if is_even { size / 2 } else { self.random.between(1, size.max(2) - 1) };
                if size < 2 {
                    return self.statement(x, shape);
                }
                let parts = if is_even { "2".to_owned() } else { format!("[{first}, {}]", size - first) };
                let number = self.lines.len() + 1;
                let (a, b) = (format!("t{number}a"), format!("t{number}b"));
                self.lines.push(format!("{a}, {b} = split({x}, {parts}, axis: {axis});"));
                format!("concat({b}, {a} -> tanh, axis: {axis})")
            }
            1 => {
                let inner = self.same(shape);
                format!("{x} - ({x} -> {inner})")
            }
            2 => {
                (*self.random.pick(&["1.5 - 0.5 * X", "X / 2.0 + 0.25", "X - 1", "affine(X, scale: -1.5, shift: 0.5)"]))
                    .replace('X', x)
            }
            3 => {
                let gate = self.bind(&format!("{x} -> conv(1, kernel: 1) -> sigmoid"), &[h, w, 1]);
                let op = *self.random.pick(&["*", "+", "-"]);
                if self.random.one_in(2) { format!("{x} {op} {gate}") } else { format!("{gate} {op} {x}") }
            }
            4 => {
                let means = self.bind(&format!("{x} -> mean([2, 1])"), &[h]);
                let gate = self.bind(&format!("{means} -> dense({c}) -> reshape([1, 1, {c}])"), &[1, 1, c]);
                let op = *self.random.pick(&["*", "+", "-"]);
                if self.random.one_in(2) { format!("{x} {op} {gate}") } else { format!("{gate} {op} {x}") }
            }
            5 => {
                let means = self.bind(&format!("{x} -> mean(2) -> reshape([{h}, {w}, 1]) -> tanh"), &[h, w, 1]);
                format!("{x} * {means}")
            }
            _ => {
                let op = *self.random.pick(&["+", "-"]);
                format!("{x} {op} ({x} -> mean([0, 1]))")
            }
        };
        (self.bind(&text, &shape), shape)
    }
}
