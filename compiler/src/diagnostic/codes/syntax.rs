//! N00xx: the text itself, its limits, characters and syntax.

crate::diagnostic::code::codes! {
N0001, "the text is too large",
"A `.net` text may have 1 MiB. Larger files are data, or generated without loops; they are refused before they are read
as a network.

```text
network N { … a million lines, one for each layer … }
```

Write what repeats once, as a loop or a block, and keep numbers such as weights in files of their own:

```text
network N { … for i in 0..1_000 { x = x -> Cell; } … }
```";

N0002, "brackets are nested too deeply",
"Parentheses, square brackets and braces may be nested 128 deep, in all. Name a part of the expression and use the name.

```text
output y = relu(relu(relu( … two hundred times … x … )));
```

Give what is inside a name, or write the calls in a row:

```text
inner = x -> relu -> relu -> relu;
output y = inner -> relu -> relu;
```";

N0003, "the text has too many words",
"A text may have 100,000 tokens: names, numbers, strings and signs. Comments and white space do not count.

```text
y = x -> dense(4) -> relu -> dense(4) -> relu -> … twenty thousand times …
```

A loop or a block says the same in a few:

```text
y = x;
for i in 0..20 { y = y -> dense(4) -> relu; }
```";

N0004, "a character that the language does not use",
"Outside comments and strings the language uses letters, digits, `_` and a few signs. Control characters, and the
marks that change the direction of text, are refused everywhere, because what they do cannot be seen.

```net
network N { input x: [5 % 4]; output y = x -> relu; }
```

Remove the character, or write the operation with what the language has:

```net
network N { input x: [5 - 4]; output y = x -> relu; }
```";

N0005, "the expression is too deep",
"An expression may have 256 operators inside each other. A sum of a thousand terms is such a chain: name a part of it
and use the name.

```text
output y = a + a + a + … three hundred times …;
```

Write the first half as a value of its own, or add in a loop:

```text
half = a + a + … a hundred and fifty times …;
output y = half + half;
```";

N0006, "the string is not closed",
"A string starts and ends with `\"` on the same line. Inside, `\\\"` is a quotation mark and `\\\\` a backslash.

```net
network N(version: \"1.0 = \"1.0\") { input x: [4]; output y = x; assert version == \"1.0\"; }
```

Close it:

```net
network N(version: \"1.0\" = \"1.0\") { input x: [4]; output y = x; assert version == \"1.0\"; }
```";

N0007, "the comment is not closed",
"A comment that starts with `/*` ends with `*/`. Such comments nest, at most 64 deep, so each start needs an end of
its own.

```net
network N { input x: [4]; output y = x; } /* the end
```

Close it, or write `//` for a comment to the end of the line:

```net
network N { input x: [4]; output y = x; } // the end
```";

N0008, "an unknown escape in a string",
"After a backslash a string knows `\\\"`, `\\\\`, `\\n` and `\\t`.

```net
network N(version: \"1\\.0\" = \"1.0\") { input x: [4]; output y = x; assert version == \"1.0\"; }
```

Write the character itself:

```net
network N(version: \"1.0\" = \"1.0\") { input x: [4]; output y = x; assert version == \"1.0\"; }
```";

N0009, "a malformed number",
"A whole number is digits, which `_` may group: `1_300_000`. Any other number has digits on both sides of the dot, and
may have an exponent: `0.5`, `2.5e-3`; before an exponent the dot may be missing: `1e-3`. There are no suffixes and no
other bases.

```net
network N { input x: [4]; output y = x -> dropout(.5) -> dense(2); }
```

Write the digit before the dot:

```net
network N { input x: [4]; output y = x -> dropout(0.5) -> dense(2); }
```";

N0010, "a number out of range",
"Whole numbers go up to 9,223,372,036,854,775,807 (64 bits with sign), other numbers up to about 1.8e308 (64 bits).

```net
network N { input x: [99999999999999999999]; output y = x; }
```

Such a number is a slip in nearly every case:

```net
network N { input x: [9]; output y = x; }
```";

N0011, "a letter that names cannot have",
"Names are made of the letters a to z and A to Z, digits and `_`, because they become names of Rust and of weights in
files. Comments and strings may use any script.

```net
network N { input größe: [4]; output y = größe; }
```

Write the name in those letters:

```net
network N { input groesse: [4]; output y = groesse; }
```";

N0012, "a bracket without its partner",
"Every `(`, `[` and `{` is closed by its own kind, in the statement in which it was opened.

```net
network N { input x: [4]; output y = relu(x; }
```

Close it:

```net
network N { input x: [4]; output y = relu(x); }
```";

N0013, "something else was expected here",
"The text does not follow the grammar at this place; the message says what could stand here and what does.

```net
network N { input x: [8, 8, 1]; output y = x -> conv(8 kernel: 3); }
```

Here a comma is missing:

```net
network N { input x: [8, 8, 1]; output y = x -> conv(8, kernel: 3); }
```";

N0014, "a statement without `;`",
"Every statement and every entry of `train` ends with `;`. A section in braces does not.

```net
network N {
    input x: [4]
    output y = x;
}
```

End it:

```net
network N {
    input x: [4];
    output y = x;
}
```";

N0015, "not in this version of the language",
"The word `compress` is kept for a section that this version of the language does not have yet.

```net
network N { input x: [4]; output y = x; compress { bits: 5; } }
```

Leave it out:

```net
network N { input x: [4]; output y = x; }
```";

N0016, "a keyword used as a name",
"Words that the language itself uses cannot name a network, parameter, value or argument. Layers are not keywords: a
value may be called `relu`.

```net
network N { input output: [4]; output y = output; }
```

Choose another name:

```net
network N { input x: [4]; output y = x; }
```";

N0017, "a stage that is not a layer",
"What stands right of `->` is the name of a layer, with arguments in parentheses where it needs some. Arithmetic is
written outside of pipelines.

```net
network N { input x: [4]; output y = x -> 2 * relu; }
```

Use the pipeline's result:

```net
network N { input x: [4]; output y = x * (x -> relu); }
```";

N0018, "a positional argument after a named one",
"Arguments without a name come first, in the layer's order; named ones follow in any order.

```net
network N { input x: [8, 8, 1]; output y = x -> conv(kernel: 3, 8); }
```

Put it first, or name it:

```net
network N { input x: [8, 8, 1]; output y = x -> conv(8, kernel: 3); }
```";

N0019, "`=` and `:` mixed up",
"Inside parentheses an argument is named with `:`. A statement gives a name its value with `=`.

```net
network N { input x: [8, 8, 1]; output y = x -> conv(8, kernel = 3); }
```

Write the other sign:

```net
network N { input x: [8, 8, 1]; output y = x -> conv(8, kernel: 3); }
```";

N0020, "comparisons in a row",
"A comparison gives a truth value, which cannot be compared again.

```net
network N(a: int = 1, ok: bool = 0 < a < 4) { input x: [4]; output y = x; assert ok; }
```

Compare twice:

```net
network N(a: int = 1, ok: bool = 0 < a and a < 4) { input x: [4]; output y = x; assert ok; }
```";

N0021, "two shape annotations on one statement",
"The shape of a value is written after its name or at the end of the statement, not in both places.

```net
network N { input x: [4]; output y: [4] = x: [4]; }
```

Keep one:

```net
network N { input x: [4]; output y: [4] = x; }
```";

N0022, "a doc comment that documents nothing",
"A comment with `///` describes what follows it: a network, a parameter, an input, a value, an output or a `train`
section. Anywhere else it would be lost.

```net
network N { input x: [4]; output y = x; /// the end
}
```

Write `//` for an ordinary comment:

```net
network N { input x: [4]; output y = x; // the end
}
```";

N0023, "a statement outside a network",
"Inputs, values, outputs and `train` belong to a network and stand in its braces.

```net
input x: [4];
```

Put them in one:

```net
network N { input x: [4]; output y = x; }
```";
}
