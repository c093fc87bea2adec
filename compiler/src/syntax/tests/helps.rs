//! What the helps of messages say, and what comes of their edits.

use crate::diagnostic::{Sink, apply};
use crate::source::SourceMap;
use crate::syntax::parse;

/// The only message of a text, with its helps, and the text with the edits made.
pub(super) fn told(text: &str) -> (String, String) {
    let mut map = SourceMap::new();
    let source = map.add("test.net", text);
    let mut sink = Sink::new();
    parse(source, &map, &mut sink);
    let diagnostics = sink.diagnostics();
    assert_eq!(diagnostics.len(), 1, "{text}: {diagnostics:?}");
    let helps = diagnostics[0].helps.iter().map(|help| format!("; {}", help.text)).collect::<String>();
    (format!("{}{helps}", diagnostics[0].title), apply(source, text, &diagnostics).0)
}

/// Statements of a network, each with its message and what comes of its edit, the statement itself where there is none.
pub(super) fn check(cases: &[(&str, &str, &str)]) {
    let mut reports = String::new();
    for (statement, message, mended) in cases {
        let within = |statement: &str| format!("network N {{\n    {statement}\n}}\n");
        let (found, edited) = told(&within(statement));
        if found != *message || edited != within(mended) {
            reports += &format!("{statement}\n  {found}\n  {edited}\n");
        }
    }
    assert!(reports.is_empty(), "{reports}");
}

#[test]
fn arguments_and_lists() {
    let comma = "expected `,` or `)`, found";
    check(&[
        ("y = x -> conv(4, kernel 3);", &format!("{comma} `3`; write `kernel: 3`"), "y = x -> conv(4, kernel: 3);"),
        (
            "y = x -> conv(4, kernel [3, 3]);",
            &format!("{comma} `[`; write `kernel: […]`"),
            "y = x -> conv(4, kernel: [3, 3]);",
        ),
        (
            "y = x -> conv(4 kernel: 3);",
            &format!("{comma} `kernel`; write `,` between `4` and `kernel`"),
            "y = x -> conv(4, kernel: 3);",
        ),
        (
            "y = x -> conv(n kernel: 3);",
            &format!("{comma} `kernel`; write `,` between `n` and `kernel`"),
            "y = x -> conv(n, kernel: 3);",
        ),
        (
            "y = x -> conv(4, kernel k);",
            &format!("{comma} `k`; write `kernel: k` for a named argument, or `,` between two"),
            "y = x -> conv(4, kernel k);",
        ),
        ("train { lr(a b): 3; }", &format!("{comma} `b`; write `,` between `a` and `b`"), "train { lr(a, b): 3; }"),
        ("y = f([1, 2 3]);", "expected `,` or `]`, found `3`; write `,` between `2` and `3`", "y = f([1, 2, 3]);"),
        (
            "y = x -> conv(4, kernel: (3, 3));",
            "expected `)`, found `,`; a list stands in square brackets: `[3, 3]`",
            "y = x -> conv(4, kernel: [3, 3]);",
        ),
        ("return (a, b);", "expected `)`, found `,`; write `return a, b`", "return a, b;"),
        ("return(a, b,);", "expected `)`, found `,`; write `return a, b`", "return a, b;"),
        (
            "y = x -> conv[8] -> relu;",
            "expected `;`, found `[`; arguments stand in parentheses: `conv(8)`",
            "y = x -> conv(8) -> relu;",
        ),
        (
            "y = x.relu();",
            "expected `;`, found `.`; a layer stands right of an arrow: `x -> relu(…)`",
            "y = x -> relu();",
        ),
        (
            "y = f(x).relu();",
            "expected `;`, found `.`; a layer stands right of an arrow: `x -> relu(…)`",
            "y = f(x) -> relu();",
        ),
        (
            "y = a + x.relu();",
            "expected `;`, found `.`; a layer stands right of an arrow: `x -> relu(…)`",
            "y = a + x.relu();",
        ),
        ("y = g.weight;", "expected `;`, found `.`", "y = g.weight;"),
        ("y = conv 3;", "expected `;`, found `3`; arguments stand in parentheses: `conv(3)`", "y = conv 3;"),
    ]);
}

#[test]
fn signs_of_other_languages() {
    let torn = "`->` is written without a blank; write `->`";
    let range = "`..=` is not in the language; write";
    check(&[
        ("y = x - > relu;", torn, "y = x -> relu;"),
        ("y = x -> relu - > tanh;", torn, "y = x -> relu -> tanh;"),
        ("x - > relu;", torn, "x -> relu;"),
        (
            "for i in 0..=3 { y = x; }",
            &format!("{range} `0..4`; the end of a range is not included"),
            "for i in 0..4 { y = x; }",
        ),
        (
            "for i in 0..=n { y = x; }",
            &format!("{range} `..`; the end of a range is not included: `0..4` are 0, 1, 2 and 3"),
            "for i in 0..=n { y = x; }",
        ),
        ("for i of 0..3 { y = x; }", "expected `in`, found `of`; write `in`", "for i in 0..3 { y = x; }"),
        ("for i = 0..3 { y = x; }", "expected `in`, found `=`; write `in`", "for i in 0..3 { y = x; }"),
        ("for i, j of l { y = x; }", "expected `in`, found `of`; write `in`", "for i, j in l { y = x; }"),
        ("for i=0..3 { y = x; }", "expected `in`, found `=`; write `in`", "for i in 0..3 { y = x; }"),
        ("for i:l { y = x; }", "expected `in`, found `:`; write `in`", "for i in l { y = x; }"),
        ("for i: l { y = x; }", "expected `in`, found `:`; write `in`", "for i in l { y = x; }"),
        ("x += 1;", "`+=` is not in the language; write `x = x + 1`", "x = x + 1;"),
        ("x *= 1 + a;", "`*=` is not in the language; write `x = x * (…)`", "x *= 1 + a;"),
        ("if a || b { y = x; }", "`||` is not in the language; write `or`", "if a or b { y = x; }"),
        ("if a||b { y = x; }", "`||` is not in the language; write `or`", "if a or b { y = x; }"),
        ("y = x |> relu;", "`|>` is not in the language; write `->`", "y = x -> relu;"),
        ("y = x => relu;", "`=>` is not in the language; write `->`", "y = x -> relu;"),
        ("y = x ** 2;", "`**` is not in the language; there are no powers; multiply instead: `x * x`", "y = x ** 2;"),
        ("y = x ^ 2;", "unexpected character `^`; there are no powers; multiply instead: `x * x`", "y = x ^ 2;"),
        (
            "y = 5 % 2;",
            "unexpected character `%`; the remainder is written with a quotient, which rounds down: `a - a / b * b`",
            "y = 5 % 2;",
        ),
    ]);
}

#[test]
fn words_of_other_languages() {
    let none = "expected `=` and a value, found `;`";
    check(&[
        ("x++;", "`++` is not in the language; write `x = x + 1`", "x = x + 1;"),
        ("x--;", "`--` is not in the language; write `x = x - 1`", "x = x - 1;"),
        (
            "for i in 0...3 { y = x; }",
            "a range is written with two dots; write `..`; the end of a range is not included",
            "for i in 0..3 { y = x; }",
        ),
        (
            "for i in 0..9..2 { y = x; }",
            "a range has no step; it goes up by one; compute with the number in the loop, or write a list: \
             `for i in [0, 2, 4]`",
            "for i in 0..9..2 { y = x; }",
        ),
        (
            "y = x[0];",
            "expected `;`, found `[`; nothing has an index: `slice` and `split` take parts of a tensor, and a loop goes \
             through a list",
            "y = x[0];",
        ),
        ("freeze a b;", "expected `;`, found `b`; write `,` between `a` and `b`", "freeze a, b;"),
        (
            "freeze fire.0.squeeze;",
            "the index of a name stands in brackets, found `.0`; write `[0]`",
            "freeze fire[0].squeeze;",
        ),
        ("freeze fire[1].0;", "the index of a name stands in brackets, found `.0`; write `[0]`", "freeze fire[1][0];"),
        (
            "allow(unused_value truncated_pool);",
            "expected `,` or `)`, found `truncated_pool`; write `,` between `unused_value` and `truncated_pool`",
            "allow(unused_value, truncated_pool);",
        ),
        ("allow(\"unused_value\");", "expected a name, found `\"unused_value\"`", "allow(\"unused_value\");"),
        ("assert(1 > 2, \"no\");", "expected `)`, found `,`; write `assert 1 > 2, \"no\"`", "assert 1 > 2, \"no\";"),
        ("assert 1 > 2, 3;", "expected a string, found `3`", "assert 1 > 2, 3;"),
        (
            "(a, b) = split(x, 2);",
            "expected a statement, found `(`; several results are named without brackets: `a, b = …`",
            "(a, b) = split(x, 2);",
        ),
        ("y = x; 3;", "expected a statement, found `3`", "y = x; 3;"),
        ("output y: [10];", none, "output y: [10];"),
        ("y: [10];", none, "y: [10];"),
        (
            "labels: [\"a\", \"b\"];",
            "expected the name of an output, found `:`; write `labels name: […]`",
            "labels: [\"a\", \"b\"];",
        ),
        (
            "labels y = [\"a\"];",
            "the names of classes follow `:`, not `=`; write `labels y: […]`",
            "labels y: [\"a\"];",
        ),
        (
            "y = x -> nn.Linear(2);",
            "expected `;`, found `.`; layers have no module before them: `-> dense(…)`",
            "y = x -> nn.Linear(2);",
        ),
        ("train: { batch: 2; }", "there is no `:` after `train`; write `train {`", "train { batch: 2; }"),
        (
            "training { batch: 2; }",
            "expected a statement, found `training`; did you mean `train`?",
            "training { batch: 2; }",
        ),
        (
            "k = if n > 3 { y = x; } else { y = x; }",
            "`if` is a statement, not a value; bind the name in each branch: `if … { x = …; } else { x = …; }`",
            "k = if n > 3 { y = x; } else { y = x; }",
        ),
        (
            "input a: [8, 8, 3] from \"a.png\";",
            "expected `photo`, with its settings, found `\"a.png\"`; a photograph is described by its preparation: \
             `from photo(resize: 256)`",
            "input a: [8, 8, 3] from \"a.png\";",
        ),
        (
            "y = dense(2 // 3);\n    z = y;",
            "this `(` is not closed; `//` starts a comment; `/` divides, and rounds whole numbers down",
            "y = dense(2 // 3);\n    z = y;",
        ),
    ]);
}

/// An edit mends, or there is none.
#[test]
fn what_is_nearly_a_statement() {
    let pair = "expected `,` or `)`, found `width`; write `,` between two arguments, or `2 * width` for their product";
    check(&[
        (
            "budget { parameters <= 1,300,000; }",
            "expected `;`, found `,`; digits are grouped with `_`: `1_300_000`",
            "budget { parameters <= 1_300_000; }",
        ),
        ("train { batch: 64, epochs: 3; }", "expected `;`, found `,`; write `;`", "train { batch: 64; epochs: 3; }"),
        ("y = x -> conv(2 width, kernel: 3);", pair, "y = x -> conv(2 width, kernel: 3);"),
        (
            "for f n in l { y = x; }",
            "expected `,` or `in`, found `n`; write `,` between `f` and `n`",
            "for f, n in l { y = x; }",
        ),
        ("for i IN 0..3 { y = x; }", "expected `in`, found `IN`; write `in`", "for i in 0..3 { y = x; }"),
        (
            "y = F.relu(x);",
            "expected `;`, found `.`; layers have no module before them, and stand right of an arrow: `x -> relu`",
            "y = x -> relu;",
        ),
        (
            "assert!(n > 3);",
            "unexpected character `!`; `assert` takes no `!` and no parentheses: `assert size > 28, \"why\";`",
            "assert!(n > 3);",
        ),
        ("labels y: [“cat”];", "unexpected character `“`; text stands in double quotes", "labels y: [\"cat\"];"),
        (
            "y = conv(2, bias; 3);",
            "expected `:` or `,`, found `;`; a named argument is written with `:`, and two arguments have a `,` between them",
            "y = conv(2, bias; 3);",
        ),
    ]);
}

/// Found by fuzzing: the label ended within the letter.
#[test]
fn labels_hold_whole_characters() {
    for text in ["network N { y = f(\"a\"ß); }", "network N { y = ß\"a\"; }", "network N { y = \"a\"\u{1d400}; }"] {
        let (mut map, mut sink) = (SourceMap::new(), Sink::new());
        let source = map.add("test.net", text);
        parse(source, &map, &mut sink);
        assert!(!sink.diagnostics().is_empty());
        for diagnostic in sink.diagnostics() {
            assert!(text.get(diagnostic.primary.span.range()).is_some(), "{text}: {diagnostic:?}");
        }
    }
}

/// A brace that is missing is one mistake, and a block in a network another one.
#[test]
fn braces_of_other_languages() {
    let braces = "expected `{`, found `:`; the statements stand in braces: `{ … }`";
    let block = "a block stands in the braces of another, or of a network; blocks stand at the level of the file";
    for (text, message) in [
        ("network N {\n    if n > 3:\n        y = x;\n    output o = y;\n}\n", braces),
        ("network N {\n    for i in 0..3:\n        y = x;\n    output o = y;\n}\n", braces),
        ("network N {\n    block B(x: [N]) -> [N] { return x; }\n    output o = y;\n}\n", block),
        ("block A(x: [N]) -> [N] {\n    block B(x: [N]) -> [N] {\n        return x;\n    }\n    return x;\n}\n", block),
    ] {
        assert_eq!(told(text), (message.to_owned(), text.to_owned()));
    }
}

#[test]
fn single_quotes() {
    let text = "unexpected character `'`; text stands in double quotes";
    check(&[
        ("y = x -> resize(2, mode: 'bilinear');", text, "y = x -> resize(2, mode: \"bilinear\");"),
        ("y = x';", text, "y = x';"),
        ("y = x'; z = x -> f(3);", text, "y = x'; z = x -> f(3);"),
        ("labels y: ['cat'];", text, "labels y: [\"cat\"];"),
    ]);
}

#[test]
fn first_words_of_a_file() {
    let network = "expected `network`, found";
    for (text, message, mended) in [
        (
            "blok B(x: [H]) -> [H] { return x; }",
            "`blok`; did you mean `block`?",
            "block B(x: [H]) -> [H] { return x; }",
        ),
        ("net N { input x: [4]; }", "`net`; write `network`", "network N { input x: [4]; }"),
        ("netwrok N { input x: [4]; }", "`netwrok`; did you mean `network`?", "network N { input x: [4]; }"),
        ("cosnt n = 3;", "`cosnt`; did you mean `const`?", "const n = 3;"),
        ("import <fire>;", "`import`; write `use`", "use <fire>;"),
        (
            "import fire",
            "`import`; write `use <fire>;` for a bundled file, `use \"fire.net\";` for one of your own",
            "import fire",
        ),
        ("class N { input x: [4]; }", "`class`; did you mean `network`?", "class N { input x: [4]; }"),
        ("what is this", "`what`", "what is this"),
    ] {
        assert_eq!(told(text), (format!("{network} {message}"), mended.to_owned()));
    }
}

#[test]
fn braces_that_the_indentation_shows_to_be_open() {
    let title = |text: &str| {
        let mut map = SourceMap::new();
        let source = map.add("test.net", text);
        let mut sink = Sink::new();
        parse(source, &map, &mut sink);
        let diagnostics = sink.diagnostics();
        assert_eq!(diagnostics.len(), 1, "{text}: {diagnostics:?}");
        let line = map.start(diagnostics[0].primary.span).line;
        format!("{line}: {}; {}", diagnostics[0].title, diagnostics[0].helps[0].text)
    };
    let never = "this `{` is never closed";
    for (text, expected) in [
        ("network N {\n    if a {\n        y = x;\n    z = x;\n}\n", format!("2: {never}; end the branch with `}}`")),
        (
            "network N {\n    for i in 0..3 {\n        y = x;\n\n    output z = y;\n}\n",
            format!("2: {never}; end the loop with `}}`"),
        ),
        (
            "network N {\n    for i in 0..3 {\n        if a {\n            y = x;\n    }\n    z = y;\n}\n",
            format!("3: {never}; end the branch with `}}`"),
        ),
        (
            "network N {\n    if a {\n        y = x;\n    } else {\n        y = x;\n    z = y;\n}\n",
            format!("4: {never}; end the branch with `}}`"),
        ),
        (
            "network N {\n\ttrain {\n\t\tbatch: 3;\n}\nnetwork M {}\n",
            "2: this `{` is not closed before the keyword `network`; end the section with `}`".to_owned(),
        ),
        // Nothing shows which one it is.
        ("network N {\nif a {\ny = x;\nz = x;\n}\n", format!("1: {never}; end the network with `}}`")),
        // A brace that is out of line, but closes what it should.
        (
            "network N {\n    if a {\n        y = x;\n  }\n    for i in l {\n        z = x;\n}\n",
            format!("5: {never}; end the loop with `}}`"),
        ),
    ] {
        assert_eq!(title(text), expected, "{text}");
    }
}

/// What stands before or behind a statement, and what an output lacks.
#[test]
fn ends_and_outputs() {
    let (colon, equals) = ("expected `;`, found `:`", "expected `=`, found");
    check(&[
        ("y = x -> max_pool(2): -> relu;", &format!("{colon}; leave out the `:`"), "y = x -> max_pool(2) -> relu;"),
        ("y = x -> max_pool(2):\n    z = y;", &format!("{colon}; write `;`"), "y = x -> max_pool(2);\n    z = y;"),
        ("y = x -> relu; */", "no comment is open that `*/` could end; leave it out", "y = x -> relu; "),
        ("y = dense(x, 10 */);", "no comment is open that `*/` could end; leave it out", "y = dense(x, 10 );"),
        (
            "y = x;\n    output y;",
            &format!("{equals} `;`; an output is given its value: `output y = y;`"),
            "y = x;\n    output y = y;",
        ),
        ("output y;", &format!("{equals} `;`; an output is given its value: `output y = …;`"), "output y;"),
        (
            "output y, z;",
            &format!("{equals} `,`; each output is a statement of its own: `output a = …; output b = …;`"),
            "output y, z;",
        ),
        ("lr(y): 3;", &format!("{equals} `(`; it is an entry of `train`: `train {{ lr(…): …; }}`"), "lr(y): 3;"),
        ("keep(y): 3;", &format!("{equals} `(`; it is an entry of `prune`: `prune {{ keep(…): …; }}`"), "keep(y): 3;"),
    ]);
}
