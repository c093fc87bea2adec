//! Helps where an arrow, a colon, a bracket or a section's line is lacking, or written as in other languages.

use super::helps::{check, told};

#[test]
fn promises_without_a_colon() {
    let promise = "expected `:` or `;`, found `[`; the shape that is promised follows `:`: write";
    check(&[
        (
            "output p = x -> softmax [size, size, 4];",
            &format!("{promise} `: [size, size, 4]`"),
            "output p = x -> softmax: [size, size, 4];",
        ),
        (
            "p = x -> conv(4, kernel: 1) as head [8, 8, 4];",
            &format!("{promise} `: [8, 8, 4]`"),
            "p = x -> conv(4, kernel: 1) as head: [8, 8, 4];",
        ),
        ("p = x -> dense(10) [10];", &format!("{promise} `: [10]`"), "p = x -> dense(10): [10];"),
        ("p = dense(x, 4)[4, 4, 4];", &format!("{promise} `: [4, 4, 4]`"), "p = dense(x, 4): [4, 4, 4];"),
        // It may as well be an argument.
        (
            "p = x -> dense [10];",
            &format!("{promise} `: [10]`; arguments stand in parentheses"),
            "p = x -> dense [10];",
        ),
        (
            "p = x -> conv(4, kernel: 1): [8, 8, 4] -> relu;",
            "expected `;`, found `->`; the shape that is promised ends the statement: name the value, and go on from the \
             name in the next one",
            "p = x -> conv(4, kernel: 1): [8, 8, 4] -> relu;",
        ),
    ]);
}

#[test]
fn shapes_in_parentheses() {
    let shape = "expected a shape such as `[28, 28, 1]`, found `(`; a shape stands in square brackets:";
    check(&[
        ("input x: (32, 32, 3);", &format!("{shape} `[32, 32, 3]`"), "input x: [32, 32, 3];"),
        ("y: (4, 4) = x;", &format!("{shape} `[4, 4]`"), "y: [4, 4] = x;"),
        ("y = x -> relu: (4, 4);", &format!("{shape} `[4, 4]`"), "y = x -> relu: [4, 4];"),
    ]);
    let result = "expected the shape of the result, such as `[H, W, C]`, found `(`;";
    for (text, message, mended) in [
        (
            "block B(x: [N]) -> ([N], [N]) { return x, x; }",
            format!("{result} results have no parentheses: `-> [N], [N]`"),
            "block B(x: [N]) -> [N], [N] { return x, x; }",
        ),
        (
            "block B(x: [H, W, C]) -> (H, W, C) { return x; }",
            format!("{result} a shape stands in square brackets: `[H, W, C]`"),
            "block B(x: [H, W, C]) -> [H, W, C] { return x; }",
        ),
        (
            "network N(c: int = 2) -> [c] { output y = x; }",
            "expected `{`, found `->`; a network declares no result: it has outputs among its statements, \
             `output name = …;`"
                .to_owned(),
            "network N(c: int = 2) -> [c] { output y = x; }",
        ),
    ] {
        assert_eq!(told(text), (message, mended.to_owned()));
    }
}

#[test]
fn arrows() {
    let end = "expected `;`, found";
    let naming = |word: &str| format!("write `->` before a layer, `as {word}` to name the one before it");
    check(&[
        (
            "y = x -> conv(4, kernel: 3) as head relu: [6, 6, 4];",
            &format!("{end} `relu`; write `->`"),
            "y = x -> conv(4, kernel: 3) as head -> relu: [6, 6, 4];",
        ),
        (
            "y = x -> conv(4, kernel: 3) batch_norm(0.1) -> relu;",
            &format!("{end} `batch_norm`; write `->`"),
            "y = x -> conv(4, kernel: 3) -> batch_norm(0.1) -> relu;",
        ),
        (
            "y = x -> conv(4, kernel: 3) relu -> max_pool(2);",
            &format!("{end} `relu`; {}", naming("relu")),
            "y = x -> conv(4, kernel: 3) relu -> max_pool(2);",
        ),
        (
            "y = x -> conv(4, kernel: 3)\n        relu -> max_pool(2);",
            &format!("{end} `relu`; {}", naming("relu")),
            "y = x -> conv(4, kernel: 3)\n        relu -> max_pool(2);",
        ),
        (
            "y = concat(x -> conv(4, kernel: 1) one -> relu, x);",
            &format!("expected `,` or `)`, found `one`; {}", naming("one")),
            "y = concat(x -> conv(4, kernel: 1) one -> relu, x);",
        ),
        (
            "y = concat(x -> conv(4, kernel: 1) as one relu, x);",
            "expected `,` or `)`, found `relu`; write `->`",
            "y = concat(x -> conv(4, kernel: 1) as one -> relu, x);",
        ),
        // What has a name is an argument.
        (
            "a = x;\n    y = concat(x -> conv(4, kernel: 1) a, x);",
            "expected `,` or `)`, found `a`; write `,` between `)` and `a`",
            "a = x;\n    y = concat(x -> conv(4, kernel: 1), a, x);",
        ),
        ("y = x conv(4, kernel: 1);", &format!("{end} `conv`; write `->` before a layer"), "y = x conv(4, kernel: 1);"),
        (
            "y = x -> conv(4, kernel: 1)\n    z = y;",
            "expected `;` after this statement; end it with `;`",
            "y = x -> conv(4, kernel: 1);\n    z = y;",
        ),
        (
            "y = x;\n        -> conv(4, kernel: 1);",
            "this `;` ends a statement that goes on with `->`; leave it out",
            "y = x\n        -> conv(4, kernel: 1);",
        ),
        (
            "y = x -> conv as stem(16, kernel: 3);",
            &format!("{end} `(`; a name follows the arguments: `conv(16, kernel: 3) as stem`"),
            "y = x -> conv(16, kernel: 3) as stem;",
        ),
        (
            "y = x -> relu as act(i);",
            &format!("{end} `(`; a name follows the arguments: `relu(i) as act`"),
            "y = x -> relu as act(i);",
        ),
    ]);
}

#[test]
fn sections_that_are_not_opened() {
    let message = "expected a statement, found the entry `loss`; entries of `train` stand in its braces: `train { loss: …; \
                   batch: 64; }`";
    for text in [
        "network N {\n    output y = x;\n        loss: cross_entropy(y);\n        lr(y): 3;\n    }\n    budget { macs <= 3; }\n}\n",
        "network N {\n    output y = x;\n    loss: cross_entropy(y);\n    batch: 3;\n}\n\n/// Another.\nnetwork M { input x: [4]; }\n",
        "network N {\n    if a {\n        y = x;\n        loss: cross_entropy(y);\n        batch: 3;\n    }\n    output y = x;\n}\n",
        "network N {\n    output y = x;\n    loss: cross_entropy(y);\n        batch: 3;\n    }\n}\n",
    ] {
        assert_eq!(told(text), (message.to_owned(), text.to_owned()));
    }
    check(&[(
        "{ loss: cross_entropy(y); batch: 3; }",
        "expected a statement, found `{`; the section starts with its name: `train { … }`",
        "train { loss: cross_entropy(y); batch: 3; }",
    )]);
    let text = "network N { input x: [4]; output y = x; }\n    output z = y;\n}\n";
    let message =
        "this statement stands outside of a network; statements stand before the brace that closes the network";
    assert_eq!(told(text), (message.to_owned(), text.to_owned()));
}

#[test]
fn names_after_freeze() {
    let names = "the names follow: `freeze stem;`";
    check(&[
        ("freeze(stem);", &format!("expected a name, found `(`; {names}"), "freeze stem;"),
        ("freeze { stem; }", &format!("expected a name, found `{{`; {names}"), "freeze stem;"),
        ("freeze: stem;", &format!("expected a name, found `:`; {names}"), "freeze stem;"),
        ("freeze \"stem\";", &format!("expected a name, found `\"stem\"`; {names}"), "freeze stem;"),
        ("freeze [stem];", &format!("expected a name, found `[`; {names}"), "freeze stem;"),
        (
            "freeze [\"fire[0].squeeze\", stem];",
            "expected a name, found `[`; the names follow: `freeze fire[0].squeeze, stem;`",
            "freeze fire[0].squeeze, stem;",
        ),
        ("freeze (a + b);", "expected a name, found `(`; the names follow: `freeze stem, head;`", "freeze (a + b);"),
    ]);
}

#[test]
fn choices_of_other_languages() {
    let branches = "bind the name in each branch: `if … { x = …; } else { x = …; }`";
    let condition = "`if` is a statement, not a value;";
    check(&[
        (
            "if v in [\"a\", \"b\"] { y = x; }",
            "expected `{`, found the keyword `in`; compare with each: `v == \"a\" or v == \"b\"`",
            "if v == \"a\" or v == \"b\" { y = x; }",
        ),
        (
            "if big and v in [1, 2] { y = x; }",
            "expected `{`, found the keyword `in`; compare with each: `v == 1 or v == 2`",
            "if big and (v == 1 or v == 2) { y = x; }",
        ),
        (
            "if v in l { y = x; }",
            "expected `{`, found the keyword `in`; compare with each: `a == \"x\" or a == \"y\"`",
            "if v in l { y = x; }",
        ),
        (
            "w = match v { \"s\" => 8, \"m\" => 16 };",
            "`match` is not in the language; bind the name in each branch: `if … { x = …; } else if … { x = …; } else { x \
             = …; }`",
            "w = match v { \"s\" => 8, \"m\" => 16 };",
        ),
        ("w = 8 if big else 4;", &format!("{condition} {branches}"), "w = 8 if big else 4;"),
        ("y = x -> dense(8 if big else 4);", &format!("{condition} {branches}"), "y = x -> dense(8 if big else 4);"),
        (
            "w = [8, 16, 32][v];",
            "expected `;`, found `[`; a list has no index: bind the name in each branch of an `if`, or go through the list \
             with a loop",
            "w = [8, 16, 32][v];",
        ),
        (
            "c = x.shape[2];",
            "expected `;`, found `.`; a tensor is not asked for its sizes: a block names those of its operands, `block B(x: \
             [H, W, C]) -> …`",
            "c = x.shape[2];",
        ),
        (
            "for i in 0..3 { break; }",
            "there is no statement `break`; a loop goes through all of its values; what is left out for some stands in an \
             `if`",
            "for i in 0..3 { break; }",
        ),
        (
            "y = x -> conv(4, kernel: 3x5);",
            "`3x5` is not a number; two sizes are a list: `[3, 5]`",
            "y = x -> conv(4, kernel: 3x5);",
        ),
        (
            "y = x -> reshape([4, 4, _]);",
            "`_` is a keyword and cannot be a name; it stands for any size only in a shape that is promised, `y: [_, _, 16] = \
             …`; elsewhere sizes are written out",
            "y = x -> reshape([4, 4, _]);",
        ),
        ("output: y;", "expected a name, found `:`; an output has a name and a value: `output y = y;`", "output: y;"),
    ]);
}

#[test]
fn files_of_other_languages() {
    let path = "expected a name or a path: `<fire>` or `\"blocks/fire.net\"`, found";
    let both = "write `use <fire>;` for a bundled file, `use \"fire.net\";` for one of your own";
    for (text, message, mended) in [
        ("use fire;", format!("{path} `fire`; {both}"), "use fire;"),
        (
            "use <fire.net>;",
            format!("{path} `<fire.net>`; a bundled file is used by its name: `use <fire>;`"),
            "use <fire>;",
        ),
        (
            "use <blocks/fire.net>;",
            format!(
                "{path} `<blocks/fire.net>`; the path of a file of your own stands in quotes: `use \"blocks/fire.net\";`"
            ),
            "use \"blocks/fire.net\";",
        ),
        (
            "use <fire>, <se>;",
            "expected `;`, found `,`; each file has a `use` of its own".to_owned(),
            "use <fire>; use <se>;",
        ),
        (
            "from \"a.net\" import Fire;",
            "expected `network`, found `from`; write `use \"a.net\";`".to_owned(),
            "from \"a.net\" import Fire;",
        ),
        ("from fire use Fire;", format!("expected `network`, found `from`; {both}"), "from fire use Fire;"),
        (
            "from fire import Fire\nuse <se>;",
            format!("expected `network`, found `from`; {both}"),
            "from fire import Fire\nuse <se>;",
        ),
    ] {
        assert_eq!(told(text), (message, mended.to_owned()));
    }
}
