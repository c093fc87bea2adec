//! Netwright's bundled networks, as texts.

/// A `.net` text that comes with Netwright.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bundled {
    /// What it is called between angle brackets and on the command line.
    pub name: &'static str,
    /// The text.
    pub text: &'static str,
    /// What it is, in one line.
    pub summary: &'static str,
    /// Whether a network stands in it; otherwise blocks that others use.
    pub is_network: bool,
}

/// All bundled texts, in the order of their names.
pub const ALL: &[Bundled] = &[
    Bundled {
        name: "alexnet",
        text: include_str!("../alexnet.net"),
        summary: "AlexNet in one column; 61,100,840 parameters",
        is_network: true,
    },
    Bundled {
        name: "densenet",
        text: include_str!("../densenet.net"),
        summary: "DenseNet-121; 7,978,856 parameters",
        is_network: true,
    },
    Bundled {
        name: "fire",
        text: include_str!("../fire.net"),
        summary: "the Fire module of SqueezeNet: a block to `use`",
        is_network: false,
    },
    Bundled {
        name: "googlenet",
        text: include_str!("../googlenet.net"),
        summary: "GoogLeNet with batch normalisation, without auxiliary classifiers; 6,624,904 parameters",
        is_network: true,
    },
    Bundled {
        name: "imagenet",
        text: include_str!("../imagenet.net"),
        summary: "the mean and deviation of ImageNet's colours: constants to `use`",
        is_network: false,
    },
    Bundled {
        name: "lenet",
        text: include_str!("../lenet.net"),
        summary: "LeNet with relu and max pooling, as in the Keras tutorial; 184,586 parameters",
        is_network: true,
    },
    Bundled {
        name: "lenet300_100",
        text: include_str!("../lenet300_100.net"),
        summary: "LeNet-300-100: two hidden layers; 266,610 parameters",
        is_network: true,
    },
    Bundled {
        name: "lenet5",
        text: include_str!("../lenet5.net"),
        summary: "LeNet-5 in its modern dense form, tanh and average pooling; 61,706 parameters",
        is_network: true,
    },
    Bundled {
        name: "lenet_caffe",
        text: include_str!("../lenet_caffe.net"),
        summary: "the LeNet of Caffe's MNIST example; 431,080 parameters",
        is_network: true,
    },
    Bundled {
        name: "mobilenet_v2",
        text: include_str!("../mobilenet_v2.net"),
        summary: "MobileNetV2; 3,504,872 parameters",
        is_network: true,
    },
    Bundled {
        name: "resnet",
        text: include_str!("../resnet.net"),
        summary: "ResNet of 18 or 34 layers; 11,689,512 or 21,797,672 parameters",
        is_network: true,
    },
    Bundled {
        name: "se",
        text: include_str!("../se.net"),
        summary: "squeeze and excitation: a block to `use`",
        is_network: false,
    },
    Bundled {
        name: "squeeze_excite",
        text: include_str!("../squeeze_excite.net"),
        summary: "the tutorial's LeNet with squeeze and excitation; 227,714 parameters",
        is_network: true,
    },
    Bundled {
        name: "squeezenet",
        text: include_str!("../squeezenet.net"),
        summary: "SqueezeNet 1.0 and 1.1; 1,248,424 or 1,235,496 parameters",
        is_network: true,
    },
    Bundled {
        name: "squeezenet_digits",
        text: include_str!("../squeezenet_digits.net"),
        summary: "SqueezeNet for digits, under 100,000 parameters",
        is_network: true,
    },
    Bundled {
        name: "vgg",
        text: include_str!("../vgg.net"),
        summary: "VGG of 11 or 16 layers; 132,863,336 or 138,357,544 parameters",
        is_network: true,
    },
];

/// The names of classes that come with Netwright: what they are called between angle brackets, and the text, one on a line.
/// ImageNet's are those that torchvision 0.29 lists (BSD-3-Clause).
pub const LABELS: &[(&str, &str)] = &[("imagenet", include_str!("../imagenet.txt"))];

/// The bundled names of classes of that name.
pub fn labels(name: &str) -> Option<&'static str> {
    LABELS.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

/// The bundled text of that name.
pub fn get(name: &str) -> Option<Bundled> {
    ALL.iter().find(|bundled| bundled.name == name).copied()
}

/// The names of all bundled networks, in order.
pub fn names() -> impl Iterator<Item = &'static str> {
    ALL.iter().filter(|bundled| bundled.is_network).map(|bundled| bundled.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_in_order_and_found() {
        let listed: Vec<&str> = names().collect();
        assert!(listed.is_sorted());
        assert!(listed.iter().all(|name| get(name).is_some_and(|bundled| bundled.name == *name)));
        assert_eq!(get("LeNet"), None);
        assert_eq!(labels("imagenet").map(|text| text.lines().count()), Some(1000));
        assert_eq!(labels("ImageNet"), None);
    }
}
