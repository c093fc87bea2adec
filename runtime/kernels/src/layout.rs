//! How parameters are stored: panels of sixteen output channels, which the kernels read as they are.

use crate::check::product;

/// Output channels in a panel of weights.
pub const PANEL: usize = 16;

/// The stored form of one parameter.
///
/// Elements that stand for nothing are padding. They are zero, and kernels and optimisers keep them so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// `len` elements as they are.
    Plain {
        /// Elements.
        len: usize,
    },
    /// `len` elements, then zeros up to a multiple of [`PANEL`]: a bias.
    Padded {
        /// Elements.
        len: usize,
    },
    /// The weights `[k, groups * f]` of a convolution or dense layer, where `k` runs over `[KH, KW, C / groups]`.
    ///
    /// Stored as `[groups, ceil(f / 16), k, 16]`, the last axis zero where `f` is no multiple of 16. A depthwise
    /// convolution has one group here, `k = KH * KW` and `f = F`.
    Panels {
        /// Groups.
        groups: usize,
        /// Inputs of an output channel.
        k: usize,
        /// Output channels of a group.
        f: usize,
    },
}

/// Elements that stand together in the stored and in the logical form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// The first element's index in the stored form.
    pub stored: usize,
    /// The first element's index in the logical form.
    pub logical: usize,
    /// Elements.
    pub len: usize,
}

impl Layout {
    /// Stored elements, padding included.
    ///
    /// # Panics
    /// Where the number does not fit.
    pub const fn len(&self) -> usize {
        match *self {
            Layout::Plain { len } => product(&[len]),
            Layout::Padded { len } => product(&[len.div_ceil(PANEL), PANEL]),
            Layout::Panels { groups, k, f } => product(&[groups, f.div_ceil(PANEL), k, PANEL]),
        }
    }

    /// Whether nothing is stored.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Elements of the logical form.
    ///
    /// # Panics
    /// Where the number does not fit.
    pub const fn logical_len(&self) -> usize {
        match *self {
            Layout::Plain { len } | Layout::Padded { len } => len,
            Layout::Panels { groups, k, f } => product(&[groups, k, f]),
        }
    }

    /// The elements that are not padding, in the order of the stored form.
    pub fn runs(&self) -> impl Iterator<Item = Run> + use<> {
        // Plain and padded vectors are one run: a "panel" as wide as they are.
        let (groups, k, f, panel) = match *self {
            Layout::Plain { len } | Layout::Padded { len } => (1, 1, len, len.max(1)),
            Layout::Panels { groups, k, f } => (groups, k, f, PANEL),
        };
        let panels = f.div_ceil(panel);
        (0..groups * panels).flat_map(move |i| {
            let (group, first) = (i / panels, i % panels * panel);
            (0..k).map(move |row| Run {
                stored: (i * k + row) * panel,
                logical: row * groups * f + group * f + first,
                len: panel.min(f - first),
            })
        })
    }

    /// Whether a stored element is a parameter and not padding.
    pub const fn is_real(&self, stored: usize) -> bool {
        if stored >= self.len() {
            return false;
        }
        match *self {
            Layout::Plain { len } | Layout::Padded { len } => stored < len,
            Layout::Panels { k, f, .. } => {
                let panels = f.div_ceil(PANEL);
                let (panel, lane) = (stored / (PANEL * k) % panels, stored % PANEL);
                panel * PANEL + lane < f
            }
        }
    }

    /// Copies the logical form into the stored one, and zeros into the padding.
    ///
    /// # Panics
    /// Where a slice has not the layout's length.
    pub fn pack(&self, logical: &[f32], stored: &mut [f32]) {
        assert_eq!(logical.len(), self.logical_len(), "`logical` has the wrong length");
        assert_eq!(stored.len(), self.len(), "`stored` has the wrong length");
        stored.fill(0.0);
        self.pack_part(0, logical, stored);
    }

    /// Copies a part of the logical form, from its element `first` on, into the stored one. Padding stays as it is.
    ///
    /// # Panics
    /// Where the part goes beyond the logical form, or `stored` has not the layout's length.
    pub fn pack_part(&self, first: usize, part: &[f32], stored: &mut [f32]) {
        assert!(
            first <= self.logical_len() && part.len() <= self.logical_len() - first,
            "`part` goes beyond the logical form"
        );
        assert_eq!(stored.len(), self.len(), "`stored` has the wrong length");
        let (groups, k, f) = match *self {
            Layout::Plain { .. } | Layout::Padded { .. } => {
                stored[first..][..part.len()].copy_from_slice(part);
                return;
            }
            Layout::Panels { groups, k, f } => (groups, k, f),
        };
        if part.is_empty() {
            return;
        }
        let panels = f.div_ceil(PANEL);
        let (mut row, column) = (first / (groups * f), first % (groups * f));
        let (mut group, mut channel) = (column / f, column % f);
        let mut rest = part;
        while !rest.is_empty() {
            let (panel, lane) = (channel / PANEL, channel % PANEL);
            let (run, after) = rest.split_at(rest.len().min(PANEL - lane).min(f - channel));
            stored[((group * panels + panel) * k + row) * PANEL + lane..][..run.len()].copy_from_slice(run);
            rest = after;
            channel += run.len();
            if channel == f {
                (channel, group) = (0, group + 1);
            }
            if group == groups {
                (group, row) = (0, row + 1);
            }
        }
    }

    /// Copies the stored form into the logical one.
    ///
    /// # Panics
    /// Where a slice has not the layout's length.
    pub fn unpack(&self, stored: &[f32], logical: &mut [f32]) {
        assert_eq!(stored.len(), self.len(), "`stored` has the wrong length");
        assert_eq!(logical.len(), self.logical_len(), "`logical` has the wrong length");
        for run in self.runs() {
            logical[run.logical..][..run.len].copy_from_slice(&stored[run.stored..][..run.len]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAYOUTS: [Layout; 8] = [
        Layout::Plain { len: 0 },
        Layout::Plain { len: 7 },
        Layout::Padded { len: 17 },
        Layout::Padded { len: 32 },
        Layout::Panels { groups: 1, k: 5, f: 16 },
        Layout::Panels { groups: 1, k: 3, f: 35 },
        Layout::Panels { groups: 4, k: 2, f: 3 },
        Layout::Panels { groups: 2, k: 3, f: 20 },
    ];

    #[test]
    fn unpack_undoes_pack() {
        for layout in LAYOUTS {
            let logical: Vec<f32> = (1..=layout.logical_len()).map(|i| i as f32).collect();
            let mut stored = vec![f32::NAN; layout.len()];
            layout.pack(&logical, &mut stored);
            let mut back = vec![0.0; logical.len()];
            layout.unpack(&stored, &mut back);
            assert_eq!(back, logical, "{layout:?}");
            for (i, &x) in stored.iter().enumerate() {
                assert_eq!(x != 0.0, layout.is_real(i), "{layout:?} at {i}");
            }
            assert!(!layout.is_real(layout.len()));
        }
    }

    #[test]
    fn parts_make_up_the_whole() {
        for layout in LAYOUTS {
            let logical: Vec<f32> = (1..=layout.logical_len()).map(|i| i as f32).collect();
            let mut whole = vec![0.0; layout.len()];
            layout.pack(&logical, &mut whole);
            for size in [1, 2, 3, 7, 16, 17, 64] {
                let mut stored = vec![0.0; layout.len()];
                for (i, part) in logical.chunks(size).enumerate() {
                    layout.pack_part(i * size, part, &mut stored);
                }
                assert_eq!(stored, whole, "{layout:?} by {size}");
            }
            layout.pack_part(logical.len(), &[], &mut whole);
        }
    }

    #[test]
    #[should_panic(expected = "beyond the logical form")]
    fn no_part_goes_beyond_the_end() {
        Layout::Padded { len: 17 }.pack_part(16, &[1.0, 2.0], &mut [0.0; 32]);
    }

    #[test]
    fn panels_are_output_channels_of_a_group() {
        // [k = 2, groups * f = 2 * 17]; element (row, group, channel) has a value that says so.
        let layout = Layout::Panels { groups: 2, k: 2, f: 17 };
        let value = |row: usize, group: usize, channel: usize| (row * 1000 + group * 100 + channel + 1) as f32;
        let logical: Vec<f32> = (0..2).flat_map(|row| (0..34).map(move |i| value(row, i / 17, i % 17))).collect();
        let mut stored = vec![0.0; layout.len()];
        layout.pack(&logical, &mut stored);
        assert_eq!(stored.len(), 2 * 2 * 2 * 16);
        // group 1, panel 1, row 1: one real channel, the seventeenth
        assert_eq!(stored[((2 + 1) * 2 + 1) * 16], value(1, 1, 16));
        assert_eq!(stored[((2 + 1) * 2 + 1) * 16 + 1], 0.0);
        // group 0, panel 0, row 1
        assert_eq!(stored[16..32], (0..16).map(|c| value(1, 0, c)).collect::<Vec<_>>());
    }

    #[test]
    #[should_panic(expected = "does not fit")]
    fn sizes_are_checked() {
        let _ = Layout::Panels { groups: 1, k: usize::MAX / 16, f: 17 }.len();
    }
}
