//! Every code the compiler can print, by range; each range has a table of its own.
//!
//! | range | what is wrong |
//! |---|---|
//! | N00xx | the text: limits, characters, syntax |
//! | N01xx | names and definitions |
//! | N02xx | arguments and parameters |
//! | N03xx | shapes |
//! | N04xx | the sections `train`, `prune` and `budget` |
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
    Range { title: "the sections `train`, `prune` and `budget`", codes: train::TABLE },
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
    use crate::cost::grouped;
    use crate::diagnostic::MAX_SHOWN;
    use crate::ir::MAX_ELEMENTS;
    use crate::lower::{MAX_INSTANCES, MAX_LAYERS, MAX_LIST, MAX_LOSSES, MAX_STEPS};
    use crate::ops::{MAX_PARTS, MAX_WINDOW, SIGNATURES};
    use crate::photo::{MAX_LABEL, MAX_LABELS};
    use crate::program::{MAX_BYTES, MAX_CHAIN, MAX_FILES};
    use crate::recipe::MAX_CHANGES;
    use crate::syntax::limits::{MAX_BRACKETS, MAX_COMMENTS, MAX_DEPTH, MAX_TEXT_BYTES, MAX_TOKENS};

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

    /// A limit that a page or the reference of the language names is the one that holds.
    #[test]
    fn pages_name_the_limits_that_hold() {
        let mib = |bytes: usize| format!("{} MiB", bytes >> 20);
        let number = |limit: usize| grouped(limit as u64).replace('_', ",");
        let pages = [
            (N0001, format!("may have {}.", mib(MAX_TEXT_BYTES))),
            (N0002, format!("nested {} deep", number(MAX_BRACKETS))),
            (N0003, format!("may have {} tokens", number(MAX_TOKENS))),
            (N0005, format!("may have {} operators", number(MAX_DEPTH))),
            (N0007, format!("at most {} deep", number(MAX_COMMENTS))),
            (
                N0112,
                format!(
                    "at most {} layers, {} statements and {} blocks inside each other",
                    number(MAX_LAYERS),
                    number(MAX_STEPS),
                    number(MAX_INSTANCES)
                ),
            ),
            (N0112, format!("at most {} values", number(MAX_LIST))),
            (N0503, format!("at most {} files with {} together", number(MAX_FILES), mib(MAX_BYTES))),
            (N0503, format!("at most {} of them use each other in a row", number(MAX_CHAIN))),
        ];
        for (code, limit) in pages {
            assert!(code.page().contains(&limit), "{code}: {limit}\n{}", code.page());
        }
        let signatures =
            [("max_pool", number(MAX_WINDOW) + " elements"), ("split", "at most ".to_owned() + &number(MAX_PARTS))];
        for (name, limit) in signatures {
            let signature = SIGNATURES.iter().find(|signature| signature.name == name).unwrap();
            assert!(signature.docs.contains(&limit), "{name}: {limit}");
        }
        let rows = [
            ("a text", format!("{}, {} tokens", mib(MAX_TEXT_BYTES), number(MAX_TOKENS))),
            (
                "open brackets; block comments inside of each other",
                format!("{}; {}", number(MAX_BRACKETS), number(MAX_COMMENTS)),
            ),
            ("expressions inside of each other", number(MAX_DEPTH)),
            (
                "a description with all it uses",
                format!(
                    "{} files, {}; {} files that use each other in a row",
                    number(MAX_FILES),
                    mib(MAX_BYTES),
                    number(MAX_CHAIN)
                ),
            ),
            ("a network, unrolled", format!("{} layers, {} statements", number(MAX_LAYERS), number(MAX_STEPS))),
            ("instances of blocks inside of each other", number(MAX_INSTANCES)),
            ("a list", format!("{} values, those of lists in it counted", number(MAX_LIST))),
            (
                "parts of a `split`; elements of a window of `max_pool`",
                format!("{}; {}", number(MAX_PARTS), number(MAX_WINDOW)),
            ),
            ("losses of a sum; changes of an augmentation", format!("{}; {}", number(MAX_LOSSES), number(MAX_CHANGES))),
            ("a tensor, for one image", format!("2^{} elements", MAX_ELEMENTS.ilog2())),
            ("labels of an output; characters of one", format!("{}; {}", number(MAX_LABELS), number(MAX_LABEL))),
            ("messages shown", number(MAX_SHOWN)),
        ];
        let language = include_str!("../../../docs/language.md");
        for (what, limit) in rows {
            let row = format!("| {what} | {limit} |\n");
            assert!(language.contains(&row), "docs/language.md: {row}");
        }
    }

    #[test]
    fn codes_are_found_in_either_case() {
        assert_eq!(find("n0001"), Some(N0001));
        assert_eq!(find("N9999"), None);
    }
}
