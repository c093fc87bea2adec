//! From a framework's layout to the network's.

use netwright::ndarray::{ArrayD, Axis, IxDyn};
use netwright::spec::{Init, Layout, ParameterSpec, Spec};
use netwright_compiler::{Compiled, ir};

use super::{Array, Kind, Target};

/// Whose order of axes a file has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Convention {
    /// `[F, C, KH, KW]`, `[outputs, inputs]`; images are flattened channels first.
    PyTorch,
    /// `[KH, KW, C, F]`, `[inputs, outputs]`; images are flattened channels last.
    Keras,
}

impl Convention {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::PyTorch => "pytorch",
            Self::Keras => "keras",
        }
    }

    /// The axes of a file's array in the order of the network's.
    fn axes(self, kind: Kind, rank: usize) -> Vec<usize> {
        match (self, kind) {
            (Self::PyTorch, Kind::Conv(_) | Kind::ConvTranspose) => {
                vec![2, 3, usize::from(kind != Kind::ConvTranspose), usize::from(kind == Kind::ConvTranspose)]
            }
            (Self::PyTorch, Kind::Dense) => vec![1, 0],
            (Self::Keras, Kind::ConvTranspose) => vec![0, 1, 3, 2],
            _ => (0..rank).collect(),
        }
    }

    /// Whether an array of this shape can be the target's.
    pub(crate) fn fits(self, target: &Target, shape: &[usize]) -> bool {
        let wanted = &target.shape;
        if shape.len() != wanted.len() {
            // Keras's slopes are shared along axes of one.
            let rest: Vec<usize> = shape.iter().copied().filter(|&size| size != 1).collect();
            return self == Self::Keras && target.kind == Kind::Vector && rest == *wanted;
        }
        if self == Self::Keras
            && let (Kind::Conv(true), &[kh, kw, c, multiplier], &[h, w, 1, f]) = (target.kind, shape, wanted.as_slice())
            && (kh, kw) == (h, w)
            && c.checked_mul(multiplier) == Some(f)
        {
            return true;
        }
        let axes = self.axes(target.kind, shape.len());
        axes.iter().zip(wanted).all(|(&axis, size)| shape.get(axis) == Some(size))
    }

    /// The elements of an array that fits, in the network's order.
    pub(crate) fn convert(self, target: &Target, shape: &[usize], values: Vec<f32>) -> Option<ArrayD<f32>> {
        let array = ArrayD::from_shape_vec(IxDyn(shape), values).ok()?;
        let array = if shape.len() == target.shape.len() {
            array.permuted_axes(self.axes(target.kind, shape.len()))
        } else {
            array
        };
        let array = array.as_standard_layout().into_owned().into_shape_with_order(target.shape.as_slice()).ok()?;
        match (&target.order, self) {
            (Some(order), Self::PyTorch) => Some(array.select(Axis(0), order)),
            _ => Some(array),
        }
    }

    /// What a conversion does, for the table.
    pub(crate) fn describe(self, target: &Target, array: &Array) -> String {
        let mut words = Vec::new();
        let axes = self.axes(target.kind, target.shape.len());
        if target.shape.len() > 1 && !axes.is_sorted() {
            words.push(format!("axes {axes:?}"));
        } else if array.shape != target.shape {
            words.push("reshaped".to_owned());
        }
        if target.order.is_some() && self == Self::PyTorch {
            words.push("features from channels first".to_owned());
        }
        words.extend(array.converted.map(|from| format!("from {from}")));
        words.join(", ")
    }
}

/// The runtime's description of a network's arrays, for as long as the program runs.
pub(crate) fn spec(compiled: &Compiled) -> &'static Spec {
    fn kept<T>(value: T) -> &'static T {
        Box::leak(Box::new(value))
    }
    let parameters = &compiled.parameters;
    let arrays: Vec<ParameterSpec> = parameters
        .order
        .iter()
        .map(|&id| {
            let parameter = compiled.graph.parameter(id);
            ParameterSpec {
                name: kept(parameter.name.clone()).as_str(),
                shape: kept(parameter.shape.dims().to_vec()).as_slice(),
                offset: parameters.range(id).start,
                layout: match parameter.layout {
                    ir::Layout::Plain { len } => Layout::Padded { len },
                    ir::Layout::Panels { groups, k, f } => Layout::Panels { groups, k, f },
                },
                // Every array is filled.
                init: Init::Zeros,
                trained: parameter.trained,
            }
        })
        .collect();
    kept(Spec {
        name: kept(compiled.graph.name.clone()).as_str(),
        fingerprint: kept(compiled.fingerprint.clone()).as_str(),
        inputs: &[],
        outputs: &[],
        parameters: kept(arrays).as_slice(),
        trained: parameters.trained,
        stored: parameters.stored,
        layers: &[],
    })
}
