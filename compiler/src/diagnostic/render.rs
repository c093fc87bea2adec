//! Diagnostics as text: with the source around them, or in one line.

use annotate_snippets::{AnnotationKind, Group, Level as Weight, Renderer, Snippet};

use super::{Diagnostic, Label, Level, Sink, escape};
use crate::source::{SourceId, SourceMap};

/// How [`render`] writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Text only.
    Plain,
    /// With ANSI colours, for a terminal.
    Ansi,
}

/// A diagnostic with the lines of source it speaks of, without a final line end.
pub fn render(diagnostic: &Diagnostic, map: &SourceMap, style: Style) -> String {
    let weight = match diagnostic.level {
        Level::Error => Weight::ERROR,
        Level::Warning => Weight::WARNING,
    };
    let mut group =
        weight.primary_title(diagnostic.title.as_str()).id(diagnostic.code.id()).elements(snippets(diagnostic, map));
    for note in &diagnostic.notes {
        group = group.element(Weight::NOTE.message(note.as_str()));
    }
    for help in &diagnostic.helps {
        group = group.element(Weight::HELP.message(help.text.as_str()));
    }
    let groups: [Group<'_>; 1] = [group];
    let renderer = match style {
        Style::Plain => Renderer::plain(),
        Style::Ansi => Renderer::styled(),
    };
    renderer.render(&groups)
}

/// Everything a sink shows, one blank line between diagnostics, then a line that counts what was left out.
/// Ends with a line end unless there is nothing to show.
pub fn render_all(sink: &Sink, map: &SourceMap, style: Style) -> String {
    let mut parts: Vec<String> =
        sink.diagnostics().into_iter().map(|diagnostic| render(diagnostic, map, style)).collect();
    match sink.n_omitted() {
        0 => {}
        1 => parts.push("and 1 more message".to_owned()),
        omitted => parts.push(format!("and {omitted} more messages")),
    }
    if parts.is_empty() { String::new() } else { parts.join("\n\n") + "\n" }
}

/// The line that says how to read more about what a sink shows; `None` if it shows nothing.
pub fn explanations(sink: &Sink) -> Option<String> {
    let mut codes: Vec<&str> = sink.diagnostics().iter().map(|diagnostic| diagnostic.code.id()).collect();
    codes.sort_unstable();
    codes.dedup();
    (!codes.is_empty()).then(|| format!("for more: netwright explain {}", codes.join(" ")))
}

/// A diagnostic in one line: `file:line:column: error[N0302]: title`.
pub fn short(diagnostic: &Diagnostic, map: &SourceMap) -> String {
    let span = diagnostic.primary.span;
    let place = map.start(span);
    format!(
        "{}:{}:{}: {}[{}]: {}",
        escape(map.name(span.source)),
        place.line,
        place.column,
        diagnostic.level.as_str(),
        diagnostic.code,
        diagnostic.title
    )
}

/// One snippet per source, that of the primary label first.
fn snippets<'a>(diagnostic: &'a Diagnostic, map: &'a SourceMap) -> Vec<Snippet<'a, annotate_snippets::Annotation<'a>>> {
    let mut sources = vec![diagnostic.primary.span.source];
    for label in &diagnostic.secondary {
        if !sources.contains(&label.span.source) {
            sources.push(label.span.source);
        }
    }
    let annotate = |label: &'a Label, kind: AnnotationKind| {
        let label_text = (!label.text.is_empty()).then_some(label.text.as_str());
        kind.span(clip(label, map)).label(label_text)
    };
    let snippet = |source: SourceId| {
        let primary = Some(&diagnostic.primary).filter(|label| label.span.source == source);
        let secondary = diagnostic.secondary.iter().filter(move |label| label.span.source == source);
        Snippet::source(map.text(source))
            .path(escape(map.name(source)))
            .annotations(primary.map(|label| annotate(label, AnnotationKind::Primary)))
            .annotations(secondary.map(|label| annotate(label, AnnotationKind::Context)))
    };
    sources.into_iter().map(snippet).collect()
}

/// A label's bytes, cut to its text and to whole characters, so that no span can upset the renderer.
fn clip(label: &Label, map: &SourceMap) -> std::ops::Range<usize> {
    let text = map.text(label.span.source);
    let floor = |offset: u32| {
        let mut offset = (offset as usize).min(text.len());
        while !text.is_char_boundary(offset) {
            offset -= 1;
        }
        offset
    };
    floor(label.span.start)..floor(label.span.end)
}
