//! `docs/networks.md`: the bundled networks with their sizes, from the compiler, and what is compared with torchvision.

use std::fmt::Write;

use netwright_compiler::ir::Graph;
use netwright_compiler::summary::layers;

use crate::{MEMBERS, Member, member};

const HEAD: &str = "# Networks\n\n\
    The networks that come with Netwright, as `<name>` in `model!` and by name for the command. Parameters are \
    those that are trained; multiply-adds are for one image, of convolutions and dense layers, without biases. Those with a \
    `train` section are trained, evaluated and pruned by the command as they are; of the others, copy the text, \
    `models/NAME.net`, and add one.\n\n\
    Each family is compared with torchvision's model of it (LeNet-300-100 with the same layers in PyTorch): the same arrays, \
    and from the same values in them the same scores, to ten digits in double precision. `tests/parity/families.py` has the \
    rules from torchvision's names to these.\n\n";
const TABLE: &str =
    "| name | choice | input | parameters | multiply-adds | `train` section |\n|---|---|---|---:|---:|---|\n";

const DIGITS: &str = "\nThe others are for digits. The LeNets are compared with PyTorch and Keras: outputs, gradients, and ten steps \
    of training (`tests/parity`).\n\n";

/// The networks that have no sibling in torchvision.
const OTHERS: &[Member] = &[
    member("lenet", "lenet", 184_586),
    member("lenet5", "lenet5", 61_706),
    member("lenet_caffe", "lenet_caffe", 431_080),
    member("squeeze_excite", "squeeze_excite", 227_714),
    member("squeezenet_digits", "squeezenet_digits", 65_338),
];

fn sizes(graph: &Graph) -> (u64, u64) {
    let layers = layers(graph);
    (layers.iter().map(|layer| layer.parameters).sum(), layers.iter().map(|layer| layer.macs).sum())
}

fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn row(member: &Member) -> String {
    let lowered = member.compile(None);
    let (graph, training) = (lowered.graph, if lowered.recipe.is_some() { "yes" } else { "no" });
    let choice = member.choice.map_or_else(String::new, |(name, value)| format!("`{name} = \"{value}\"`"));
    let input: Vec<String> = graph.shape(graph.inputs[0]).dims().iter().map(usize::to_string).collect();
    let (parameters, macs) = sizes(&graph);
    let (name, input) = (member.text, input.join(" x "));
    format!("| `{name}` | {choice} | {input} | {} | {} | {training} |", thousands(parameters), thousands(macs))
}

#[test]
fn parameters_are_those_of_the_papers() {
    for member in MEMBERS.iter().chain(OTHERS) {
        assert_eq!(sizes(&member.compile(None).graph).0, member.parameters, "{}", member.key);
    }
}

/// `NETWRIGHT_BLESS=1 cargo test -p netwright-tests --test families listing` writes the page anew.
#[test]
fn page_is_true() {
    let mut page = format!("{HEAD}{TABLE}");
    MEMBERS.iter().for_each(|member| writeln!(page, "{}", row(member)).unwrap());
    write!(page, "{DIGITS}{TABLE}").unwrap();
    OTHERS.iter().for_each(|member| writeln!(page, "{}", row(member)).unwrap());
    let listed = |name: &str| MEMBERS.iter().chain(OTHERS).any(|member| member.text == name);
    let missing: Vec<&str> = netwright_models::names().filter(|name| !listed(name)).collect();
    assert!(missing.is_empty(), "docs/networks.md lacks {missing:?}");
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/networks.md");
    if std::env::var_os("NETWRIGHT_BLESS").is_some() {
        std::fs::write(path, &page).unwrap();
    }
    assert_eq!(std::fs::read_to_string(path).unwrap(), page, "docs/networks.md is not up to date");
}
