//! Every code the compiler can print, by range; each range has a table of its own.
//!
//! | range | what is wrong |
//! |---|---|
//! | N00xx | the text: limits, characters, syntax |
//! | N01xx | names and definitions |
//! | N02xx | arguments and parameters |
//! | N03xx | shapes |
//! | N04xx | the sections `train` and `budget` |
//! | N05xx | files that use each other |
//! | N06xx | lints |
//! | N07xx | photographs and labels |
//!
//! A new code is one entry in the table of its range. A code keeps its meaning for ever: the name of one that is no longer
//! printed is not given to another.

mod arguments;
mod files;
mod lints;
mod names;
mod photo;
mod shapes;
mod syntax;
mod train;

use super::Code;

pub use arguments::*;
pub use files::*;
pub use lints::*;
pub use names::*;
pub use photo::*;
pub use shapes::*;
pub use syntax::*;
pub use train::*;

/// A range of codes.
#[derive(Debug, Clone, Copy)]
pub struct Range {
    /// What is wrong, in a few words.
    pub title: &'static str,
    /// Its codes, in the order of their names.
    pub codes: &'static [Code],
}

/// All ranges, in order.
pub const RANGES: &[Range] = &[
    Range { title: "the text: limits, characters, syntax", codes: syntax::TABLE },
    Range { title: "names and definitions", codes: names::TABLE },
    Range { title: "arguments and parameters", codes: arguments::TABLE },
    Range { title: "shapes", codes: shapes::TABLE },
    Range { title: "the sections `train` and `budget`", codes: train::TABLE },
    Range { title: "files that use each other", codes: files::TABLE },
    Range { title: "lints", codes: lints::TABLE },
    Range { title: "photographs and labels", codes: photo::TABLE },
];

/// All codes, in the order of their names.
pub fn all() -> impl Iterator<Item = Code> {
    RANGES.iter().flat_map(|range| range.codes.iter().copied())
}

/// The code of that name, in either case: `N0302`, `n0302`.
pub fn find(id: &str) -> Option<Code> {
    all().find(|code| code.id().eq_ignore_ascii_case(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_ascend_and_have_four_digits() {
        let ids: Vec<&str> = all().map(Code::id).collect();
        assert!(ids.windows(2).all(|pair| pair[0] < pair[1]), "{ids:?}");
        assert!(ids.iter().all(|id| id.len() == 5 && id[1..].bytes().all(|byte| byte.is_ascii_digit())));
    }

    #[test]
    fn a_range_has_its_hundred() {
        for (index, range) in RANGES.iter().enumerate() {
            let first = format!("N{index:02}");
            assert!(
                !range.codes.is_empty() && range.codes.iter().all(|code| code.id().starts_with(&first)),
                "{range:?}"
            );
        }
    }

    #[test]
    fn every_code_is_explained() {
        for code in all() {
            assert!(!code.title().is_empty() && !code.title().ends_with('.'), "{code}");
            assert!(code.page().len() > 40, "{code}");
        }
    }

    #[test]
    fn codes_are_found_in_either_case() {
        assert_eq!(find("n0001"), Some(N0001));
        assert_eq!(find("N9999"), None);
    }
}
