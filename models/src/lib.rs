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
}

/// All bundled networks, in the order of their names.
pub const ALL: &[Bundled] = &[
    Bundled {
        name: "lenet",
        text: include_str!("../lenet.net"),
        summary: "LeNet with relu and max pooling, as in the Keras tutorial; 184,586 parameters",
    },
    Bundled {
        name: "lenet5",
        text: include_str!("../lenet5.net"),
        summary: "LeNet-5 in its modern dense form, tanh and average pooling; 61,706 parameters",
    },
    Bundled {
        name: "lenet_caffe",
        text: include_str!("../lenet_caffe.net"),
        summary: "the LeNet of Caffe's MNIST example; 431,080 parameters",
    },
];

/// The bundled network of that name.
pub fn get(name: &str) -> Option<Bundled> {
    ALL.iter().find(|bundled| bundled.name == name).copied()
}

/// The names of all bundled networks, in order.
pub fn names() -> impl Iterator<Item = &'static str> {
    ALL.iter().map(|bundled| bundled.name)
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
    }
}
