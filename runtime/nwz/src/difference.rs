//! How the arrays of a file differ from those of a network.

use std::collections::BTreeMap;
use std::fmt;

/// One difference between the arrays of a file and those of a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// The file lacks an array.
    Missing {
        /// The network's name for it.
        name: String,
        /// Its shape.
        shape: Vec<usize>,
    },
    /// The file has an array that the network has not.
    Unexpected {
        /// The file's name for it.
        name: String,
        /// Its shape.
        shape: Vec<usize>,
    },
    /// The shapes differ.
    Shape {
        /// The name in both.
        name: String,
        /// The network's shape.
        expected: Vec<usize>,
        /// The file's shape.
        found: Vec<usize>,
    },
    /// The elements are no 32-bit floats.
    Type {
        /// The name in both.
        name: String,
        /// The file's type of element, as safetensors spells it.
        found: String,
    },
}

/// Every difference: those of the arrays that are wanted, in their order, then the arrays that only the file has, by name.
/// `other_type` names the type of the elements of an array of the file, where they are no 32-bit floats.
pub fn compare<'w, 'f>(
    wanted: impl IntoIterator<Item = (&'w str, &'w [usize])>,
    found: impl IntoIterator<Item = (&'f str, &'f [usize])>,
    other_type: impl Fn(&str) -> Option<String>,
) -> Vec<Difference> {
    let mut unexpected: BTreeMap<&str, &[usize]> = found.into_iter().collect();
    let mut differences = Vec::new();
    for (name, expected) in wanted {
        let owned = || (name.to_owned(), expected.to_vec());
        match unexpected.remove(name) {
            None => {
                let (name, shape) = owned();
                differences.push(Difference::Missing { name, shape });
            }
            Some(found) if found != expected => {
                let (name, expected) = owned();
                differences.push(Difference::Shape { name, expected, found: found.to_vec() });
            }
            Some(_) => {
                let other = other_type(name).map(|found| Difference::Type { name: name.to_owned(), found });
                differences.extend(other);
            }
        }
    }
    let unexpected = unexpected.into_iter();
    differences.extend(
        unexpected.map(|(name, shape)| Difference::Unexpected { name: name.to_owned(), shape: shape.to_vec() }),
    );
    differences
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Difference::Missing { name, shape } => write!(f, "{}: missing, expected {shape:?}", name.escape_debug()),
            Difference::Unexpected { name, shape } => {
                write!(f, "{}: not in the network, found {shape:?}", name.escape_debug())
            }
            Difference::Shape { name, expected, found } => {
                write!(f, "{}: expected {expected:?}, found {found:?}", name.escape_debug())
            }
            Difference::Type { name, found } => {
                write!(f, "{}: expected elements of type F32, found {found}", name.escape_debug())
            }
        }
    }
}
