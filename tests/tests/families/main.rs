//! The bundled families of networks: how many parameters and multiply-adds they have, what they compute from the same
//! parameters as torchvision's models, and the texts of their graphs.
//!
//! `tests/parity/families.py` computes the references; parameters and images are a formula on both sides. Both sides
//! compute in f64, ours by the reference interpreter; the generated code of those that are quick to compile is held against
//! the same values in f32.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests, where a panic is a finding"
)]

#[path = "../parity/formula.rs"]
#[allow(dead_code, reason = "the parity tests use the rest")]
mod formula;
mod generated;
mod listing;
mod snapshots;
mod values;

use netwright_compiler::lower::Lowered;
use netwright_compiler::{Constant, Settings};
use netwright_tests::interpreter;

/// One network of a family.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Member {
    /// What its references and snapshots are called.
    pub(crate) key: &'static str,
    /// The bundled text.
    pub(crate) text: &'static str,
    /// The parameter that tells it from its siblings, with its value.
    pub(crate) choice: Option<(&'static str, &'static str)>,
    /// Parameters, as the papers or torchvision count them.
    pub(crate) parameters: u64,
}

const fn member(key: &'static str, text: &'static str, parameters: u64) -> Member {
    Member { key, text, choice: None, parameters }
}

const fn sibling(
    key: &'static str,
    text: &'static str,
    choice: (&'static str, &'static str),
    parameters: u64,
) -> Member {
    Member { key, text, choice: Some(choice), parameters }
}

/// Every network that is compared.
pub(crate) const MEMBERS: &[Member] = &[
    member("lenet300_100", "lenet300_100", 266_610),
    member("alexnet", "alexnet", 61_100_840),
    sibling("vgg11", "vgg", ("depth", "11"), 132_863_336),
    sibling("vgg16", "vgg", ("depth", "16"), 138_357_544),
    member("googlenet", "googlenet", 6_624_904),
    sibling("resnet18", "resnet", ("depth", "18"), 11_689_512),
    sibling("resnet34", "resnet", ("depth", "34"), 21_797_672),
    sibling("squeezenet1_0", "squeezenet", ("version", "1.0"), 1_248_424),
    sibling("squeezenet1_1", "squeezenet", ("version", "1.1"), 1_235_496),
    member("densenet121", "densenet", 7_978_856),
    member("mobilenet_v2", "mobilenet_v2", 3_504_872),
];

impl Member {
    /// The checked network, for square images of `size` or of its own.
    pub(crate) fn compile(&self, size: Option<usize>) -> Lowered {
        let bundled = netwright_files::load_bundled(self.text).unwrap();
        let choice = self.choice.map(|(name, value)| (name.to_owned(), Constant::Text(value.to_owned())));
        let size = size.map(|size| ("size".to_owned(), Constant::Int(size as i64)));
        let settings = Settings { overrides: choice.into_iter().chain(size).collect(), ..Settings::default() };
        interpreter::compile_with(&bundled.text, &settings).unwrap_or_else(|errors| panic!("{}: {errors}", self.key))
    }
}
