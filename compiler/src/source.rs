//! Source texts and places in them: every span of the compiler is a byte range of one text of a [`SourceMap`].

use std::ops::Range;

/// Names one text of a [`SourceMap`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(pub u32);

/// A range of bytes in one source text. Both ends lie on character boundaries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The text this is a part of.
    pub source: SourceId,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// Whether another place lies within this one.
    pub(crate) fn contains(self, inner: Self) -> bool {
        self.source == inner.source && self.start <= inner.start && inner.end <= self.end
    }

    /// The bytes `start..end` of `source`.
    pub fn new(source: SourceId, start: u32, end: u32) -> Self {
        Self { source, start, end: end.max(start) }
    }

    /// The smallest span that holds both. Spans of different sources cannot be joined: then this is `self`.
    #[must_use]
    pub fn to(self, other: Self) -> Self {
        if self.source != other.source {
            return self;
        }
        Self { source: self.source, start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    /// The empty span before the first byte.
    #[must_use]
    pub fn before(self) -> Self {
        Self { end: self.start, ..self }
    }

    /// The empty span after the last byte, where something is missing.
    #[must_use]
    pub fn after(self) -> Self {
        Self { start: self.end, ..self }
    }

    /// The byte range, for slicing.
    pub fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    /// Whether the span holds no byte.
    pub fn is_empty(self) -> bool {
        self.start == self.end
    }
}

/// A place as people count: from 1, columns in characters (a tab is one).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Location {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

/// One text and the name that messages print for it.
#[derive(Debug, Clone)]
struct Source {
    name: String,
    text: String,
    /// Byte offset of the first character of each line.
    line_starts: Vec<usize>,
}

/// The texts of one compilation.
///
/// Lookups with an id or span of another map give empty texts and the place 1:1; they never panic.
#[derive(Debug, Clone, Default)]
pub struct SourceMap {
    sources: Vec<Source>,
}

impl SourceMap {
    /// A map without texts.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a text; `name` is what messages print before line and column, a path as the user wrote it for instance.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<String>) -> SourceId {
        let text = text.into();
        let line_starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        let id = SourceId(u32::try_from(self.sources.len()).unwrap_or(u32::MAX));
        self.sources.push(Source { name: name.into(), text, line_starts });
        id
    }

    /// All ids, in the order of adding.
    pub fn ids(&self) -> impl Iterator<Item = SourceId> + use<> {
        (0..u32::try_from(self.sources.len()).unwrap_or(u32::MAX)).map(SourceId)
    }

    /// The name that messages print.
    pub fn name(&self, source: SourceId) -> &str {
        self.get(source).map_or("", |found| &found.name)
    }

    /// The whole text.
    pub fn text(&self, source: SourceId) -> &str {
        self.get(source).map_or("", |found| &found.text)
    }

    /// The text of a span.
    pub fn slice(&self, span: Span) -> &str {
        self.text(span.source).get(span.range()).unwrap_or("")
    }

    /// The whole text as a span; texts longer than 4 GiB are cut there (the parser refuses them long before).
    pub fn span(&self, source: SourceId) -> Span {
        Span::new(source, 0, u32::try_from(self.text(source).len()).unwrap_or(u32::MAX))
    }

    /// Line and column of a span's first character.
    pub fn start(&self, span: Span) -> Location {
        self.location(span.source, span.start)
    }

    /// Line and column just past a span's last character.
    pub fn end(&self, span: Span) -> Location {
        self.location(span.source, span.end)
    }

    /// Line and column of a byte offset. An offset inside a character counts as that character's, one past the text
    /// as the text's end.
    pub fn location(&self, source: SourceId, offset: u32) -> Location {
        let Some(found) = self.get(source) else { return Location { line: 1, column: 1 } };
        let offset = (offset as usize).min(found.text.len());
        let line = found.line_starts.partition_point(|&start| start <= offset);
        let line_start = line.checked_sub(1).and_then(|index| found.line_starts.get(index)).copied().unwrap_or(0);
        let before = found.text.as_bytes().get(line_start..offset).unwrap_or(&[]);
        // Continuation bytes start no character; the offset's own character is not among those before it.
        let inside = found.text.as_bytes().get(offset).is_some_and(|byte| is_continuation(*byte));
        let characters = before.iter().filter(|byte| !is_continuation(**byte)).count();
        Location { line, column: characters + usize::from(!inside) }
    }

    fn get(&self, source: SourceId) -> Option<&Source> {
        self.sources.get(source.0 as usize)
    }
}

/// Whether a byte of UTF-8 continues a character rather than starting one.
fn is_continuation(byte: u8) -> bool {
    byte & 0b1100_0000 == 0b1000_0000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters() {
        let mut map = SourceMap::new();
        let id = map.add("a.net", "ab\r\nçé\tx\n");
        let at = |offset| {
            let place = map.location(id, offset);
            (place.line, place.column)
        };
        assert_eq!(at(0), (1, 1));
        assert_eq!(at(4), (2, 1));
        assert_eq!(at(5), (2, 1)); // inside ç
        assert_eq!(at(6), (2, 2));
        assert_eq!(at(8), (2, 3)); // the tab
        assert_eq!(at(9), (2, 4));
        assert_eq!(at(11), (3, 1));
        assert_eq!(at(1000), (3, 1));
    }

    #[test]
    fn unknown_sources_are_empty() {
        let map = SourceMap::new();
        let span = Span::new(SourceId(7), 3, 9);
        assert_eq!(map.slice(span), "");
        assert_eq!(map.name(span.source), "");
        assert_eq!(map.start(span), Location { line: 1, column: 1 });
    }

    #[test]
    fn spans_join_within_a_source() {
        let (a, b) = (Span::new(SourceId(0), 2, 4), Span::new(SourceId(0), 7, 9));
        assert_eq!(b.to(a), Span::new(SourceId(0), 2, 9));
        assert_eq!(a.to(Span::new(SourceId(1), 0, 1)), a);
        assert_eq!(a.after(), Span::new(SourceId(0), 4, 4));
    }
}
