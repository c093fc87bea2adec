//! Inference in integers: generated code against the same network in floats.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may")]

use std::path::Path;

use netwright::int8::{quantize, random_images, signal_to_noise};
use netwright::ndarray::Array;
use netwright::{Network, weights};
use netwright_kernels::Isa;

netwright::model!(<lenet> as LeNet, int8 = true);
netwright::model!(<lenet300_100> as Dense, int8 = true);
netwright::model!(<squeezenet_digits> as Fire, int8 = true);
netwright::model!(<squeeze_excite> as Excite, int8 = true);

mod mixed {
    //! Every way in which bytes and floats meet.
    netwright::model!("../nets/int8.net", int8 = true);
}

mod pair {
    //! The network of which rustc's messages are shown.
    netwright::model!("../fixtures/ui/src/nets/pair.net", int8 = true);
}

/// Quantises a network by random images and compares: each value's error is small beside its size, the file gives the same
/// network again, and the bits do not depend on how images are put together.
fn check<N: Network>(network: &N, least_decibels: f64) {
    let images = random_images::<N>(24);
    let quantized = quantize(network, &images).unwrap().unwrap();
    for (point, report) in
        N::INT8.unwrap().points.iter().zip(signal_to_noise(network, &quantized.network, &images).unwrap())
    {
        assert!(report.signal_to_noise > least_decibels, "{} of {}: {report:?}", point.name, N::SPEC.name);
    }
    let again: N = weights::network_from_bytes(&quantized.compressed.bytes).unwrap();
    let inputs = images(0).unwrap().unwrap();
    let inputs: Vec<&[f32]> = inputs.iter().map(Vec::as_slice).collect();
    let predict = |network: &N, threads: usize| {
        let mut outputs: Vec<Vec<f32>> = N::SPEC.outputs.iter().map(|output| vec![0.0; 24 * output.len()]).collect();
        let mut rooms: Vec<&mut [f32]> = outputs.iter_mut().map(Vec::as_mut_slice).collect();
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| netwright::engine::predict_all_into(network, &inputs, &mut rooms)).unwrap();
        outputs.concat().iter().map(|x| x.to_bits()).collect::<Vec<_>>()
    };
    assert!(network.core().is_int8() != again.core().is_int8());
    let wanted = predict(&quantized.network, 1);
    assert!(wanted != predict(network, 1), "integers give other bits than floats");
    for threads in [1, 2, 3, 7] {
        assert!(predict(&again, threads) == wanted, "{} on {threads} threads", N::SPEC.name);
    }
}

#[test]
fn bundled_networks_agree_with_their_floats() {
    check(&LeNet::new(1), 20.0);
    check(&Dense::new(2), 20.0);
    check(&Fire::new(3), 15.0);
    check(&Excite::new(4), 15.0);
}

#[test]
fn bytes_and_floats_meet_in_every_way() {
    check(&mixed::Mixed::new(5), 15.0);
}

/// A changed parameter counts: the network predicts in floats from then on.
#[test]
fn changed_parameters_are_predicted_with() {
    let quantized = quantize(&LeNet::new(1), &random_images::<LeNet>(4)).unwrap().unwrap();
    let mut network = quantized.network;
    assert!(network.core().is_int8() && network.clone().core().is_int8());
    network.set_param("dense2.bias", Array::from_elem(10, 7.0).into_dyn().view()).unwrap();
    assert!(!network.core().is_int8());
}

#[test]
fn a_file_of_another_network_is_refused() {
    let bytes = quantize(&LeNet::new(1), &random_images::<LeNet>(4)).unwrap().unwrap().compressed.bytes;
    assert!(weights::network_from_bytes::<Fire>(&bytes).is_err());
    let floats = weights::compress(LeNet::new(1).core().parameters()).unwrap().bytes;
    assert!(!weights::network_from_bytes::<LeNet>(&floats).unwrap().core().is_int8());
}

/// The files that programs are built with: that of `tests/embedded.rs`, and that of the crate `ui`, which has another network
/// refuse it. With `NETWRIGHT_BLESS` set they are written.
#[test]
fn committed_files_are_what_is_written_today() {
    committed(&mixed::Mixed::new(5), "nets/int8.nwz");
    committed(&pair::Pair::new(6), "fixtures/ui/src/nets/pair.nwz");
}

fn committed<N: Network>(network: &N, path: &str) {
    let bytes = quantize(network, &random_images::<N>(24)).unwrap().unwrap().compressed.bytes;
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("NETWRIGHT_BLESS").is_some() {
        std::fs::write(&path, &bytes).unwrap();
    }
    let found = std::fs::read(&path).unwrap();
    assert!(weights::network_from_bytes::<N>(&found).unwrap().core().is_int8());
    // Ranges are those of activations, whose last bits are an instruction set's own.
    if matches!(netwright_kernels::isa(), Isa::Avx2 | Isa::Avx512) {
        assert!(found == bytes, "{} is another: NETWRIGHT_BLESS=1 writes it", path.display());
    }
}
