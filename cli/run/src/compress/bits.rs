//! `--bits`: how many values an array of weights may share.

use netwright_runtime::spec::{ParameterSpec, Spec};
use netwright_runtime::train::prune::{is_prunable, is_within};
use netwright_runtime::train::share::MAX_BITS;

use crate::failure::Failure;

/// Bits that leave floats as they are.
const VERBATIM: u32 = 32;

/// What is taken where `--bits` says nothing: the paper's bits for layers, which are more for the few weights of a
/// convolution.
const USUAL: [(&str, u32); 2] = [("dense", 5), ("bias", 6)];
const USUAL_REST: u32 = 8;

/// One entry of `--bits`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// A kind of layer, a layer, a parameter, or `bias`; `None` for all matrices of weights.
    key: Option<String>,
    bits: u32,
}

/// Reads `conv=8`, or a number alone.
pub(super) fn entry(text: &str) -> Result<Entry, String> {
    let (key, number) = match text.split_once('=') {
        Some((key, number)) => (Some(key.trim().to_owned()), number),
        None => (None, text),
    };
    match number.trim().parse() {
        Ok(bits) if (1..=MAX_BITS).contains(&bits) || bits == VERBATIM => Ok(Entry { key, bits }),
        _ => Err(format!("expected a number from 1 to {MAX_BITS}, {VERBATIM} for floats as they are, or KEY=BITS")),
    }
}

/// How much an entry is about one parameter: the more, the rather it counts.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    All,
    Kind,
    Layer,
    Parameter,
}

impl Entry {
    /// Whether it is about a parameter, and how much.
    fn rank(&self, spec: &Spec, parameter: &ParameterSpec) -> Option<Rank> {
        let is_matrix = is_prunable(parameter);
        match &self.key {
            None => is_matrix.then_some(Rank::All),
            Some(key) if key == parameter.name => Some(Rank::Parameter),
            Some(key) if is_matrix && is_within(parameter, key) => Some(Rank::Layer),
            Some(key) if is_matrix && kind(spec, parameter) == Some(key) => Some(Rank::Kind),
            Some(key) if key == "bias" && is_bias(parameter) => Some(Rank::Kind),
            Some(_) => None,
        }
    }
}

/// The bits of each parameter, in their order; `None` for floats as they are. Of two entries that are about a parameter the
/// one that names less counts, then the later.
pub(super) fn of_parameters(spec: &'static Spec, entries: &[Entry]) -> Result<Vec<Option<u32>>, Failure> {
    let trained = || spec.parameters.iter().filter(|parameter| parameter.trained);
    for entry in entries {
        if !trained().any(|parameter| entry.rank(spec, parameter).is_some()) {
            return Err(unknown(spec, entry.key.as_deref().unwrap_or_default()));
        }
    }
    let bits = |parameter: &ParameterSpec| {
        let ranked = entries.iter().filter_map(|entry| Some((entry.rank(spec, parameter)?, entry.bits)));
        // The last of the highest.
        let given = ranked.max_by(|(a, _), (b, _)| a.cmp(b)).map(|(_, bits)| bits);
        given.or_else(|| usual(spec, parameter)).filter(|&bits| bits != VERBATIM)
    };
    Ok(spec.parameters.iter().map(|parameter| if parameter.trained { bits(parameter) } else { None }).collect())
}

fn usual(spec: &Spec, parameter: &ParameterSpec) -> Option<u32> {
    let kind = if is_bias(parameter) { Some("bias") } else { kind(spec, parameter).filter(|_| is_prunable(parameter)) };
    let usual = |kind| USUAL.iter().find(|(known, _)| *known == kind).map_or(USUAL_REST, |&(_, bits)| bits);
    kind.map(usual)
}

/// The kind of the layer that a parameter belongs to.
fn kind<'s>(spec: &'s Spec, parameter: &ParameterSpec) -> Option<&'s str> {
    let (layer, _) = parameter.name.rsplit_once('.')?;
    spec.layers.iter().find(|known| known.name == layer).map(|known| known.kind)
}

fn is_bias(parameter: &ParameterSpec) -> bool {
    !is_prunable(parameter) && parameter.name.ends_with(".bias")
}

fn unknown(spec: &Spec, key: &str) -> Failure {
    let mut known: Vec<&str> = Vec::new();
    for parameter in spec.parameters.iter().filter(|parameter| is_prunable(parameter)) {
        let layer = parameter.name.rsplit_once('.').map(|(layer, _)| layer);
        for name in kind(spec, parameter).into_iter().chain(layer) {
            if !known.contains(&name) {
                known.push(name);
            }
        }
    }
    known.push("bias");
    Failure::usage(format!(
        "--bits names `{}`, and {} has no layer, kind of layer or parameter of that name; it has {}",
        key.escape_debug(),
        spec.name,
        known.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use netwright_runtime::spec::{Init, LayerSpec, Layout};

    use super::*;

    const fn parameter(name: &'static str, layout: Layout, shape: &'static [usize]) -> ParameterSpec {
        ParameterSpec { name, shape, offset: 0, layout, init: Init::Zeros, trained: true }
    }

    const fn layer(name: &'static str, kind: &'static str) -> LayerSpec {
        LayerSpec { name, kind, input: &[], output: &[], parameters: 0, macs: 0 }
    }

    const MATRIX: Layout = Layout::Panels { groups: 1, k: 4, f: 2 };
    const VECTOR: Layout = Layout::Padded { len: 2 };

    static SPEC: Spec = Spec {
        name: "Net",
        fingerprint: "",
        inputs: &[],
        outputs: &[],
        parameters: &[
            parameter("conv1.weight", MATRIX, &[4, 2]),
            parameter("conv1.bias", VECTOR, &[2]),
            parameter("fire.a.weight", MATRIX, &[4, 2]),
            parameter("dense1.weight", MATRIX, &[4, 2]),
            parameter("dense1.bias", VECTOR, &[2]),
            parameter("norm.scale", VECTOR, &[2]),
        ],
        trained: 0,
        stored: 0,
        layers: &[
            layer("conv1", "conv"),
            layer("fire.a", "conv"),
            layer("dense1", "dense"),
            layer("norm", "batch_norm"),
        ],
    };

    fn bits(text: &str) -> Result<Vec<Option<u32>>, String> {
        let entries: Vec<Entry> =
            text.split(',').filter(|text| !text.is_empty()).map(entry).collect::<Result<_, _>>()?;
        of_parameters(&SPEC, &entries).map_err(|failure| failure.message())
    }

    #[test]
    fn entries_count_by_how_much_they_say() {
        let some = |bits: [u32; 6]| Ok(bits.map(|bits| (bits > 0).then_some(bits)).to_vec());
        assert_eq!(bits(""), some([8, 6, 8, 5, 6, 0]));
        assert_eq!(bits("conv=7,dense=4"), some([7, 6, 7, 4, 6, 0]));
        assert_eq!(bits("3"), some([3, 6, 3, 3, 6, 0]));
        assert_eq!(bits("conv1=4,3,conv=5,fire=2,bias=1"), some([4, 1, 2, 3, 1, 0]));
        assert_eq!(bits("conv1.weight=9,conv1=2,norm.scale=3,conv1.bias=32"), some([9, 0, 8, 5, 6, 3]));
        assert_eq!(bits("conv1=4,conv1=6,dense=32"), some([6, 6, 8, 0, 6, 0]));
    }

    #[test]
    fn what_means_nothing_is_refused() {
        for text in ["0", "13", "conv=", "=x", "conv=33", "dense=5.5"] {
            assert!(bits(text).unwrap_err().starts_with("expected a number from 1 to 12"), "{text}");
        }
        let unknown = "--bits names `convv`, and Net has no layer, kind of layer or parameter of that name; it has conv, \
            conv1, fire.a, dense, dense1, bias";
        assert_eq!(bits("convv=3").unwrap_err(), unknown);
        assert!(bits("norm=3").is_err(), "a scale is named by itself");
    }
}
