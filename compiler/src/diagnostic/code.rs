//! Stable names of the compiler's messages, and the macro that makes a table of them.

use std::fmt;

/// The stable name of one kind of mistake, with its explanation.
///
/// All codes stand in [`codes`](super::codes). Two codes are equal when their names are.
#[derive(Clone, Copy)]
pub struct Code {
    id: &'static str,
    title: &'static str,
    page: &'static str,
}

impl Code {
    /// A code for the table; `title` is a short phrase, `page` an explanation in Markdown.
    pub(super) const fn new(id: &'static str, title: &'static str, page: &'static str) -> Self {
        Self { id, title, page }
    }

    /// The name, such as `N0302`.
    pub fn id(self) -> &'static str {
        self.id
    }

    /// The kind of mistake in one phrase.
    pub fn title(self) -> &'static str {
        self.title
    }

    /// Whether it is about the shapes of tensors.
    pub(super) fn is_of_shapes(self) -> bool {
        self.id.starts_with("N03")
    }

    /// What the code means, an example that fails and its repair, in Markdown.
    ///
    /// Examples stand in fenced blocks: the first block of language `net` fails with this code, the second is its
    /// repair. A test holds the pages to that.
    pub fn page(self) -> &'static str {
        self.page
    }
}

impl PartialEq for Code {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for Code {}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id)
    }
}

/// Declares codes as constants and lists them in `TABLE`: one entry has a name, a title and a page.
macro_rules! codes {
    ($($id:ident, $title:literal, $page:literal;)*) => {
        $(
            #[doc = $title]
            #[doc = ""]
            #[doc = $page]
            pub const $id: $crate::diagnostic::Code = $crate::diagnostic::Code::new(stringify!($id), $title, $page);
        )*

        /// The codes of this module, in the order of their names.
        pub(super) const TABLE: &[$crate::diagnostic::Code] = &[$($id),*];
    };
}
pub(super) use codes;
