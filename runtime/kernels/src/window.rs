//! Which taps of a kernel meet the input, along one axis: positions that share their taps form a class.
//!
//! A correlation computes `y[p] = sum over t of w[t] * x[source(p, t)]`. Forward, `source(p, t) = p * stride - pad +
//! t * dilation`. Transposed, for the gradient of the input, it is the `o` for which the forward `source(o, t)` is `p`:
//! `(p + pad - t * dilation) / stride` where that is whole. Only sources inside the axis count. Classes leave out the
//! rest beforehand, so that no kernel multiplies by padding or by the zeros between strided gradients.

/// One spatial axis of a correlation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Axis {
    /// Positions written.
    pub(crate) positions: usize,
    /// Positions read.
    pub(crate) sources: usize,
    /// Taps of the kernel.
    pub(crate) taps: usize,
    pub(crate) stride: usize,
    pub(crate) pad: usize,
    pub(crate) dilation: usize,
    /// Whether this is the axis of an input gradient.
    pub(crate) transposed: bool,
}

/// Positions `first + i * step` for `i < count`, which read the taps `tap + j * tap_step` for `j < taps` from the
/// sources `source + i * source_step + j * source_tap`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Class {
    pub(crate) first: usize,
    pub(crate) step: usize,
    pub(crate) count: usize,
    pub(crate) tap: usize,
    pub(crate) tap_step: usize,
    pub(crate) taps: usize,
    pub(crate) source: usize,
    pub(crate) source_step: isize,
    pub(crate) source_tap: isize,
}

impl Axis {
    /// The first tap of a position, the number of taps, and the first tap's source.
    fn taps_of(&self, position: usize) -> (usize, usize, usize) {
        // Every factor is below 2^31 (see `Conv::check`), so that nothing here overflows.
        let (stride, dilation) = (self.stride as i64, self.dilation as i64);
        let last = self.sources as i64 - 1;
        let (low, high) = if self.transposed {
            // 0 <= end - t * dilation <= last * stride
            let end = position as i64 + self.pad as i64;
            (div_ceil(end - last * stride, dilation), end / dilation)
        } else {
            // 0 <= t * dilation - start <= last
            let start = self.pad as i64 - position as i64 * stride;
            (div_ceil(start, dilation), (last + start).div_euclid(dilation))
        };
        let (low, high) = (low.max(0), high.min(self.taps as i64 - 1));
        let step = self.tap_step();
        let Some(tap) = (low..=high).take(step).find(|&tap| self.numerator(position, tap) % stride == 0) else {
            return (0, 0, 0);
        };
        let source = self.numerator(position, tap) / stride;
        (tap as usize, (high - tap) as usize / step + 1, source as usize)
    }

    /// The source of a tap at a position, times the stride.
    fn numerator(&self, position: usize, tap: i64) -> i64 {
        let (position, stride) = (position as i64, self.stride as i64);
        let (pad, offset) = (self.pad as i64, tap * self.dilation as i64);
        if self.transposed { position + pad - offset } else { (position * stride - pad + offset) * stride }
    }

    /// The difference between neighbouring taps that a position can have.
    fn tap_step(&self) -> usize {
        if self.transposed { self.stride / gcd(self.stride, self.dilation) } else { 1 }
    }

    /// How many of `most` positions, `step` apart from `first` on, have the taps of the first.
    ///
    /// First and last tap only ever fall along them, so that those with the same ones stand together; those without
    /// taps need not.
    fn count(&self, first: usize, step: usize, most: usize) -> usize {
        let (tap, taps, _) = self.taps_of(first);
        let same = |i: usize| {
            let here = self.taps_of(first + i * step);
            (here.0, here.1) == (tap, taps)
        };
        if taps == 0 {
            return (1..most).find(|&i| !same(i)).unwrap_or(most);
        }
        let mut reach = 1;
        while reach < most && same(reach) {
            reach *= 2;
        }
        let (mut inside, mut outside) = (reach / 2, reach.min(most));
        while outside - inside > 1 {
            let middle = inside + (outside - inside) / 2;
            if same(middle) { inside = middle } else { outside = middle }
        }
        outside
    }

    /// The classes, which together hold every position once.
    pub(crate) fn classes(self) -> impl Iterator<Item = Class> {
        let step = if self.transposed { self.stride } else { 1 };
        let mut residue = 0;
        let mut next = 0;
        std::iter::from_fn(move || {
            while next >= self.positions {
                residue += 1;
                if residue >= step.min(self.positions) {
                    return None;
                }
                next = residue;
            }
            let first = next;
            let (tap, taps, source) = self.taps_of(first);
            let count = self.count(first, step, (self.positions - first).div_ceil(step));
            next = first + count * step;
            let tap_step = self.tap_step();
            let (source_step, source_tap) = if self.transposed {
                (1, -((self.dilation / gcd(self.stride, self.dilation)) as isize))
            } else {
                (self.stride as isize, self.dilation as isize)
            };
            // Without taps there is no source, and no step between such.
            let source_step = if taps == 0 { 0 } else { source_step };
            Some(Class { first, step, count, tap, tap_step, taps, source, source_step, source_tap })
        })
    }
}

fn div_ceil(a: i64, b: i64) -> i64 {
    -(-a).div_euclid(b)
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every (position, tap, source) of an axis, from the definition.
    fn definition(axis: &Axis) -> Vec<(usize, usize, usize)> {
        let mut all = Vec::new();
        let (outputs, inputs) =
            if axis.transposed { (axis.sources, axis.positions) } else { (axis.positions, axis.sources) };
        for output in 0..outputs {
            for tap in 0..axis.taps {
                let input = (output * axis.stride + tap * axis.dilation) as isize - axis.pad as isize;
                if (0..inputs as isize).contains(&input) {
                    let input = input as usize;
                    all.push(if axis.transposed { (input, tap, output) } else { (output, tap, input) });
                }
            }
        }
        all.sort_unstable();
        all
    }

    #[test]
    fn classes_are_the_definition() {
        let mut axes = 0;
        for size in if cfg!(miri) { 3..6_usize } else { 1..14 } {
            for taps in 1..6 {
                for stride in 1..5 {
                    for pad in (0..6).step_by(if cfg!(miri) { 2 } else { 1 }) {
                        for dilation in 1..4 {
                            let span = (taps - 1) * dilation + 1;
                            let Some(room) = (size + 2 * pad).checked_sub(span) else { continue };
                            let outputs = room / stride + 1;
                            for transposed in [false, true] {
                                let (positions, sources) = if transposed { (size, outputs) } else { (outputs, size) };
                                let axis = Axis { positions, sources, taps, stride, pad, dilation, transposed };
                                let mut seen = vec![0; positions];
                                let mut all = Vec::new();
                                for class in axis.classes() {
                                    for i in 0..class.count {
                                        let position = class.first + i * class.step;
                                        seen[position] += 1;
                                        for j in 0..class.taps {
                                            let source = class.source as isize
                                                + i as isize * class.source_step
                                                + j as isize * class.source_tap;
                                            all.push((position, class.tap + j * class.tap_step, source as usize));
                                        }
                                    }
                                }
                                all.sort_unstable();
                                assert_eq!(all, definition(&axis), "{axis:?}");
                                assert!(seen.iter().all(|&times| times == 1), "{axis:?}");
                                axes += 1;
                            }
                        }
                    }
                }
            }
        }
        assert!(axes > if cfg!(miri) { 100 } else { 1000 });
    }
}
