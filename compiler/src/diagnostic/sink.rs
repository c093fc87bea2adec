//! Collecting diagnostics: [`Sink::error`] starts one, [`Draft::primary`] places and records it.
//!
//! The two steps make a message without a place impossible, and a forgotten step a warning of the Rust compiler.

use super::{Code, Diagnostic, Fix, Help, Label, Level, escape};
use crate::source::Span;

/// How many diagnostics are shown; the rest are counted in one line.
pub const MAX_SHOWN: usize = 50;

/// How many diagnostics are kept; more only add to the count, so that hostile text cannot fill the memory.
const MAX_KEPT: usize = 1000;

/// Most labels that say what is going on around a diagnostic.
const MAX_CONTEXT: usize = 4;

/// The diagnostics of one compilation.
#[derive(Debug, Clone, Default)]
pub struct Sink {
    kept: Vec<Diagnostic>,
    /// Diagnostics that came after [`MAX_KEPT`].
    dropped: usize,
    /// Errors that were reported, repeated ones too.
    errors: usize,
    /// Takes the edits of a diagnostic that is not kept.
    scratch: Option<Diagnostic>,
    /// What is going on around the place that a diagnostic speaks of, from the outside in, and how many errors there were
    /// before, where one is all that is told of it.
    context: Vec<(Label, Option<usize>)>,
    /// What was taken for granted for the rest of this sink's time, for errors of shapes.
    assumed: Vec<Label>,
}

impl Sink {
    /// A sink without diagnostics.
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts an error; `title` is one line without a final full stop.
    pub fn error(&mut self, code: Code, title: impl Into<String>) -> Draft<'_> {
        Draft { sink: self, code, level: Level::Error, title: title.into() }
    }

    /// Starts a warning; `title` is one line without a final full stop.
    pub fn warning(&mut self, code: Code, title: impl Into<String>) -> Draft<'_> {
        Draft { sink: self, code, level: Level::Warning, title: title.into() }
    }

    /// Says what is going on until [`leave`](Self::leave): every diagnostic until then gets a label that says so. `once`
    /// where all mistakes have one cause: then the first error alone is told.
    pub fn enter(&mut self, span: Span, text: impl Into<String>, once: bool) {
        let label = Label { span, text: escape(&text.into()) };
        self.context.push((label, once.then_some(self.errors)));
    }

    /// Ends what [`enter`](Self::enter) began.
    pub fn leave(&mut self) {
        self.context.pop();
    }

    /// Says what is taken for granted from here on: every diagnostic about shapes gets a label that says so.
    pub(crate) fn assume(&mut self, span: Span, text: impl Into<String>) {
        self.assumed.push(Label { span, text: escape(&text.into()) });
    }

    /// Whether any error was recorded.
    pub fn has_errors(&self) -> bool {
        self.errors > 0
    }

    /// Whether an error that is kept lies within a span.
    pub(crate) fn has_error_in(&self, span: Span) -> bool {
        let is_error = |kept: &&Diagnostic| kept.level == Level::Error;
        self.kept.iter().filter(is_error).any(|kept| span.contains(kept.primary.span))
    }

    /// Whether an error at this place is kept, so that the same again needs no search for a help; it is counted.
    pub(crate) fn repeats(&mut self, span: Span) -> bool {
        self.has_told(|kept| kept.primary.span == span)
    }

    /// Whether an error is kept that speaks of the same mistake, at whatever place; it is counted.
    pub(crate) fn has_told(&mut self, is_same: impl Fn(&Diagnostic) -> bool) -> bool {
        let is_kept = self.kept.iter().any(|kept| kept.level == Level::Error && is_same(kept));
        self.errors = self.errors.saturating_add(usize::from(is_kept));
        is_kept
    }

    /// Counts an error that is told elsewhere.
    pub(crate) fn count_error(&mut self) {
        self.errors = self.errors.saturating_add(1);
    }

    /// Takes back what is told elsewhere.
    pub(crate) fn forget(&mut self, mut is_told: impl FnMut(&Diagnostic) -> bool) {
        self.kept.retain(|kept| !is_told(kept));
    }

    /// Takes back the warnings, which count where there are no errors.
    pub(crate) fn forget_warnings(&mut self) {
        self.kept.retain(|kept| kept.level == Level::Error);
    }

    /// How many errors were reported, repeated ones too: to see whether a statement had any.
    pub(crate) fn n_errors(&self) -> usize {
        self.errors
    }

    /// Whether there are more diagnostics than are shown: then none that follows needs a help that takes a search.
    pub fn is_full(&self) -> bool {
        self.n_recorded() >= MAX_SHOWN
    }

    /// Whether nothing was recorded.
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// What to show: in the order of the source, one per primary span (the first error, else the first warning), at
    /// most [`MAX_SHOWN`].
    pub fn diagnostics(&self) -> Vec<&Diagnostic> {
        let mut shown = self.distinct();
        shown.truncate(MAX_SHOWN);
        shown
    }

    /// How many diagnostics [`diagnostics`](Self::diagnostics) leaves out beyond its limit.
    pub fn n_omitted(&self) -> usize {
        self.distinct().len().saturating_sub(MAX_SHOWN).saturating_add(self.dropped)
    }

    /// How many diagnostics were recorded, repeated ones left out: to see whether a pass found anything.
    pub fn n_recorded(&self) -> usize {
        self.kept.len().saturating_add(self.dropped)
    }

    /// Adds the diagnostics of another sink after those of this one.
    pub fn append(&mut self, other: Self) {
        self.dropped = self.dropped.saturating_add(other.dropped);
        let errors = self.errors.saturating_add(other.errors);
        for diagnostic in other.kept {
            self.record(diagnostic);
        }
        self.errors = errors;
    }

    fn distinct(&self) -> Vec<&Diagnostic> {
        let mut sorted: Vec<&Diagnostic> = self.kept.iter().collect();
        sorted.sort_by_key(|diagnostic| (diagnostic.primary.span, diagnostic.level));
        sorted.dedup_by_key(|diagnostic| diagnostic.primary.span);
        sorted
    }

    fn record(&mut self, diagnostic: Diagnostic) -> Report<'_> {
        let is_told = self.context.iter().any(|(_, before)| before.is_some_and(|before| self.errors > before));
        self.errors = self.errors.saturating_add(usize::from(diagnostic.level == Level::Error));
        let repeated = is_told
            || self
                .kept
                .iter()
                .any(|kept| kept.primary.span == diagnostic.primary.span && kept.level <= diagnostic.level);
        let kept = if repeated || self.kept.len() >= MAX_KEPT {
            self.dropped = self.dropped.saturating_add(usize::from(!repeated));
            self.scratch.insert(diagnostic)
        } else {
            self.kept.push_mut(diagnostic)
        };
        Report { diagnostic: kept }
    }
}

/// A diagnostic that has no place yet and is not recorded.
#[must_use = "a diagnostic is recorded by `primary`"]
#[derive(Debug)]
pub struct Draft<'a> {
    sink: &'a mut Sink,
    code: Code,
    level: Level,
    title: String,
}

impl<'a> Draft<'a> {
    /// Records the diagnostic at `span`, the smallest place that is wrong; `text` says in a few words what was
    /// expected there and may be empty.
    pub fn primary(self, span: Span, text: impl Into<String>) -> Report<'a> {
        let assumed = self.sink.assumed.iter().filter(|_| self.code.is_of_shapes());
        // The innermost first, and no more than a reader follows.
        let context = self.sink.context.iter().rev().map(|(label, _)| label).chain(assumed).take(MAX_CONTEXT);
        let diagnostic = Diagnostic {
            code: self.code,
            level: self.level,
            title: escape(&self.title),
            primary: Label { span, text: escape(&text.into()) },
            secondary: context.cloned().collect(),
            notes: Vec::new(),
            helps: Vec::new(),
            given: None,
        };
        self.sink.record(diagnostic)
    }
}

/// A recorded diagnostic, to add to.
#[derive(Debug)]
pub struct Report<'a> {
    diagnostic: &'a mut Diagnostic,
}

#[allow(clippy::must_use_candidate, clippy::return_self_not_must_use, reason = "the diagnostic is recorded already")]
impl Report<'_> {
    /// Adds a place to look at.
    pub fn secondary(self, span: Span, text: impl Into<String>) -> Self {
        self.diagnostic.secondary.push(Label { span, text: escape(&text.into()) });
        self
    }

    /// Adds a fact.
    pub fn note(self, text: impl Into<String>) -> Self {
        self.diagnostic.notes.push(escape(&text.into()));
        self
    }

    /// Says that it is about the value that was given under this name.
    pub(crate) fn given(self, name: &str) -> Self {
        self.diagnostic.given = Some(name.to_owned());
        self
    }

    /// Adds what to do.
    pub fn help(self, text: impl Into<String>) -> Self {
        self.diagnostic.helps.push(Help { text: escape(&text.into()), fix: None });
        self
    }

    /// Asks whether another name was meant, which would stand in place of `span`. It is put there without asking where the two
    /// differ by a [slip](super::is_slip).
    pub fn did_you_mean(self, name: &str, span: Span) -> Self {
        self.suggest(format!("did you mean `{name}`?"), span, name, true)
    }

    /// Adds the [`nearest`](super::nearest) names: one with its edit, several without, since nobody but the author knows.
    pub fn did_you_mean_one_of(self, names: &[&str], span: Span) -> Self {
        const MOST: usize = 3;
        match names {
            [] => self,
            [name] => self.did_you_mean(name, span),
            [first @ .., last] if names.len() <= MOST => {
                self.help(format!("did you mean `{}` or `{last}`?", first.join("`, `")))
            }
            _ => self.help(format!(
                "did you mean one of `{}`, …?",
                names.iter().take(MOST).copied().collect::<Vec<_>>().join("`, `")
            )),
        }
    }

    /// Adds what to do, with the one edit that does it: `replacement` in place of the bytes of `span`.
    pub fn fix(self, text: impl Into<String>, span: Span, replacement: impl Into<String>) -> Self {
        self.suggest(text, span, replacement, false)
    }

    /// As [`fix`](Self::fix), where something else may be meant as well: it is not made without asking.
    pub fn may_fix(self, text: impl Into<String>, span: Span, replacement: impl Into<String>) -> Self {
        self.suggest(text, span, replacement, true)
    }

    fn suggest(self, text: impl Into<String>, span: Span, replacement: impl Into<String>, is_guess: bool) -> Self {
        let fix = Some(Fix { is_guess, span, replacement: replacement.into() });
        self.diagnostic.helps.push(Help { text: escape(&text.into()), fix });
        self
    }
}
