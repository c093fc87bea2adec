//! What is cut out of a network's weights, by the code that the command runs.

use netwright::engine::{Core, predict_into};
use netwright::ndarray::{ArrayD, Axis};
use netwright::{Network, Parameters};
use netwright_compiler::emit::flat_name;
use tempfile::tempdir;

use super::*;
use crate::registry::{LeNet, SqueezeExcite, SqueezeNetDigits};

/// A network's weights before and after some channels were chosen and cut out.
struct Cut {
    whole: Compiled,
    old: Parameters,
    small: Compiled,
    new: Parameters,
}

/// Cuts the weights of a bundled network, with all channels that go by `gone`.
fn cut(name: &'static str, old: &Parameters, gone: impl Fn(&Compiled, &Channels) -> HashSet<ChannelId>) -> Cut {
    let folder = tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    netwright::weights::save(old, path("old.safetensors")).unwrap();
    let checked = crate::network::Network::Bundled(name).check(&Values::default(), &[]).unwrap();
    let whole = checked.compiled.unwrap();
    let losses = whole.training.as_ref().unwrap().recipe.losses().map(|loss| loss.of);
    let channels = Channels::of(&whole.graph, losses);
    let gone = gone(&whole, &channels);
    let old = weights::load(&whole, &path("old.safetensors")).unwrap();
    let (_, small) = smaller(&whole, &channels, &gone, &path("small.net")).unwrap();
    weights::cut(&whole, &channels, &gone, &old, &small, &path(CUT)).unwrap();
    let new = weights::load(&small, &path(CUT)).unwrap();
    Cut { whole, old, small, new }
}

fn predictions<N: Network>(network: &N) -> Vec<u32> {
    let images: Vec<f32> = (0..3 * N::SPEC.inputs[0].len()).map(|at| (at * at % 23) as f32 / 22.0).collect();
    let mut output = vec![f32::NAN; 3 * N::SPEC.outputs[0].len()];
    predict_into(network, &images, &mut output).unwrap();
    output.iter().map(|number| number.to_bits()).collect()
}

/// Where no channel goes, the new description has as many parameters, and the old network with the weights of the new file
/// predicts what it did, to the bit.
fn keeps_its_outputs<N: Network>(name: &'static str) {
    let network = N::from_core(Core::new(N::SPEC, 7));
    let Cut { whole, small, new, .. } = cut(name, network.core().parameters(), |_, _| HashSet::new());
    assert_eq!((small.parameter_count(), small.inference.macs), (whole.parameter_count(), whole.inference.macs));
    let mut again = N::from_core(Core::new(N::SPEC, 8));
    assert_ne!(predictions(&again), predictions(&network), "other weights, other outputs");
    for parameter in N::SPEC.parameters {
        let array = new.get(&flat_name(&whole.graph, parameter.name)).unwrap();
        again.core_mut().parameters_mut().set(parameter.name, array.view()).unwrap();
    }
    assert_eq!(predictions(&again), predictions(&network), "{name}");
}

#[test]
fn outputs_are_kept_when_nothing_is_removed() {
    keeps_its_outputs::<LeNet>("lenet");
    keeps_its_outputs::<SqueezeExcite>("squeeze_excite");
    keeps_its_outputs::<SqueezeNetDigits>("squeezenet_digits");
}

/// The filters that go are the smallest, and with them go their biases and what reads them; everything else stays as it was.
#[test]
fn the_smallest_filters_go_with_all_that_belongs_to_them() {
    let mut network = LeNet::new(7);
    let mut weight = network.param("conv1.weight").unwrap();
    let dead = [0, 7, 31];
    for filter in dead {
        weight.index_axis_mut(Axis(3), filter).mapv_inplace(|number| 1e-3 * number);
    }
    network.set_param("conv1.weight", weight.view()).unwrap();
    let Cut { old, small, new, .. } = cut("lenet", network.core().parameters(), |whole, channels| {
        let shares =
            netwright_run::prune::Shares { common: None, layers: vec![("conv1".to_owned(), 29.0 / 32.0)], multiple: 1 };
        let old = network.core().parameters();
        choose::channels(channels, whole, old, &shares).unwrap()
    });
    assert_eq!(small.parameter_count(), 184_586 - 3 * (25 + 1) - 3 * 25 * 64);
    let left: Vec<usize> = (0..32).filter(|filter| !dead.contains(filter)).collect();
    let array = |of: &Parameters, name: &str| -> ArrayD<f32> { of.get(name).unwrap() };
    for name in old.names() {
        let whole = array(&old, name);
        let wanted = match name {
            "conv1.weight" => whole.select(Axis(3), &left),
            "conv1.bias" => whole.select(Axis(0), &left),
            "conv2.weight" => whole.select(Axis(2), &left),
            _ => whole,
        };
        assert!(array(&new, name) == wanted, "{name}");
    }
}
