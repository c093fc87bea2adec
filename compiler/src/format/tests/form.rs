//! The form, case by case, and on the repository's own files.

use super::{files, formatted, try_format};
use crate::format::MAX_WIDTH;

/// In `network N { … }`: the lines are those of its body, without their indentation.
fn body(text: &str) -> String {
    let whole = formatted(&format!("network N {{\n{text}\n}}\n"));
    let inside = whole.strip_prefix("network N {\n").and_then(|rest| rest.strip_suffix("}\n")).expect(&whole);
    inside.lines().map(|line| line.strip_prefix("    ").unwrap_or(line).to_owned() + "\n").collect()
}

#[test]
fn bundled_networks_have_the_form() {
    for (path, text) in files("models") {
        assert_eq!(formatted(&text), text, "{}", path.display());
    }
}

#[test]
fn every_text_of_the_repository_can_be_formatted() {
    let mut n_formatted = 0;
    for (path, text) in files("tests").into_iter().chain(files("models")) {
        if try_format(&text).is_ok() {
            let long = formatted(&text)
                .lines()
                .filter(|line| line.chars().count() > MAX_WIDTH && !line.contains("//"))
                .count();
            assert_eq!(long, 0, "{}", path.display());
            n_formatted += 1;
        }
    }
    assert!(n_formatted > 60, "{n_formatted}");
}

#[test]
fn blanks_have_one_form() {
    for (text, expected) in [
        ("input   x :[ 4,4 , 3 ]  ;", "input x: [4, 4, 3];\n"),
        ("y=x->conv( 3,kernel :5 )as  c1;", "y = x -> conv(3, kernel: 5) as c1;\n"),
        ("y = x -> f() as a [ 0 ] [i+1] ;", "y = x -> f() as a[0][i + 1];\n"),
        ("y = - a*-b- - c/(d+e) ;", "y = -a * -b - -c / (d + e);\n"),
        ("y = not(a==b)and c<-1 or not true;", "y = not (a == b) and c < -1 or not true;\n"),
        ("a,b:[3]=split(x , 2,) ;", "a, b: [3] = split(x, 2);\n"),
        ("output y=a: [ ] ;", "output y = a: [];\n"),
        ("freeze a . b [ 1 ] . c,d;", "freeze a.b[1].c, d;\n"),
        ("allow( a , b ,) ;", "allow(a, b);\n"),
        ("assert a , \"b  c\" ;", "assert a, \"b  c\";\n"),
        ("return a , b;", "return a, b;\n"),
        ("const a = 1_0.5e-3;", "const a = 1_0.5e-3;\n"),
        ("y = (((x)));", "y = (((x)));\n"),
        ("for i in 0 .. n { }", "for i in 0..n {}\n"),
        ("for i,j in[ [ 1,2 ] ]{a=i;}", "for i, j in [[1, 2]] {\n    a = i;\n}\n"),
        ("if a{b=c;}else if d{\n}else{e=f;}", "if a {\n    b = c;\n} else if d {} else {\n    e = f;\n}\n"),
        ("train{loss :mse( y );}", "train { loss: mse(y); }\n"),
        ("train {\n\n}", "train {}\n"),
        ("train{a:1;lr ( b,c . d ):2;}", "train {\n    a: 1;\n    lr(b, c.d): 2;\n}\n"),
        ("budget {\n    parameters<=3;\n}", "budget { parameters <= 3; }\n"),
    ] {
        assert_eq!(body(text), expected, "{text}");
    }
}

#[test]
fn files_have_one_blank_line_between_what_has_braces() {
    let text = "\u{feff}\n\nuse<fire> ;\r\nuse \"a.net\";\n\n\nconst a=1;\nnetwork A(n:int=3,v:\"a\"|\"b\"=\"a\",){input x:[n];\n\n\n\noutput y=x;\n\n}\n\
        block B(x:[H,_],)->[H],[ _ ]{return x,x;}/// Docs.  \n\n///\n///  More.\nnetwork C{}\nallow(unused_value);";
    let expected = "use <fire>;\nuse \"a.net\";\n\nconst a = 1;\n\nnetwork A(n: int = 3, v: \"a\" | \"b\" = \"a\") {\n    \
        input x: [n];\n\n    output y = x;\n}\n\nblock B(x: [H, _]) -> [H], [_] {\n    return x, x;\n}\n\n\
        /// Docs.\n///\n///  More.\nnetwork C {}\n\nallow(unused_value);\n";
    assert_eq!(formatted(text), expected);
    assert_eq!(formatted(""), "");
    assert_eq!(formatted(" \n\n"), "");
    assert_eq!(formatted("\n\n// Nothing.  \r\n\n\n\n/* At all. */"), "// Nothing.\n\n/* At all. */\n");
}

#[test]
fn pipelines_keep_the_lines_of_their_author() {
    let text = "y = x\n-> conv(3)->relu\n\n->dense(3); z = x -> relu\n                -> tanh;";
    let expected = "y = x\n    -> conv(3) -> relu\n    -> dense(3);\nz = x -> relu\n    -> tanh;\n";
    assert_eq!(body(text), expected);
    // A break after the arrow is none.
    assert_eq!(body("y = x ->\nrelu ->\ntanh;"), "y = x -> relu -> tanh;\n");
    // Within a call, the break breaks the call too.
    let expected = "y = concat(\n    x,\n    z\n        -> relu,\n);\n";
    assert_eq!(body("y = concat(x, z\n-> relu);"), expected);
}

#[test]
fn what_does_not_fit_is_broken_at_its_loosest_place() {
    let conv = "conv(64, kernel: 3, stride: 2, pad: 1, bias: false)";
    assert_eq!(
        body(&format!("y = x -> {conv} as first -> {conv} as second: [1];")),
        format!("y = x\n    -> {conv} as first\n    -> {conv} as second: [1];\n")
    );
    // A line of the author's that is too long, between lines that are not.
    assert_eq!(
        body(&format!("y = x -> relu\n-> {conv} as first -> {conv} as second\n-> relu -> relu;")),
        format!("y = x -> relu\n    -> {conv} as first\n    -> {conv} as second\n    -> relu -> relu;\n")
    );
    let name = "a_name_that_is_forty_characters_in_length";
    assert_eq!(
        body(&format!("y = f({name}, g(3), a: {name}, b: {name}) -> relu -> tanh;")),
        format!("y = f(\n    {name},\n    g(3),\n    a: {name},\n    b: {name},\n) -> relu -> tanh;\n")
    );
    assert_eq!(
        body(&format!("y = {name} + {name} * 2 - ({name} + {name});")),
        format!("y = {name}\n    + {name} * 2\n    - ({name} + {name});\n")
    );
    assert_eq!(
        body(&format!("y = 3 * (1 + {name} + {name} + {name} + 1);")),
        format!(
            "y = 3\n    * (\n        1\n            + {name}\n            + {name}\n            + {name}\n            + 1\n    );\n"
        )
    );
    assert_eq!(
        body(&format!("if {name} and {name} or not {name} == 3 {{ a = b; }}")),
        format!("if {name} and {name}\n        or not {name} == 3 {{\n    a = b;\n}}\n")
    );
    assert_eq!(
        body(&format!("freeze {name}, {name}, {name}, {name};")),
        format!("freeze {name}, {name},\n    {name}, {name};\n")
    );
    assert_eq!(
        body(&format!("assert {name} > 0, \"{name} {name}\";")),
        format!("assert {name} > 0,\n    \"{name} {name}\";\n")
    );
    assert_eq!(
        formatted(&format!("block B(x: [H], {name}: int, b: int = 3) -> [{name}, H, {name}] {{}}")),
        format!("block B(x: [H], {name}: int, b: int = 3)\n    -> [{name}, H, {name}] {{}}\n")
    );
    assert_eq!(
        formatted(&format!("block B(x: [H], {name}: int, b{name}: int = 3, c{name}: int) -> [H] {{}}")),
        format!("block B(\n    x: [H],\n    {name}: int,\n    b{name}: int = 3,\n    c{name}: int,\n) -> [H] {{}}\n")
    );
}

#[test]
fn further_lines_of_a_list_without_brackets_are_indented_once() {
    let name = "a_name_that_is_forty_characters_in_length";
    let lines = format!("{name}, {name},\n    ").repeat(4) + name;
    let row = [name; 9].join(", ");
    assert_eq!(body(&format!("freeze {row};")), format!("freeze {lines};\n"));
    assert_eq!(body(&format!("return {row};")), format!("return {lines};\n"));
    assert_eq!(body(&format!("{row} = split(x, 9);")), format!("{lines} = split(x, 9);\n"));
    // What is broken within such a line stands deeper than it.
    assert_eq!(
        body(&format!("return x, f({row}), {name} + {name} + {name}, x;")),
        format!(
            "return x,\n    f(\n{}    ),\n    {name}\n        + {name}\n        + {name}, x;\n",
            format!("        {name},\n").repeat(9)
        )
    );
    let shapes = vec![format!("[{name}, H]"); 5].join(", ");
    assert_eq!(
        formatted(&format!("block B(x: [H]) -> {shapes} {{}}")),
        format!("block B(x: [H]) -> [{name}, H], [{name}, H],\n    [{name}, H], [{name}, H],\n    [{name}, H] {{}}\n")
    );
    let many: Vec<String> = (0..500).map(|index| format!("{name}{index}")).collect();
    let formatted = body(&format!("freeze {};", many.join(", ")));
    assert!(formatted.lines().skip(1).all(|line| line.starts_with("    a")), "{formatted}");
}

#[test]
fn settings_of_a_photograph_are_broken_before_its_shape() {
    let name = "a_name_that_is_forty_characters_in_length";
    assert_eq!(
        body(&format!("input image: [224, 224, 3] from photo(resize: {name}, mean: {name}, crop: 3);")),
        format!("input image: [224, 224, 3] from photo(\n    resize: {name},\n    mean: {name},\n    crop: 3,\n);\n")
    );
}

#[test]
fn long_lists_keep_their_rows() {
    let row = "[1000, 2000, 3000], [4000, 5000, 6000], [7000, 8000, 9000]";
    let one = "[1000, 2000, 3000],\n    [4000, 5000, 6000],\n    [7000, 8000, 9000]";
    assert_eq!(
        body(&format!("a = [{row}, {row}, {row}];")),
        format!("a = [\n    {one},\n    {one},\n    {one},\n];\n")
    );
    let wide = format!("{row}, [1, 2, 3], [4, 5, 6], [7, 8, 9]");
    let below = format!("a_name_as_long_as_this = [\n    {wide},\n];\n");
    assert_eq!(body(&below), below);
    // A row that is too long goes on in the next line.
    let half = "[1000, 2000, 3000], [4000, 5000, 6000]";
    assert_eq!(
        body(&format!("a = [{row},\n{row}, {row}];")),
        format!("a = [\n    {row},\n    {row}, {half},\n    [7000, 8000, 9000],\n];\n")
    );
    assert_eq!(body("a = [\n[1, 2],\n[3, 4],\n];"), "a = [[1, 2], [3, 4]];\n");
}

#[test]
fn comments_stay_where_they_belong() {
    for (text, expected) in [
        ("a = b; // one\n// two\n\n// three\nc = d;", "a = b; // one\n// two\n\n// three\nc = d;\n"),
        ("a = b // one\n;", "a = b; // one\n"),
        ("a = b /* one */;", "a = b /* one */;\n"),
        ("a = b; /* one */ c = d; /* two */\ne = f;", "a = b;\n/* one */ c = d; /* two */\ne = f;\n"),
        ("/* one\n  two */ a = b;", "/* one\n  two */ a = b;\n"),
        ("y = f(/* first */ a, /* second */ b);", "y = f(/* first */ a, /* second */ b);\n"),
        ("y = f(a, // first\nb // second\n);", "y = f(\n    a, // first\n    b, // second\n);\n"),
        ("y = f(a // first\n, b);", "y = f(\n    a, // first\n    b,\n);\n"),
        ("y = f(\n// all\na, b,\n// end\n);", "y = f(\n    // all\n    a,\n    b,\n    // end\n);\n"),
        ("y = f(// none\n);", "y = f( // none\n);\n"),
        ("y = f(/* none */);", "y = f(/* none */);\n"),
        ("y = x // in\n-> relu // r\n// own\n-> tanh;", "y = x // in\n    -> relu // r\n    // own\n    -> tanh;\n"),
        ("y = // odd\nx;", "y = // odd\n    x;\n"),
        ("freeze a. /* b */ c;", "freeze a. /* b */ c;\n"),
        (
            "if a // why\n{ b = c; // d\n\n// end\n} // then\nelse { }",
            "if a { // why\n    b = c; // d\n\n    // end\n} // then\nelse {}\n",
        ),
        ("train { /* none */ }", "train { /* none */ }\n"),
        ("train { a: 1; // one\n}", "train {\n    a: 1; // one\n}\n"),
        ("train {\n\n// own\n\na: 1;\n\n}", "train {\n    // own\n\n    a: 1;\n}\n"),
        (
            "/// Docs.\n// and\ninput x: [4]; /// More.\n\noutput y = x;",
            "/// Docs.\n// and\ninput x: [4];\n/// More.\noutput y = x;\n",
        ),
        ("//// Four.\r\na = b;\t// e \t\r\n", "//// Four.\na = b; // e\n"),
    ] {
        assert_eq!(body(text), expected, "{text}");
    }
    assert_eq!(
        formatted("// head\n\nnetwork A {} // a\n// of b\n/* close */ network B {}\n\n\n// end"),
        "// head\n\nnetwork A {} // a\n\n// of b\n/* close */ network B {}\n\n// end\n"
    );
    assert_eq!(
        formatted("network A(/// One.\na: int, // one\n/// Two.\nb: int) {}"),
        "network A(\n    /// One.\n    a: int, // one\n    /// Two.\n    b: int,\n) {}\n"
    );
}
