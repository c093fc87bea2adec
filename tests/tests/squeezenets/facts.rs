//! What the paper says of SqueezeNet, of the checked graph: parameters, sizes, poolings, bypasses, how weights start.

use netwright_compiler::ir::{Graph, Init};
use netwright_compiler::lower::Lowered;
use netwright_compiler::summary::{Layer, layers};
use netwright_compiler::{Constant, Settings};
use netwright_files::load_bundled;
use netwright_tests::interpreter;

fn compile(network: &str, given: &[(&str, Constant)]) -> Result<Lowered, String> {
    let overrides = given.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    interpreter::compile_with(&load_bundled(network).unwrap().text, &Settings { overrides, ..Settings::default() })
}

fn squeezenet(given: &[(&str, Constant)]) -> Graph {
    compile("squeezenet", given).unwrap().graph
}

fn text(text: &str) -> Constant {
    Constant::Text(text.to_owned())
}

fn parameters(layers: &[Layer]) -> u64 {
    layers.iter().map(|layer| layer.parameters).sum()
}

#[test]
fn parameters_and_multiply_adds_are_the_published_ones() {
    for (version, n_parameters, macs) in [("1.0", 1_248_424, 818_924_576), ("1.1", 1_235_496, 349_151_936)] {
        let layers = layers(&squeezenet(&[("version", text(version))]));
        assert_eq!(parameters(&layers), n_parameters, "{version}");
        assert_eq!(layers.iter().map(|layer| layer.macs).sum::<u64>(), macs, "{version}");
    }
    assert_eq!(parameters(&layers(&compile("squeezenet_digits", &[]).unwrap().graph)), 65_338);
    assert_eq!(parameters(&layers(&compile("squeeze_excite", &[]).unwrap().graph)), 227_714);
}

/// Poolings round up: 109 becomes 54 and 111 becomes 55.
#[test]
fn sizes_are_the_published_ones() {
    let sizes = |version| {
        let layers = layers(&squeezenet(&[("version", text(version))]));
        let seen =
            layers.iter().filter(|layer| matches!(layer.name.as_str(), "conv1" | "conv10") || layer.kind == "max_pool");
        seen.map(|layer| layer.output.clone()).collect::<Vec<_>>()
    };
    assert_eq!(sizes("1.0"), [[109, 109, 96], [54, 54, 96], [27, 27, 256], [13, 13, 512], [13, 13, 1000]]);
    assert_eq!(sizes("1.1"), [[111, 111, 64], [55, 55, 64], [27, 27, 128], [13, 13, 256], [13, 13, 1000]]);
}

#[test]
fn weights_start_as_published() {
    for parameter in squeezenet(&[("bypass", text("complex"))]).parameters {
        let expected = match parameter.name.as_str() {
            "conv10.weight" => Init::Normal(0.01),
            name if name.ends_with(".weight") => Init::HeUniform,
            _ => Init::Zeros,
        };
        assert_eq!(parameter.init, expected, "{}", parameter.name);
    }
}

/// Modules 3, 5, 7 and 9 keep their channels; the others need a convolution to be bypassed.
#[test]
fn bypasses_are_where_the_paper_has_them() {
    let graph = |version, bypass| squeezenet(&[("version", text(version)), ("bypass", text(bypass))]);
    let adds = |graph: &Graph| layers(graph).iter().filter(|layer| layer.kind == "add").count();
    for version in ["1.0", "1.1"] {
        let (none, simple, complex) = (graph(version, "none"), graph(version, "simple"), graph(version, "complex"));
        assert_eq!((adds(&none), adds(&simple), adds(&complex)), (0, 4, 8), "{version}");
        let names = |graph: &Graph| graph.parameters.iter().map(|p| p.name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&none), names(&simple));
        let of_bypasses: Vec<(String, Vec<usize>)> = complex
            .parameters
            .iter()
            .filter(|p| p.name.starts_with("bypass") && p.name.ends_with(".weight"))
            .map(|p| (p.name.clone(), p.shape.dims().to_vec()))
            .collect();
        let first = if version == "1.0" { 96 } else { 64 };
        let expected = [(2, first, 128), (4, 128, 256), (6, 256, 384), (8, 384, 512)]
            .map(|(index, from, to)| (format!("bypass.{index}.weight"), vec![1, 1, from, to]));
        assert_eq!(of_bypasses, expected, "{version}");
    }
}

#[test]
fn small_images_work_down_to_a_size_that_is_told() {
    for (version, least) in [("1.0", 29), ("1.1", 25)] {
        let at = |size: i64| compile("squeezenet", &[("version", text(version)), ("size", Constant::Int(size))]);
        assert!(at(least).is_ok(), "{version}: {:?}", at(least).err());
        let message = at(least - 1).unwrap_err();
        assert!(
            message.contains(&format!("SqueezeNet {version} needs images of {least} x {least} or more")),
            "{message}"
        );
    }
}

#[test]
fn channels_and_classes_are_free() {
    let lowered = compile("squeezenet", &[("channels", Constant::Int(1)), ("classes", Constant::Int(10))]).unwrap();
    assert_eq!(lowered.graph.shape(lowered.graph.inputs[0]).dims(), [224, 224, 1]);
    assert_eq!(lowered.graph.shape(lowered.graph.outputs[0].value).dims(), [10]);
    assert_eq!((&lowered.photos[0], lowered.labels[0].len()), (&None, 0));
}

/// Each family is given photographs as torchvision's weights want them.
#[test]
fn photographs_are_prepared_as_torchvision_does() {
    for network in ["alexnet", "densenet", "googlenet", "mobilenet_v2", "resnet", "squeezenet", "vgg"] {
        let lowered = compile(network, &[]).unwrap();
        let photo = lowered.photos[0].as_ref().unwrap_or_else(|| panic!("{network} takes photographs"));
        // torchvision's GoogLeNet brings its inputs from ImageNet's mean to that of TensorFlow.
        let (mean, std) = match network {
            "googlenet" => ([0.5; 3], [0.5; 3]),
            _ => ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
        };
        assert_eq!(
            (photo.resize, photo.mean.as_slice(), photo.std.as_slice()),
            (256, &mean[..], &std[..]),
            "{network}"
        );
        assert_eq!((photo.scale, photo.is_bgr), (1.0 / 255.0, false), "{network}");
        assert_eq!((lowered.labels[0].len(), lowered.labels[0][281].as_str()), (1000, "tabby"), "{network}");
    }
}
