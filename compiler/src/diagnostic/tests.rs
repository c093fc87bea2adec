//! Tests of collecting and showing diagnostics.
#![allow(clippy::unwrap_used, reason = "tests may")]

use super::codes::{N0012, N0013, N0014};
use super::{Level, LineData, MAX_SHOWN, Sink, Style, data, explanations, render, render_all, short};
use crate::source::{Location, SourceId, SourceMap, Span};

const TEXT: &str = "network N {\n    a = x\n        -> max_pool(2)\n        -> dense(128) -> relu;\n}\n";

/// The span of a part of the text.
fn span(source: SourceId, text: &str, part: &str) -> Span {
    let start = text.find(part).unwrap() as u32;
    Span::new(source, start, start + part.len() as u32)
}

fn example() -> (SourceMap, Sink) {
    let mut map = SourceMap::new();
    let source = map.add("nets/lenet.net", TEXT);
    let mut sink = Sink::new();
    sink.error(N0013, "`dense` takes a flat input, found [12, 12, 32]")
        .primary(span(source, TEXT, "dense(128)"), "expected [features]")
        .secondary(span(source, TEXT, "max_pool(2)"), "this produces [12, 12, 32]")
        .note("features is a number")
        .fix("insert `flatten` before `dense`", span(source, TEXT, "dense(128)").before(), "flatten -> ");
    (map, sink)
}

#[test]
fn diagnostics_show_their_source() {
    let (map, sink) = example();
    let expected = "\
error[N0013]: `dense` takes a flat input, found [12, 12, 32]
 --> nets/lenet.net:4:12
  |
3 |         -> max_pool(2)
  |            ----------- this produces [12, 12, 32]
4 |         -> dense(128) -> relu;
  |            ^^^^^^^^^^ expected [features]
  |
  = note: features is a number
  = help: insert `flatten` before `dense`";
    assert_eq!(render(sink.diagnostics()[0], &map, Style::Plain), expected);
    assert_eq!(render_all(&sink, &map, Style::Plain), format!("{expected}\n"));
    assert!(render(sink.diagnostics()[0], &map, Style::Ansi).contains("\u{1b}["));
    assert_eq!(
        short(sink.diagnostics()[0], &map),
        "nets/lenet.net:4:12: error[N0013]: `dense` takes a flat input, found [12, 12, 32]"
    );
}

#[test]
fn data_has_resolved_places() {
    let (map, sink) = example();
    let data = data(sink.diagnostics()[0], &map);
    assert_eq!((data.code, data.level), ("N0013", "error"));
    assert_eq!(data.primary.file, "nets/lenet.net");
    assert_eq!(data.primary.start, Location { line: 4, column: 12 });
    assert_eq!(data.primary.end, Location { line: 4, column: 22 });
    assert_eq!(data.secondary[0].text, "this produces [12, 12, 32]");
    assert_eq!((data.notes.len(), data.helps.len()), (1, 1));
    let fix = data.helps[0].fix.as_ref().unwrap();
    assert_eq!((fix.replacement.as_str(), fix.place.byte_start, fix.place.byte_end), ("flatten -> ", 56, 56));
    let line = LineData { text: "        -> dense(128) -> relu;".to_owned(), start: 12, end: 22 };
    assert_eq!(data.primary.lines, [line]);
}

#[test]
fn data_has_every_line_of_a_span() {
    let text = "é{\r\n  b\n}";
    let mut map = SourceMap::new();
    let source = map.add("a.net", text);
    let lines = |start, end| {
        let mut sink = Sink::new();
        sink.error(N0013, "here").primary(Span::new(source, start, end), "");
        let lines = data(sink.diagnostics()[0], &map).primary.lines;
        lines.into_iter().map(|line| (line.text, line.start, line.end)).collect::<Vec<_>>()
    };
    let owned = |(text, start, end): (&str, usize, usize)| (text.to_owned(), start, end);
    assert_eq!(lines(2, 10), [("é{", 2, 3), ("  b", 1, 4), ("}", 1, 2)].map(owned));
    assert_eq!(lines(99, 99), [("}", 2, 2)].map(owned));
    assert_eq!(lines(4, 5), [("é{", 3, 3), ("  b", 1, 1)].map(owned));
}

#[test]
fn columns_are_those_of_the_rendered_place() {
    // The renderer counts columns itself; they must be those of `short`.
    let text = "/* é漢 */\tx\r\n  é y";
    let mut map = SourceMap::new();
    let source = map.add("a.net", text);
    for part in ["x", "y", "漢"] {
        let mut sink = Sink::new();
        sink.error(N0013, "here").primary(span(source, text, part), "");
        let diagnostic = sink.diagnostics()[0];
        let place = short(diagnostic, &map);
        let place = place.strip_suffix(": error[N0013]: here").unwrap();
        let rendered = render(diagnostic, &map, Style::Plain);
        assert!(rendered.contains(&format!("--> {place}\n")), "{place}\n{rendered}");
    }
}

#[test]
fn texts_from_the_source_cannot_act() {
    let text = "a\u{1b}[31m\u{202e}b\0\u{7f}";
    let mut map = SourceMap::new();
    let source = map.add("\u{1b}[2Jevil.net", text);
    let mut sink = Sink::new();
    sink.error(N0013, format!("found {text}"))
        .primary(Span::new(source, 0, 1), text)
        .secondary(Span::new(source, 1, 2), text)
        .note(text)
        .help(text);
    let diagnostic = sink.diagnostics()[0];
    for shown in [render(diagnostic, &map, Style::Plain), short(diagnostic, &map)] {
        assert!(!shown.contains(['\u{1b}', '\u{202e}', '\0', '\u{7f}']), "{shown:?}");
    }
}

#[test]
fn strange_spans_are_rendered() {
    let mut map = SourceMap::new();
    let (a, b) = (map.add("a.net", "é\n"), map.add("b.net", ""));
    for (source, start, end) in
        [(a, 0, 0), (a, 1, 1), (a, 1, 2), (a, 3, 3), (a, 2, 99), (a, 99, 99), (b, 0, 0), (SourceId(9), 1, 5)]
    {
        let mut sink = Sink::new();
        sink.error(N0013, "here")
            .primary(Span::new(source, start, end), "label")
            .secondary(Span::new(b, 0, 3), "there");
        let rendered = render(sink.diagnostics()[0], &map, Style::Plain);
        assert!(rendered.starts_with("error[N0013]: here"), "{rendered}");
    }
}

#[test]
fn one_place_has_one_message() {
    let mut sink = Sink::new();
    let at = |start| Span::new(SourceId(0), start, start + 1);
    sink.warning(N0014, "warned").primary(at(5), "");
    sink.error(N0013, "second").primary(at(5), "");
    sink.error(N0012, "third").primary(at(5), "").note("lost");
    sink.warning(N0014, "first").primary(at(2), "");
    let titles: Vec<&str> = sink.diagnostics().iter().map(|diagnostic| diagnostic.title.as_str()).collect();
    assert_eq!(titles, ["first", "second"]);
    assert_eq!(sink.diagnostics()[1].level, Level::Error);
    assert_eq!(sink.diagnostics()[1].notes, [""; 0]);
}

#[test]
fn warnings_are_no_errors() {
    let mut sink = Sink::new();
    assert!(sink.is_empty() && !sink.has_errors());
    sink.warning(N0014, "look").primary(Span::new(SourceId(0), 0, 0), "");
    assert!(!sink.is_empty() && !sink.has_errors());
    let mut other = Sink::new();
    other.error(N0013, "wrong").primary(Span::new(SourceId(0), 1, 1), "");
    sink.append(other);
    assert!(sink.has_errors());
    assert_eq!(sink.diagnostics().len(), 2);
}

#[test]
fn explanations_are_offered_once_for_each_code() {
    let mut sink = Sink::new();
    assert_eq!(explanations(&sink), None);
    for (at, code) in [(0, N0014), (2, N0013), (4, N0014)] {
        sink.error(code, "wrong").primary(Span::new(SourceId(0), at, at + 1), "");
    }
    assert_eq!(explanations(&sink).as_deref(), Some("for more: netwright explain N0013 N0014"));
}

#[test]
fn many_messages_are_counted() {
    let mut map = SourceMap::new();
    let source = map.add("a.net", "x\n".repeat(10_000));
    let mut sink = Sink::new();
    for line in 0..5000 {
        sink.error(N0013, format!("number {line}")).primary(Span::new(source, 2 * line, 2 * line + 1), "");
    }
    assert_eq!(sink.diagnostics().len(), MAX_SHOWN);
    assert_eq!(sink.n_omitted(), 4950);
    assert!(render_all(&sink, &map, Style::Plain).ends_with("\n\nand 4950 more messages\n"));
}
