//! Helps where a text is written as for PyTorch, Keras or Python.

use super::helps::{check, told};
use super::parse_text;

#[test]
fn layers_that_are_made_and_then_called() {
    let (end, arrow) = ("expected `;`, found `(`", "a layer stands right of an arrow:");
    check(&[
        (
            "h = conv(32, kernel: 3)(x);",
            &format!("{end}; {arrow} `x -> conv(32, kernel: 3)`"),
            "h = x -> conv(32, kernel: 3);",
        ),
        ("x = ReLU()(x) -> tanh;", &format!("{end}; {arrow} `x -> ReLU()`"), "x = x -> ReLU() -> tanh;"),
        (
            "h = relu(conv(32, kernel: 3)(x));",
            &format!("expected `,` or `)`, found `(`; {arrow} `x -> conv(32, kernel: 3)`"),
            "h = relu(x -> conv(32, kernel: 3));",
        ),
        ("h = x + dense(8)(a + b);", &format!("{end}; {arrow} `a + b -> dense(8)`"), "h = x + (a + b -> dense(8));"),
        ("h = dense(8)(inputs: x);", &format!("{end}; {arrow} `inputs: x -> dense(8)`"), "h = dense(8)(inputs: x);"),
        (
            "h = Dense(10)(Flatten()(x));",
            &format!("{end}; {arrow} `Flatten()(x) -> Dense(10)`"),
            "h = Flatten()(x) -> Dense(10);",
        ),
        (
            "h = Add()([a, b]);",
            &format!("{end}; what is compared or joined stands among the arguments: `Add(a, b)`"),
            "h = Add(a, b);",
        ),
        (
            "train { loss: CrossEntropyLoss()(y); }",
            &format!("{end}; what is compared or joined stands among the arguments: `CrossEntropyLoss(y)`"),
            "train { loss: CrossEntropyLoss(y); }",
        ),
    ]);
}

#[test]
fn layers_of_modules() {
    let (end, module) = ("expected `;`, found `.`", "layers have no module before them");
    let right = format!("{end}; {module}, and stand right of an arrow:");
    check(&[
        ("h = F.max_pool2d(x, 2);", &format!("{right} `x -> max_pool(…)`"), "h = F.max_pool2d(x, 2);"),
        ("h = torch.nn.functional.relu(a);", &format!("{right} `a -> relu`"), "h = a -> relu;"),
        ("h = nn.Conv2d(1, 32, 3)(x);", &format!("{right} `x -> conv(…)`"), "h = nn.Conv2d(1, 32, 3)(x);"),
        ("h = x -> nn.Conv2d(1, 32, 3);", &format!("{end}; {module}: `-> conv(…)`"), "h = x -> nn.Conv2d(1, 32, 3);"),
        (
            "h = x.conv(8, kernel: 3).relu().dense(3);",
            &format!("{end}; a layer stands right of an arrow: `x -> conv(…)`"),
            "h = x -> conv(8, kernel: 3) -> relu() -> dense(3);",
        ),
    ]);
    let pipeline =
        "layers are not gathered, but follow each other in a pipeline: `y = x -> conv(8, kernel: 3) -> relu;`";
    check(&[
        ("layers.append(w);", &format!("expected `=`, found `.`; {pipeline}"), "layers.append(w);"),
        ("h = model.add(Dense(10));", &format!("{end}; {pipeline}"), "h = model.add(Dense(10));"),
        (
            "f = lambda t: t;",
            "`lambda` is not in the language; what is used several times is a block: `block Name(x: [H, W, C]) -> [H, W, C] \
             { return …; }`",
            "f = lambda t: t;",
        ),
        ("for = 2;", "`for` is a keyword and cannot be a name; choose another name", "for = 2;"),
        ("block = x -> relu;", "`block` is a keyword and cannot be a name; choose another name", "block = x -> relu;"),
        (
            "h = a @ b;",
            "unexpected character `@`; tensors are multiplied element by element, `a * b`; by trained weights, `dense` or \
             a 1x1 `conv`",
            "h = a @ b;",
        ),
    ]);
}

#[test]
fn arrows_of_other_languages() {
    let follow = "layers follow each other with `->`";
    check(&[
        ("h = x -> dense(64) | relu;", &format!("expected `;`, found `|`; {follow}"), "h = x -> dense(64) -> relu;"),
        (
            "a = x;\n    h = x | a;",
            &format!("expected `;`, found `|`; {follow}, conditions with `or`"),
            "a = x;\n    h = x | a;",
        ),
        ("h = x >> relu;", "`>>` is not in the language; write `->`", "h = x -> relu;"),
        (
            "h = 8 >> 1;",
            "`>>` is not in the language; layers follow each other with `->`; there are no shifts",
            "h = 8 >> 1;",
        ),
        ("h = x --> relu;", "`-->` is not in the language; write `->`", "h = x -> relu;"),
        (
            "h = x -> conv(6, kernel: 3), relu;",
            &format!("expected `;`, found `,`; {follow}"),
            "h = x -> conv(6, kernel: 3) -> relu;",
        ),
        ("h = x -> relu,\n    g = h;", "expected `;`, found `,`; write `;`", "h = x -> relu;\n    g = h;"),
        ("h = x -> relu,;", "expected `;`, found `,`; leave it out", "h = x -> relu;"),
        (
            "h = x -> conv(8,, kernel: 3);",
            "expected an expression, found `,`; leave out one `,`",
            "h = x -> conv(8, kernel: 3);",
        ),
        (
            "h = x -> conv(8, kernel: 3) + x;",
            "expected `;`, found `+`; put the pipeline in parentheses: `(x -> relu) + x`",
            "h = (x -> conv(8, kernel: 3)) + x;",
        ),
        (
            "h = x -> tanh + x -> relu;",
            "expected `;`, found `+`; put the pipeline in parentheses: `(x -> relu) + x`",
            "h = x -> tanh + x -> relu;",
        ),
        ("h = x -> relu(2));", "`)` closes nothing; leave it out", "h = x -> relu(2);"),
        ("h = a + b);", "`)` closes nothing", "h = a + b);"),
        ("h = x -> relu};\n    g = h;", "`}` closes nothing; leave it out", "h = x -> relu;\n    g = h;"),
        (
            "h = x -> relu as \"c1\";",
            "expected a name, found `\"c1\"`; a name has no quotes: `as c1`",
            "h = x -> relu as c1;",
        ),
    ]);
}

#[test]
fn inputs_and_entries() {
    let shape = "expected a shape such as `[28, 28, 1]`, found";
    check(&[
        (
            "input x [8, 8, 3];",
            "expected `:` and a shape such as `[28, 28, 1]`, found `[`; write `input x: [8, 8, 3]`",
            "input x: [8, 8, 3];",
        ),
        (
            "input [8, 8, 3];",
            "expected a name, found `[`; an input has a name: `input x: [8, 8, 3]`",
            "input [8, 8, 3];",
        ),
        (
            "input: x [8, 8, 3];",
            "expected a name, found `:`; the name stands before the `:`: `input x: [8, 8, 3]`",
            "input x: [8, 8, 3];",
        ),
        (
            "input x: float32[8, 8, 3];",
            &format!("{shape} `float32`; an input is described by its shape alone: `[8, 8, 3]`"),
            "input x: [8, 8, 3];",
        ),
        ("input x: 8x8x3;", "`8x8x3` is not a number; several sizes are a list: `[8, 8, 3]`", "input x: 8x8x3;"),
        (
            "input x: [8, 8, 3],\n    output y = x;",
            "expected `;`, found `,`; write `;`",
            "input x: [8, 8, 3];\n    output y = x;",
        ),
        (
            "h = x;\n    output: h;",
            "expected a name, found `:`; an output has a name and a value: `output h = h;`",
            "h = x;\n    output h = h;",
        ),
        (
            "train { loss cross_entropy(y); }",
            "expected `:`, found `cross_entropy`; write `loss: …`",
            "train { loss: cross_entropy(y); }",
        ),
        (
            "allow unused_value, no_activation;",
            "expected `(`, found `unused_value`; lints stand in parentheses: `allow(unused_value, no_activation);`",
            "allow(unused_value, no_activation);",
        ),
        ("if (big) q = 3;", "expected `{`, found `q`; statements stand in braces: `{ q = 3; }`", "if (big) { q = 3; }"),
    ]);
}

#[test]
fn comments_of_other_languages() {
    let comment = "unexpected character `#`; comments start with `//`";
    check(&[
        ("# it is 5\" wide\n    y = x;", comment, "// it is 5\" wide\n    y = x;"),
        ("y = x; # it's open /* here", comment, "y = x; // it's open /* here"),
        ("## two\n    y = x;", comment, "// two\n    y = x;"),
        ("#/ no doc\n    y = x;", comment, "// / no doc\n    y = x;"),
        ("y = x -> relu # first\n        -> tanh;", comment, "y = x -> relu // first\n        -> tanh;"),
    ]);
}

#[test]
fn headers() {
    let ty = "expected `:` and a type, found";
    for (text, message, mended) in [
        (
            "network N(classes = 10) {}",
            format!("{ty} `=`; a parameter has a type: `classes: int = 10`"),
            "network N(classes: int = 10) {}",
        ),
        (
            "network N(rate = -0.5) {}",
            format!("{ty} `=`; a parameter has a type: `rate: float = -0.5`"),
            "network N(rate: float = -0.5) {}",
        ),
        (
            "block R(x, n: int) -> [N] {}",
            format!("{ty} `,`; the type of a tensor is its shape: `x: [H, W, C]`"),
            "block R(x, n: int) -> [N] {}",
        ),
        ("network N: { y = x; }", "expected `{`, found `:`; leave out the `:`".to_owned(), "network N { y = x; }"),
        (
            "network my-net-2 { y = x; }",
            "expected `{`, found `-`; a name is made of letters, digits and `_`: `my_net_2`".to_owned(),
            "network my_net_2 { y = x; }",
        ),
        (
            "network \"N\" { y = x; }",
            "expected a name, found `\"N\"`; a name has no quotes: `network N`".to_owned(),
            "network N { y = x; }",
        ),
        (
            "block C(x: [N]) { return x; }",
            "expected `->` and the shape of the result, found `{`; a block tells the shape of what it returns: `block \
             Name(x: [H, W, C]) -> [H, W, C] { … }`"
                .to_owned(),
            "block C(x: [N]) { return x; }",
        ),
        (
            "block C(x: [N]): [N] { return x; }",
            "expected `->` and the shape of the result, found `:`; the shape of the result follows `->`".to_owned(),
            "block C(x: [N]) -> [N] { return x; }",
        ),
        (
            "class N(nn.Module):\n    def __init__(self):\n",
            "expected `network`, found `class`; a network begins with its name, and has its statements in braces: `network \
             N { … }`"
                .to_owned(),
            "class N(nn.Module):\n    def __init__(self):\n",
        ),
        (
            "import torch.nn as nn",
            "expected `network`, found `import`; the layers are a part of the language: leave the line out".to_owned(),
            "",
        ),
        (
            "network N { y = x; }}",
            "`}` closes nothing; remove it".to_owned(),
            "network N { y = x; }",
        ),
    ] {
        assert_eq!(told(text), (message, mended.to_owned()));
    }
}

/// What stands in the braces of a misspelt word is read as well.
#[test]
fn misspelt_words_hide_nothing() {
    for (text, titles) in [
        (
            "netwrok N { inptu x: [8]; ouptut y = x; }",
            &[
                "expected `network`, found `netwrok`",
                "expected a statement, found `inptu`",
                "expected a statement, found `ouptut`",
            ][..],
        ),
        (
            "N { input x: [8]; ouptut y = x; }",
            &["expected `network`, found `N`", "expected a statement, found `ouptut`"],
        ),
        (
            "import \"a.net\"; from fire import Fire;\nimport torch\nnetwork N { input x: [8]; }",
            &[
                "expected `network`, found `import`",
                "expected `network`, found `from`",
                "expected `network`, found `import`",
            ],
        ),
        (
            "network N {\n    Train { loss 3; }\n    training { batch 3; }\n    optimizer: adam;\n}",
            &[
                "expected a statement, found `Train`",
                "expected `:`, found `3`",
                "expected a statement, found `training`",
                "expected `:`, found `3`",
                "expected a statement, found the entry `optimizer`",
            ],
        ),
    ] {
        let (file, messages) = parse_text(text);
        let found: Vec<&str> =
            messages.lines().filter_map(|line| line.split_once("]: ").map(|(_, title)| title)).collect();
        assert_eq!(found, titles, "{text}");
        assert_eq!(file.networks.len(), 1, "{text}");
    }
}
