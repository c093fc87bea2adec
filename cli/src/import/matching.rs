//! Which array of a file is which of the network: by a mapping file, by name, else by shape and order.

use std::collections::BTreeMap;

use super::map::{Map, Place};
use super::{Array, Convention, Refused, Role, Target};

/// An array of the file with the network's, as indices, and how they were found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pair {
    pub(crate) theirs: usize,
    pub(crate) ours: usize,
    /// `map`, `name`, `shape` or `order`.
    pub(crate) by: &'static str,
}

/// What the arrays of a module of the file have in common.
struct Module<'a> {
    name: &'a str,
    arrays: Vec<usize>,
}

/// Matches all arrays of a file with all of a network. Counters that other frameworks keep are left out; their indices
/// come second.
///
/// # Errors
///
/// Everything that could not be matched, or could be in several ways.
pub(crate) fn matched(
    arrays: &[Array],
    targets: &[Target],
    map: &Map,
    convention: Convention,
) -> Result<(Vec<Pair>, Vec<usize>), Refused> {
    let mut matching = Matching { arrays, targets, convention, pairs: Vec::new(), problems: Vec::new() };
    let mut out: Vec<usize> =
        (0..arrays.len()).filter(|&index| leaf(&arrays[index].name) == "num_batches_tracked").collect();
    let unused = map.unused(arrays.iter().map(|array| array.name.as_str()));
    matching.problems.extend(unused.iter().map(|line| format!("{line:?} of the mapping file is no array of the file")));
    matching.by_map(map, &mut out);
    if is_numbered(arrays) {
        matching.by_number();
    } else {
        matching.by_name(&out);
        matching.by_shape(&out);
    }
    let Matching { pairs, mut problems, .. } = matching;
    for (index, target) in targets.iter().enumerate() {
        if !pairs.iter().any(|pair| pair.ours == index) {
            problems.push(format!("{} {:?} of the network: nothing in the file", target.name, target.shape));
        }
    }
    for (index, array) in arrays.iter().enumerate() {
        if !out.contains(&index) && !pairs.iter().any(|pair| pair.theirs == index) {
            problems.push(format!(
                "{} {:?} of the file: no place in the network",
                array.name.escape_debug(),
                array.shape
            ));
        }
    }
    for pair in &pairs {
        if let Err(found) = &arrays[pair.theirs].values {
            problems.push(format!(
                "{} is of type {found}, expected f32, f64, f16 or bf16",
                arrays[pair.theirs].name.escape_debug()
            ));
        }
    }
    match problems.is_empty() {
        true => Ok((pairs, out)),
        false => Err(Refused(format!(
            "as {} has it, the file does not fit:\n  {}",
            convention.name(),
            problems.join("\n  ")
        ))),
    }
}

struct Matching<'a> {
    arrays: &'a [Array],
    targets: &'a [Target],
    convention: Convention,
    pairs: Vec<Pair>,
    problems: Vec<String>,
}

impl<'a> Matching<'a> {
    fn is_taken(&self, theirs: usize) -> bool {
        self.pairs.iter().any(|pair| pair.theirs == theirs)
    }

    /// The arrays of the network that are still wanted, by layer, in its order.
    fn wanted(&self) -> Vec<(&'a str, Vec<usize>)> {
        let mut layers: Vec<(&str, Vec<usize>)> = Vec::new();
        for (index, target) in self.targets.iter().enumerate() {
            if self.pairs.iter().any(|pair| pair.ours == index) {
                continue;
            }
            match layers.iter_mut().find(|(name, _)| *name == target.layer()) {
                Some((_, indices)) => indices.push(index),
                None => layers.push((target.layer(), vec![index])),
            }
        }
        layers
    }

    /// The arrays of the file that are still left, by module, in the order of their names with numbers as numbers.
    fn left(&self, out: &[usize]) -> Vec<Module<'a>> {
        let mut modules: BTreeMap<(Vec<Part<'_>>, &str), Module<'a>> = BTreeMap::new();
        for (index, array) in self.arrays.iter().enumerate() {
            if !self.is_taken(index) && !out.contains(&index) {
                let name = module(&array.name);
                modules.entry((natural(name), name)).or_insert(Module { name, arrays: Vec::new() }).arrays.push(index);
            }
        }
        modules.into_values().collect()
    }

    /// Whether an array can be the target: by the word for it, and by its shape.
    fn is_like(&self, theirs: usize, ours: usize) -> bool {
        let (array, target) = (&self.arrays[theirs], &self.targets[ours]);
        can_be(leaf(&array.name), target.role) && self.convention.fits(target, &array.shape)
    }

    /// The pairs of a module's arrays with a layer's, if each has exactly one.
    fn fit(&self, theirs: &[usize], ours: &[usize], by: &'static str) -> Option<Vec<Pair>> {
        if theirs.len() != ours.len() {
            return None;
        }
        let one = |&ours: &usize| {
            let mut like = theirs.iter().filter(|&&theirs| self.is_like(theirs, ours));
            match (like.next(), like.next()) {
                (Some(&theirs), None) => Some(Pair { theirs, ours, by }),
                _ => None,
            }
        };
        let pairs: Vec<Pair> = ours.iter().map(one).collect::<Option<_>>()?;
        let is_used_once = theirs.iter().all(|index| pairs.iter().filter(|pair| pair.theirs == *index).count() == 1);
        is_used_once.then_some(pairs)
    }

    /// What the mapping file says.
    fn by_map(&mut self, map: &Map, out: &mut Vec<usize>) {
        for (index, array) in self.arrays.iter().enumerate() {
            let Some((_, place)) = map.place(&array.name) else { continue };
            if out.contains(&index) {
                continue;
            }
            let shown = array.name.escape_debug();
            let found = match &place {
                Place::Nowhere => {
                    out.push(index);
                    continue;
                }
                Place::Array(name) => self.targets.iter().position(|target| target.name == *name),
                Place::Layer(layer) => {
                    let of_layer = |target: &Target| target.layer() == layer && can_be(leaf(&array.name), target.role);
                    self.targets.iter().position(of_layer)
                }
            };
            let Some(ours) = found else {
                let (Place::Array(name) | Place::Layer(name)) = &place else { continue };
                self.problems.push(format!(
                    "{shown} is mapped to {name:?}, which the network does not have, or not with such an array"
                ));
                continue;
            };
            let target = &self.targets[ours];
            if !self.convention.fits(target, &array.shape) {
                self.problems.push(format!(
                    "{shown} {:?} is mapped to {} {:?}, which has another shape",
                    array.shape, target.name, target.shape
                ));
            } else if self.pairs.iter().any(|pair| pair.ours == ours) {
                self.problems
                    .push(format!("{shown} is mapped to {}, which another array is mapped to already", target.name));
                continue;
            }
            self.pairs.push(Pair { theirs: index, ours, by: "map" });
        }
    }

    /// Modules that are called as layers are, and have their arrays.
    fn by_name(&mut self, out: &[usize]) {
        for (layer, ours) in self.wanted() {
            let modules = self.left(out);
            let named = modules.iter().find(|module| module.name.replace('/', ".") == layer);
            let pairs = named.and_then(|module| self.fit(&module.arrays, &ours, "name"));
            self.pairs.extend(pairs.into_iter().flatten());
        }
    }

    /// Modules and layers of the same shapes: one of each; or as many of each, where the modules' names differ in nothing
    /// but numbers, which are then their order.
    fn by_shape(&mut self, out: &[usize]) {
        let (layers, modules) = (self.wanted(), self.left(out));
        let mut classes: Vec<(Vec<usize>, Vec<usize>)> = Vec::new();
        for (index, (_, ours)) in layers.iter().enumerate() {
            let fits = |module: &Module<'_>| self.fit(&module.arrays, ours, "shape").is_some();
            let like: Vec<usize> = (0..modules.len()).filter(|&at| fits(&modules[at])).collect();
            match classes.iter_mut().find(|(_, other)| *other == like) {
                Some((layers, _)) => layers.push(index),
                None => classes.push((vec![index], like)),
            }
        }
        for (of_ours, of_theirs) in classes.into_iter().filter(|(_, like)| !like.is_empty()) {
            let names = || of_theirs.iter().map(|&at| modules[at].name);
            let mut forms: Vec<String> = names().map(without_numbers).collect();
            forms.dedup();
            let by = if of_theirs.len() == 1 { "shape" } else { "order" };
            if of_ours.len() != of_theirs.len() || forms.len() > 1 {
                let ours: Vec<&str> = of_ours.iter().map(|&at| layers[at].0).collect();
                let theirs: Vec<String> = names().map(|name| name.escape_debug().to_string()).collect();
                self.problems.push(format!(
                    "ambiguous: {} could each be any of {}",
                    theirs.join(", "),
                    ours.join(", ")
                ));
                continue;
            }
            for (&at, &layer) in of_theirs.iter().zip(&of_ours) {
                let pairs = self.fit(&modules[at].arrays, &layers[layer].1, by);
                self.pairs.extend(pairs.into_iter().flatten());
            }
        }
    }

    /// Arrays without names, `arr_0` and so on: in their order, which is that of Keras's `get_weights`.
    fn by_number(&mut self) {
        let mut order: Vec<usize> = (0..self.arrays.len()).filter(|&index| !self.is_taken(index)).collect();
        order.sort_by_key(|&index| number(&self.arrays[index].name));
        let ours: Vec<usize> = self.wanted().into_iter().flat_map(|(_, indices)| indices).collect();
        for (theirs, ours) in order.into_iter().zip(ours) {
            let (array, target) = (&self.arrays[theirs], &self.targets[ours]);
            if !self.convention.fits(target, &array.shape) {
                self.problems.push(format!(
                    "{} {:?} comes where {} {:?} is expected",
                    array.name.escape_debug(),
                    array.shape,
                    target.name,
                    target.shape
                ));
            }
            self.pairs.push(Pair { theirs, ours, by: "order" });
        }
    }
}

/// Whether all arrays are called `arr_0`, `arr_1` and so on, as NumPy calls arrays without names.
fn is_numbered(arrays: &[Array]) -> bool {
    arrays.iter().all(|array| number(&array.name).is_some())
}

fn number(name: &str) -> Option<u64> {
    name.strip_prefix("arr_")?.parse().ok()
}

/// The last part of an array's name, without the `:0` of TensorFlow.
fn leaf(name: &str) -> &str {
    let name = name.strip_suffix(":0").unwrap_or(name);
    name.rsplit_once(['.', '/']).map_or(name, |(_, leaf)| leaf)
}

/// An array's name without the last part.
fn module(name: &str) -> &str {
    name.rsplit_once(['.', '/']).map_or("", |(module, _)| module)
}

/// Whether a word of a framework can stand for a role.
fn can_be(leaf: &str, role: Role) -> bool {
    let words: &[&str] = match role {
        Role::Weight => &["weight", "kernel", "depthwise_kernel"],
        Role::Bias => &["bias"],
        Role::Scale => &["scale", "weight", "gamma"],
        Role::Shift => &["shift", "bias", "beta"],
        Role::Mean => &["running_mean", "moving_mean"],
        Role::Variance => &["running_variance", "running_var", "moving_variance"],
        Role::Slope => &["slope", "weight", "alpha"],
        Role::Depthwise => &["depthwise", "depthwise_kernel"],
        Role::Pointwise => &["pointwise", "pointwise_kernel"],
    };
    words.contains(&leaf)
}

/// The conventions that the words of a file allow: those of one framework, or both.
pub(crate) fn conventions(arrays: &[Array]) -> Vec<Convention> {
    let leaves = || arrays.iter().map(|array| leaf(&array.name));
    let keras = leaves().any(|leaf| {
        matches!(
            leaf,
            "kernel" | "gamma" | "beta" | "moving_mean" | "moving_variance" | "depthwise_kernel" | "pointwise_kernel"
        )
    });
    let torch = leaves().any(|leaf| matches!(leaf, "weight" | "running_var" | "num_batches_tracked"));
    match (torch, keras) {
        (true, false) => vec![Convention::PyTorch],
        (false, true) => vec![Convention::Keras],
        _ => vec![Convention::PyTorch, Convention::Keras],
    }
}

/// A part of a name, numbers as numbers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Part<'a> {
    Number(usize, &'a str),
    Word(&'a str),
}

/// A name's parts, so that `conv_9` comes before `conv_10`, and `conv` before both.
fn natural(name: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut rest = name;
    while let Some(first) = rest.chars().next() {
        let is_number = first.is_ascii_digit();
        let end = rest.find(|c: char| c.is_ascii_digit() != is_number).unwrap_or(rest.len());
        let (part, after) = rest.split_at(end);
        let digits = part.trim_start_matches('0');
        parts.push(if is_number { Part::Number(digits.len(), digits) } else { Part::Word(part.trim_end_matches('_')) });
        rest = after;
    }
    parts
}

/// A name without its numbers and the `_` before them.
fn without_numbers(name: &str) -> String {
    let words = natural(name).into_iter().filter_map(|part| match part {
        Part::Word(word) => Some(word),
        Part::Number(..) => None,
    });
    words.collect()
}

#[cfg(test)]
mod tests {
    use super::super::Kind;
    use super::*;

    fn array(name: &str, shape: &[usize]) -> Array {
        let values = Ok(vec![0.0; shape.iter().product()]);
        Array { name: name.to_owned(), shape: shape.to_vec(), values, converted: None }
    }

    fn target(name: &str, shape: &[usize]) -> Target {
        let (kind, role) = match shape.len() {
            1 => (Kind::Vector, Role::Bias),
            2 => (Kind::Dense, Role::Weight),
            _ => (Kind::Conv(false), Role::Weight),
        };
        Target { name: name.to_owned(), shape: shape.to_vec(), role, kind, order: None }
    }

    fn found(theirs: &[(&str, &[usize])], ours: &[(&str, &[usize])], map: &Map) -> Result<Vec<String>, String> {
        let arrays: Vec<Array> = theirs.iter().map(|(name, shape)| array(name, shape)).collect();
        let targets: Vec<Target> = ours.iter().map(|(name, shape)| target(name, shape)).collect();
        let (mut pairs, _) =
            matched(&arrays, &targets, map, Convention::PyTorch).map_err(|Refused(problem)| problem)?;
        pairs.sort_by_key(|pair| pair.ours);
        Ok(pairs.iter().map(|pair| format!("{} {}", arrays[pair.theirs].name, pair.by)).collect())
    }

    const OURS: &[(&str, &[usize])] = &[
        ("a.weight", &[3, 4]),
        ("a.bias", &[4]),
        ("b.weight", &[4, 4]),
        ("b.bias", &[4]),
        ("c.weight", &[4, 4]),
        ("c.bias", &[4]),
    ];

    #[test]
    fn shapes_and_numbers_decide() {
        let theirs: &[(&str, &[usize])] = &[
            ("net.10.weight", &[4, 4]),
            ("net.10.bias", &[4]),
            ("net.9.bias", &[4]),
            ("net.9.weight", &[4, 4]),
            ("net.0.weight", &[4, 3]),
            ("net.0.bias", &[4]),
        ];
        let pairs = found(theirs, OURS, &Map::default()).unwrap();
        let expected = [
            "net.0.weight shape",
            "net.0.bias shape",
            "net.9.weight order",
            "net.9.bias order",
            "net.10.weight order",
            "net.10.bias order",
        ];
        assert_eq!(pairs, expected);
    }

    #[test]
    fn names_come_first_and_words_are_ambiguous() {
        let theirs = |b: &'static str, c: &'static str| {
            vec![("a.weight", &[4, 3][..]), ("a.bias", &[4][..]), (b, &[4, 4]), (c, &[4, 4])]
        };
        let ours: &[(&str, &[usize])] =
            &[("a.weight", &[3, 4]), ("a.bias", &[4]), ("b.weight", &[4, 4]), ("c.weight", &[4, 4])];
        let by_name = found(&theirs("c.weight", "b.weight"), ours, &Map::default()).unwrap();
        assert_eq!(by_name, ["a.weight name", "a.bias name", "b.weight name", "c.weight name"]);
        // One name settles the other.
        let pairs = found(&theirs("c.weight", "other.weight"), ours, &Map::default()).unwrap();
        assert_eq!(pairs[2..], ["other.weight shape", "c.weight name"]);
        let problem = found(&theirs("left.weight", "right.weight"), ours, &Map::default()).unwrap_err();
        assert!(problem.contains("ambiguous: left, right could each be any of b, c"), "{problem}");
    }

    #[test]
    fn everything_amiss_is_listed() {
        let theirs: &[(&str, &[usize])] =
            &[("a.weight", &[4, 3]), ("a.bias", &[4]), ("b.weight", &[5, 5]), ("x.num_batches_tracked", &[])];
        let problem = found(theirs, OURS, &Map::default()).unwrap_err();
        for line in [
            "b.weight [4, 4] of the network: nothing in the file",
            "c.bias [4] of the network: nothing in the file",
            "b.weight [5, 5] of the file: no place in the network",
        ] {
            assert!(problem.contains(line), "{problem}");
        }
        assert!(!problem.contains("num_batches"), "{problem}");
    }

    #[test]
    fn numbered_arrays_keep_their_order() {
        let theirs: &[(&str, &[usize])] = &[
            ("arr_10", &[4]),
            ("arr_9", &[4, 4]),
            ("arr_0", &[4, 3]),
            ("arr_1", &[4]),
            ("arr_2", &[4, 4]),
            ("arr_3", &[4]),
        ];
        let pairs = found(theirs, OURS, &Map::default()).unwrap();
        assert_eq!(pairs[4..], ["arr_9 order", "arr_10 order"]);
        let problem = found(&theirs[1..], OURS, &Map::default()).unwrap_err();
        assert!(problem.contains("c.bias [4] of the network: nothing in the file"), "{problem}");
    }

    #[test]
    fn names_are_ordered_as_people_do() {
        let mut names = ["conv_10", "conv_9", "conv", "b10.x", "b9.x"];
        names.sort_by_key(|name| natural(name));
        assert_eq!(names, ["b9.x", "b10.x", "conv", "conv_9", "conv_10"]);
        assert_eq!(without_numbers("conv_10"), without_numbers("conv"));
    }
}
