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
    /// The file lacks the range of a tensor that the network computes in integers.
    MissingRange {
        /// The tensor.
        name: String,
    },
    /// The file has a range that the network has no use for.
    UnexpectedRange {
        /// The tensor.
        name: String,
    },
    /// Weights that the network computes with in integers are floats.
    Floats {
        /// The array.
        name: String,
    },
}

/// Every difference between the arrays of a file and those of a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// The network that was to be filled.
    pub network: String,
    /// Its fingerprint.
    pub fingerprint: String,
    /// The network that the file was written by, if it says so, with its fingerprint.
    pub writer: Option<(String, String)>,
    /// Each difference, in the order of the network's description; arrays that only the file has come last, by name.
    pub differences: Vec<Difference>,
}

/// A network whose parameters a file is to have.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a, W> {
    /// The network's name.
    pub network: &'a str,
    /// Its fingerprint.
    pub fingerprint: &'a str,
    /// The names and shapes of its parameters.
    pub arrays: W,
}

impl<'w, W: IntoIterator<Item = (&'w str, &'w [usize])>> Wanted<'_, W> {
    /// Compares with the arrays of a file. `writer` is the network that it was written by, with its fingerprint, and
    /// `other_type` names the type of an array's elements where they are no 32-bit floats.
    ///
    /// A fingerprint that differs does not matter where names and shapes agree: it only explains a mismatch.
    ///
    /// # Errors
    ///
    /// With every difference.
    pub fn compare<'f>(
        self,
        writer: Option<(&str, &str)>,
        found: impl IntoIterator<Item = (&'f str, &'f [usize])>,
        other_type: impl Fn(&str) -> Option<String>,
    ) -> Result<(), Box<Mismatch>> {
        let mut unexpected: BTreeMap<&str, &[usize]> = found.into_iter().collect();
        let mut differences = Vec::new();
        for (name, expected) in self.arrays {
            let (owned, shape) = (name.to_owned(), expected.to_vec());
            match unexpected.remove(name) {
                None => differences.push(Difference::Missing { name: owned, shape }),
                Some(found) if found != expected => {
                    differences.push(Difference::Shape { name: owned, expected: shape, found: found.to_vec() });
                }
                Some(_) => differences.extend(other_type(name).map(|found| Difference::Type { name: owned, found })),
            }
        }
        for (name, shape) in unexpected {
            differences.push(Difference::Unexpected { name: name.to_owned(), shape: shape.to_vec() });
        }
        if differences.is_empty() {
            return Ok(());
        }
        Err(Box::new(Mismatch {
            network: self.network.to_owned(),
            fingerprint: self.fingerprint.to_owned(),
            writer: writer.map(|(name, fingerprint)| (name.to_owned(), fingerprint.to_owned())),
            differences,
        }))
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let n = self.differences.len();
        write!(f, "it does not fit `{}` in {n} place{}", self.network, if n == 1 { "" } else { "s" })?;
        match &self.writer {
            Some((name, fingerprint)) if *name == self.network && *fingerprint == self.fingerprint => {}
            Some((name, _)) if *name == self.network => write!(f, " (another version of the network wrote it)")?,
            Some((name, _)) => write!(f, " (`{}` wrote it)", name.escape_debug())?,
            None => {}
        }
        f.write_str(":")?;
        self.differences.iter().try_for_each(|difference| write!(f, "\n  {difference}"))
    }
}

impl std::error::Error for Mismatch {}

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
            Difference::MissingRange { name } => write!(f, "{}: its range is missing", name.escape_debug()),
            Difference::UnexpectedRange { name } => {
                write!(f, "{}: a range of it, which the network has no use for", name.escape_debug())
            }
            Difference::Floats { name } => {
                write!(f, "{}: expected integers with a scale for each channel, found floats", name.escape_debug())
            }
        }
    }
}
