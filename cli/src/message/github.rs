//! Diagnostics as commands of GitHub's workflows, which become annotations of the changed lines.

use netwright_compiler::diagnostic::{Data, LabelData};

/// A diagnostic as a command, with its line end.
pub(super) fn line(data: &Data) -> String {
    let Data { code, level, title, primary, secondary: _, notes, helps } = data;
    let LabelData { file, start, end, text: label, .. } = primary;
    // Columns are for places within one line; elsewhere the service rejects them.
    let columns = match start.line == end.line {
        true => format!(",col={},endColumn={}", start.column, end.column),
        false => String::new(),
    };
    let place = format!("file={},line={},endLine={}{columns}", property(file), start.line, end.line);
    let label = (!label.is_empty()).then(|| label.clone());
    let notes = notes.iter().map(|note| format!("note: {note}"));
    let helps = helps.iter().map(|help| format!("help: {}", help.text));
    let more: Vec<String> = label.into_iter().chain(notes).chain(helps).collect();
    // An annotation without a text is not shown.
    let message = if more.is_empty() { title.clone() } else { more.join("\n") };
    format!("::{level} {place},title={}::{}\n", property(&format!("{code}: {title}")), text(&message))
}

/// An error about a whole file.
pub(super) fn plain_error(file: &str, message: &str) -> String {
    format!("::error file={}::{}\n", property(file), text(message))
}

/// What stands after the second `::`.
fn text(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// The value of a property.
fn property(value: &str) -> String {
    text(value).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use netwright_compiler::diagnostic::{Sink, codes::N0013, data};
    use netwright_compiler::source::{SourceMap, Span};

    use super::*;

    #[test]
    fn what_the_service_reads_is_escaped() {
        let mut map = SourceMap::new();
        let source = map.add("a,b:100%.net", "one\ntwo\n");
        let mut sink = Sink::new();
        sink.error(N0013, "50 % of: a, b").primary(Span::new(source, 4, 7), "here, at 5 %").note("n").help("do: it");
        sink.warning(N0013, "long").primary(Span::new(source, 0, 6), "");
        let lines: Vec<String> = sink.diagnostics().iter().map(|diagnostic| line(&data(diagnostic, &map))).collect();
        assert_eq!(
            lines,
            [
                "::warning file=a%2Cb%3A100%25.net,line=1,endLine=2,title=N0013%3A long::long\n",
                "::error file=a%2Cb%3A100%25.net,line=2,endLine=2,col=1,endColumn=4,title=N0013%3A 50 %25 of%3A a%2C b::\
                 here, at 5 %25%0Anote: n%0Ahelp: do: it\n",
            ]
        );
        assert_eq!(plain_error("a:b", "gone\r\naway"), "::error file=a%3Ab::gone%0D%0Aaway\n");
    }
}
